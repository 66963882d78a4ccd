"""Menus of commands in the sandbox: scopes, languages, and Telegram's words for mistakes."""

from __future__ import annotations

from typing import Any

import pytest
from support.sandbox_client import Api

from sandbox import Sandbox, SandboxBot

START = {"command": "start", "description": "Begin"}


async def test_menus_are_kept_by_scope_and_language(api: Api, bot: SandboxBot) -> None:
    group = {"type": "all_group_chats"}
    for said, place in (("a", {}), ("b", {"language_code": "ru"}), ("c", {"scope": group})):
        commands = [{"command": "/start", "description": f" {said} "}]
        assert await api.result(bot, "setMyCommands", commands=commands, **place) is True
        [command] = await api.result(bot, "getMyCommands", **place)
        assert command == {"command": "start", "description": said}
    assert await api.result(bot, "deleteMyCommands", language_code="ru") is True
    assert await api.result(bot, "deleteMyCommands", language_code="ru") is True
    assert await api.result(bot, "getMyCommands", language_code="ru") == []
    status, menus = await api.control("GET", "/bots/first_bot/menus")
    assert (status, [one["scope"]["type"] for one in menus]) == (
        200,
        ["default", "all_group_chats"],
    )


@pytest.mark.parametrize("empty", [{}, {"commands": []}])
async def test_an_empty_menu_is_none(api: Api, bot: SandboxBot, empty: dict[str, Any]) -> None:
    await api.result(bot, "setMyCommands", commands=[START])
    assert await api.result(bot, "setMyCommands", **empty) is True
    assert bot.commands == {}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"commands": [START | {"command": "Start"}]}, "BOT_COMMAND_INVALID"),
        ({"commands": [START, START | {"command": "a-b"}]}, "BOT_COMMAND_INVALID"),
        ({"commands": [START | {"command": "старт"}]}, "BOT_COMMAND_INVALID"),
        ({"commands": [START | {"command": "/"}]}, "command must be non-empty"),
        ({"commands": [START | {"command": "a" * 33}]}, "command length must not exceed 32"),
        ({"commands": [START | {"description": " "}]}, "command description must be non-empty"),
        (
            {"commands": [START | {"description": "x" * 257}]},
            "command description length must not exceed 256",
        ),
        (
            {"commands": [{"command": "a"}]},
            "can't parse BotCommand: Can't find field \"description\"",
        ),
        ({"commands": [START] * 101}, "BOT_COMMANDS_TOO_MUCH"),
        ({"commands": "start"}, "can't parse commands JSON object"),
        ({"commands": [START], "language_code": "zh-hans"}, "invalid language code specified"),
        ({"scope": {"type": "chats"}}, "can't parse BotCommandScope: Unsupported type specified"),
        ({"scope": {"type": "chat"}}, "can't parse BotCommandScope: Can't find field \"chat_id\""),
    ],
)
async def test_mistakes_are_refused_and_change_nothing(
    api: Api, bot: SandboxBot, params: dict[str, Any], words: str
) -> None:
    await api.result(bot, "setMyCommands", commands=[START])
    assert await api.refusal(bot, "setMyCommands", **params) == f"Bad Request: {words}"
    assert list(bot.commands.values()) == [[START]]


async def test_a_fault_takes_requests_that_contain_a_text(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.inject(kind="status", status=400, description="No", text="basket")
    assert await api.result(bot, "setMyCommands", commands=[START]) is True
    commands = [START, START | {"command": "basket"}]
    assert await api.refusal(bot, "setMyCommands", commands=commands) == "No"
