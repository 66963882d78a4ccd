"""The attempts to start a bot: what is known before the first, and when the next one is due."""

from __future__ import annotations

import random

from models.bots.records import BotRecord
from models.engine.base import now
from models.waiting import completes
from runner.diagnosis import Diagnosis
from runner.flag import Flag
from runner.settings import RunnerTuning
from runner.states import BotState, BotStatus, Reason


def is_known_good(record: BotRecord) -> bool:
    """Return True if the bot ran with its present settings when it was seen last."""
    run = record.run
    return (
        record.telegram_id is not None
        and run is not None
        and run.reason is None
        and run.generation >= record.generation
    )


def known_reason(record: BotRecord) -> tuple[Reason | None, str | None]:
    """Return the reason of the last failure in an earlier process, shown until a start succeeds."""
    run = record.run
    if run is None or run.state != BotState.STARTING or run.reason is None:
        return None, None
    return Reason(run.reason), run.detail


def retry_delay(diagnosis: Diagnosis, attempts: int, settings: RunnerTuning) -> float:
    """Return the seconds until the next attempt."""
    delay = diagnosis.delay
    if delay is None:
        jitter = random.uniform(0.75, 1.0)  # noqa: S311 - no secret
        delay = settings.backoff(attempts) * jitter
    return max(settings.backoff_min, delay)


async def back_off(status: BotStatus, wake: Flag) -> None:
    """Wait until the next attempt is due.

    Args:
        wake: ends the wait.
    """
    wake.clear()
    due = status.next_attempt_at
    delay = (due - now()).total_seconds() if due else 0.0
    await completes(wake.wait(), within=delay)
