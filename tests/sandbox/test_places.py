"""sendLocation, sendVenue, sendContact, sendDice and sendPoll."""

from __future__ import annotations

from typing import Any

import pytest
from support.sandbox_client import Api

from sandbox import SandboxBot
from sandbox.dice import HIGHEST

pytestmark = pytest.mark.usefixtures("chat_id")

HERE = {"latitude": 40.7, "longitude": -74}


async def test_a_location_comes_back(api: Api, bot: SandboxBot) -> None:
    given = {**HERE, "horizontal_accuracy": 12.5}
    message = await api.result(bot, "sendLocation", chat_id=7, **given)
    assert message["location"] == {**HERE, "horizontal_accuracy": 13}


async def test_a_live_location_tells_its_period(api: Api, bot: SandboxBot) -> None:
    live = {**HERE, "live_period": 600, "heading": 90, "proximity_alert_radius": 100}
    message = await api.upload(bot, "sendLocation", files={}, chat_id=7, **live)
    assert message["location"] == live


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"longitude": 1}, "latitude is empty"),
        ({"latitude": 1}, "longitude is empty"),
        ({"latitude": 90.1, "longitude": 1}, "wrong location specified"),
        ({"latitude": 1, "longitude": -180.5}, "wrong location specified"),
        ({"latitude": "nan", "longitude": 1}, "wrong location specified"),
        ({**HERE, "live_period": 59}, "wrong live location period specified"),
        ({**HERE, "live_period": 86401}, "wrong live location period specified"),
        ({**HERE, "live_period": 60, "heading": 361}, "wrong live location heading specified"),
        (
            {**HERE, "live_period": 60, "proximity_alert_radius": 100_001},
            "wrong live location proximity alert radius specified",
        ),
    ],
)
async def test_a_place_that_is_not_on_the_map_is_refused(
    api: Api, bot: SandboxBot, params: dict[str, Any], words: str
) -> None:
    got = await api.refusal(bot, "sendLocation", chat_id=7, **params)
    assert got == f"Bad Request: {words}"


async def test_a_venue_is_a_location_too(api: Api, bot: SandboxBot) -> None:
    named = {"title": "Office", "address": "1 Main St", "google_place_id": "g"}
    message = await api.result(bot, "sendVenue", chat_id=7, **HERE, **named)
    assert message["venue"] == {"location": HERE, **named}
    assert message["location"] == HERE


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"latitude": 91, "longitude": 0}, "wrong venue location specified"),
        (HERE, 'parameter "title" is required'),
        ({**HERE, "title": "Office"}, 'parameter "address" is required'),
    ],
)
async def test_a_venue_needs_a_place_a_title_and_an_address(
    api: Api, bot: SandboxBot, params: dict[str, Any], words: str
) -> None:
    got = await api.refusal(bot, "sendVenue", chat_id=7, **params)
    assert got == f"Bad Request: {words}"


async def test_a_contact_comes_back(api: Api, bot: SandboxBot) -> None:
    contact = {"phone_number": "+15550100", "first_name": "Ann", "vcard": "BEGIN:VCARD"}
    message = await api.result(bot, "sendContact", chat_id=7, last_name="", **contact)
    assert message["contact"] == contact


async def test_a_contact_needs_a_number_and_a_name(api: Api, bot: SandboxBot) -> None:
    words = await api.refusal(bot, "sendContact", chat_id=7, first_name="Ann")
    assert words == 'Bad Request: parameter "phone_number" is required'
    words = await api.refusal(bot, "sendContact", chat_id=7, phone_number="1")
    assert words == 'Bad Request: parameter "first_name" is required'


@pytest.mark.parametrize(("emoji", "highest"), HIGHEST.items())
async def test_a_dice_has_a_value_of_its_emoji(
    api: Api, bot: SandboxBot, emoji: str, highest: int
) -> None:
    params = {"chat_id": 7, "emoji": emoji}
    rolled = [(await api.result(bot, "sendDice", **params))["dice"] for _ in range(40)]
    assert {dice["emoji"] for dice in rolled} == {emoji}
    values = {dice["value"] for dice in rolled}
    assert len(values) > 1
    assert min(values) >= 1
    assert max(values) <= highest


