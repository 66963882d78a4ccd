"""What protects an owner's work: preconditions, empty bodies, names that stand twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.client import Client
from support.talks import CAT, Talker, talker

from dialogs.scenarios import template
from sandbox import Sandbox

HELLO = {"start": "hello", "states": {"hello": {"say": "Hi!", "end": True}}}


@pytest.fixture
async def talk(ann: Client, telegram: Sandbox) -> Talker:
    """A bot without a scenario."""
    return await talker(ann, telegram)


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("1", 'its double quotes. Send one ETag as GET answers it, with its double quotes, e.g. '
              'If-Match: "1"; or *.'),
        ("0f3a", 'If-Match: "0f3a"'),
        ('W/"1"', "leave W/ out"),
        ('"1", "2"', "only one"),
        ("", "not a tag"),
        ('"1', "not a tag"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["", "tests/", "versions/1/restore/"])
async def test_a_tag_that_is_none_is_refused_with_what_is_wanted(
    talk: Talker, path: str, header: str, told: str
) -> None:
    await talk.publish(HELLO)
    method = "POST" if path.endswith("restore/") else "PUT"
    answer = await talk.owner.request(
        method, talk.path + path, template(CAT), headers={"If-Match": header}
    )
    assert (answer.status, answer.json["code"]) == (400, "bad_request")
    assert told in answer.json["detail"]
    assert (await talk.owner.get(talk.path)).json == HELLO


async def test_a_restore_replaces_only_the_draft_that_was_seen(talk: Talker) -> None:
    await talk.publish(HELLO)
    await talk.save(template(CAT))
    path = f"{talk.path}versions/1/restore/"
    blind = await talk.owner.post(path)
    assert (blind.status, blind.json["code"]) == (428, "if_match_required")
    late = await talk.owner.post(path, headers={"If-Match": '"1"'})
    assert (late.status, late.json["code"]) == (412, "draft_changed")
    assert (await talk.owner.get(talk.path)).json == template(CAT)
    assert (await talk.owner.post(path, headers={"If-Match": "*"})).status == 200
    assert (await talk.owner.get(talk.path)).json == HELLO


def named(*names: str) -> dict[str, Any]:
    """Tests with these names."""
    return {"tests": [{"name": name, "turns": [{"user": "/start"}]} for name in names]}


async def test_tests_replace_only_those_that_were_seen(talk: Talker) -> None:
    path = f"{talk.path}tests/"
    seen = (await talk.owner.get(path)).headers["ETag"]
    blind = await talk.owner.put(path, named("a"))
    assert (blind.status, blind.json["code"]) == (428, "if_match_required")
    assert "the ETag of the tests" in blind.json["detail"]
    saved = await talk.owner.put(path, named("a"), headers={"If-Match": seen})
    assert saved.status == 200
    assert saved.headers["ETag"] == (await talk.owner.get(path)).headers["ETag"] != seen
    late = await talk.owner.put(path, named("b"), headers={"If-Match": seen})
    assert (late.status, late.json["code"]) == (412, "tests_changed")
    assert late.headers["ETag"] == saved.headers["ETag"]
    assert (await talk.owner.get(path)).json == named("a")
    for tag in (late.headers["ETag"], "*"):
        again = await talk.owner.put(path, named("b"), headers={"If-Match": tag})
        assert again.status == 200


async def test_one_of_several_changes_of_tests_at_once_wins(talk: Talker) -> None:
    path = f"{talk.path}tests/"
    seen = {"If-Match": (await talk.owner.get(path)).headers["ETag"]}
    changes = (talk.owner.put(path, named(str(n)), headers=seen) for n in range(8))
    answers = await asyncio.gather(*changes)
    assert sorted(answer.status for answer in answers) == [200] + 7 * [412]
    [winner] = [answer for answer in answers if answer.status == 200]
    assert (await talk.owner.get(path)).json == winner.json


@pytest.mark.parametrize("path", ["", "tests/"])
async def test_an_empty_body_replaces_nothing(talk: Talker, path: str) -> None:
    await talk.save(HELLO)
    before = (await talk.owner.get(talk.path + path)).json
    headers = {"If-Match": "*", "Content-Type": "application/json"}
    answer = await talk.owner.put(talk.path + path, data=b"", headers=headers)
    assert answer.status == 400
    assert "The body is empty" in answer.json["detail"] or "tests" in answer.json["errors"]
    assert (await talk.owner.get(talk.path + path)).json == before


TWICE = '{"start": "a", "states": {"a": {"say": "1", "end": true}, "a": {"say": "2", "end": true}}}'
TESTS_TWICE = (
    '{"tests": [{"name": "a", "turns": [{"user": "/start", "state": "a", "state": "b"}]}]}'
)


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer", "told"),
    [
        ("PUT", "", TWICE, "/states/a", '"a" stands 2 times in "states"'),
        ("POST", "validate/", TWICE, "/states/a", '"a" stands 2 times in "states"'),
        ("PUT", "tests/", TESTS_TWICE, "/tests/0/turns/0/state", '"state" stands 2 times in'),
        ("PUT", "tests/", '{"tests": [], "tests": []}', "/tests", "2 times in the document"),
    ],
)
async def test_a_name_that_stands_twice_is_refused(
    talk: Talker, method: str, path: str, body: str, pointer: str, told: str
) -> None:
    await talk.save(HELLO)
    headers = {"If-Match": "*", "Content-Type": "application/json"}
    answer = await talk.owner.request(method, talk.path + path, data=body, headers=headers)
    assert (answer.status, answer.json["code"]) == (400, "validation_failed")
    assert answer.json["detail"] == "The body is invalid in 1 place."
    [(place, [sentence])] = answer.json["errors"].items()
    assert place == pointer
    assert told in sentence
    assert (await talk.owner.get(talk.path)).json == HELLO
    assert (await talk.owner.get(f"{talk.path}tests/")).json == {"tests": []}


async def test_a_failing_test_is_not_hidden_by_another_of_its_name(talk: Talker) -> None:
    await talk.save(HELLO)
    tests = [
        {"name": "a", "turns": [{"user": "x", "bot": ["Bye!"]}]},
        {"name": "a", "turns": [{"user": "x", "bot": ["Hi!"]}]},
    ]
    anew = {"If-Match": "*"}
    assert (
        await talk.owner.put(f"{talk.path}tests/", {"tests": tests}, headers=anew)
    ).status == 200
    refused = await talk.owner.post(f"{talk.path}publish/", {})
    assert (refused.status, refused.json["code"]) == (409, "tests_failed")
    assert refused.json["errors"] == {"a": ['Turn 1: The bot should say "Bye!", and says "Hi!".']}
