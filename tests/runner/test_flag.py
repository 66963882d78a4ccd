"""A flag that others can wait for."""

from __future__ import annotations

import asyncio

import pytest
from support.client import DEADLINE

from runner.flag import Flag


async def test_all_that_wait_are_woken_also_if_it_is_taken_back_at_once() -> None:
    flag = Flag()
    waiting = [asyncio.create_task(flag.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    flag.set()
    flag.clear()
    async with asyncio.timeout(DEADLINE):
        await asyncio.gather(*waiting)
    assert not flag.is_set()


async def test_who_waits_after_it_was_taken_back_waits_for_the_next_time() -> None:
    flag = Flag(is_set=True)
    await flag.wait()
    flag.clear()
    later = asyncio.create_task(flag.wait())
    await asyncio.sleep(0)
    assert not later.done()
    flag.set()
    async with asyncio.timeout(DEADLINE):
        await later


async def test_one_that_gives_up_leaves_the_others_waiting() -> None:
    flag = Flag()
    stays = asyncio.create_task(flag.wait())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await flag.wait()
    flag.set()
    async with asyncio.timeout(DEADLINE):
        await stays
