"""How much of one kind an account may do at once."""

from __future__ import annotations

import asyncio
import threading

import pytest
from support.client import DEADLINE

from services.errors import TooMuchPlaying
from services.playing import WAITING, Playground
from services.turns import Turns


async def test_one_scenario_of_an_account_is_played_at_a_time_and_others_are_not_delayed() -> None:
    playground = Playground()
    begun, go_on, running = threading.Event(), threading.Event(), []

    def job(*, wait: bool) -> int:
        running.append(threading.current_thread().name)
        begun.set()
        if wait:
            go_on.wait(DEADLINE)
        return len(running)

    first = asyncio.create_task(playground.play(1, lambda _: job(wait=True)))
    assert await asyncio.to_thread(begun.wait, DEADLINE)
    more = [asyncio.create_task(playground.play(1, lambda _: job(wait=False))) for _ in range(2)]
    more += [asyncio.create_task(playground.check(1, lambda: job(wait=False)))]
    assert await playground.play(2, lambda _: job(wait=False)) == 2, "another account has its turn"
    assert not first.done()
    go_on.set()
    assert sorted(await asyncio.gather(*more)) == [3, 4, 5]
    assert all(name.startswith("botyard-playing") for name in running)
    await first


async def test_a_budget_begins_when_its_job_does() -> None:
    budget = await Playground().play(1, lambda budget: budget)
    budget.check_time()


async def test_an_account_that_plays_too_much_is_refused() -> None:
    playground, go_on = Playground(), threading.Event()
    tasks = [
        asyncio.create_task(playground.play(1, lambda _: go_on.wait(DEADLINE)))
        for _ in range(1 + WAITING)
    ]
    await asyncio.sleep(0)  # let them take their places
    with pytest.raises(TooMuchPlaying):
        await playground.play(1, lambda _: True)
    assert await playground.play(2, lambda _: True)
    go_on.set()
    assert all(await asyncio.gather(*tasks))
    assert await playground.play(1, lambda _: True), "there is room again"
    assert not playground._turns


async def test_who_waits_too_long_is_refused() -> None:
    turns = Turns(1, waiting=1, patience=0.0, refused=TooMuchPlaying)
    async with turns.turn(1):
        with pytest.raises(TooMuchPlaying):
            async with turns.turn(1):
                pass
    async with turns.turn(1):
        pass
