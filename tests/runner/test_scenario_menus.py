"""The menus of commands that Telegram shows, as published scenarios say."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.client import BOTS, Client, register, until
from support.menus import commands, menu_of, scenario, shown, until_menu
from support.server_process import serving
from support.talks import Talker, talker

from sandbox import Sandbox

DEFAULT_SCOPE = '{"type":"default"}'
NONE = {"state": "none", "refused": [], "at": None}
WAITING = {"state": "waiting", "refused": [], "at": None}


async def switch(talk: Talker, **changes: Any) -> None:
    """Change the bot."""
    answer = await talk.owner.patch(f"{BOTS}{talk.bot_id}/", changes)
    assert answer.status == 200, answer.text


def set_elsewhere(talk: Talker, language: str = "") -> None:
    """Set a menu as the owner does at BotFather."""
    talk.bot.commands[DEFAULT_SCOPE, language] = commands("own")


def calls(telegram: Sandbox, bot_id: int) -> list[str]:
    """The calls that change or read menus."""
    return [one.method for one in telegram.calls(bot_id) if "Commands" in one.method]


async def test_a_publish_sets_the_menu(ann: Client, telegram: Sandbox) -> None:
    talk = await talker(ann, telegram)
    published = await talk.publish(scenario("start", "basket"))
    assert published["menu"] == WAITING
    menu = await until_menu(talk, 1, "set")
    assert menu["refused"] == []
    assert menu["at"] is not None
    assert shown(talk) == {"": commands("start", "basket")}
    assert calls(telegram, talk.bot.id) == ["setMyCommands"]


async def test_each_language_has_all_commands_and_goes_when_the_scenario_has_it_no_more(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram)
    set_elsewhere(talk, "fr")
    document = scenario("start", "basket", ru="Начать", de="Los")
    del document["commands"][1]["descriptions"]["de"]
    await talk.publish(document)
    await until_menu(talk, 1, "set")
    assert shown(talk) == {
        "": commands("start", "basket"),
        "de": [*commands("start", said="Los"), *commands("basket")],
        "ru": commands("start", "basket", said="Начать"),
        "fr": commands("own"),
    }
    await talk.publish(scenario("start", ru="Начать"))
    await until_menu(talk, 2, "set")
    assert shown(talk) == {
        "": commands("start"), "ru": commands("start", said="Начать"), "fr": commands("own"),
    }  # fmt: skip
    assert await menu_of(talk, 1) is None
    assert (await talk.publish(scenario()))["menu"] == WAITING
    await until_menu(talk, 3, "none")
    assert shown(talk) == {"fr": commands("own")}


async def test_a_menu_is_left_alone_until_a_scenario_has_commands(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram)
    set_elsewhere(talk)
    assert (await talk.publish(scenario()))["menu"] == NONE
    assert await talk.says("/start") == ["Hello!"]
    for active in (False, True):
        await switch(talk, active=active)
    assert await talk.says("/start") == ["Hello!"]
    assert await menu_of(talk, 1) == NONE
    assert shown(talk) == {"": commands("own")}
    assert calls(telegram, talk.bot.id) == []


async def test_a_menu_that_is_set_costs_no_call_at_a_start(ann: Client, telegram: Sandbox) -> None:
    talk = await talker(ann, telegram, scenario("start"))
    await until_menu(talk, 1, "set")
    for active in (False, True):
        await switch(talk, active=active)
    assert await talk.says("/start") == ["Hello!"]
    assert calls(telegram, talk.bot.id) == ["setMyCommands"]


async def test_a_bot_that_was_off_gets_its_menu_at_its_start(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram)
    await switch(talk, active=False)
    await talk.publish(scenario("start"))
    assert await menu_of(talk, 1) == WAITING
    await switch(talk, active=True)
    await until_menu(talk, 1, "set")
    assert shown(talk) == {"": commands("start")}


@pytest.mark.parametrize("kind", ["hold", "lose"])
async def test_a_kill_between_publish_and_call_loses_no_menu(
    tmp_path: Path, database_url: str, telegram: Sandbox, http: aiohttp.ClientSession, kind: Any
) -> None:
    async with serving(tmp_path, telegram.url, BOTYARD_DATABASE_URL=database_url) as server:  # type: ignore[attr-defined]
        talk = await talker(await register(Client(http, server.url)), telegram)
        # the last call does not arrive, or is carried out and the server does not learn of it
        fault = telegram.inject(kind=kind, method="setMyCommands", text="ru")
        await talk.publish(scenario("start", ru="Начать"))
        await until(lambda: fault.hits)
        await server.end(signal.SIGKILL)
    telegram.clear()
    async with serving(tmp_path, telegram.url, BOTYARD_DATABASE_URL=database_url) as server:  # type: ignore[attr-defined]
        talk.owner.url = server.url
        await until_menu(talk, 1, "set")
        assert shown(talk) == {"": commands("start"), "ru": commands("start", said="Начать")}


async def test_a_language_that_a_crash_has_left_behind_goes_with_the_next_menu(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram)
    held = telegram.inject(kind="hold", method="setMyCommands", text="ru")
    await talk.publish(scenario("start", de="Los", ru="Начать"))
    await until(lambda: held.hits)  # German is set, and nobody has noted it
    await switch(talk, active=False)
    telegram.clear()
    await talk.publish(scenario("start"))
    await switch(talk, active=True)
    await until_menu(talk, 2, "set")
    assert shown(talk) == {"": commands("start")}


REFUSAL: dict[str, Any] = {
    "kind": "status", "status": 400, "method": "setMyCommands",
    "description": "Bad Request: BOT_COMMAND_INVALID",
}  # fmt: skip


async def test_a_refused_command_is_told_by_name_and_the_others_are_set(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram)
    for name in ("c3", "c8"):
        telegram.inject(text=name, **REFUSAL)
    names = [f"c{n}" for n in range(10)]
    await talk.publish(scenario(*names, ru="Да"))
    menu = await until_menu(talk, 1, "refused")
    assert menu["refused"] == [
        {"language": language, "command": name, "error": "BOT_COMMAND_INVALID"}
        for language in ("", "ru")
        for name in ("c3", "c8")
    ]
    left = [name for name in names if name not in ("c3", "c8")]
    assert shown(talk) == {"": commands(*left), "ru": commands(*left, said="Да")}
    telegram.clear()
    await talk.publish(scenario(*left))
    assert (await until_menu(talk, 2, "set"))["refused"] == []
    assert shown(talk) == {"": commands(*left)}


async def test_a_menu_of_which_all_is_refused_is_none(ann: Client, telegram: Sandbox) -> None:
    talk = await talker(ann, telegram, scenario("start"))
    await until_menu(talk, 1, "set")
    telegram.inject(**REFUSAL)
    await talk.publish(scenario("a", "b"))
    menu = await until_menu(talk, 2, "refused")
    assert [one["command"] for one in menu["refused"]] == ["a", "b"]
    assert shown(talk) == {}


async def test_a_refused_language_is_told_and_the_others_are_set(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram)
    telegram.inject(
        text="xx",
        **REFUSAL | {"description": "Bad Request: invalid language code specified"},
    )
    await talk.publish(scenario("a", "b", xx="?", ru="Да"))
    menu = await until_menu(talk, 1, "refused")
    assert menu["refused"] == [
        {"language": "xx", "command": None, "error": "Invalid language code specified"}
    ]
    assert shown(talk) == {"": commands("a", "b"), "ru": commands("a", "b", said="Да")}


async def test_what_fails_is_tried_until_it_is_done(ann: Client, telegram: Sandbox) -> None:
    talk = await talker(ann, telegram)
    only: dict[str, Any] = {"method": "setMyCommands", "times": 1}
    for fault in ({"kind": "drop"}, {"kind": "status", "status": 502}, {"kind": "lose"},
                  {"kind": "status", "status": 429, "retry_after": 1}):  # fmt: skip
        telegram.inject(**only, **fault)
    await talk.publish(scenario("start"))
    await until_menu(talk, 1, "set")
    assert shown(talk) == {"": commands("start")}
    assert len(calls(telegram, talk.bot.id)) >= 3


async def test_a_menu_that_hangs_delays_neither_people_nor_the_switch(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram)
    held = telegram.inject(kind="hold", method="setMyCommands")
    await talk.publish(scenario("start"))
    await until(lambda: held.hits)
    assert await talk.says("/start") == ["Hello!"]
    await switch(talk, active=False)
    assert await menu_of(talk, 1) == WAITING
    telegram.clear()
    await switch(talk, active=True)
    await until_menu(talk, 1, "set")


async def test_a_later_publish_takes_the_place_of_one_that_waits(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram)
    held = telegram.inject(kind="hold", method="setMyCommands")
    await talk.publish(scenario("a", de="A"))
    await until(lambda: held.hits)
    await talk.publish(scenario("b", ru="B"))
    await talk.publish(scenario("c", fr="C"))
    telegram.clear()
    await until_menu(talk, 3, "set")
    assert shown(talk) == {"": commands("c"), "fr": commands("c", said="C")}
    made = [one.params for one in telegram.calls(talk.bot.id, method="setMyCommands")]
    assert [one["commands"][0]["command"] for one in made] == ["a", "c", "c"]


async def test_another_telegram_bot_gets_the_menu_and_keeps_its_own_languages(
    ann: Client, telegram: Sandbox
) -> None:
    talk = await talker(ann, telegram)
    await talk.publish(scenario("a", de="A"))
    await until_menu(talk, 1, "set")
    await talk.publish(scenario("b", ru="B"))
    await until_menu(talk, 2, "set")
    before, talk.bot = talk.bot, telegram.add_bot()
    set_elsewhere(talk, "de")
    await switch(talk, token=talk.bot.token)
    await until_menu(talk, 2, "set")
    expected = {"": commands("b"), "ru": commands("b", said="B"), "de": commands("own")}
    assert shown(talk) == expected
    await talk.publish(scenario())
    await until_menu(talk, 3, "none")
    assert shown(talk) == {"de": commands("own")}
    assert len(before.commands) == 2  # what became of that bot is its owner's affair


async def test_a_new_token_of_the_same_bot_costs_no_call(ann: Client, telegram: Sandbox) -> None:
    talk = await talker(ann, telegram, scenario("a"))
    await until_menu(talk, 1, "set")
    await switch(talk, token=telegram.new_token(talk.bot.id))
    assert await talk.says("/start") == ["Hello!"]
    assert calls(telegram, talk.bot.id) == ["setMyCommands"]
    assert (await menu_of(talk, 1) or {})["state"] == "set"
