"""Waiting for what other processes do."""

from __future__ import annotations

import asyncio

from support.client import DEADLINE, until

from runner.lookout import Lookout


async def test_two_who_wait_for_the_same_row_both_look_at_each_bell() -> None:
    lookout, looks, seen = Lookout(), [0, 0], [False, False]

    async def wait(place: int) -> bool | None:
        async def look(_left: float) -> bool | None:
            looks[place] += 1
            return seen[place] or None

        return await lookout.wait(7, look, within=DEADLINE)

    waiting = [asyncio.create_task(wait(place), name=f"waiting {place}") for place in range(2)]
    await until(lambda: looks == [1, 1], "the first looks")
    seen[0] = True
    lookout.heard([7])
    assert await waiting[0]
    before = looks[1]
    seen[1] = True
    lookout.heard([7])  # the first has gone, the second still hears it
    await until(lambda: looks[1] > before, "another look")
    assert await waiting[1]
    lookout.heard([7])  # nobody waits


async def test_without_a_bell_the_time_runs_out() -> None:
    async def look(left: float) -> bool | None:
        assert left <= 0.05
        return None

    assert await Lookout().wait(7, look, within=0.05) is None
