"""The talks of one run of a bot that are in memory, and whether there are others on the disk."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import count

import orjson

from dialogs.scenarios import Conversation
from models.messaging.effects import Talk, TalkKey
from runner.scenarios.store import TalkStore

MAX_READ = 300  # talks of a bot that are read together, in a millisecond or so
_ATTEMPTS = 3  # to read them while nothing happens in one of them

_numbers = count()


class TalkMemory:
    """Finds talks without a read where it can.

    A bot with few talks has all of them in memory once it has read them; then one that is not there
    is new. What is in memory is on the disk: a step takes a talk out, and its commit puts it back.

    Args:
        bot_id: the bot.
        store: reads talks, and keeps those of all bots.

    Attributes:
        number: tells this memory from that of another run, and from that before `forget`.
    """

    def __init__(self, bot_id: int, store: TalkStore) -> None:
        self.number = next(_numbers)  # what an earlier run has kept may have changed elsewhere
        self._bot_id = bot_id
        self._store = store
        self._taken: set[TalkKey] = set()  # by steps, and not put back: only the disk has them
        self._changes = 0
        self._attempts = _ATTEMPTS
        self._has_moved = False

    def find(self, key: TalkKey) -> tuple[bool, Conversation | None]:
        """Look for a talk.

        Returns:
            True if it is known without a read where it stands; and the talk, None for a new one.
        """
        cache = self._store.cache
        found = cache.get(self._cached(key))
        if found is not None:
            return True, _conversation(found)
        return cache.has_all(self.number) and key not in self._taken, None

    async def read(self, key: TalkKey) -> Conversation | None:
        """Read a talk, and all others of the bot if they are few; None for a new one."""
        if self._attempts > 0 and not self._has_moved:
            await self._read_all()
            is_known, found = self.find(key)
            if is_known:
                return found
        talk = await self._store.talk(self._bot_id, key)
        return None if talk is None else _conversation(talk.state)

    async def _read_all(self) -> None:
        before = self.number, self._changes
        talks = await self._store.talks(self._bot_id, limit=MAX_READ + 1)
        self._attempts -= 1
        if len(talks) > MAX_READ:
            self._attempts = 0
        # What has happened meanwhile may have been read or not.
        elif before == (self.number, self._changes) and not self._has_moved:
            self._store.cache.keep_all(self.number)
            for talk in talks:
                if talk.key not in self._taken:
                    self._keep(talk)

    def take(self, key: TalkKey) -> None:
        """Let go of a talk that takes a step, until its commit puts it back."""
        self._changes += 1
        self._taken.add(key)
        self._store.cache.drop(self._cached(key))

    def put(self, talk: Talk) -> None:
        """Keep where a talk stands on the disk now, unless it may have been deleted since."""
        self._changes += 1
        if talk.memory == self.number:
            self._taken.discard(talk.key)
            self._keep(talk)

    def _keep(self, talk: Talk) -> None:
        self._store.cache.put(self._cached(talk.key), talk.state)

    def forget(self) -> None:
        """Read all talks anew: some of them were deleted."""
        self._store.cache.lose_overview(self.number)
        self.number = next(_numbers)
        self._attempts = _ATTEMPTS

    def change_chat(self) -> None:
        """Prepare for talks that get another chat: from now on there are some only on the disk."""
        self._store.cache.lose_overview(self.number)
        self._has_moved = True

    def _cached(self, key: TalkKey) -> tuple[Hashable, ...]:
        return self.number, *key


def _conversation(state: bytes) -> Conversation:
    return Conversation.from_json(orjson.loads(state))
