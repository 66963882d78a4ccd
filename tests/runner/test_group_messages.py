"""Which messages in a group are meant for the bot, and what is left of them."""

from __future__ import annotations

from typing import Any

import pytest

from runner.scenarios.updates import Me, Occasion, read_occasion
from runner.updates.incoming import IncomingUpdate

ME = Me(1, "my_bot", "B")


def read(**fields: Any) -> Occasion | None:
    """Return what the bot makes of a message in a group."""
    message = {
        "message_id": 1, "date": 1, "chat": {"id": -5, "type": "supergroup", "title": "g"},
        "from": {"id": 7, "is_bot": False, "first_name": "A"}, **fields,
    }  # fmt: skip
    return read_occasion(IncomingUpdate.from_raw({"update_id": 1, "message": message}), ME)


def mark(kind: str, offset: int, length: int, **fields: Any) -> dict[str, Any]:
    """Return an entity."""
    return {"type": kind, "offset": offset, "length": length, **fields}


@pytest.mark.parametrize(
    ("text", "entities", "left"),
    [
        ("@my_bot yes", None, "yes"),
        ("yes, @My_Bot!", None, "yes, !"),
        ("@my_bot yes", [mark("mention", 0, 7)], "yes"),
        ("😀 @my_bot yes", [mark("mention", 3, 7)], "😀  yes"),
        ("Bot, yes", [mark("text_mention", 0, 3, user={"id": 1})], ", yes"),
        ("@my_bot yes", [mark("bold", 8, 3)], "yes"),
    ],
)
def test_a_mention_is_taken_out(text: str, entities: Any, left: str) -> None:
    occasion = read(text=text, entities=entities)
    assert occasion
    assert (occasion.is_addressed, occasion.event.text) == (True, left)


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("write to bob@my_bot.com", None),
        ("write to bob@my_bot.com", [mark("email", 9, 14)]),
        ("see https://x.org/@my_bot", None),
        ("@my_bot2 yes", None),
        ("@ann: @my_bot", [mark("mention", 0, 4)]),
        ("Bot, yes", [mark("text_mention", 0, 3, user={"id": 2})]),
        ("yes", [mark("mention", 10**30, 7), mark("mention", -1, 2), 5, {}, {"type": []}]),
        ("yes", [mark("mention", True, 7)]),
        ("yes", "mention"),
    ],
)
def test_what_is_no_mention_is_left(text: str, entities: Any) -> None:
    occasion = read(text=text, entities=entities)
    assert occasion
    assert (occasion.is_addressed, occasion.event.text) == (False, text)


def test_a_mention_in_a_caption_counts() -> None:
    photo = {"photo": [{"file_id": "x"}], "caption": "see @My_Bot this"}
    for entities in (None, [mark("mention", 4, 7)]):
        occasion = read(**photo, caption_entities=entities)
        assert occasion
        assert occasion.is_addressed


def test_a_command_for_another_bot_is_none_for_this_one() -> None:
    for text in ("/start@otherbot", "@my_bot /start@otherbot"):
        assert read(text=text) is None
    for text in ("/start@my_bot", "/start", "@my_bot /start"):
        occasion = read(text=text)
        assert occasion
        assert (occasion.event.command, occasion.is_addressed) == ("start", True)


def test_in_a_topic_that_the_bot_has_made_not_everything_is_a_reply_to_it() -> None:
    question = {"message_id": 3, "from": {"id": 1, "is_bot": True, "first_name": "B"}}
    occasion = read(text="yes", reply_to_message=question)
    assert occasion
    assert occasion.is_addressed
    topic = {**question, "forum_topic_created": {"name": "x", "icon_color": 1}}
    occasion = read(text="yes", reply_to_message=topic, is_topic_message=True, message_thread_id=3)
    assert occasion
    assert not occasion.is_addressed
