"""The menus of a bot: lists of commands, by scope and language.

What is checked, and in which words, is what Telegram's own server does, and after it the servers
behind it, which answer with a code such as BOT_COMMAND_INVALID and do not name the command.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from sandbox.bots import SandboxBot
from sandbox.errors import bad_request
from sandbox.params import Params

MAX_COMMANDS = 100
MAX_COMMAND, MAX_DESCRIPTION = 32, 256  # characters

_COMMAND = re.compile(r"[a-z0-9_]+")
_LANGUAGE = re.compile(r"[a-z]{2}")
_SCOPES = {
    "default": (),
    "all_private_chats": (),
    "all_group_chats": (),
    "all_chat_administrators": (),
    "chat": ("chat_id",),
    "chat_administrators": ("chat_id",),
    "chat_member": ("chat_id", "user_id"),
}


def set_my_commands(bot: SandboxBot, params: Params) -> bool:
    """setMyCommands. Source: https://core.telegram.org/bots/api#setmycommands"""
    given = params.decoded("commands", what="commands")
    if given is None:  # Telegram takes that for an empty list
        given = []
    if not isinstance(given, list):
        raise bad_request("can't parse commands: expected an Array of BotCommand")
    if len(given) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    commands, place = [_command(item) for item in given], _place(params)
    # what Telegram's own server lets pass, and those behind it do not
    if any(not _COMMAND.fullmatch(one["command"]) for one in commands):
        raise bad_request("BOT_COMMAND_INVALID")
    if commands:
        bot.commands[place] = commands
    else:
        bot.commands.pop(place, None)
    return True


def get_my_commands(bot: SandboxBot, params: Params) -> list[dict[str, str]]:
    """getMyCommands. Source: https://core.telegram.org/bots/api#getmycommands"""
    return bot.commands.get(_place(params), [])


def delete_my_commands(bot: SandboxBot, params: Params) -> bool:
    """deleteMyCommands. Source: https://core.telegram.org/bots/api#deletemycommands"""
    bot.commands.pop(_place(params), None)
    return True


def _place(params: Params) -> tuple[str, str]:
    scope = params.decoded("scope", what="BotCommandScope") or {"type": "default"}
    if not isinstance(scope, dict):
        raise bad_request("can't parse BotCommandScope: BotCommandScope must be an Object")
    needed = _SCOPES.get(str(scope.get("type")))
    if needed is None:
        raise bad_request("can't parse BotCommandScope: Unsupported type specified")
    for name in needed:
        if name not in scope:
            raise bad_request(f"can't parse BotCommandScope: Can't find field \"{name}\"")
    language = params.text("language_code")
    if language and not _LANGUAGE.fullmatch(language):
        raise bad_request("invalid language code specified")
    return orjson.dumps(scope, option=orjson.OPT_SORT_KEYS).decode(), language


def _command(item: Any) -> dict[str, str]:
    if not isinstance(item, dict):
        raise bad_request("can't parse BotCommand: expected an Object")
    for name in ("command", "description"):
        if name not in item:
            raise bad_request(f"can't parse BotCommand: Can't find field \"{name}\"")
    command = str(item["command"]).strip().removeprefix("/")
    description = str(item["description"]).strip()
    for what, text, most in (
        ("command", command, MAX_COMMAND),
        ("command description", description, MAX_DESCRIPTION),
    ):
        if not text:
            raise bad_request(f"{what} must be non-empty")
        if len(text) > most:
            raise bad_request(f"{what} length must not exceed {most}")
    return {"command": command, "description": description}
