"""A scenario that says much does not take the memory and the time of others."""

from __future__ import annotations

from typing import Any

import pytest
from support.client import BOTS, Client
from support.talks import CHAT, Talker, talker

from sandbox import Sandbox

SAY = ["{{v}}" * 7] * 2  # nearly as much as one message of a user may lead to
TALKATIVE: dict[str, Any] = {
    "start": "a",
    "variables": {"v": {"type": "text", "default": "y" * 4096}},
    "states": {"a": {"say": SAY, "on": [{"content": "any", "go": "a"}]}},
}
TESTS = [{"name": f"t{number}", "turns": [{"user": "a", "bot": []}] * 200} for number in range(20)]


@pytest.fixture
async def talk(ann: Client, telegram: Sandbox) -> Talker:
    """A bot whose draft says much."""
    made = await talker(ann, telegram)
    await made.save(TALKATIVE)
    return made


async def test_a_simulation_that_says_too_much_is_refused(talk: Talker) -> None:
    answer = await talk.owner.post(f"{talk.path}simulate/", {"events": ["a"] * 1000})
    assert (answer.status, answer.json["code"]) == (400, "validation_failed")
    [(place, [sentence])] = answer.json["errors"].items()
    assert place == "/events/34"
    assert "2 MB" in sentence
    answer = await talk.owner.post(f"{talk.path}simulate/", {"events": ["a"] * 2})
    assert answer.status == 200
    assert len(answer.text) < 3_000_000


async def test_tests_that_say_too_much_fail_and_do_not_stop_a_forced_publish(talk: Talker) -> None:
    saved = await talk.owner.put(f"{talk.path}tests/", {"tests": TESTS}, headers={"If-Match": "*"})
    assert saved.status == 200
    answer = await talk.owner.post(f"{talk.path}tests/run/")
    assert (answer.status, answer.json["passed"]) == (200, False)
    assert len(answer.text) < 100_000
    assert "2 MB" in answer.json["items"][-1]["faults"][-1]["message"]
    refused = await talk.owner.post(f"{talk.path}publish/", {"note": ""})
    assert (refused.status, refused.json["code"]) == (409, "tests_failed")
    assert len(refused.text) < 100_000
    assert (await talk.owner.post(f"{talk.path}publish/", {"force": True})).status == 201


async def test_the_log_of_one_message_is_small_and_says_what_it_leaves_out(
    ann: Client, telegram: Sandbox
) -> None:
    names = [f"v{number}" for number in range(98)]
    states: dict[str, Any] = {
        "a": {"say": "?", "on": [{"content": "text", "save": "z", "go": "b"}]}
    }
    for name, to in (("b", "c"), ("c", "a")):
        states[name] = {"set": dict.fromkeys(names, f"{name}{{{{z}}}}"), "go": to}
    talk = await talker(ann, telegram)
    await talk.publish({"start": "a", "states": states})
    await talk.says("/start")
    await talk.says("я" * 60)
    await talk.says("я" * 4000)
    path = f"{BOTS}{talk.bot_id}/conversations/{CHAT}.{CHAT}.0/"
    log = await ann.get(f"{path}log/")
    [large, entry, _] = log.json["items"]
    assert len(log.text.encode()) < 40_000
    assert entry["steps"][1] == {
        "state": "b", "transition": "/states/b/go", "to": "c", "changed": {}, "cut": True,
    }  # fmt: skip
    assert [failure["code"] for failure in large["failures"]] == ["variables_full"]
    assert len((await ann.get(path)).text.encode()) < 70_000


async def test_the_log_tells_that_an_answer_is_none_of_its_variables_type(
    ann: Client, telegram: Sandbox
) -> None:
    states: dict[str, Any] = {
        "a": {"say": "?", "ask": {"type": "text", "save": "age", "go": "b"}},
        "b": {"say": "Thanks", "end": True},
    }
    talk = await talker(ann, telegram)
    await talk.publish({"start": "a", "states": states, "variables": {"age": {"type": "number"}}})
    await talk.says("/start")
    await talk.says("Kim")
    log = await ann.get(f"{BOTS}{talk.bot_id}/conversations/{CHAT}.{CHAT}.0/log/")
    [entry, _] = log.json["items"]
    [failure] = entry["failures"]
    assert (failure["code"], failure["state"]) == ("value_not_saved", "a")
    assert '"age"' in failure["message"]
