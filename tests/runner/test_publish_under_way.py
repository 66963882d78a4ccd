"""Publishing while people talk: talks go on or begin anew, and no message is lost."""

from __future__ import annotations

from typing import Any

import pytest
from support.client import BOTS, Client, until
from support.counting import CountingTalk
from support.talks import CHAT, Talker, talker

from sandbox import Sandbox

BYE = {"say": "{{answer}}, {{extra}}.", "end": True}


def asking(kind: str, **others: Any) -> dict[str, Any]:
    """A scenario with a question, and what follows it."""
    return {
        "language": "en",
        "start": "first",
        "states": {
            "first": {"say": "First?", "ask": {"type": kind, "save": "answer", "go": "second"}},
            "second": {"say": "Second?", "ask": {"type": "text", "save": "more", "go": "bye"}},
            "bye": {"say": "{{answer}}.", "end": True},
        },
        **others,
    }


def menu(*labels: str) -> dict[str, Any]:
    """A scenario with buttons."""
    buttons = [[{"text": label, "go": label.lower()} for label in labels]]
    picked = {label.lower(): {"say": f"{label} it is.", "end": True} for label in labels}
    states = {"menu": {"say": {"text": "Menu", "buttons": buttons}, "on": []}, **picked}
    return {"language": "en", "start": "menu", "states": states}


async def version_of(talk: Talker) -> int:
    """The version that the talk is in."""
    shown = await talk.owner.get(f"{BOTS}{talk.bot_id}/conversations/{CHAT}.{CHAT}.0/")
    version: int = shown.json["version"]
    return version


async def test_ten_publishes_lose_no_message_and_no_count(ann: Client, telegram: Sandbox) -> None:
    people = CountingTalk(await talker(ann, telegram))
    await people.publish()
    async with people.writing():
        for number in range(10):
            await people.go_on(4)
            await people.publish(restart=number % 3 == 2)
        await people.go_on(4)
    people.check()


async def test_a_question_of_another_type_is_asked_when_the_old_one_is_answered(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram, asking("text"))
    assert await talk.says("/start") == ["First?"]
    new = asking("number", variables={"extra": {"type": "text", "default": "as new"}})
    new["states"]["bye"] = BYE
    await talk.publish(new)
    assert await talk.says("no number") == ["Second?"], "it goes on in its version"
    assert await version_of(talk) == 1
    assert await talk.says("more") == [", as new."], "in the new one, an answer of text is none"
    assert await version_of(talk) == 2
    assert await talk.says("again") == ["First?"]
    [retry] = await talk.says("no number")
    assert retry not in ("First?", "Second?")
    assert await talk.says("7") == ["Second?"]


async def test_a_state_that_is_gone_is_left_in_the_old_version(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram, asking("text"))
    assert await talk.says("/start") == ["First?"]
    variables = {"answer": {"type": "text"}, "extra": {"type": "text", "default": "new"}}
    new = asking("text", start="second", variables=variables)
    del new["states"]["first"]
    new["states"]["bye"] = BYE
    await talk.publish(new)
    assert await talk.says("Ann") == ["Second?"]
    assert await talk.says("more") == ["Ann, new."], "its variables have come along"
    assert await talk.says("again") == ["Second?"]


async def test_talks_begin_anew_with_the_next_message_and_old_buttons_say_so(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram, menu("More"))
    assert await talk.says("/start") == ["Menu"]
    await talk.publish(menu("More"), migrate="restart")
    await talk.taps("More")
    assert await talk.hears() == ["Menu"]
    await until(lambda: len(talk.tap_answers()) == 1, "the answer to the tap")
    assert "old" in talk.tap_answers()[0]
    await talk.taps("More")
    assert await talk.hears() == ["More it is."]


@pytest.mark.parametrize("labels", [("More",), ("Less", "More")], ids=["the same", "others"])
async def test_buttons_work_after_a_publish_if_they_mean_the_same(
    labels: tuple[str, ...], ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram, menu("More"))
    assert await talk.says("/start") == ["Menu"]
    await talk.publish(menu(*labels))
    await talk.taps("More")
    is_same = labels == ("More",)
    assert await talk.hears() == ["More it is." if is_same else "Menu"]
    await until(lambda: len(talk.tap_answers()) == 1, "the answer to the tap")
    assert ("old" in talk.tap_answers()[0]) is not is_same
    assert await version_of(talk) == 2