async def test_a_dice_without_an_emoji_is_a_die(api: Api, bot: SandboxBot) -> None:
    assert (await api.result(bot, "sendDice", chat_id=7))["dice"]["emoji"] == "🎲"


async def test_an_emoji_that_is_no_dice_is_refused(api: Api, bot: SandboxBot) -> None:
    words = await api.refusal(bot, "sendDice", chat_id=7, emoji="😀")
    assert words == "Bad Request: EMOTICON_INVALID"


async def test_a_poll_comes_back_with_its_options(api: Api, bot: SandboxBot) -> None:
    options = ["Yes", {"text": "<b>No</b>", "text_parse_mode": "HTML"}]
    message = await api.upload(
        bot,
        "sendPoll",
        files={},
        chat_id=7,
        question="Well?",
        options=options,
        is_anonymous=False,
        open_period=60,
    )
    poll = message["poll"]
    assert (poll["question"], poll["type"], poll["is_anonymous"]) == ("Well?", "regular", False)
    assert [(one["text"], one["voter_count"]) for one in poll["options"]] == [("Yes", 0), ("No", 0)]
    assert poll["options"][1]["text_entities"][0]["type"] == "bold"
    assert (poll["total_voter_count"], poll["is_closed"]) == (0, False)
    assert poll["close_date"] - message["date"] in {60, 61}


async def test_a_date_that_no_calendar_has_ends_a_poll_at_the_last_one(
    api: Api, bot: SandboxBot
) -> None:
    params = {"question": "x", "options": ["a"], "close_date": 1e30}
    poll = (await api.result(bot, "sendPoll", chat_id=7, **params))["poll"]
    assert poll["close_date"] == 2**31 - 1


@pytest.mark.parametrize("right", [{"correct_option_id": 1}, {"correct_option_ids": [1]}])
async def test_a_quiz_has_a_right_answer(api: Api, bot: SandboxBot, right: dict[str, Any]) -> None:
    quiz = {"question": "2 + 2?", "options": ["3", "4"], "type": "quiz", "explanation": "sums"}
    poll = (await api.result(bot, "sendPoll", chat_id=7, **quiz, **right))["poll"]
    assert (poll["correct_option_ids"], poll["explanation"]) == ([1], "sums")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"options": ["a"]}, "poll question must be non-empty"),
        ({"question": "x" * 301}, "poll question length must not exceed 300"),
        ({"question": "x", "options": "["}, "can't parse options JSON object"),
        ({"question": "x", "options": "{}"}, "expected an Array of String as options"),
        ({"question": "x"}, "expected an Array of String as options"),
        ({"question": "x", "options": [1]}, "expected an option to be of type String"),
        ({"question": "x", "options": []}, "poll must have at least 1 option"),
        ({"question": "x", "options": ["a"] * 13}, "poll can't have more than 12 options"),
        ({"question": "x", "options": ["a", " "]}, "poll options must be non-empty"),
        ({"question": "x", "options": ["a" * 101]}, "poll options length must not exceed 100"),
        (
            {"question": "x", "options": ["a"], "type": "guess"},
            "unsupported poll type specified",
        ),
        (
            {"question": "x", "options": ["a"], "type": "quiz"},
            "wrong correct option ID specified",
        ),
        (
            {"question": "x", "options": ["a"], "type": "quiz", "correct_option_ids": [1]},
            "wrong correct option ID specified",
        ),
    ],
)
async def test_a_poll_that_cannot_be_sent_is_refused(
    api: Api, bot: SandboxBot, params: dict[str, Any], words: str
) -> None:
    got = await api.refusal(bot, "sendPoll", chat_id=7, **params)
    assert got == f"Bad Request: {words}"
