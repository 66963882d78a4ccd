"""Where people give up: the statistics of a scenario."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from support.client import BOTS, DEADLINE, QUICK, Client, until
from support.doubts import lose_one_answer
from support.talks import CAT, Talker, talker

from dialogs.scenarios import template
from models.dialogs.tables import DialogStep
from models.engine.base import now
from models.engine.bulk import execute
from models.messaging.flush import flush
from runner.settings import RunnerTuning
from sandbox import Sandbox
from server.app import Botyard

TALKS = [  # what each person writes
    ["/start", "да", "ага"], ["/start", "да", "э-э", "э-э"], ["/start", "нет"], ["/start"],
    ["/start", "да", "/start"],
]  # fmt: skip


@pytest.fixture
async def talk(ann: Client, telegram: Sandbox) -> Talker:
    """A bot that tells cats from bread."""
    return await talker(ann, telegram, CAT)


async def statistics(talk: Talker, query: str = "") -> dict[str, Any]:
    """What is answered about a bot's talks."""
    answer = await talk.owner.get(f"{talk.path}statistics/{query}")
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def numbers(found: dict[str, Any]) -> dict[str, list[int]]:
    """The numbers of each state, in the order of the answer."""
    names = ("entered", "left", "ended", "stayed", "waiting")
    return {one["state"]: [one[name] for name in names] for one in found["items"]}


async def test_it_shows_where_people_give_up(talk: Talker) -> None:
    for chat, texts in enumerate(TALKS, 1):
        for text in texts:
            await talk.says(text, chat=chat)
    found = await statistics(talk)
    assert (found["begun"], found["ended"], found["version"]) == (5, 2, None)
    assert list(numbers(found).items()) == [
        ("square", [6, 4, 0, 0, 2]),
        ("ears", [3, 2, 0, 2, 1]),
        ("cat", [2, 2, 2, 0, 0]),
    ]
    square, ears, cat = found["items"]
    assert square["transitions"] == [
        {"transition": "/states/square/on/0", "to": "ears", "count": 3},
        {"transition": "/states/square/on/1", "to": "cat", "count": 1},
    ]
    assert ears["transitions"] == [
        {"transition": "again", "to": "ears", "count": 2},
        {"transition": "/states/ears/on/0", "to": "cat", "count": 1},
        {"transition": "start", "to": "square", "count": 1},
    ]
    assert cat["transitions"] == [{"transition": "/states/cat/end", "to": "", "count": 2}]


async def test_it_has_a_number_for_each_day(talk: Talker) -> None:
    await talk.says("/start")
    await talk.says("да")
    found = await statistics(talk, "?state=square")
    until_day = date.fromisoformat(found["until"])
    days = [str(until_day - timedelta(age)) for age in range(29, -1, -1)]
    assert (found["since"], [one["day"] for one in found["days"]]) == (days[0], days)
    [square] = found["items"]
    assert [one["day"] for one in square["days"]] == days
    # midnight may have passed between
    assert sum(one["begun"] for one in found["days"][-2:]) == 1
    assert sum(one["entered"] for one in square["days"][-2:]) == 1
    assert sum(one["left"] for one in square["days"][-2:]) == 1
    assert found["days"][0] == {"day": days[0], "begun": 0, "ended": 0}
    assert square["days"][0] == {"day": days[0], "entered": 0, "left": 0}
    assert all(one["days"] == [] for one in (await statistics(talk))["items"])
    past = await statistics(talk, f"?since={days[-5]}&until={days[-4]}")
    assert (past["items"], past["begun"], len(past["days"])) == ([], 0, 2)


async def test_it_is_of_one_version_if_asked(talk: Talker) -> None:
    await talk.says("/start")
    await talk.publish(template(CAT))
    await talk.says("да")
    assert numbers(await statistics(talk, "?version=1")) == {"square": [1, 0, 0, 0, 1]}
    second = await statistics(talk, "?version=2")
    assert second["version"] == 2
    # the talk has moved: it left the state in the version that it had moved to
    assert numbers(second) == {"ears": [1, 0, 0, 0, 1], "square": [0, 1, 0, 0, -1]}
    assert numbers(await statistics(talk)) == {
        "ears": [1, 0, 0, 0, 1], "square": [1, 1, 0, 0, 0]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("since=yesterday", "since", "Use a day"),
        ("until=0001-01-01", "until", "Use a day"),
        ("since=2026-01-02&until=2026-01-01", "since", "after 2026-01-01"),
        ("since=2025-01-01&until=2026-01-02", "since", "more than 366 days"),
        ("since=9000-01-01", "since", "Use a day"),
        ("version=0", "version", "1"),
        ("state=", "state", "1"),
        ("stat=square", "stat", "Unknown"),
    ],
)
async def test_a_wrong_parameter_is_named(talk: Talker, query: str, field: str, words: str) -> None:
    answer = await talk.owner.get(f"{talk.path}statistics/?{query}")
    assert (answer.status, answer.json["code"]) == (400, "validation_failed")
    assert words in answer.json["errors"][field][0]


