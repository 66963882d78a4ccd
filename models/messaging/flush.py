"""The runner's writes for each update and each message, those of all bots in one transaction.

They are plain SQL, because building a statement from models costs more than running it
(`models.engine.bulk`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import peewee

from models.bots.records import Writer
from models.dialogs import conversations, statistics, steps, tags
from models.engine import bulk
from models.engine.base import now, proxy
from models.errors import NotOwner
from models.messaging import chats, edits, media, new_messages
from models.messaging.chats import Activity
from models.messaging.marks import Batch, Claim, Flush, Flushed, Handled, Key, Mark, Result
from models.messaging.new_messages import NewMessages


def flush(waiting: Flush) -> Flushed:
    """Write the pending writes.

    The offsets come first: if one of them cannot be written, the updates must not be either.

    Raises:
        NotOwner: one of the bots was deleted, or has another token.
    """
    present = now()
    moment = bulk.stored(present)
    # an update may have two marks after a commit whose outcome was not known: the first counts
    first = {mark.key: mark for mark in reversed(waiting.marks) if isinstance(mark, Handled)}
    handled = list(reversed(first.values()))
    claims = [mark for mark in waiting.marks if isinstance(mark, Claim)]
    results = [mark for mark in waiting.marks if isinstance(mark, Result)]
    _hold_bots(handled)
    new = _insert_updates(waiting.batches, moment)
    early = [mark for batch in waiting.batches for mark in batch.handled if mark.key in new]
    messages = new_messages.insert_early(early, moment)
    messages.add(new_messages.insert(handled, moment))
    messages.add(new_messages.insert_early(edits.store(early, handled, moment), moment))
    talks = conversations.store_early(early, moment) | conversations.store(handled, moment)
    steps.store([*early, *handled], talks, moment)
    conversations.move([*early, *handled])
    marked = _mark_handled(handled, moment)
    counted = [*early, *(mark for mark in handled if mark.key in marked)]
    statistics.store(counted, present.date())
    tags.store(counted, talks, moment)
    claimed = _claim(claims, moment)
    _store_results(results, moment)
    sent = [(one.writer, *file_id) for one in results for file_id in one.file_ids]
    media.store_file_ids(sent, moment)
    _store_chats([*waiting.marks, *early], messages, moment)
    return Flushed(
        new,
        frozenset(mark.key for mark in early),
        messages.outgoing,
        list(messages.received.values()),
        frozenset(
            mark.writer.bot_id
            for mark in (*early, *handled)
            if mark.talk is not None and (mark.writer.bot_id, *mark.talk.key) not in talks
        ),
        claimed,
    )


def _hold_bots(handled: list[Handled]) -> None:
    """Keep the bots of handled updates as they are until the commit.

    Else one statement could see the token or owner that a mark is of, and another one the next. In
    SQLite nobody else writes meanwhile.
    """
    if not isinstance(proxy.obj, peewee.SqliteDatabase):
        bulk.run_in_few_statements(
            "SELECT bots.id FROM (VALUES ROWS) AS given JOIN bots ON bots.id = given.column1 "
            "ORDER BY bots.id FOR SHARE OF bots",
            [(bot_id,) for bot_id in sorted({mark.writer.bot_id for mark in handled})],
        )


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
            # what was handled is kept as messages, and only its key is needed any longer
            (bot_id, update_id, b"", moment, 0, "", moment)
            if key in early
            else (bot_id, update_id, payload, moment, 0, "", None)
            for batch in batches
            for bot_id in (batch.writer.bot_id,)
            for update_id, payload in batch.rows
            for key in ((bot_id, update_id),)
        ],
    )
    return frozenset((bot_id, update_id) for bot_id, update_id in inserted.returned)


def _mark_handled(handled: list[Handled], moment: Any) -> frozenset[Key]:
    """Mark updates as handled; return those that were not.

    The others were marked by a commit whose outcome was not known, or their bot has another token
    or owner now: of those nothing is stored, and the bot's present run handles them.
    """
    marked = bulk.run_in_few_statements(
        "UPDATE updates SET handled_at = ?, payload = ? FROM (VALUES ROWS) AS given "
        "JOIN bots ON bots.id = given.column1 AND bots.token_generation = given.column3 "
        "AND COALESCE(bots.owner_id, 0) = given.column4 "
        "WHERE updates.bot_id = given.column1 AND updates.update_id = given.column2 "
        "AND updates.handled_at IS NULL RETURNING updates.bot_id, updates.update_id",
        [(*mark.key, *mark.writer[1:]) for mark in handled],
        moment,
        b"",
    )
    return frozenset((bot_id, update_id) for bot_id, update_id in marked.returned)


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


def _store_chats(marks: list[Mark], messages: NewMessages, moment: Any) -> None:
    seen: dict[tuple[Writer, int], Activity] = {}
    blocked: dict[tuple[Writer, int | None], bool] = {}  # the last word counts
    unread = set(messages.received)
    for mark in marks:
        if isinstance(mark, Handled):
            if mark.chat_id is not None:
                activity = seen.setdefault((mark.writer, mark.chat_id), Activity())
                activity.info = mark.chat or activity.info
                activity.last_message_id = max(activity.last_message_id, messages.last(mark.key))
                activity.unread += mark.key in unread
                unread.discard(mark.key)
            if mark.blocked is not None:
                blocked[mark.writer, mark.chat_id] = mark.blocked
        elif isinstance(mark, Result) and mark.blocked is not None:
            blocked[mark.writer, mark.blocked] = True
    chats.store_seen(seen, moment)
    chats.store_blocked(blocked, moment)
