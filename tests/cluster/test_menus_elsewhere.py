"""Menus of scenarios that one server publishes for bots that another one runs."""

from __future__ import annotations

import signal

from support.client import until
from support.ensemble import Ensemble, Two
from support.menus import commands, scenario, shown, until_menu
from support.talks import Talker

from sandbox import Sandbox


async def test_the_server_that_runs_the_bot_sets_a_menu_that_another_one_publishes(
    two: Two, telegram: Sandbox
) -> None:
    talk = Talker(two.there, telegram, two.bot, two.made["id"])
    await talk.publish(scenario("start", ru="Начать"))
    await until_menu(talk, 1, "set")
    assert shown(talk) == {"": commands("start"), "ru": commands("start", said="Начать")}
    await talk.publish(scenario("basket"))
    talk.owner = two.here
    await until_menu(talk, 2, "set")
    assert shown(talk) == {"": commands("basket")}
    made = [one.method for one in telegram.calls(two.bot.id) if "Commands" in one.method]
    assert sorted(made) == ["deleteMyCommands", *["setMyCommands"] * 3]


async def test_a_server_that_takes_a_bot_over_sets_the_menu_that_waits(
    ensemble: Ensemble, two: Two, telegram: Sandbox
) -> None:
    talk = Talker(two.there, telegram, two.bot, two.made["id"])
    held = telegram.inject(kind="hold", method="setMyCommands")
    await talk.publish(scenario("start"))
    await until(lambda: held.hits)
    await ensemble.servers["one"].end(signal.SIGKILL)
    telegram.clear()
    await until_menu(talk, 1, "set")
    assert shown(talk) == {"": commands("start")}
    assert await ensemble.owner_of(talk.bot_id) == "two"


async def test_a_server_that_is_handed_a_bot_sets_the_menu_that_waits(
    ensemble: Ensemble, two: Two, telegram: Sandbox
) -> None:
    talk = Talker(two.there, telegram, two.bot, two.made["id"])
    held = telegram.inject(kind="hold", method="setMyCommands")
    await talk.publish(scenario("start"))
    await until(lambda: held.hits)
    await ensemble.servers["one"].end(signal.SIGTERM)
    telegram.clear()
    await until_menu(talk, 1, "set")
    assert shown(talk) == {"": commands("start")}
