"""The menus that a scenario has: lists of commands, one a language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What setMyCommands takes as `commands`: https://core.telegram.org/bots/api#botcommand
Commands = list[dict[str, str]]


def menus(document: Mapping[str, Any]) -> dict[str, Commands]:
    """Return the commands by language; "" is for all languages that have no menu of their own.

    Each menu has all commands: Telegram shows one menu, and does not fill it up from another.

    Args:
        document: a valid scenario.
    """
    commands = document.get("commands", [])
    languages = sorted({code for one in commands for code in one.get("descriptions", {})})
    return {
        language: [
            {
                "command": one["command"],
                "description": one.get("descriptions", {}).get(language, one["description"]),
            }
            for one in commands
        ]
        for language in (["", *languages] if commands else [])
    }
