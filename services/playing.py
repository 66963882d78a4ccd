"""Checking scenarios and playing them, which may take seconds, beside everything else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from dialogs.scenarios import Coverage, Outcome, Simulation, SimulationBudget
from services.errors import TooMuchPlaying
from services.turns import Turns

T = TypeVar("T")

THREADS = 2  # so that one account that plays for seconds does not keep the others waiting
WAITING = 10  # requests of an account that may wait for its other one
PATIENCE = 20.0  # seconds that such a request waits


@dataclass(frozen=True, slots=True)
class Played:
    """A simulation, and what it has left out."""

    simulation: Simulation
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of tests, and what they have left out."""

    outcomes: list[Outcome]
    coverage: Coverage

    def faults_by_name(self) -> dict[str, list[str]]:
        """Return what is wrong, in sentences, by the name of the test; several may have one."""
        faults: dict[str, list[str]] = {}
        for one in self.outcomes:
            if one.faults:
                faults.setdefault(one.name, []).extend(fault.told() for fault in one.faults)
        return faults


class Playground:
    """Checks or plays one scenario of an account at a time, in threads of its own.

    Threads share the interpreter: each more that computes has the bots wait longer for their turn.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="botyard-playing")
        self._turns = Turns(1, waiting=WAITING, patience=PATIENCE, refused=TooMuchPlaying)

    async def play(self, user_id: int, job: Callable[[SimulationBudget], T]) -> T:
        """Play for an account.

        Args:
            job: plays within the budget that it gets.

        Raises:
            TooMuchPlaying: the account checks and plays too much already.
        """
        return await self.check(user_id, lambda: job(SimulationBudget(time.monotonic)))

    async def check(self, user_id: int, job: Callable[[], T]) -> T:
        """Carry out a job of an account in a thread.

        Raises:
            TooMuchPlaying: as for `play`.
        """
        async with self._turns.turn(user_id):
            return await asyncio.get_running_loop().run_in_executor(self._threads, job)
