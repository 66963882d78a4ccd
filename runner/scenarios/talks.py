"""The talks of one run of a bot: an update becomes a step, and a step becomes effects."""

from __future__ import annotations

import logging
from zlib import crc32

import orjson

from dialogs.messages import render
from dialogs.scenarios import (
    REPEATED_TAP,
    Answer,
    Conversation,
    Edit,
    Effect,
    Event,
    EventKind,
    Failure,
    Log,
    Migration,
    Scenario,
    Send,
    Tag,
    Untag,
    migrate,
    moved_log,
    step,
)
from dialogs.scenarios.effects import VALUE_NOT_SAVED
from models.engine.base import now
from models.messaging.effects import Effects, OutgoingMessage, Taken, Talk, TalkKey
from runner.kept_json import kept_json
from runner.scenarios.loaded import Loaded
from runner.scenarios.memory import TalkMemory
from runner.scenarios.store import TalkStore
from runner.scenarios.talk_log import log_entry
from runner.scenarios.updates import Me, read_occasion
from runner.sending.calls import outgoing_messages
from runner.updates.incoming import IncomingUpdate

# Why a talk was moved to another version, as its log tells: docs/scenarios.md explains the words.
RESTART, VERSION_GONE, NEW_VERSION = "restart", "version gone", "new version"

_FIRST_VISITS = 1_000_000

log = logging.getLogger("botyard.runner")


class MustWait(Exception):
    """An update cannot be handled at once: something has to be read from the database before."""


class Talks:
    """Runs the scenario of a bot.

    Args:
        bot_id: the bot.
        store: reads scenarios and talks.

    Attributes:
        version: of the scenario that the bot runs; 0 for none.
    """

    def __init__(self, bot_id: int, store: TalkStore) -> None:
        self.version = 0
        self._bot_id = bot_id
        self._store = store
        self._memory = TalkMemory(bot_id, store)

    # -- changes from outside

    def publish(self, version: int) -> None:
        """Run a version from the next update on, unless there is a later one already."""
        self.version = max(self.version, version)

    def forget(self) -> None:
        """Read all talks anew: some of them were deleted."""
        self._memory.forget()

    def stored(self, talk: Talk) -> None:
        """Learn that it is on the disk where a talk stands now, unless it was deleted meanwhile."""
        self._memory.put(talk)

    # -- a step

    async def respond(
        self, update: IncomingUpdate, me: Me, effects: Effects, *, at_once: bool
    ) -> None:
        """Take the step that an update leads to.

        Args:
            me: the bot.
            effects: get what is to be stored and done.
            at_once: True if nothing may be waited for.

        Raises:
            MustWait: something would have to be; nothing was done.
        """
        effects.moved_to = update.moved_to
        if update.moved_to is not None:
            self._memory.change_chat()
        occasion = read_occasion(update, me)
        if occasion is None:
            return
        key = occasion.key
        if key is None:  # a message of the bot that somebody has sent in another chat
            effects.calls.append(_answer(update, ""))
            return
        present = await self._version(self.version, at_once=at_once)
        if present is None:
            raise RuntimeError(f"version {self.version} of the scenario is not stored")
        if not occasion.is_addressed and present.scenario.groups != "all":
            return
        memory = self._memory.number
        talk = await self._find(key, at_once=at_once)
        scenario, before, moved = await self._placed(present, talk, occasion.event, at_once=at_once)
        if before is None:
            before = Conversation(
                scenario.version, visit=first_visit(key.user_id, update.update_id)
            )
        after, done = step(scenario, before, occasion.event, now())
        self._memory.take(key)
        for effect in done:
            self._add(effect, update, key, occasion.event, effects)
        entry = log_entry(update, occasion.event, [*moved, *done], effects.messages)
        effects.talk = Talk(
            key,
            after.version,
            kept_json(after.to_json()),
            entry.whole,
            _taken(done),
            _tags(done),
            is_new=talk is None,
            memory=memory,
            wordless=entry.wordless,
        )

    async def _version(self, n: int, *, at_once: bool) -> Loaded | None:
        """Return a version; None if there is none of this number."""
        loaded = self._store.scenarios.get(self._bot_id, n)
        if loaded is None:
            if at_once:
                raise MustWait
            loaded = await self._store.scenario(self._bot_id, n)
        return loaded

    async def _find(self, key: TalkKey, *, at_once: bool) -> Conversation | None:
        """Return a talk; None for a new one."""
        is_known, talk = self._memory.find(key)
        if is_known:
            return talk
        if at_once:
            raise MustWait
        return await self._memory.read(key)

    async def _placed(
        self, present: Loaded, talk: Conversation | None, event: Event, *, at_once: bool
    ) -> tuple[Scenario, Conversation | None, list[Log]]:
        """Move a talk to the present version if it can.

        Returns:
            The version that it is in then, the talk, and what its log tells of the move.
        """
        new = present.scenario
        if talk is None or talk.version == new.version:
            return new, talk, []
        old = await self._version(talk.version, at_once=at_once)
        restarts = talk.version < present.restarts_before
        word = NEW_VERSION
        if old is None or restarts or not talk.state:
            moved = migrate(talk, new, new, Migration.RESTART)
            if talk.state:
                word = RESTART if restarts else VERSION_GONE
        else:
            moved = migrate(talk, old.scenario, new, Migration.KEEP)
            if moved is None and event.command == "start":
                moved = migrate(talk, new, new, Migration.RESTART)  # and begins with what is new
            if moved is None:
                return old.scenario, talk, []
        told = moved and moved_log(talk, moved, word)
        return new, moved, [told] if told else []

    def _add(
        self, effect: Effect, update: IncomingUpdate, key: TalkKey, event: Event, effects: Effects
    ) -> None:
        match effect:
            case Send():
                effects.messages += outgoing_messages(
                    key.chat_id, effect.message, effect.values, topic_id=key.topic_id or None
                )
            case Answer() if event.kind is EventKind.TAP:
                effects.calls.append(_answer(update, effect.text))
            case Edit():
                if (call := _shown_again(effect, update, key.chat_id)) is not None:
                    effects.calls.append(call)
            case Failure():
                # its owner finds it in the log of the talk; people cause some as often as they like
                log.log(
                    logging.DEBUG if effect.code == VALUE_NOT_SAVED else logging.WARNING,
                    "bot %d: update %d: %s (%s)",
                    self._bot_id, update.update_id, effect.message, effect.code,
                )  # fmt: skip


