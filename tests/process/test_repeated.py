"""Lines of the log about a database that is away: the first, and then one a minute."""

from __future__ import annotations

import logging

import pytest
from support.client import until

from models.errors import StorageUnavailable
from models.repeated import EVERY, Repeated
from server.periodic import PeriodicTask


def test_the_first_failure_is_told_and_then_one_a_minute() -> None:
    now = 0.0
    repeated = Repeated(lambda: now)
    told = []
    for second in range(int(3 * EVERY)):
        now = float(second)
        if repeated.is_due():
            told.append(second)
    assert told == [0, 60, 120]
    repeated.over()
    assert repeated.is_due(), "after a success it is news"


async def test_a_routine_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs != 20:
            raise StorageUnavailable("the database is away")

    task = PeriodicTask("test", work, every=0.001, failed="it was not done")
    with caplog.at_level(logging.DEBUG, "botyard.test"):
        task.start()
        await until(lambda: runs > 40, "runs")
        await task.close()
    assert caplog.messages == ["it was not done: the database is away"] * 2
