"""A bot with very many talks does not keep the only writer busy for long."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import orjson
import pytest

from dialogs.scenarios import Conversation
from models.accounts.audit import OPERATOR
from models.accounts.users import User
from models.bots.tables import Bot
from models.dialogs import conversations, scenarios, steps, waiting
from models.dialogs.conversations import TalkFilter
from models.dialogs.tables import ConversationRow, ConversationStep, ScenarioVersion
from models.engine.base import now, proxy
from models.engine.connection import connect
from models.engine.migration import Migrations
from models.messaging.effects import TalkKey

AT = datetime(2030, 1, 1, tzinfo=UTC)
GROUP = -100


@pytest.fixture(autouse=True)
def tables(database_url: str) -> Iterator[None]:
    """A database with bots 1 and 2, open in this thread, and talks of each."""
    Migrations(database_url).up()
    database = connect(database_url, session="tests")
    proxy.initialize(database)
    database.connect()
    moment = now()
    user = User.create(
        username="ann", username_key="ann", password_hash="", created_at=moment, updated_at=moment
    )
    for bot_id in (1, 2):
        Bot.create(
            user=user, slot=bot_id, token_encrypted="", token_fingerprint=str(bot_id),
            created_at=moment, updated_at=moment,
        )  # fmt: skip
        for chat_id, user_id in ((7, 7), (8, 8), (GROUP, 7), (GROUP, 8)):
            place = {"bot": bot_id, "chat_id": chat_id, "user_id": user_id, "topic_id": 0}
            ConversationRow.create(**place, version=1, state=b"{}", updated_at=AT)
            ConversationStep.create(**place, update_id=1, version=1, steps=b"[]", at=AT)
    yield
    database.close()


@pytest.mark.parametrize(
    ("module", "table"), [(conversations, ConversationRow), (steps, ConversationStep)]
)
def test_talks_and_logs_are_discarded_step_by_step_and_nothing_else(
    module: ModuleType, table: Any
) -> None:
    assert [module.discard([1], limit=3, by=OPERATOR) for _ in range(3)] == [3, 1, 0]
    assert Counter(row.bot_id for row in table.select()) == {2: 4}


def test_a_person_is_forgotten_in_their_chat_and_in_groups() -> None:
    conversations.forget_person(1, 7)
    for table in (ConversationRow, ConversationStep):
        left = {(row.chat_id, row.user_id) for row in table.select().where(table.bot == 1)}
        assert left == {(8, 8), (GROUP, 8)}
        assert table.select().where(table.bot == 2).count() == 4
    conversations.forget_person(1, GROUP)
    assert [row.chat_id for row in ConversationRow.select().where(ConversationRow.bot == 1)] == [8]


def test_an_old_version_is_kept_as_long_as_a_talk_is_in_it() -> None:
    for n in (1, 2, 3):
        ScenarioVersion.create(
            bot=1, n=n, document=b"{}", note="", restarts_before=0, created_at=AT
        )
    scenarios._prune(1, scenarios.KEPT + 2)
    assert sorted(row.n for row in ScenarioVersion.select()) == [1, 3]


def test_talks_that_wait_are_told_from_those_that_have_ended() -> None:
    ConversationRow.delete().execute()
    for version in (7, 12):
        ended = Conversation(version, "", 3, {"state": "", "a": ',"state":""'})
        for chat_id, talk in enumerate((ended, replace(ended, state="a"))):
            place = {"bot": 1, "chat_id": version * 10 + chat_id, "user_id": 1, "topic_id": 0}
            stored = orjson.dumps(talk.to_json())
            ConversationRow.create(**place, version=version, state=stored, updated_at=AT)
    assert waiting.waiting_by_version(1) == {7: 1, 12: 1}
    assert conversations.count_by_version(1) == {7: 2, 12: 2}
    assert waiting.waiting_by_version(2) == {}


def test_a_page_of_talks_in_a_state_looks_at_some_talks_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "SCANNED", 4)
    ConversationRow.delete().execute()
    for number, state in enumerate(["a", "ab", "a", "a", "", "", "", "", "", "a"]):
        place = {"bot": 1, "chat_id": number, "user_id": number, "topic_id": 0}
        stored = orjson.dumps(Conversation(number + 1, state, 1, {"state": "a"}).to_json())
        ConversationRow.create(**place, version=number + 1, state=stored, updated_at=AT)

    pages: list[list[int]] = []
    end: TalkKey | None = None
    while not pages or end is not None:
        found, end = waiting.list_in_state(1, "a", TalkFilter(after=end), limit=2)
        pages.append([row.key.chat_id for row in found])
    assert pages == [[0, 2], [3], [9]]
    found, end = waiting.list_in_state(1, "a", TalkFilter(3, 4), limit=2)
    assert ([row.key.chat_id for row in found], end) == ([3], None)


@pytest.mark.parametrize(
    "work",
    [
        lambda: conversations.forget_person(1, 7),
        lambda: scenarios._prune(1, scenarios.KEPT + 2),
        lambda: conversations.count_by_version(1),
    ],
    ids=["erasure", "pruning of versions", "number of talks"],
)
def test_nothing_reads_all_talks_of_a_bot(work: Callable[[], Any], sqlite_plans: Plans) -> None:
    read = sqlite_plans(work)
    assert read, "something is looked for"
    for step in read:
        is_counted = "COVERING INDEX conversations_version" in step
        assert is_counted or step.count("=?") + step.count("<?") >= 2, step
        assert "SCAN" not in step


Plans = Callable[[Callable[[], Any]], list[str]]


@pytest.fixture
def sqlite_plans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plans]:
    """How SQLite finds the rows of the statements of some work; the tables are empty."""
    url = f"sqlite:///{tmp_path_factory.mktemp('plans') / 'botyard.db'}"
    Migrations(url).up()
    before, database = proxy.obj, connect(url, session="tests")
    proxy.initialize(database)
    database.connect()

    def plans(work: Callable[[], Any]) -> list[str]:
        done: list[str] = []
        database.connection().set_trace_callback(done.append)
        work()
        database.connection().set_trace_callback(None)
        statements = [sql for sql in done if re.match("SELECT|DELETE", sql)]
        rows = [database.execute_sql(f"EXPLAIN QUERY PLAN {sql}") for sql in statements]
        told = [step for found in rows for *_, step in found.fetchall()]
        return [step for step in told if " conversation" in step]

    yield plans
    database.close()
    proxy.initialize(before)
