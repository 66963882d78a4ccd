"""Scenarios that run: people talk to bots through the sandbox."""

from __future__ import annotations

import asyncio
import random
import signal
from itertools import groupby
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.client import BOTS, Client, register, until
from support.server_process import serving
from support.talks import CAT, CHAT, EARS, IS_BREAD, IS_CAT, SQUARE, Talker, talker

from dialogs.scenarios import template
from sandbox import Sandbox

MENU: dict[str, Any] = {
    "language": "en",
    "start": "menu",
    "states": {
        "menu": {
            "say": {
                "text": "Menu",
                "buttons": [[{"text": "More", "go": "more"}, {"text": "Less", "go": "less"}]],
            },
            "on": [],
        },
        "more": {"say": "More it is.", "go": "menu"},
        "less": {"say": "Less it is.", "go": "menu"},
    },
}


async def test_cat_or_bread_is_played(ann: Client, telegram: Sandbox) -> None:
    talk = await talker(ann, telegram, CAT)
    assert await talk.says("/start") == [SQUARE]
    assert await talk.says("Пожалуй!") == [EARS]
    assert await talk.says("э-э") == [EARS]
    assert await talk.says("ага") == [IS_CAT]
    assert await talk.says("что угодно") == [SQUARE]
    assert await talk.says("ДА") == [EARS]
    assert await talk.says("/start") == [SQUARE]
    assert await talk.says("конечно") == [EARS]
    assert await talk.says("Найн") == [IS_BREAD]
    assert await talk.says("привет") == [SQUARE]
    assert await talk.says("нет, конечно") == [IS_CAT]


async def test_a_bot_without_a_scenario_echoes_until_one_is_published(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram)
    assert await talk.says("Да") == ["Да"]
    await talk.publish(template(CAT))
    assert await talk.says("Да") == [SQUARE]


async def test_people_and_chats_have_talks_of_their_own(ann: Client, telegram: Sandbox) -> None:
    talk = await talker(ann, telegram, CAT)
    assert await talk.says("/start", chat=7) == [SQUARE]
    assert await talk.says("/start", chat=8) == [SQUARE]
    assert await talk.says("да", chat=7) == [EARS]
    assert await talk.says("нет", chat=8) == [IS_CAT]
    assert await talk.says("нет", chat=7) == [IS_BREAD]


async def test_in_a_group_only_what_is_meant_for_the_bot_is_answered(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram, CAT)
    group, username = -500, talk.bot.username
    telegram.send_message(talk.bot.id, text="да", chat_id=group, user_id=7)
    telegram.send_message(talk.bot.id, text="/start@somebody_bot", chat_id=group, user_id=7)
    assert await talk.says(f"/start@{username}", chat=group, user_id=7) == [SQUARE]
    assert await talk.says(f"@{username} да", chat=group, user_id=7) == [EARS]
    assert await talk.says(f"/start@{username}", chat=group, user_id=8) == [SQUARE]
    question = next(
        one.message_id
        for one in telegram.sent(talk.bot.id, chat_id=group)
        if one.present_text == EARS
    )
    telegram.send_message(talk.bot.id, text="нет", chat_id=group, user_id=7)
    telegram.send_message(
        talk.bot.id, text="нет", chat_id=group, user_id=7, reply_to_message_id=question
    )
    assert await talk.hears(chat=group) == [IS_BREAD]


async def test_a_tap_is_answered_and_an_old_menu_says_so(ann: Client, telegram: Sandbox) -> None:
    talk = await talker(ann, telegram, MENU)
    assert await talk.says("/start") == ["Menu"]
    await talk.taps("More")
    assert await talk.hears(2) == ["More it is.", "Menu"]
    await until(lambda: talk.tap_answers() == [""], "the answer to the tap")
    await talk.taps("Less", older=1)
    assert await talk.hears() == ["Menu"]
    await until(lambda: len(talk.tap_answers()) == 2, "the answer to the other tap")
    assert "old" in talk.tap_answers()[1]


async def test_what_is_asked_for_is_kept_over_a_restart_of_the_bot(
    ann: Client, telegram: Sandbox
) -> None:
    document = {
        "language": "en",
        "start": "name",
        "states": {
            "name": {"say": "Name?", "ask": {"type": "text", "save": "name", "go": "phone"}},
            "phone": {"say": "Phone?", "ask": {"type": "phone", "save": "phone", "go": "bye"}},
            "bye": {"say": "{{name}}, {{phone}}, {{user.first_name}}", "end": True},
        },
    }
    talk = await talker(ann, telegram, document)
    assert await talk.says("/start") == ["Name?"]
    assert await talk.says("**Ann** {{phone}}") == ["Phone?"]
    for active in (False, True):
        answer = await ann.patch(f"{BOTS}{talk.bot_id}/", {"active": active})
        assert answer.status == 200
    telegram.send_content(
        talk.bot.id,
        kind="contact",
        chat_id=CHAT,
        contact={"phone_number": "+4912345678", "first_name": "Ann"},
        first_name="Ann",
    )
    assert await talk.hears() == ["**Ann** {{phone}}, +4912345678, Ann"]


