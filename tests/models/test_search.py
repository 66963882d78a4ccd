"""The index of the search with SQLite: what it finds, what is taken out, what is left of that."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from models.accounts.audit import OPERATOR
from models.accounts.users import User
from models.bots.tables import Bot
from models.engine.base import now
from models.engine.database import Database
from models.engine.migration import Migrations
from models.messaging import erasure, removal, search
from models.messaging.messages import Message

WORDS = [
    "заказ",
    "отменить",
    "Привет",
    "hello",
    "order",
    "straße",
    "İstanbul",
    "北京市",
    "ёлка",
    "ЕЛКА",
    "👍🏽",
    "a_b",
    "100%",
    "x'",
    '"',
    "*",
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An SQLite file with tables."""
    found = tmp_path / "botyard.db"
    Migrations(f"sqlite:///{found}").up()
    return found


@pytest.fixture
async def db(file: Path) -> AsyncIterator[Database]:
    """Its database, open, with two bots."""
    database = Database(f"sqlite:///{file}")
    await database.open()
    await database.write(add_bots)
    yield database
    await database.close()


def add_bots() -> None:
    """Two bots of one account."""
    moment = now()
    user = User.create(
        username="ann", username_key="ann", password_hash="", created_at=moment, updated_at=moment
    )
    for slot in (0, 1):
        Bot.create(
            user=user, slot=slot, token_encrypted="", token_fingerprint=str(slot),
            created_at=moment, updated_at=moment,
        )  # fmt: skip


def write(bot_id: int, text: str | None, *, chat_id: int = 7, sender_id: int | None = None) -> int:
    """A message of a person."""
    moment = now()
    row = Message.create(
        bot=bot_id, chat_id=chat_id, lane=0, state="received", method="", parameters=b"",
        kind="text", text=text, content=b"", sender_id=sender_id, created_at=moment, done_at=moment,
    )  # fmt: skip
    return int(row.id)


def index() -> None:
    """Bring the index up to date."""
    while search.index_new(limit=50) == 50:
        pass


def expected(texts: dict[int, str], part: str) -> list[int]:
    """What a search must find: the ids of the texts with this part, the newest first."""
    return sorted((n for n, text in texts.items() if search.fold(part) in search.fold(text)))[::-1]


@pytest.mark.parametrize("indexed", [0, 100, 200])
async def test_a_search_finds_what_reading_everything_finds(db: Database, indexed: int) -> None:
    chance = random.Random(indexed)

    def check() -> None:
        texts: dict[int, str] = {}
        for number in range(200):
            text = " ".join(chance.choices(WORDS, k=chance.randint(1, 6)))
            texts[write(1, text)] = text
            write(2, text)
            if number + 1 == indexed:
                index()
        for word in [*WORDS, "аз отм", "o o", "не бывает", *"aяё%_"]:
            for part in (word, word.upper(), word.lower(), word[:2], word[1:4]):
                if part:
                    assert search.find(1, part, limit=500).ids == expected(texts, part), part

    await db.write(check)


async def test_only_messages_of_the_bot_and_the_chat_are_found(db: Database) -> None:
    def check() -> None:
        mine, there = write(1, "the same text"), write(1, "the same text", chat_id=8)
        write(2, "the same text")
        for prepare in (lambda: None, index):
            prepare()
            assert search.find(1, "same", limit=9).ids == [there, mine]
            assert search.find(1, "same", chat_id=7, limit=9).ids == [mine]
            assert search.find(1, "same", before=there, limit=9).ids == [mine]
            assert search.find(1, "same", limit=1).ids == [there]

    await db.write(check)


async def test_short_texts_are_looked_for_in_the_newest_messages(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SCANNED", 50)

    def check() -> None:
        numbers = [write(1, "да") for _ in range(100)]
        index()
        assert search.find(1, "да", limit=500).ids == numbers[:49:-1]

    await db.write(check)


async def test_a_changed_text_is_found_as_it_is_now(db: Database) -> None:
    def check() -> None:
        number = write(1, "the first text")
        index()
        search.replace(number, 1, "the first text", "the second text")
        Message.update(text="the second text").where(Message.id == number).execute()
        assert search.find(1, "second", limit=9).ids == [number]
        assert search.find(1, "first", limit=9).ids == []
        assert terms(db) == {"the first text": False, "the second text": True}

    def terms(db: Database) -> dict[str, bool]:
        return {
            text: bool(
                db._peewee.execute_sql(
                    "SELECT rowid FROM message_search WHERE message_search MATCH ?",
                    (f'"{text[4:7]}"',),
                ).fetchall()
            )
            for text in ("the first text", "the second text")
        }

    await db.write(check)


@pytest.fixture
def erased() -> str:
    """A text of letters that nothing else in the database has."""
    return "ქართული ანბანი"


async def test_nothing_is_left_in_the_file_of_an_erased_person(
    db: Database, file: Path, erased: str
) -> None:
    def fill() -> None:
        for number in range(3000):
            write(1, f"text {number} of somebody", chat_id=number % 40)
            if number % 100 == 0:
                write(1, f"{erased} {number}", chat_id=1001)
                write(1, f"{erased} in a group {number}", chat_id=-5, sender_id=1001)
            if number % 500 == 0:
                index()

    await db.write(fill)
    await db.write(index)
    assert pieces(file, erased) > 0
    while await db.write(lambda: erasure.erase_messages(1, 1001, limit=20, by=OPERATOR)) == 20:
        pass
    assert await db.read(lambda: search.find(1, "ანბანი", limit=9).ids) == []
    while await db.write(search.wipe_step):
        pass
    await db.close()  # the log is written into the file
    assert pieces(file, erased) == 0
    assert count(file, "SELECT COUNT(*) FROM messages") == 3000


def pieces(file: Path, text: str) -> int:
    """How many sequences of three letters of a text are in the files of a database."""
    data = b"".join(part.read_bytes() for part in (file, Path(f"{file}-wal")) if part.exists())
    trigrams = {text[start : start + 3] for start in range(len(text) - 2)}
    # a term of the index follows its predecessor, without the bytes that both begin with
    return sum(trigram.encode()[3:] in data for trigram in trigrams)


def count(file: Path, query: str) -> Any:
    with closing(sqlite3.connect(file)) as database:
        return database.execute(query).fetchone()[0]


async def test_pruned_messages_are_not_in_the_index(db: Database) -> None:
    def check() -> None:
        write(1, "an old text")
        index()
        removal.remove([(number, 1, text) for number, text in _texts()])
        assert Bot.select().count() == 2
        rows = db._peewee.execute_sql(
            "SELECT rowid FROM message_search WHERE message_search MATCH '\"old\"'"
        ).fetchall()
        assert rows == []

    def _texts() -> list[tuple[int, str]]:
        return list(Message.select(Message.id, Message.text).tuples())

    await db.write(check)
