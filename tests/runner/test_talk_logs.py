"""The log of a talk: what was said, and what a publish did to its variables."""

from __future__ import annotations

from typing import Any

from support.client import BOTS, Client
from support.talks import CHAT, Talker, talker

from runner.scenarios.talk_log import MAX_SAID, MAX_TEXT
from sandbox import Sandbox

BYE = {"say": "Bye, {{name}}!", "end": True}


def asking(**others: Any) -> dict[str, Any]:
    """A scenario that asks for a name, and whether it is right."""
    return {
        "language": "en",
        "start": "first",
        "variables": {"count": {"type": "number", "default": 1}},
        "states": {
            "first": {
                "say": "Your name?",
                "ask": {"type": "text", "save": "name", "set": {"count": 5}, "go": "right"},
            },
            "right": {
                "say": {
                    "text": "**{{name}}**, right?", "format": "markdown",
                    "buttons": [[{"text": "Yes", "go": "bye"}]],
                },
                "on": [],
            },
            "bye": BYE,
        },
        **others,
    }  # fmt: skip


async def log_of(talk: Talker, chat: int = CHAT) -> list[dict[str, Any]]:
    """The log of a talk, the latest entry first."""
    path = f"{BOTS}{talk.bot_id}/conversations/{chat}.{chat}.0/log/"
    items: list[dict[str, Any]] = (await talk.owner.get(path)).json["items"]
    return items


async def test_it_has_what_was_said(ann: Client, telegram: Sandbox) -> None:
    talk = await talker(ann, telegram, asking())
    await talk.says("/start now")
    await talk.says("Ann")
    await talk.taps("Yes")
    await talk.hears()
    said = [(one["event"], one["text"], one["said"]) for one in await log_of(talk)]
    assert said == [
        ("tap", "Yes", ["Bye, Ann!"]),
        ("text", "Ann", ["Ann, right?"]),
        ("command", "/start now", ["Your name?"]),
    ]


async def test_a_double_tap_is_told_and_counts_as_no_step(ann: Client, telegram: Sandbox) -> None:
    talk = await talker(ann, telegram, asking())
    await talk.says("/start")
    await talk.says("Ann")
    await talk.taps("Yes")
    await talk.taps("Yes")
    assert await talk.hears() == ["Bye, Ann!"]
    assert await talk.says("x") == ["Your name?"]
    _, repeated, first, *_ = await log_of(talk)
    assert repeated["steps"] == [
        {"state": "", "transition": "repeated tap", "to": "", "changed": {}}
    ]
    assert (repeated["text"], repeated["said"]) == ("Yes", [])
    assert [one["transition"] for one in first["steps"]][-1] == "/states/bye/end"
    found = (await talk.owner.get(f"{talk.path}statistics/")).json
    taken = [way["transition"] for one in found["items"] for way in one["transitions"]]
    assert "repeated tap" not in taken
    assert (found["begun"], found["ended"]) == (2, 1)


async def test_what_is_long_is_cut(ann: Client, telegram: Sandbox) -> None:
    states = {"a": {"on": [{"content": "text", "say": ["я" * 4096] * 9 + ["b"], "go": "c"}]}}
    states |= {"c": {"say": ["c"] * 9, "end": True}}  # type: ignore[dict-item]
    talk = await talker(ann, telegram, {"start": "a", "states": states})
    await talk.says("x" * 4096, count=19)
    [entry] = await log_of(talk)
    assert entry["text"] == "x" * MAX_TEXT
    assert entry["said"] == (["я" * MAX_TEXT] * 9 + ["b"])[:MAX_SAID]


async def test_a_bot_without_a_history_keeps_no_words(ann: Client, telegram: Sandbox) -> None:
    talk = await talker(ann, telegram, asking())
    await talk.owner.patch(f"{BOTS}{talk.bot_id}/", {"history": False})
    await talk.says("/start")
    [entry] = await log_of(talk)
    assert (entry["event"], entry["text"], entry["said"]) == ("command", "", [])
    assert [one["to"] for one in entry["steps"]] == ["first"]


async def test_a_restart_tells_which_variables_were_lost(ann: Client, telegram: Sandbox) -> None:
    talk = await talker(ann, telegram, asking())
    await talk.says("/start")
    await talk.says("Ann")
    await talk.publish(asking(title="New"), migrate="restart")
    assert await talk.says("yes") == ["Your name?"]
    await talk.says("Bob")
    after, restarted, *_ = await log_of(talk)
    assert restarted["steps"] == [
        {"state": "right", "transition": "restart", "to": "",
         "changed": {"count": [5, 1], "name": ["Ann", None]}},
        {"state": "", "transition": "start", "to": "first", "changed": {}},
    ]  # fmt: skip
    assert [one["transition"] for one in after["steps"]] == ["/states/first/ask"]
    statistics = (await talk.owner.get(f"{talk.path}statistics/")).json
    taken = [way["transition"] for one in statistics["items"] for way in one["transitions"]]
    assert {*taken} == {"/states/first/ask"}


async def test_a_move_to_a_newer_version_tells_what_it_changed(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram, asking())
    await talk.says("/start")
    await talk.says("Ann")
    await talk.publish(asking())  # nothing changes
    await talk.says("x")
    variables = {"count": {"type": "text"}, "town": {"type": "text", "default": "Bonn"}}
    await talk.publish(asking(variables=variables))
    await talk.taps("Yes")
    await talk.hears()
    moved, unchanged, *_ = await log_of(talk)
    assert [one["transition"] for one in unchanged["steps"]] == ["again"]
    assert moved["steps"][0] == {
        "state": "right", "transition": "new version", "to": "right",
        "changed": {"count": [5, "5"], "town": [None, "Bonn"]},
    }  # fmt: skip


async def test_a_talk_that_never_was_has_no_log(ann: Client, telegram: Sandbox) -> None:
    talk = await talker(ann, telegram, asking())
    path = f"{BOTS}{talk.bot_id}/conversations/{CHAT}.{CHAT}.0/"
    answer = await ann.get(f"{path}log/")
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    await talk.says("/start")
    assert (await ann.get(f"{path}log/")).status == 200
    assert (await ann.delete(path)).status == 204
    assert len(await log_of(talk)) == 1, "what was said stays"