async def test_a_publish_in_the_middle_of_a_talk_breaks_nothing(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram, CAT)
    assert await talk.says("/start", chat=7) == [SQUARE]
    assert await talk.says("да", chat=7) == [EARS]
    assert await talk.says("/start", chat=8) == [SQUARE]
    assert await talk.says("/start", chat=6) == [SQUARE]
    new = template(CAT)
    new["states"]["cat"]["say"] = "Кот!"
    published = await talk.publish(new, note="shorter")
    assert published["n"] == 2
    assert published["talks"] == [{"version": 1, "talks": 3, "waiting": 3}]
    assert await talk.says("да", chat=7) == ["Кот!"]  # its state is there: it has moved
    del new["states"]["square"]
    new["start"] = "ears"
    published = await talk.publish(new)
    assert await talk.says("/start", chat=6) == [EARS]  # it begins anew, so in the new version
    assert await talk.says("да", chat=8) == [EARS]  # it ends in the version it is in
    assert await talk.says("нет", chat=8) == [IS_BREAD]
    assert await talk.says("и снова", chat=8) == [EARS]
    published = await talk.publish(template(CAT), migrate="restart")
    assert published["migrate"] == "restart"
    assert await talk.says("да", chat=8) == [SQUARE]


async def test_a_publish_tells_how_many_people_are_in_the_middle(
    ann: Client, telegram: Sandbox
) -> None:
    document = {
        "start": "menu",
        "states": {
            "menu": {"say": "?", "on": [{"any_of": "bye", "go": "bye"}]},
            "bye": {"set": {"state": ""}, "say": "Bye!", "end": True},
        },
    }
    talk = await talker(ann, telegram, document)
    for chat, texts in ((6, ["x"]), (7, ["x", "bye"]), (8, ["x", "bye", "x"])):
        for text in texts:
            await talk.says(text, chat=chat)
    path = f"{BOTS}{talk.bot_id}/conversations/?state=menu&limit=1"
    first = (await ann.get(path)).json
    rest = (await ann.get(f"{path}&after={first['next']}")).json
    listed = [one["chat_id"] for page in (first, rest) for one in page["items"]]
    assert (listed, rest["next"]) == ([6, 8], None)
    published = await talk.publish(document)
    assert published["talks"] == [{"version": 1, "talks": 3, "waiting": 2}]


async def test_a_forgotten_person_begins_anew(ann: Client, telegram: Sandbox) -> None:
    talk = await talker(ann, telegram, CAT)
    await talk.says("/start")
    assert await talk.says("да") == [EARS]
    mine = f"{BOTS}{talk.bot_id}/conversations/{CHAT}.{CHAT}.0/"
    assert (await ann.delete(f"{BOTS}{talk.bot_id}/chats/{CHAT}/")).status == 204
    assert (await ann.get(mine)).status == 404
    assert (await ann.get(f"{mine}log/")).status == 404
    assert await talk.says("да") == [SQUARE]


async def test_a_dialog_that_never_ends_apologizes_and_the_talk_goes_on(
    ann: Client, telegram: Sandbox
) -> None:
    document = {
        "language": "en",
        "start": "ask",
        "variables": {"n": {"type": "number", "default": 1}},
        "states": {
            "ask": {"say": "Go?", "on": [{"any_of": "yes", "go": "loop"}]},
            "loop": {
                "set": {"n": {"add": [{"variable": "n"}, 1]}},
                "go": [{"if": {"variable": "n", "less": 0}, "to": "ask"}, {"to": "loop"}],
            },
        },
    }
    talk = await talker(ann, telegram)
    await talk.publish(document)
    assert await talk.says("/start") == ["Go?"]
    [sorry] = await talk.says("yes")
    assert sorry != "Go?"
    log = await ann.get(f"{BOTS}{talk.bot_id}/conversations/{CHAT}.{CHAT}.0/log/?limit=1")
    [failure] = log.json["items"][0]["failures"]
    assert (failure["code"], failure["state"]) == ("too_many_steps", "loop")
    assert await talk.says("no") == ["Go?"]


TEXTS = {"/start": SQUARE, "да": EARS, "ага": IS_CAT}


