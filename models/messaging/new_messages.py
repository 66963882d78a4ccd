"""The rows of new messages, of both directions: what an update said, and what the bot answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from models.engine import bulk
from models.errors import NotOwner
from models.messaging.marks import Handled, Key
from models.messaging.received import Received

# Only for updates that are not marked: after a commit whose outcome was not known, the same is
# written once more.
_UNMARKED = (
    "JOIN updates ON updates.bot_id = given.column1 AND updates.update_id = given.column3 "
    "AND updates.handled_at IS NULL "
)
_INSERT = (
    "INSERT INTO messages (bot_id, chat_id, lane, state, method, parameters, typing, update_id, "
    "created_at, kind, text, telegram_id, content, sender_id, topic_id, done_at) "
    "SELECT given.column1, given.column4, 0, given.column10, given.column5, given.column6, "
    "given.column7, given.column3, ?, given.column11, given.column12, "
    "CAST(given.column13 AS BIGINT), given.column14, CAST(given.column15 AS BIGINT), "
    "CAST(given.column16 AS BIGINT), "
    "CASE given.column10 WHEN 'received' THEN given.column17 END "
    "FROM (VALUES ROWS) AS given {unmarked}"
    "JOIN bots ON bots.id = given.column1 AND bots.token_generation = given.column2 "
    "AND COALESCE(bots.owner_id, 0) = given.column9 "
    "AND (bots.history OR given.column10 <> 'received') "
    "ORDER BY given.column8 RETURNING bot_id, update_id, id, state"
)
_INSERT_IF_UNMARKED = _INSERT.format(unmarked=_UNMARKED)
_INSERT_EARLY = _INSERT.format(unmarked="")


@dataclass(slots=True)
class NewMessages:
    """The ids of new rows, by update.

    Args:
        outgoing: of what is to be sent, in order.
        received: of what a person sent.
    """

    outgoing: dict[Key, list[int]] = field(default_factory=dict)
    received: dict[Key, int] = field(default_factory=dict)

    def add(self, other: NewMessages) -> None:
        """Add those of another statement, which are of other updates."""
        self.outgoing |= other.outgoing
        self.received |= other.received

    def last(self, key: Key) -> int:
        """Return the last id of an update's messages; 0 if it has none."""
        return max(self.received.get(key, 0), *self.outgoing.get(key, (0,)))


def insert(handled: list[Handled], moment: Any) -> NewMessages:
    """Insert the messages of updates that are not marked as handled yet.

    Raises:
        NotOwner: a bot with messages to send was deleted, or has another token or owner.
    """
    new = _insert(_INSERT_IF_UNMARKED, handled, moment)
    for mark in handled:
        if mark.messages and mark.key not in new.outgoing:
            new.outgoing[mark.key] = _stored_before(mark)
    return new


def insert_early(early: list[Handled], moment: Any) -> NewMessages:
    """Insert messages of updates that this transaction stores, for bots that it has checked."""
    return _insert(_INSERT_EARLY, early, moment)


def _insert(sql: str, handled: list[Handled], moment: Any) -> NewMessages:
    places = count()  # over all, so that the rows of an album stay together
    rows = [
        (*mark.writer[:2], mark.update_id, *first, next(places), mark.writer.owner_id, *rest)
        for mark in handled
        for first, rest in _columns(mark, moment)
    ]
    new = NewMessages()
    for bot_id, update_id, number, state in bulk.run_in_few_statements(sql, rows, moment).returned:
        if state == "received":
            new.received[bot_id, update_id] = number
        else:
            new.outgoing.setdefault((bot_id, update_id), []).append(number)
    for numbers in new.outgoing.values():
        numbers.sort()
    return new


_Columns = tuple[tuple[Any, ...], tuple[Any, ...]]


def _columns(mark: Handled, moment: Any) -> Iterator[_Columns]:
    """Return the columns of each row: those before its place, and those after its owner."""
    if mark.received is not None and not mark.received.is_edit and mark.chat_id is not None:
        yield (mark.chat_id, "", b"", 0), _of_received(mark.received)
    for message in mark.messages:
        nothing = None, None, b"", None, None, moment
        yield (
            (message.chat_id, message.method, message.parameters, message.typing),
            ("sending", None, message.text, *nothing[1:]),
        )
        for _ in range(message.size - 1):
            yield (message.chat_id, "", b"", 0), ("sending", None, *nothing)


def _of_received(received: Received) -> tuple[Any, ...]:
    return (
        "received",
        received.kind,
        received.text,
        received.telegram_id,
        received.content,
        received.sender_id,
        received.topic_id,
        bulk.stored(received.sent_at),
    )


def _stored_before(mark: Handled) -> list[int]:
    sql = (
        "SELECT messages.id FROM messages "
        "JOIN bots ON bots.id = messages.bot_id AND bots.token_generation = ? "
        "AND COALESCE(bots.owner_id, 0) = ? "
        "WHERE bot_id = ? AND lane = 0 AND state IN ('queued', 'sending') AND update_id = ? "
        "ORDER BY messages.id"
    )
    bot_id, token_generation, owner_id = mark.writer
    rows = bulk.select(sql, token_generation, owner_id, bot_id, mark.update_id)
    if not rows:
        raise NotOwner("a bot with new messages was deleted, or has another token or owner")
    return [number for (number,) in rows]
