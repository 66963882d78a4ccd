"""Runs one update until it is handled or dead, however often that has to be tried."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import cast

from telegram.error import BadRequest, InvalidToken, NetworkError, RetryAfter

from models.errors import NotOwner, StorageUnavailable
from runner.sending.outbox import Outbox
from runner.settings import RunnerTuning
from runner.stop_signal import Stopped, StopSignal
from runner.updates.dispatcher import Dispatcher
from runner.updates.failures import FailureRecorder
from runner.updates.in_hand import InHand
from runner.updates.incoming import IncomingUpdate


class UpdateRunner:
    """Decides what follows from the outcome of an attempt.

    Args:
        dispatcher: makes an attempt.
        in_hand: has a success stored.
        outbox: sends the messages.
        failures: records a failure.
        settings: times and bounds.
        is_running: whether Telegram serves the bot, so that trouble is an update's own.
        stop: set when the bot is being stopped.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        in_hand: InHand,
        outbox: Outbox,
        failures: FailureRecorder,
        *,
        settings: RunnerTuning,
        is_running: Callable[[], bool],
        stop: StopSignal,
    ) -> None:
        self._dispatcher = dispatcher
        self._in_hand = in_hand
        self._outbox = outbox
        self._failures = failures
        self._settings = settings
        self._is_running = is_running
        self._stop = stop

    async def run_until_done(self, update: IncomingUpdate) -> bool:
        """Handle an update, and again while it fails; False when it is dead.

        Raises:
            Stopped: the bot is being stopped; the journal has the update.
        """
        transient = tries = 0
        while True:
            error = await self._attempt(update)
            if error is None:
                return True
            if isinstance(error, RetryAfter):
                delay = cast(timedelta, error.retry_after).total_seconds()
            elif isinstance(error, StorageUnavailable):  # never the update's fault
                tries += 1
                delay = self._settings.backoff(tries)
            elif _is_transient(error) and transient < self._settings.transient_failures:
                transient += self._is_running()  # an outage is not the update's fault
                tries += 1
                delay = self._settings.backoff(tries)
            elif await self._failures.record(update, error):
                return False
            else:
                delay = self._settings.backoff(update.attempts)
            # Its traceback holds this frame, and this frame it: without the garbage collector
            # (server/gc_tuning.py) they would stay, and the pause may be long.
            error = None
            await self._stop.sleep(delay)

    async def _attempt(self, update: IncomingUpdate) -> Exception | None:
        """Handle an update once; return what went wrong."""
        try:
            effects = await self._dispatcher.dispatch(update)
            self._outbox.put(await self._in_hand.handled(update, effects))
        except Stopped:
            raise
        except NotOwner as error:
            raise Stopped from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # The handler has raised it by itself: a failure of this update like any other.
            return RuntimeError(f"the handler raised {error!r}")
        except Exception as error:
            return error
        return None

    def close(self) -> None:
        """Log what is left to be told of failures."""
        self._failures.close()


def _is_transient(error: Exception) -> bool:
    """Say whether Telegram or the network is to blame rather than this update."""
    if isinstance(error, BadRequest):  # a subclass of NetworkError in the library
        return False
    return isinstance(error, (NetworkError, InvalidToken))
