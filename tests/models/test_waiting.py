"""Waiting with a time limit."""

from __future__ import annotations

import asyncio

import pytest
from support.client import DEADLINE

from models.waiting import completes


async def test_an_event_that_comes_in_time_completes() -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().call_soon(event.set)
    assert await completes(event.wait(), within=DEADLINE)


@pytest.mark.parametrize("seconds", [0.01, 0.0, -1.0])
async def test_an_event_that_does_not_come_is_not_waited_for_any_longer(seconds: float) -> None:
    assert not await completes(asyncio.Event().wait(), within=seconds)


async def test_a_cancellation_of_the_caller_is_not_taken_for_the_time_running_out() -> None:
    task = asyncio.create_task(completes(asyncio.Event().wait(), within=DEADLINE))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_what_is_awaited_goes_on() -> None:
    async def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await completes(fail(), within=DEADLINE)
