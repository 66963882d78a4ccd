"""Owners' wishes through any server, wherever the bot runs."""

from __future__ import annotations

import signal

from support.client import Client, register, until
from support.ensemble import Ensemble, Two

from sandbox import Sandbox


async def test_a_bot_is_switched_through_another_server(two: Two, telegram: Sandbox) -> None:
    assert (await two.there.status_of(two.made))["state"] == "running"

    answer = await two.there.patch(two.path, {"active": False})
    assert (answer.status, answer.json["status"]["state"]) == (200, "stopped"), answer.text
    telegram.send_message(two.bot.id, text="nobody is there", chat_id=7)

    answer = await two.there.patch(two.path, {"active": True})
    assert (answer.status, answer.json["status"]["state"]) == (200, "running"), answer.text
    await until(lambda: telegram.sent(two.bot.id), "the answer")
    assert (await two.here.status_of(two.made))["state"] == "running"


async def test_a_bot_is_deleted_through_another_server(two: Two) -> None:
    assert (await two.there.delete(two.path)).status == 204
    assert (await two.here.get(two.path)).status == 404


async def test_others_take_over_the_bots_of_a_server_that_was_killed(
    ensemble: Ensemble, telegram: Sandbox
) -> None:
    await ensemble.start("one", "two")
    ann = await register(Client(ensemble.http, ensemble.servers["one"].url))
    bots = [telegram.add_bot() for _ in range(3)]
    made = [await ann.add_bot(bot) for bot in bots]
    await ensemble.servers["one"].end(signal.SIGKILL)
    for bot in bots:
        telegram.send_message(bot.id, text="anybody?", chat_id=7)
    await until(lambda: all(telegram.sent(bot.id) for bot in bots), "answers")
    assert {await ensemble.owner_of(one["id"]) for one in made} == {"two"}


async def test_a_server_that_ends_gives_its_bots_away(
    ensemble: Ensemble, telegram: Sandbox
) -> None:
    await ensemble.start("one", "two")
    ann = await register(Client(ensemble.http, ensemble.servers["one"].url))
    bots = [telegram.add_bot() for _ in range(3)]
    made = [await ann.add_bot(bot) for bot in bots]
    assert await ensemble.servers["one"].end(signal.SIGTERM) == 0
    for bot in bots:
        telegram.send_message(bot.id, text="anybody?", chat_id=7)
    await until(lambda: all(telegram.sent(bot.id) for bot in bots), "answers", deadline=3)
    assert {await ensemble.owner_of(one["id"]) for one in made} == {"two"}


async def test_a_server_that_starts_takes_its_share(ensemble: Ensemble, telegram: Sandbox) -> None:
    await ensemble.start("one")
    clients = [await register(Client(ensemble.http, ensemble.servers["one"].url)) for _ in range(2)]
    made = [await client.add_bot(telegram.add_bot()) for client in clients for _ in range(5)]
    await ensemble.start("two")

    async def shares() -> list[int]:
        rows = await ensemble.rows("SELECT COUNT(*) FROM bots GROUP BY owner_id")
        return sorted(number for (number,) in rows)

    for _ in range(600):
        if await shares() == [5, 5]:
            break
    assert await shares() == [5, 5]
    for one in made:
        await clients[0 if one in made[:5] else 1].until_state(one, "running")