def first_visit(user_id: int, update_id: int) -> int:
    """Return where a new talk begins to count its visits.

    The buttons of another talk, of somebody else in the group or of one that was deleted, belong to
    other visits: a tap on one of them is a tap on an old menu.

    Args:
        update_id: the first update of the talk.
    """
    return crc32(f"{user_id} {update_id}".encode()) % _FIRST_VISITS


def _taken(done: list[Effect]) -> tuple[Taken, ...]:
    """Return the steps that statistics count."""
    return tuple(
        (one.state, one.transition, one.to)
        for one in done
        if isinstance(one, Log) and one.transition != REPEATED_TAP
    )


def _tags(done: list[Effect]) -> dict[str, bool]:
    """Return which tags the user gets (True) and loses (False); the last word counts."""
    changed: dict[str, bool] = {}
    for one in done:
        if isinstance(one, Tag | Untag):
            changed |= dict.fromkeys(one.tags, isinstance(one, Tag))
    return changed


def _answer(update: IncomingUpdate, text: str) -> OutgoingMessage:
    parameters = {"callback_query_id": str(update.content.get("id", ""))}
    if text:
        parameters["text"] = text
    return OutgoingMessage(update.chat_id or 0, "answerCallbackQuery", orjson.dumps(parameters))


def _shown_again(effect: Edit, update: IncomingUpdate, chat_id: int) -> OutgoingMessage | None:
    """Return the call that shows other buttons below the message that was tapped."""
    message = update.content.get("message")
    number = message.get("message_id") if isinstance(message, dict) else None
    calls = render(effect.message, effect.values)
    if not calls or not isinstance(number, int):
        return None
    parameters = {
        "chat_id": chat_id,
        "message_id": number,
        "reply_markup": calls[-1].parameters.get("reply_markup", {"inline_keyboard": []}),
    }
    return OutgoingMessage(chat_id, "editMessageReplyMarkup", orjson.dumps(parameters))
