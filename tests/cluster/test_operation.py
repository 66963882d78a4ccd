"""What staff and Prometheus see of several servers, while they come, die and go."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest
from support.client import ADMIN_BOTS, BOTS, DEADLINE, Client, Scrape, register, scrape, until
from support.commands import botyard_command
from support.ensemble import SECRET, Ensemble
from support.server_process import serving

from sandbox import Sandbox
from server import __version__

PROCESSES = "/api/v1/admin/processes/"


@pytest.fixture
async def staff(ensemble: Ensemble) -> Client:
    """One of the staff, at the first of two servers."""
    await ensemble.start("one", "two")
    client = await register(Client(ensemble.http, ensemble.servers["one"].url))
    await ensemble.rows("UPDATE users SET is_staff = TRUE RETURNING id")
    return client


async def listed(client: Client) -> dict[str, dict[str, Any]]:
    """The servers by name."""
    answer = await client.get(PROCESSES)
    assert answer.status == 200, answer.text
    return {item["name"]: item for item in answer.json["items"]}


async def figures(ensemble: Ensemble, name: str) -> Scrape:
    """What a server tells Prometheus."""
    return await scrape(Client(ensemble.http, ensemble.servers[name].url))


async def test_staff_see_all_servers_through_each_of_them(
    ensemble: Ensemble, staff: Client, telegram: Sandbox
) -> None:
    await staff.add_bot(telegram.add_bot())
    for name in ("one", "two"):
        seen = await listed(ensemble.through(staff, name))
        assert list(seen) == ["one", "two"]
        assert [one for one in seen if seen[one]["is_this"]] == [name]
        assert [one["bots"] for one in seen.values()] == [1, 0]
        assert all(one["silent_seconds"] < 3 for one in seen.values())


async def test_staff_see_which_server_runs_a_bot(
    ensemble: Ensemble, staff: Client, telegram: Sandbox
) -> None:
    made = [await staff.add_bot(telegram.add_bot()) for _ in range(2)]
    elsewhere = ensemble.through(staff, "two")
    async with asyncio.timeout(DEADLINE):  # each has its share
        while True:
            items = (await elsewhere.get(ADMIN_BOTS)).json["results"]
            if {item["process"] for item in items} == {"one", "two"}:
                break
            await asyncio.sleep(0.1)
    for item in items:
        assert item["process"] == await ensemble.owner_of(item["id"])
    where = f"{ADMIN_BOTS}{made[0]['id']}/"
    assert (await staff.get(where)).json["process"] in ("one", "two")
    await elsewhere.patch(where, {"active": False})
    async with asyncio.timeout(DEADLINE):
        while (await staff.get(where)).json["process"] is not None:
            await asyncio.sleep(0.1)
    answer = await elsewhere.patch(where, {"active": True})
    assert answer.json["process"] in ("one", "two")


async def test_a_server_that_hangs_is_seen_to_be_silent_and_then_gone(
    ensemble: Ensemble, staff: Client
) -> None:
    hung = ensemble.servers["two"].process
    hung.send_signal(signal.SIGSTOP)
    try:
        longest = 0.0
        async with asyncio.timeout(DEADLINE):
            while "two" in (seen := await listed(staff)):
                longest = max(longest, seen["two"]["silent_seconds"])
                await asyncio.sleep(0.1)
        assert longest > 3
        assert (await figures(ensemble, "one"))("botyard_takeovers_total") == 1
    finally:
        hung.send_signal(signal.SIGCONT)
    async with asyncio.timeout(DEADLINE):  # it finds that it was declared dead, and begins anew
        while "two" not in await listed(staff):
            await asyncio.sleep(0.1)
    seen = await figures(ensemble, "two")
    assert seen("botyard_lease_lost_total") == 1
    assert (seen("botyard_gate_shut_seconds_total") or 0) > 0


async def test_servers_of_the_same_name_in_two_folders_are_warned_of(
    ensemble: Ensemble, staff: Client
) -> None:
    env = {"BOTYARD_DATABASE_URL": ensemble.url, "BOTYARD_SECRET_KEY": SECRET}
    async with serving(
        ensemble.folder / "three", staff.url, BOTYARD_PROCESS_NAME="one", **env
    ) as namesake:
        async with asyncio.timeout(DEADLINE):
            for server in (namesake, ensemble.servers["one"]):
                while "has the name one, too: give each its own" not in "\n".join(server.log):
                    await asyncio.sleep(0.1)
        ended = await botyard_command("doctor", **env, BOTYARD_DATA_DIR=str(ensemble.folder))
        assert "3 servers run on this database: one, two, one; several have the name" in ended.out
        rotated = {**env, "BOTYARD_SECRET_KEY": f"another-{SECRET},{SECRET}"}
        refused = await botyard_command(
            "rotate-secret", **rotated, BOTYARD_DATA_DIR=str(ensemble.folder / "four")
        )
        assert refused.err == "Error: 3 servers run (one, two, one): stop them all first\n"


async def test_metrics_tell_of_claims_takeovers_and_switches(
    ensemble: Ensemble, staff: Client, telegram: Sandbox
) -> None:
    bots = [telegram.add_bot() for _ in range(3)]
    made = [await staff.add_bot(bot) for bot in bots]
    elsewhere = ensemble.through(staff, "two")
    for active in (False, True):
        answer = await elsewhere.patch(f"{BOTS}{made[0]['id']}/", {"active": active})
        assert answer.status == 200
    async with asyncio.timeout(DEADLINE):  # each has seen the other, and who runs what
        while True:
            one, two = await figures(ensemble, "one"), await figures(ensemble, "two")
            counts = {
                (seen("botyard_processes"), seen("botyard_bots_unowned")) for seen in (one, two)
            }
            if counts == {(2, 0)}:
                break
            await asyncio.sleep(0.1)
    assert two("botyard_process_info", process="two", version=__version__) == 1
    for seen in (one, two):
        assert (seen("botyard_lease_age_seconds") or 0) < 3
        assert seen("botyard_fenced_writes_total") == seen("botyard_lease_lost_total") == 0
        assert (seen("botyard_doorbells_total") or 0) > 0
    assert one("botyard_command_seconds_count", where="local") == 3
    # off was carried out by the other server, on by the one that was asked, as nobody had the bot
    count = "botyard_command_seconds_count"
    assert (two(count, where="remote") or 0) + (two(count, where="local") or 0) == 2
    assert (two(count, where="remote") or 0) >= 1

    await ensemble.servers["one"].end(signal.SIGKILL)
    for bot in bots:
        telegram.send_message(bot.id, text="anybody?", chat_id=7)
    await until(lambda: all(telegram.sent(bot.id) for bot in bots), "answers")
    async with asyncio.timeout(DEADLINE):
        while (seen := await figures(ensemble, "two"))("botyard_bots_owned") != 3 or seen(
            "botyard_processes"
        ) != 1:
            await asyncio.sleep(0.1)
    assert seen("botyard_takeovers_total") == 1
    assert (seen("botyard_takeover_seconds_count") or 0) >= 1
    assert (seen("botyard_claims_total") or 0) >= 2


async def test_a_server_that_ends_counts_what_it_gives_away(
    ensemble: Ensemble, staff: Client, telegram: Sandbox
) -> None:
    for _ in range(4):
        await staff.add_bot(telegram.add_bot())
    async with asyncio.timeout(DEADLINE):  # its fair share is two
        while (seen := await figures(ensemble, "one"))("botyard_bots_owned") != 2:
            await asyncio.sleep(0.1)
    assert seen("botyard_releases_total") == 2
