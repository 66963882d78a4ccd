"""Scenarios with commands, and the menus that Telegram shows of them."""

from __future__ import annotations

import asyncio
from typing import Any

from support.client import DEADLINE
from support.talks import Talker

Menus = dict[str, list[dict[str, str]]]


def commands(*names: str, said: str = "") -> list[dict[str, str]]:
    """Commands of a menu as Telegram shows them."""
    return [{"command": name, "description": said or f"About {name}"} for name in names]


def scenario(*names: str, **translations: str) -> dict[str, Any]:
    """A scenario with commands; each has the same description in a language."""
    document: dict[str, Any] = {
        "language": "en",
        "start": "hello",
        "states": {"hello": {"say": "Hello!", "on": []}},
        "anywhere": [{"command": ["start", *names], "go": "hello"}],
    }
    if names:
        document["commands"] = [
            one | ({"descriptions": dict(translations)} if translations else {})
            for one in commands(*names)
        ]
    return document


def shown(talk: Talker) -> Menus:
    """What Telegram shows, by language."""
    return {language: menu for (_, language), menu in talk.bot.commands.items()}


async def menu_of(talk: Talker, n: int) -> dict[str, Any] | None:
    """What a version's owner sees of its menu."""
    answer = await talk.owner.get(f"{talk.path}versions/{n}/")
    assert answer.status == 200, answer.text
    menu: dict[str, Any] | None = answer.json["menu"]
    return menu


async def until_menu(talk: Talker, n: int, state: str) -> dict[str, Any]:
    """Wait until the menu of a version is in a state; what its owner sees of it."""
    menu: dict[str, Any] | None = None
    try:
        async with asyncio.timeout(DEADLINE):
            while (menu := await menu_of(talk, n)) is None or menu["state"] != state:
                await asyncio.sleep(0.01)
            return menu
    except TimeoutError:
        raise AssertionError(f"the menu is not {state} but {menu}") from None
