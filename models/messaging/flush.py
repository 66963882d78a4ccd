"""The runner's writes for each update and each message, those of all bots in one transaction.

They are plain SQL, because building a statement from models costs more than running it
(`models.engine.bulk`).
"""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any

from models.bots.records import Writer
from models.engine import bulk
from models.engine.base import now
from models.errors import NotOwner
from models.messaging import chats, media
from models.messaging.effects import OutgoingMessage
from models.messaging.marks import Batch, Claim, Flush, Flushed, Handled, Key, Mark, Result


def flush(waiting: Flush) -> Flushed:
    """Write the pending writes.

    The offsets come first: if one of them cannot be written, the updates must not be either.

    Raises:
        NotOwner: one of the bots was deleted, or has another token.
    """
    moment = bulk.stored(now())
    # an update may have two marks after a commit whose outcome was not known: the first counts
    first = {mark.key: mark for mark in reversed(waiting.marks) if isinstance(mark, Handled)}
    handled = list(reversed(first.values()))
    claims = [mark for mark in waiting.marks if isinstance(mark, Claim)]
    results = [mark for mark in waiting.marks if isinstance(mark, Result)]
    new = _insert_updates(waiting.batches, moment)
    early = [mark for batch in waiting.batches for mark in batch.handled if mark.key in new]
    messages = _insert_messages_early(early, moment) | _insert_messages(handled, moment)
    _mark_handled(handled, moment)
    claimed = _claim(claims, moment)
    _store_results(results, moment)
    sent = [(one.writer, *file_id) for one in results for file_id in one.file_ids]
    media.store_file_ids(sent, moment)
    _store_chats([*waiting.marks, *early], moment)
    return Flushed(new, frozenset(mark.key for mark in early), messages, claimed)


def _insert_updates(batches: list[Batch], moment: Any) -> frozenset[Key]:
    offsets = bulk.run_in_few_statements(
        "UPDATE bots SET last_update_at = ?, update_offset = given.column2 "
        "FROM (VALUES ROWS) AS given WHERE bots.id = given.column1 "
        "AND bots.token_generation = given.column3 "
        "AND COALESCE(bots.owner_id, 0) = given.column4",
        [
            (bot_id, batch.offset, token_generation, owner_id)
            for batch in batches
            for bot_id, token_generation, owner_id in (batch.writer,)
        ],
        moment,
    )
    if offsets.changed != len(batches):
        raise NotOwner("a bot with new updates was deleted, or has another token or owner")
    early = {mark.key for batch in batches for mark in batch.handled}
    inserted = bulk.run_in_few_statements(
        "INSERT INTO updates "
        "(bot_id, update_id, payload, received_at, attempts, error, handled_at) "
        "VALUES ROWS ON CONFLICT DO NOTHING RETURNING bot_id, update_id",
        [
            (bot_id, update_id, payload, moment, 0, "", moment if key in early else None)
            for batch in batches
            for bot_id in (batch.writer.bot_id,)
            for update_id, payload in batch.rows
            for key in ((bot_id, update_id),)
        ],
    )
    return frozenset((bot_id, update_id) for bot_id, update_id in inserted.returned)


# Only for updates that are not marked: after a commit whose outcome was not known, the same is
# written once more.
_UNMARKED = (
    "JOIN updates ON updates.bot_id = given.column1 AND updates.update_id = given.column3 "
    "AND updates.handled_at IS NULL "
)
_INSERT_MESSAGES = (
    "INSERT INTO messages (bot_id, chat_id, lane, state, method, parameters, typing, update_id, "
    "created_at) SELECT given.column1, given.column4, 0, 'sending', given.column5, "
    "given.column6, given.column7, given.column3, ? FROM (VALUES ROWS) AS given {unmarked}"
    "JOIN bots ON bots.id = given.column1 AND bots.token_generation = given.column2 "
    "AND COALESCE(bots.owner_id, 0) = given.column9 "
    "ORDER BY given.column8 RETURNING bot_id, update_id, id"
)
_INSERT_IF_UNMARKED = _INSERT_MESSAGES.format(unmarked=_UNMARKED)
_INSERT_EARLY = _INSERT_MESSAGES.format(unmarked="")