async def test_a_state_and_a_version_that_never_were_are_not_found(talk: Talker) -> None:
    answer = await talk.owner.get(f"{talk.path}statistics/?version=77")
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    assert "no version 77" in answer.json["detail"]
    answer = await talk.owner.get(f"{talk.path}statistics/?state=eers")
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    assert answer.json["detail"].endswith('has a state "eers". Did you mean "ears"?')
    assert (await statistics(talk, "?state=ears&version=1"))["items"] == []
    await talk.says("/start")
    await talk.publish({"start": "menu", "states": {"menu": {"say": "ears", "on": []}}})
    assert (await statistics(talk, "?state=menu"))["items"] == []
    assert (await statistics(talk, "?state=ears"))["items"] == [], "it is in version 1"
    assert (await talk.owner.get(f"{talk.path}statistics/?state=say")).status == 404


async def test_a_state_and_a_version_that_are_gone_are_still_counted(
    talk: Talker, botyard: Botyard
) -> None:
    await talk.says("/start")
    db = botyard.services.db
    await db.write(execute, "DELETE FROM conversations")
    await db.write(execute, "DELETE FROM scenario_versions")
    assert numbers(await statistics(talk, "?version=1")) == {"square": [1, 0, 0, 0, 1]}
    assert numbers(await statistics(talk, "?state=square")) == {"square": [1, 0, 0, 0, 1]}
    assert (await talk.owner.get(f"{talk.path}statistics/?state=ears")).status == 404


async def test_a_year_is_answered_and_others_see_nothing(talk: Talker, bob: Client) -> None:
    found = await statistics(talk, "?since=2024-01-01&until=2024-12-31")
    assert (len(found["days"]), found["items"], found["begun"]) == (366, [], 0)
    assert (await bob.get(f"{talk.path}statistics/")).status == 404


async def test_it_outlives_the_people(talk: Talker) -> None:
    await talk.says("/start", chat=7)
    before = await statistics(talk)
    assert (await talk.owner.delete(f"{BOTS}{talk.bot_id}/chats/7/")).status == 204
    assert await statistics(talk) == before
    assert before["begun"] == 1


@pytest.mark.parametrize("way", ["early", "queued"])
async def test_a_step_whose_commit_was_not_known_counts_once(
    way: str,
    talk: Talker,
    botyard: Botyard,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if way == "queued":
        request.getfixturevalue("nothing_is_early")
    await talk.says("/start")

    def is_step(fn: Any, *args: Any) -> bool:
        if fn is not flush:
            return False
        early = [mark for batch in args[0].batches for mark in batch.handled]
        return any(getattr(mark, "talk", None) for mark in [*early, *args[0].marks])

    lost = lose_one_answer(botyard, monkeypatch, "write_as_owner", is_step)
    talk.telegram.send_message(talk.bot.id, text="да", chat_id=1001)
    await until(lambda: lost, "the loss")
    await talk.hears()
    await talk.says("ага")
    assert await talk.telegram.wait_sent(talk.bot.id, count=3, timeout=DEADLINE)
    assert numbers(await statistics(talk)) == {
        "cat": [1, 1, 1, 0, 0], "ears": [1, 1, 0, 0, 0], "square": [1, 1, 0, 0, 0]
    }  # fmt: skip


class TestPruning:
    """A server that prunes all the time, two rows a step."""

    @pytest.fixture
    def runner_tuning(self) -> RunnerTuning:
        """How often, and how much at once."""
        return replace(QUICK, prune_interval=0.05, prune_step=2)

    async def test_days_are_kept_for_400_days(self, talk: Talker, botyard: Botyard) -> None:
        today = now().date()

        def age() -> None:
            for days in (390, 401, 402, 403):
                DialogStep.create(
                    bot=talk.bot_id, day=today - timedelta(days), version=1, state="",
                    transition="start", to_state="square", count=1,
                )  # fmt: skip

        async def left() -> list[int]:
            rows = await botyard.services.db.read(lambda: list(DialogStep.select()))
            return [(today - row.day).days for row in rows]

        await botyard.services.db.write(age)
        async with asyncio.timeout(DEADLINE):
            while len(days := await left()) > 1:
                await asyncio.sleep(0.01)
        assert days == [390]
