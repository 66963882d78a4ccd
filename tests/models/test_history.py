"""The rows of the history: what is pruned, erased and edited, at moments that are rare."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.accounts.audit import OPERATOR
from models.accounts.users import User
from models.bots.records import BotRecord, Writer
from models.bots.tables import Bot
from models.engine.base import now, proxy
from models.engine.bulk import select
from models.engine.connection import connect
from models.engine.migration import Migrations
from models.messaging import erasure, removal
from models.messaging.chats import Chat
from models.messaging.flush import flush
from models.messaging.marks import Batch, Flush, Handled
from models.messaging.messages import Message
from models.messaging.received import Received


@pytest.fixture(autouse=True)
def tables(tmp_path: Path) -> Iterator[None]:
    """A database with bot 1, open in this thread."""
    url = f"sqlite:///{tmp_path / 'botyard.db'}"
    Migrations(url).up()
    database = connect(url, session="tests")
    proxy.initialize(database)
    database.connect()
    moment = now()
    user = User.create(
        username="ann", username_key="ann", password_hash="", created_at=moment, updated_at=moment
    )
    Bot.create(
        user=user, slot=0, token_encrypted="", token_fingerprint="1",
        created_at=moment, updated_at=moment,
    )  # fmt: skip
    yield
    database.close()


def add_message(*, age: timedelta = timedelta(), **columns: object) -> int:
    """Add a message that a person has sent; return its id."""
    moment = now() - age
    defaults = {
        "bot": 1, "chat_id": 7, "lane": 0, "state": "received", "method": "", "parameters": b"",
        "created_at": moment, "done_at": moment, "kind": "text", "text": "hello", "content": b"",
    }  # fmt: skip
    return int(Message.create(**(defaults | columns)).id)


def test_pruning_passes_over_what_waits_and_never_asks_for_all_messages() -> None:
    old = timedelta(days=9)
    waiting = [add_message(age=old, state="queued", done_at=None) for _ in range(600)]
    for _ in range(20):
        add_message(age=old)
    kept = add_message()
    statements: list[str] = []
    proxy.obj.connection().set_trace_callback(statements.append)
    assert removal.prune(older_than=timedelta(days=8), limit=15) == 15
    assert removal.prune(older_than=timedelta(days=8), limit=15) == 5
    reads = [text for text in statements if text.startswith("SELECT") and '"messages"' in text]
    assert reads
    assert all("LIMIT" in text for text in reads)
    assert [row.id for row in Message.select().order_by(Message.id)] == [*waiting, kept]


def test_what_came_while_a_chat_was_erased_goes_with_it() -> None:
    moment = now()
    Chat.create(bot=1, chat_id=7, first_seen_at=moment)
    for _ in range(600):
        add_message()
    kept = add_message(chat_id=8)
    record = BotRecord(1, 1, "ann", False, "", True, "", None, "", 0, 0, None, moment, moment)
    assert erasure.erase_chat(record, 7, by=OPERATOR)
    assert [row.id for row in Message.select()] == [kept]


# -- edits


WRITER = Writer(1, 1)
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def edit(update_id: int, text: str, *, seconds: int, writer: Writer = WRITER) -> Handled:
    """The mark of an edit of message 5 in chat 7."""
    sent_at = MOMENT + timedelta(seconds=seconds)
    return Handled(writer, update_id, 7, received=Received("text", text, sent_at, 5, is_edit=True))


def store(*marks: Handled) -> None:
    """Store updates that are not handled yet."""
    rows = [(mark.update_id, b"{}") for mark in marks]
    flush(Flush([Batch(WRITER, rows, rows[-1][0] + 1)]))


def texts() -> list[str]:
    """All texts of the message: the earlier ones, and the last."""
    earlier = [text for (text,) in select("SELECT text FROM earlier_texts ORDER BY id")]
    return [*earlier, Message.get().text]


def test_edits_of_a_repeated_commit_are_stored_once() -> None:
    add_message(telegram_id=5, text="one")
    marks = [edit(1, "two", seconds=1), edit(2, "three", seconds=2)]
    store(*marks)
    for _ in range(2):
        flush(Flush(marks=list(marks)))
        assert texts() == ["one", "two", "three"]


def test_an_edit_that_is_handled_late_does_not_replace_a_newer_one() -> None:
    add_message(telegram_id=5, text="one")
    marks = [edit(1, "two", seconds=1), edit(2, "three", seconds=2)]
    store(*marks)
    for mark in reversed(marks):
        flush(Flush(marks=[mark]))
    assert texts() == ["one", "two", "three"]


@pytest.mark.parametrize("other", [Writer(1, 9), Writer(1, 1, 9)])
def test_an_edit_of_another_run_is_not_stored(other: Writer) -> None:
    add_message(telegram_id=5, text="one")
    mark = edit(1, "two", seconds=1, writer=other)
    store(mark)
    flush(Flush(marks=[mark]))
    assert texts() == ["one"]


def test_an_edit_is_not_kept_by_a_bot_without_a_history() -> None:
    add_message(telegram_id=5, text="one")
    Bot.update(history=False).execute()
    store(edit(1, "two", seconds=1))
    flush(Flush(marks=[edit(1, "two", seconds=1)]))
    assert texts() == ["one"]
