"""What the runner writes for each update and each message; see `models.messaging.flush`."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.bots.records import Writer
from models.messaging.effects import OutgoingMessage, Talk
from models.messaging.messages import MessageState, SendReason
from models.messaging.received import ChatInfo, Received

Key = tuple[int, int]  # bot id, update id


@dataclass(frozen=True, slots=True)
class Handled:
    """The mark of a handled update, with the rows of its effects.

    Args:
        writer: the bot.
        update_id: the update.
        chat_id: the update's chat.
        messages, blocked, talk, calls, moved_to: as for `models.messaging.effects.Effects`.
        received: what the history keeps of the update; None for nothing.
        chat: what the update tells of its chat.
    """

    writer: Writer
    update_id: int
    chat_id: int | None = None
    messages: list[OutgoingMessage] = field(default_factory=list)
    blocked: bool | None = None
    received: Received | None = None
    chat: ChatInfo | None = None
    talk: Talk | None = None
    calls: list[OutgoingMessage] = field(default_factory=list)
    moved_to: int | None = None

    @property
    def key(self) -> Key:
        """The key of the update."""
        return self.writer.bot_id, self.update_id


@dataclass(frozen=True, slots=True)
class Batch:
    """The updates of one getUpdates of one bot.

    Args:
        writer: the bot.
        rows: update ids with the updates as JSON, ascending.
        offset: the offset that confirms them.
        handled: the marks of those that are handled already. If one is not new, its mark is
            ignored.
    """

    writer: Writer
    rows: list[tuple[int, bytes]]
    offset: int
    handled: list[Handled] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Claim:
    """A person's message that is about to be sent.

    Args:
        writer: the bot.
        ids: its rows.
    """

    writer: Writer
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a message.

    Args:
        writer: the bot.
        rows: the ids of its rows, each with Telegram's message id, if it was sent.
        reason, detail: why it was not sent; None if it was.
        blocked: the chat that refuses messages from now on; None for none.
        file_ids: the files that were uploaded with it, each with Telegram's id.
    """

    writer: Writer
    rows: list[tuple[int, int | None]]
    state: MessageState
    reason: SendReason | None = None
    detail: str | None = None
    blocked: int | None = None
    file_ids: tuple[tuple[int, str], ...] = ()


Mark = Handled | Claim | Result


@dataclass(frozen=True, slots=True)
class Flush:
    """The pending writes of all bots, for one commit.

    Args:
        batches: new updates.
        marks: the other writes, in their order.
    """

    batches: list[Batch] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Flushed:
    """What was written.

    Args:
        new: the updates that were not stored before.
        early: those of them that were handled already.
        messages: the ids of new messages that go out, in their order, by update.
        received: the ids of new messages from people.
        interrupted: the bots of which a talk is not stored: it was deleted while it took a step,
            or its bot has another token or owner now.
        claimed: the method and parameters of claimed messages, by the id of their first row; the
            others are not to be sent any more.
    """

    new: frozenset[Key]
    early: frozenset[Key]
    messages: dict[Key, list[int]]
    received: list[int]
    interrupted: frozenset[int]
    claimed: dict[int, tuple[str, bytes]]
