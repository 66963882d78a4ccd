"""A long history, written into the database of an installation with one bot."""

from __future__ import annotations

import itertools
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from bench.processes import Process, wait_for

PER_CHAT = 10  # messages, on the average
_DAYS = 300  # that they are spread over: fewer than the janitor keeps
_TEXTS = 50_000
_AT_ONCE = 20_000  # rows of a commit
_SYLLABLES = (
    "ко", "ро", "ва", "ни", "ма", "те", "ли", "по", "ра", "ст", "на", "до", "ви", "ре", "но", "ка",
    "ла", "ти", "са", "му", "пе", "го", "ло", "де", "ше", "жи", "чу", "щи", "бу", "та", "ры", "не",
)  # fmt: skip
_MESSAGE = (
    "INSERT INTO messages (bot_id, chat_id, lane, state, method, parameters, typing, created_at, "
    "kind, text, telegram_id, content, done_at, update_id) "
    "VALUES (1, ?, 0, ?, ?, ?, 0, ?, ?, ?, ?, x'', ?, ?)"
)
_CHAT = (
    "INSERT INTO chats (bot_id, chat_id, first_seen_at, kind, first_name, last_name, username, "
    "names, last_seen_at, last_message_id, unread) VALUES (1, ?, ?, 'private', ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(slots=True)
class Words:
    """20,000 words; the nth is used 1/n times as often as the first, as in natural languages."""

    rng: random.Random
    words: list[str] = field(init=False)
    _weights: list[float] = field(init=False)

    def __post_init__(self) -> None:
        """Make the words."""
        self.words = [
            "".join(self.rng.choices(_SYLLABLES, k=self.rng.randint(1, 5))) for _ in range(20_000)
        ]
        self._weights = list(itertools.accumulate(1 / n for n in range(1, len(self.words) + 1)))

    def text(self) -> str:
        """A text of 3 to 14 words."""
        number = self.rng.randint(3, 14)
        return " ".join(self.rng.choices(self.words, cum_weights=self._weights, k=number))


def fill(database: Path, messages: int, words: Words) -> int:
    """Store messages of both directions in random chats, ten a chat on the average.

    Args:
        database: with one bot, whose id is 1, and without messages.
        messages: how many.

    Returns:
        The number of chats that have some.
    """
    rng, last = words.rng, dict[int, int]()
    texts = [words.text() for _ in range(min(_TEXTS, messages))]
    connection = sqlite3.connect(database)
    rows = _rows(rng, texts, messages, last)
    while part := list(itertools.islice(rows, _AT_ONCE)):
        with connection:
            connection.executemany(_MESSAGE, part)
    with connection:
        connection.executemany(_CHAT, _chats(last))
    connection.close()
    return len(last)


def _rows(
    rng: random.Random, texts: list[str], messages: int, last: dict[int, int]
) -> Iterator[tuple[object, ...]]:
    """The columns of the messages, and the newest one of each chat."""
    step = timedelta(days=_DAYS) / messages
    began = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=_DAYS)
    for number in range(1, messages + 1):
        chat, text = rng.randrange(messages // PER_CHAT) + 1, rng.choice(texts)
        moment = (began + number * step).isoformat(" ", "microseconds")
        last[chat] = number
        if number % 2:
            how = "received", "", b"", moment, "text"
        else:
            call = orjson.dumps({"chat_id": chat, "text": text})
            how = "sent", "sendMessage", call, moment, None
        yield chat, *how, text, number, moment, number


def _chats(last: dict[int, int]) -> Iterator[tuple[object, ...]]:
    moment = datetime.now(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    for chat, newest in last.items():
        names = f"Имя{chat % 977}", f"Фамилия{chat % 3331}", username(chat)
        searched = " ".join(names).casefold()
        yield chat, moment, *names, searched, moment, newest, chat % 3


def username(chat: int) -> str:
    """The user name of the person in a chat."""
    return f"user{chat}"


def wait_indexed(database: Path, messages: int, server: Process, *, timeout: float) -> None:
    """Wait until a server has brought the index of the search up to date."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)

    def indexed() -> bool:
        server.check()
        (number,) = connection.execute("SELECT indexed FROM message_search_progress").fetchone()
        return bool(number >= messages)

    try:
        wait_for(f"the index of {messages} messages", indexed, timeout=timeout)
    finally:
        connection.close()
