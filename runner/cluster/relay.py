"""Events of bots that other processes run, for the readers of this one; and the other way round.

Bells carry ids only: who hears one reads the rows, and hands them to its own readers. An owner who
reads their events in another process is told to all processes now and then, so that what happens to
messages, which is much, is told only while somebody wants to know.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from models.bots import bots, runs
from models.bots.vault import Vault
from models.engine.base import now
from models.engine.database import Database
from models.engine.doorbell import Bell
from models.errors import StorageError
from runner.cluster.message_relay import MessageRelay, Spawn
from runner.live.events import EventKind
from runner.runner import Runner
from runner.states import BotState, BotStatus

log = logging.getLogger("botyard.cluster")

SAVE = 1.0  # seconds between two times that polls are stored for those who read elsewhere
TELL = 10.0  # seconds between two bells about who reads events here
FORGET = 25.0  # seconds after which somebody is no longer believed to read them elsewhere
AT_ONCE = 198  # ids of a bell; those of chats are three each


class Relay:
    """Passes events on between processes.

    Args:
        db: the database.
        vault: decrypts the stored tokens.
        runner: the bots of this process.
        process_id: returns this process.
        spawn: starts a task with a name.
    """

    def __init__(
        self,
        db: Database,
        vault: Vault,
        runner: Runner,
        *,
        process_id: Callable[[], int | None],
        spawn: Spawn,
    ) -> None:
        self._db = db
        self._vault = vault
        self._runner = runner
        self._process_id = process_id
        self._spawn = spawn
        self._elsewhere: dict[int, float] = {}  # users, and until when they are believed to read
        self._messages = MessageRelay(db, runner.events, ring=self._ring, spawn=spawn)
        self._shown: dict[int, tuple[BotState, object]] = {}  # what was told last, by bot
        runner.events.relay = self
        runner.counters.elsewhere = self._last_seen

    # -- what happens here

    def reads_elsewhere(self, user_id: int) -> bool:
        """Return True if a user reads their events in another process."""
        until = self._elsewhere.get(user_id)
        if until is None:
            return False
        if asyncio.get_running_loop().time() < until:
            return True
        del self._elsewhere[user_id]
        return False

    def published(self, user_id: int, kind: EventKind, bot_id: int, data: Any) -> None:
        """Pass on an event of a bot of this process; states and counters are rows anyway."""
        if kind is EventKind.STATE:
            self._shown[bot_id] = _story(data)  # its own bell must not tell it once more
        if kind is EventKind.DELETED:
            self._shown.pop(bot_id, None)
            # also if nobody is known to read elsewhere: who has just begun has not been heard yet,
            # and there is no row that could tell them later
            self._spawn(self._ring(Bell.DELETED, [user_id, bot_id]), "bell of a deletion")
        elif self.reads_elsewhere(user_id):
            self._messages.published(user_id, kind, bot_id, data)

    @property
    def audience(self) -> set[int]:
        """The users who read their events in other processes."""
        return {user_id for user_id in list(self._elsewhere) if self.reads_elsewhere(user_id)}

    def listening(self, user_id: int) -> None:
        """Learn that a user's events are gathered here from now on."""
        self._spawn(self._ring(Bell.LISTENERS, [user_id]), "bell of a listener")

    def restarted(self) -> None:
        """Learn that all readers begin anew: what they were told before no longer counts."""
        self._shown.clear()

    async def tell_listeners(self) -> None:
        """Tell the others whose events are gathered here; called every `TELL` seconds."""
        if users := self._runner.events.users:
            await self._ring(Bell.LISTENERS, sorted(users))

    async def _ring(self, bell: Bell, ids: list[int]) -> None:
        for start in range(0, len(ids), AT_ONCE):
            await self._db.ring(bell, [self._process_id() or 0, *ids[start : start + AT_ONCE]])

    # -- what happens elsewhere

    def heard(self, bell: Bell, ids: list[int]) -> None:
        """Learn of a bell that may be about events."""
        hub = self._runner.events
        if bell is Bell.RUNS:
            if hub.users:
                self._spawn(self._show_bots(ids), "events of bots elsewhere")
            else:  # nobody is told, so that it is not known what was told last
                for bot_id in ids:
                    self._shown.pop(bot_id, None)
            return
        sender, *rest = ids or [0]
        if sender == self._process_id():
            return
        if bell is Bell.LISTENERS:
            until = asyncio.get_running_loop().time() + FORGET
            self._elsewhere.update(dict.fromkeys(rest, until))
        elif bell is Bell.DELETED and len(rest) == 2:
            self._shown.pop(rest[1], None)
            hub.publish_here(rest[0], EventKind.DELETED, rest[1])
        else:
            self._messages.heard(bell, rest)

    async def _show_bots(self, bot_ids: list[int]) -> None:
        runner = self._runner
        foreign = [bot_id for bot_id in bot_ids if runner.manager.find(bot_id) is None]
        if not foreign:
            return
        try:
            users = sorted(runner.events.users)
            pairs = await runner.views.show(bots.among, self._vault, foreign, users)
        except StorageError as error:
            log.debug("events of bots elsewhere were not read: %s", error)
            return
        for bot_id in {*foreign} - {bot.id for bot, _ in pairs}:
            self._shown.pop(bot_id, None)  # as above: who reads next begins with a newer state
        for bot, status in pairs:
            # meanwhile it may run here, and be told by its own run
            if runner.manager.find(bot.id) is None and self._shown.get(bot.id) != _story(status):
                self._shown[bot.id] = _story(status)
                runner.events.publish_here(bot.user_id, EventKind.STATE, bot.id, status)

    async def _last_seen(self, user_ids: list[int]) -> dict[tuple[int, int], BotStatus]:
        rows = await self._db.read(runs.last_seen, user_ids, self._process_id() or 0)
        moment = now()
        return {
            (user_id, bot_id): BotStatus(
                BotState.RUNNING, None, None, moment, last_poll_at=poll, last_update_at=update
            )
            for user_id, bot_id, poll, update in rows
        }

    async def save_polls(self) -> None:
        """Store when the bots have polled last whose owners look at them in other processes.

        It is called every `SAVE` seconds.

        Raises:
            StorageError: nothing was written.
        """
        if self._elsewhere:
            watched = {user for user in list(self._elsewhere) if self.reads_elsewhere(user)}
            await self._runner.save_polls(watched)


def _story(status: BotStatus) -> tuple[BotState, object]:
    """Return what tells one state from the next, in events and in rows alike."""
    return status.state, status.reason