async def _check_after_kills(talk: Talker, chats: range, rounds: int) -> None:
    """See that no step of a talk was skipped or taken twice; a message may have come twice."""
    expected = list(TEXTS.values()) * rounds
    for chat in chats:
        await until(
            lambda: [text for text, _ in groupby(talk.texts(chat))] == expected,  # noqa: B023
            f"chat {chat} has {talk.texts(chat)}",
            deadline=60,
        )


@pytest.mark.timeout(180)
async def test_a_kill_in_the_middle_neither_repeats_nor_skips_a_step(
    tmp_path: Path, database_url: str, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    rng, kills, chats = random.Random(5), 3, range(1, 13)
    talk: Talker | None = None
    for _ in range(kills):
        async with serving(tmp_path, telegram.url, BOTYARD_DATABASE_URL=database_url) as server:
            if talk is None:
                talk = await talker(await register(Client(http, server.url)), telegram, CAT)
            bot_id = talk.bot.id
            before = len(telegram.sent(bot_id))
            for text in TEXTS:
                for chat in chats:
                    telegram.send_message(bot_id, text=text, chat_id=chat)
            enough = before + rng.randrange(3, 30)
            await until(lambda: len(telegram.sent(bot_id)) >= enough, deadline=60)  # noqa: B023
            await server.end(signal.SIGKILL)
    assert talk is not None
    async with serving(tmp_path, telegram.url, BOTYARD_DATABASE_URL=database_url) as server:
        await _check_after_kills(talk, chats, kills)
        await server.end(signal.SIGTERM)
    repeats = sum(len(talk.texts(chat)) - len(TEXTS) * kills for chat in chats)
    assert repeats <= len(chats) * kills, "one message a chat and kill at most"


async def test_many_talk_at_once(ann: Client, telegram: Sandbox) -> None:
    talk = await talker(ann, telegram, CAT)

    async def play(chat: int) -> None:
        for text, said in TEXTS.items():
            assert await talk.says(text, chat=chat) == [said]

    await asyncio.gather(*(play(chat) for chat in range(1, 31)))


async def test_a_group_that_becomes_a_supergroup_keeps_its_talks(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram, CAT)
    start, yes = f"/start@{talk.bot.username}", f"@{talk.bot.username} да"
    new = -(10**12) - 500
    assert await talk.says(start, chat=-500, user_id=7) == [SQUARE]
    telegram.migrate(talk.bot.id, chat_id=-500, new_chat_id=new)
    assert await talk.says(yes, chat=new, user_id=7) == [EARS]
    path = f"{BOTS}{talk.bot_id}/conversations/"
    [one] = (await ann.get(path)).json["items"]
    assert (one["id"], one["state"]) == (f"{new}.7.0", "ears")
    log = (await ann.get(f"{path}{new}.7.0/log/")).json["items"]
    assert [entry["event"] for entry in log] == ["text", "command"]
    assert (await ann.get(f"{path}-500.7.0/log/")).status == 404


async def test_an_owner_sees_where_talks_stand_and_lets_one_begin_anew(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram, CAT)
    path = f"{BOTS}{talk.bot_id}/conversations/"
    group = f"/start@{talk.bot.username}"
    for chat, text, user in ((7, "/start", 7), (8, "/start", 8), (-500, group, 7)):
        await talk.says(text, chat=chat, user_id=user)
    await talk.says("да", chat=7)
    page = (await ann.get(f"{path}?limit=2")).json
    rest = (await ann.get(f"{path}?limit=2&after={page['next']}")).json
    shown = [(one["id"], one["state"]) for one in page["items"] + rest["items"]]
    assert shown == [("-500.7.0", "square"), ("7.7.0", "ears"), ("8.8.0", "square")]
    assert rest["next"] is None
    assert len((await ann.get(f"{path}?chat=7&version=1")).json["items"]) == 1
    assert (await ann.get(f"{path}?version=2")).json["items"] == []
    one = (await ann.get(f"{path}7.7.0/")).json
    assert (one["version"], one["topic_id"], one["variables"]) == (1, None, {})
    [yes, start] = (await ann.get(f"{path}7.7.0/log/")).json["items"]
    assert (yes["event"], yes["version"], start["event"]) == ("text", 1, "command")
    assert yes["steps"] == [
        {"state": "square", "transition": "/states/square/on/0", "to": "ears", "changed": {}}
    ]
    assert (await ann.delete(f"{path}7.7.0/")).status == 204
    assert (await ann.delete(f"{path}7.7.0/")).status == 404
    assert (await ann.get(f"{path}7.7.0/")).status == 404
    assert await talk.says("да", chat=7) == [SQUARE]
