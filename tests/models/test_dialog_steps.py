"""What the commit of updates counts of their steps, and the tags that it gives to people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from models.accounts.audit import OPERATOR
from models.accounts.users import User
from models.bots.records import Writer
from models.bots.tables import Bot
from models.dialogs import conversations, statistics, tags
from models.dialogs.statistics import Period
from models.dialogs.tables import DialogStep, PersonTag
from models.engine.base import now, proxy
from models.engine.bulk import select
from models.engine.connection import connect
from models.engine.migration import Migrations
from models.messaging.effects import Taken, Talk, TalkKey
from models.messaging.flush import flush
from models.messaging.marks import Batch, Flush, Handled

WRITER = Writer(1, 1)
BEGIN, YES, END = ("", "start", "a"), ("a", "/states/a/on/0", "b"), ("b", "/states/b/end", "")
OTHERS = [Writer(1, 9), Writer(1, 1, 9)]  # another token, another owner
WAYS = pytest.mark.parametrize("way", ["early", "queued"])


@pytest.fixture(autouse=True)
def tables(database_url: str) -> Iterator[None]:
    """A database with bots 1 and 2, open in this thread."""
    Migrations(database_url).up()
    database = connect(database_url, session="tests")
    proxy.initialize(database)
    database.connect()
    moment = now()
    user = User.create(
        username="ann", username_key="ann", password_hash="", created_at=moment, updated_at=moment
    )
    for slot in range(2):
        Bot.create(
            user=user, slot=slot, token_encrypted="", token_fingerprint=str(slot),
            created_at=moment, updated_at=moment,
        )  # fmt: skip
    yield
    database.close()


def mark(
    update_id: int,
    *taken: Taken,
    writer: Writer = WRITER,
    version: int = 1,
    user_id: int = 7,
    **given: bool,
) -> Handled:
    """The mark of an update that led to steps, and that gave or took tags."""
    talk = Talk(TalkKey(user_id, user_id, 0), version, b"{}", b"", taken, given, is_new=True)
    return Handled(writer, update_id, user_id, talk=talk)


def handle(way: str, *marks: Handled, times: int = 1) -> None:
    """Write what came of updates: with the updates themselves, or later; perhaps repeatedly."""
    rows = [(one.update_id, b"{}") for one in marks]
    offset = rows[-1][0] + 1
    if way == "queued":
        flush(Flush([Batch(WRITER, rows, offset)]))
    for _ in range(times):
        with proxy.obj.atomic():
            flush(
                Flush([Batch(WRITER, rows, offset, list(marks))])
                if way == "early"
                else Flush(marks=list(marks))
            )


def unhandled() -> list[int]:
    """The updates that no run has handled."""
    return [one for (one,) in select("SELECT update_id FROM updates WHERE handled_at IS NULL")]


def counted() -> dict[tuple[Any, ...], int]:
    """What is counted, by version and step."""
    return {
        (row.version, row.state, row.transition, row.to_state): row.count
        for row in DialogStep.select()
    }


def tagged(user_id: int = 7) -> list[str]:
    """The tags of a person."""
    return tags.of_people(1, [user_id]).get(user_id, [])


@WAYS
def test_the_steps_of_many_updates_are_counted(way: str) -> None:
    handle(way, mark(1, BEGIN), mark(2, YES, END), mark(3, BEGIN), mark(4, BEGIN, version=2))
    handle(way, mark(5, BEGIN), mark(6))
    assert counted() == {(1, *BEGIN): 3, (1, *YES): 1, (1, *END): 1, (2, *BEGIN): 1}
    assert {row.day for row in DialogStep.select()} == {now().date()}


@WAYS
def test_a_commit_that_is_repeated_counts_once(way: str) -> None:
    handle(way, mark(1, BEGIN), mark(2, YES, END), times=3)
    assert counted() == {(1, *BEGIN): 1, (1, *YES): 1, (1, *END): 1}


def test_an_update_with_two_marks_in_one_commit_counts_once() -> None:
    handle("queued", mark(1, BEGIN), mark(1, BEGIN))
    assert counted() == {(1, *BEGIN): 1}


def test_a_repetition_with_other_updates_counts_only_those() -> None:
    handle("queued", mark(1, BEGIN), mark(2, BEGIN))
    flush(Flush([Batch(WRITER, [(3, b"{}")], 4)]))
    flush(Flush(marks=[mark(1, BEGIN), mark(3, BEGIN), mark(2, BEGIN)]))
    assert counted() == {(1, *BEGIN): 3}


@pytest.mark.parametrize("number", [1, 2, 3, 5, 16, 17, 70, 130])
def test_any_number_of_different_steps_is_counted(number: int) -> None:
    steps = [("a", f"/states/a/on/{n}", "b") for n in range(number)]
    for first in (0, 10):
        handle("early", *(mark(first * 100 + n + 1, one) for n, one in enumerate(steps)))
    assert counted() == {(1, *one): 2 for one in steps}


@pytest.mark.parametrize("other", OTHERS)
def test_steps_of_another_run_are_not_counted(other: Writer) -> None:
    handle("queued", mark(1, BEGIN, writer=other, red=True), mark(2, YES))
    assert counted() == {(1, *YES): 1}
    assert tagged() == []
    assert unhandled() == [1], "the present run handles it"


def test_days_are_read_by_period_and_version() -> None:
    first = date(2026, 1, 1)
    for number in range(4):
        statistics.store([mark(1, BEGIN, version=1 + number % 2)], first + timedelta(number))
    period = Period(first + timedelta(1), first + timedelta(2))
    assert statistics.taken(1, period) == [(BEGIN, 2)]
    assert statistics.taken(2, period) == []
    [row] = statistics.moves_by_day(1, Period(first, first + timedelta(9), 2), "a")[:1]
    assert row == (first + timedelta(1), 1, 0)


def test_old_days_are_pruned_step_by_step() -> None:
    today = now().date()
    for age in (0, 400, 401, 402, 403):
        statistics.store([mark(1, BEGIN)], today - timedelta(age))
    older_than = timedelta(days=400)
    assert [statistics.prune(older_than=older_than, limit=2) for _ in range(3)] == [2, 1, 0]
    left = sorted(today - row.day for row in DialogStep.select())
    assert left == [timedelta(0), timedelta(400)]


def test_what_a_bot_has_is_discarded_step_by_step_and_nothing_else() -> None:
    today = now().date()
    for bot_id in (1, 2):
        writer = Writer(bot_id, 1)
        for user_id in (7, 8, 9):
            one = mark(1, BEGIN, writer=writer, user_id=user_id, version=user_id, red=True)
            statistics.store([one], today)
            tags.store([one], {(bot_id, user_id, user_id, 0)}, now().replace(tzinfo=None))
    for module in (statistics, tags):
        assert [module.discard([1], limit=2, by=OPERATOR) for _ in range(3)] == [2, 1, 0]
    for table in (DialogStep, PersonTag):
        assert Counter(row.bot_id for row in table.select()) == {2: 3}
    Bot.delete().where(Bot.id == 2).execute()
    assert (DialogStep.select().count(), PersonTag.select().count()) == (0, 0)


# -- tags


@WAYS
def test_tags_are_given_and_taken(way: str) -> None:
    handle(way, mark(1, red=True, blue=True), mark(2, blue=False, green=True, unknown=False))
    assert tagged() == ["green", "red"]
    handle(way, mark(3, red=True, green=False), mark(4, user_id=8, red=True))
    assert (tagged(), tagged(8)) == (["red"], ["red"])
    assert tags.of_people(2, [7, 8]) == {}


@WAYS
def test_a_commit_that_is_repeated_gives_no_tag_again(way: str) -> None:
    handle(way, mark(1, red=True))
    tags.forget_person(1, 7)
    if way == "early":
        flush(Flush([Batch(WRITER, [(1, b"{}")], 2, [mark(1, red=True)])]))
    else:
        flush(Flush(marks=[mark(1, red=True)]))
    assert tagged() == []


def test_who_was_forgotten_meanwhile_gets_no_tag() -> None:
    handle("early", mark(1, red=True))
    conversations.forget_person(1, 7)
    tags.forget_person(1, 7)
    late = mark(2, blue=True)
    assert late.talk is not None
    handle("early", replace(late, talk=replace(late.talk, is_new=False)))
    assert tagged() == []


def test_a_person_has_a_limited_number_of_tags() -> None:
    many = [f"t{n:03}" for n in range(tags.MAX_TAGS)]
    handle("early", mark(1, **dict.fromkeys(many, True)))
    handle("early", mark(2, more=True, t000=True))
    assert tagged() == many
    handle("early", mark(3, t000=False, more=True, one_more=True))
    assert tagged() == ["more", *many[1:]]


def test_who_writes_in_the_name_of_a_chat_has_no_tags() -> None:
    handle("early", mark(1, user_id=-500, red=True))
    assert PersonTag.select().count() == 0
