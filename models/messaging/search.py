"""Finding messages by parts of their texts.

PostgreSQL keeps its index by itself (extension pg_trgm). With SQLite, an index of all sequences of
three letters (FTS5, tokenizer trigram) follows the messages a moment later, many at a time, which
costs a tenth of what it would cost with each message; a search reads the few texts that are not in
it yet. Each entry has the bot as a term of its own, so that a search reads entries of one bot only.
The index has no positions, so what it finds is compared with the texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import peewee

from models.engine import bulk
from models.engine.base import proxy

SHORTEST = 3  # letters that the index can find; shorter ones are looked for in the newest messages
SCANNED = 1000  # such messages
MOST_COMPARED = 20_000  # texts, in one search
_CHUNKS = 200, 5000  # texts that are read together, at first and at most
_MOST_TRIGRAMS = 16  # of a text that is looked for
# Private-use characters (https://www.unicode.org/charts/PDF/UF0000.pdf): three of them are one
# entry of the index, and no text has the same by chance.
_DIGITS, _FIRST = 60_000, 0xF0000


def _is_sqlite() -> bool:
    return isinstance(proxy.obj, peewee.SqliteDatabase)


def find(
    bot_id: int, text: str, *, chat_id: int | None = None, before: int | None = None, limit: int
) -> Found:
    """Find messages of a bot with a text in them, in letters of any case.

    Args:
        text: what is looked for; with fewer than three letters, in the newest 1,000 messages only.
        chat_id: only in this chat; None for all.
        before: only messages with a smaller id; None for all.
        limit: the maximum number of messages.

    Returns:
        What was found.
    """
    before = 2**62 if before is None else before
    if not _is_sqlite():
        return _find_in_postgresql(bot_id, text, chat_id, before, limit)
    wanted, found = fold(text), Found([])
    for looked_at, (number, of_chat, content) in enumerate(_candidates(bot_id, wanted, before)):
        if len(found.ids) == limit or looked_at == MOST_COMPARED:
            found.before = number + 1
            break
        if wanted in fold(content) and chat_id in (None, of_chat):
            found.ids.append(number)
    return found


@dataclass(slots=True)
class Found:
    """A part of the messages that were looked for.

    Args:
        ids: the newest first.
        before: where to go on; None if there are no others. There may be more even if few were
            found: of texts whose letters are common, only so many are compared at a time.
    """

    ids: list[int]
    before: int | None = None


def fold(text: str) -> str:
    """Return a text with small letters, as the index has it and searches compare it."""
    return text.replace("İ", "i").lower()


_Candidate = tuple[int, int, str]  # id, chat id, text


def _candidates(bot_id: int, wanted: str, before: int) -> Iterator[_Candidate]:
    """Return the messages that may contain a text, the newest first."""
    indexed = _indexed()
    yield from bulk.select(
        "SELECT id, chat_id, text FROM messages WHERE id > ? AND id < ? AND +bot_id = ? "
        "AND text IS NOT NULL ORDER BY id DESC",
        indexed, before, bot_id,
    )  # fmt: skip
    left = SCANNED if len(wanted) < SHORTEST else None
    match = " AND ".join(_quoted(term) for term in (_term(bot_id), *_trigrams(wanted)))
    size, most = _CHUNKS
    while left is None or left > 0:
        rows = bulk.select(
            "SELECT rowid FROM message_search WHERE message_search MATCH ? AND rowid < ? "
            "ORDER BY rowid DESC LIMIT ?",
            match, before, size if left is None else min(left, size),
        )  # fmt: skip
        numbers = [number for (number,) in rows]
        if not numbers:
            return
        yield from _texts(bot_id, numbers)
        before, size = numbers[-1], min(size * 5, most)
        left = None if left is None else left - len(numbers)


def _texts(bot_id: int, numbers: list[int]) -> list[_Candidate]:
    marks = ", ".join("?" * len(numbers))
    return bulk.select(
        "SELECT id, chat_id, text FROM messages "  # noqa: S608
        f"WHERE id IN ({marks}) AND +bot_id = ? AND text IS NOT NULL ORDER BY id DESC",
        *numbers, bot_id,
    )  # fmt: skip


def _find_in_postgresql(
    bot_id: int, text: str, chat_id: int | None, before: int, limit: int
) -> Found:
    source, parameters = "messages WHERE bot_id = ?", [bot_id]
    if len(text) < SHORTEST:
        # `+ 0`: the bot's own entries of an index are sorted, and not the messages of all bots read
        source = (
            "(SELECT * FROM messages WHERE bot_id = ? AND text IS NOT NULL "
            "ORDER BY id + 0 DESC LIMIT ?) AS newest WHERE TRUE"
        )
        parameters.append(SCANNED)
    if chat_id is not None:
        source += " AND chat_id = ?"
        parameters.append(chat_id)
    rows = bulk.select(
        f"SELECT id FROM {source} AND text ILIKE ? AND id < ? ORDER BY id + 0 DESC LIMIT ?",  # noqa: S608
        *parameters, containing(text), before, limit + 1,
    )  # fmt: skip
    ids = [number for (number,) in rows]
    return Found(ids[:limit], ids[limit] + 1 if len(ids) > limit else None)


@dataclass(frozen=True, slots=True)
class Support:
    """What a PostgreSQL database has for searches.

    Args:
        has_index: True if the texts of messages are in an index.
        locale: of letters (LC_CTYPE).
    """

    has_index: bool
    locale: str


def support() -> Support:
    """Look what this PostgreSQL database has."""
    ((has_index, locale),) = bulk.select(
        "SELECT to_regclass('messages_text') IS NOT NULL, datctype FROM pg_database "
        "WHERE datname = current_database()"
    )
    return Support(has_index, locale)


def containing(text: str) -> str:
    r"""Return the pattern for LIKE of texts that contain a text; its escape character is `\`."""
    for sign in "\\%_":
        text = text.replace(sign, "\\" + sign)
    return f"%{text}%"


# -- the index of SQLite


def is_behind() -> bool:
    """Return True if there are messages that are not in the index yet."""
    return _newest() > _indexed()


def index_new(*, limit: int) -> int:
    """Add the next messages to the index, oldest first.

    Args:
        limit: the maximum number of messages.

    Returns:
        The number of messages; fewer than `limit` means that none are left.
    """
    rows = bulk.select(
        "SELECT id, bot_id, text FROM messages WHERE id > ? ORDER BY id LIMIT ?", _indexed(), limit
    )
    if rows:
        _add((number, bot_id, text) for number, bot_id, text in rows if text is not None)
        bulk.execute("UPDATE message_search_progress SET indexed = ?", rows[-1][0])
    return len(rows)


def replace(number: int, bot_id: int, old: str | None, new: str | None) -> None:
    """Follow the change of a message's text."""
    if _is_sqlite() and number <= _indexed():
        remove([(number, bot_id, old)])
        if new is not None:
            _add([(number, bot_id, new)])


def remove(rows: Iterable[tuple[int, int, str | None]]) -> None:
    """Take messages out of the index that are about to be deleted.

    Args:
        rows: id, bot and text of each.
    """
    if not _is_sqlite():
        return
    indexed = _indexed()
    gone = [
        ("delete", number, _term(bot_id), fold(text))
        for number, bot_id, text in rows
        if text is not None and number <= indexed
    ]
    # fts5 must be told what it has, as it does not keep it (https://sqlite.org/fts5.html, 6.8)
    _run_many(
        "INSERT INTO message_search (message_search, rowid, bot, text) VALUES (?, ?, ?, ?)", gone
    )


def wipe_step(pages: int = 500) -> bool:
    """Rewrite a part of the index, so that nothing is left in it of what was taken out.

    Args:
        pages: how much is written at most.

    Returns:
        True if there is more to do.
    """
    if not _is_sqlite():
        return False
    before = proxy.obj.connection().total_changes
    bulk.execute("INSERT INTO message_search (message_search, rank) VALUES ('merge', ?)", -pages)
    # https://sqlite.org/fts5.html, 6.7: fewer than two changes mean that nothing was merged
    return bool(proxy.obj.connection().total_changes - before >= 2)


def _add(rows: Iterable[tuple[int, int, str]]) -> None:
    _run_many(
        "INSERT INTO message_search (rowid, bot, text) VALUES (?, ?, ?)",
        [(number, _term(bot_id), fold(text)) for number, bot_id, text in rows],
    )


def _run_many(sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
    for row in rows:
        bulk.execute(sql, *row)


def _indexed() -> int:
    return int(bulk.select("SELECT indexed FROM message_search_progress")[0][0])


def _newest() -> int:
    return int(bulk.select("SELECT COALESCE(MAX(id), 0) FROM messages")[0][0])


def _term(bot_id: int) -> str:
    digits = bot_id // _DIGITS**2, bot_id // _DIGITS, bot_id
    return "".join(chr(_FIRST + digit % _DIGITS) for digit in digits)


def _trigrams(wanted: str) -> list[str]:
    terms = [wanted[start : start + 3] for start in range(len(wanted) - 2)]
    step = -(-len(terms) // _MOST_TRIGRAMS) or 1
    return list(dict.fromkeys(terms[::step]))


def _quoted(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'