def _insert_messages(handled: list[Handled], moment: Any) -> dict[Key, list[int]]:
    by_update = _insert(_INSERT_IF_UNMARKED, handled, moment)
    for mark in handled:
        if mark.messages and mark.key not in by_update:
            by_update[mark.key] = _stored_before(mark)
    return by_update


def _insert_messages_early(early: list[Handled], moment: Any) -> dict[Key, list[int]]:
    """Insert messages of updates that this transaction stores, for bots that it has checked."""
    return _insert(_INSERT_EARLY, early, moment)


def _insert(sql: str, handled: list[Handled], moment: Any) -> dict[Key, list[int]]:
    places = count()  # over all, so that the rows of an album stay together
    rows = [
        (*mark.writer[:2], mark.update_id, *columns, next(places), mark.writer.owner_id)
        for mark in handled
        for columns in _columns(mark.messages)
    ]
    by_update: dict[Key, list[int]] = {}
    for bot_id, update_id, number in bulk.run_in_few_statements(sql, rows, moment).returned:
        by_update.setdefault((bot_id, update_id), []).append(number)
    for numbers in by_update.values():
        numbers.sort()
    return by_update


def _columns(messages: list[OutgoingMessage]) -> list[tuple[int, str, bytes, int]]:
    """Return chat, method, parameters and typing of each row."""
    rows: list[tuple[int, str, bytes, int]] = []
    for message in messages:
        rows.append((message.chat_id, message.method, message.parameters, message.typing))
        rows += [(message.chat_id, "", b"", 0)] * (message.size - 1)
    return rows


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


def _mark_handled(handled: list[Handled], moment: Any) -> None:
    bulk.run_in_few_statements(
        "UPDATE updates SET handled_at = ? FROM (VALUES ROWS) AS given "
        "WHERE bot_id = given.column1 AND update_id = given.column2",
        [mark.key for mark in handled],
        moment,
    )


def _claim(claims: list[Claim], moment: datetime) -> dict[int, tuple[str, bytes]]:
    """Mark people's messages as being sent.

    One that is marked already was so by the same process, in a commit whose outcome was not known.
    If it has expired since then it is given back, for `expiry.expire`. An id alone is no identity:
    a standby that had not heard of a message when it was promoted gives its id to another one.
    """
    claimed = bulk.run_in_few_statements(
        "UPDATE messages SET state = CASE WHEN expires_at <= ? THEN 'queued' ELSE 'sending' END "
        "FROM (VALUES ROWS) AS given "
        "WHERE messages.id = given.column1 AND messages.bot_id = given.column2 "
        "AND state IN ('queued', 'sending') RETURNING messages.id, state, method, parameters",
        [(number, claim.writer.bot_id) for claim in claims for number in claim.ids],
        moment,
    )
    return {
        number: (method, bytes(content))
        for number, state, method, content in claimed.returned
        if state == "sending"
    }


def _store_results(results: list[Result], moment: Any) -> None:
    bulk.run_in_few_statements(
        "UPDATE messages SET done_at = CASE given.column2 WHEN 'queued' THEN NULL ELSE ? END, "
        "state = given.column2, "
        "telegram_id = CAST(given.column3 AS BIGINT), reason = given.column4, "
        "detail = given.column5 FROM (VALUES ROWS) AS given WHERE messages.id = given.column1 "
        "AND messages.bot_id = given.column6 AND messages.state IN ('queued', 'sending')",
        [
            (
                number,
                result.state,
                telegram_id,
                result.reason,
                result.detail,
                result.writer.bot_id,
            )
            for result in results
            for number, telegram_id in result.rows
        ],
        moment,
    )


def _store_chats(marks: list[Mark], moment: Any) -> None:
    seen: set[tuple[Writer, int]] = set()
    blocked: dict[tuple[Writer, int | None], bool] = {}  # the last word counts
    for mark in marks:
        if isinstance(mark, Handled):
            if mark.chat_id is not None:
                seen.add((mark.writer, mark.chat_id))
            if mark.blocked is not None:
                blocked[mark.writer, mark.chat_id] = mark.blocked
        elif isinstance(mark, Result) and mark.blocked is not None:
            blocked[mark.writer, mark.blocked] = True
    chats.store_seen(seen, moment)
    chats.store_blocked(blocked, moment)
