"""Records failures of handlers, until an update has failed for good."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeVar

from models.errors import NotOwner, StorageError
from models.messaging.dead_updates import MARGIN
from models.redaction import foreign
from runner.settings import RunnerTuning
from runner.stop_signal import Stopped, StopSignal
from runner.updates.dispatcher import NotUnderstood
from runner.updates.incoming import MAX_FLAW, IncomingUpdate
from runner.updates.journal import Journal
from runner.updates.notices import Notices

T = TypeVar("T")

log = logging.getLogger("botyard.runner")

MAX_ERROR = 500  # characters of an error that are kept


class FailureRecorder:
    """Writes failures of one bot's updates to the journal and to the log.

    Args:
        bot_id: the bot.
        journal: stores them.
        settings: times and bounds.
        stop: set when the bot is being stopped.
    """

    def __init__(
        self, bot_id: int, journal: Journal, settings: RunnerTuning, stop: StopSignal
    ) -> None:
        self._bot_id = bot_id
        self._journal = journal
        self._settings = settings
        self._stop = stop
        self._notices = Notices(bot_id)
        self._buried = 0

    async def record(self, update: IncomingUpdate, error: Exception) -> bool:
        """Record a failed attempt; return True when the update is now dead.

        Raises:
            Stopped: the bot is being stopped, and the database did not answer before; or the
                update is not this process's any more.
        """
        update.attempts += 1
        if isinstance(error, NotUnderstood):
            why = foreign(str(error), limit=MAX_FLAW)
            # It is short, so that there may be a few too many for a moment.
            trim = self._buried % MARGIN == 0
            await self._bury(update, f"This update cannot be processed: {why}", trim=trim)
            return True
        text = self._report(update, error)
        if update.attempts >= self._settings.max_failures:
            await self._bury(update, text, trim=True)
            return True
        key, attempts = (self._bot_id, update.update_id), update.attempts
        await self._persist(lambda: self._journal.save_failure(*key, attempts=attempts, error=text))
        return False

    async def _bury(self, update: IncomingUpdate, text: str, *, trim: bool) -> None:
        """Store that an update failed for good, and why."""
        self._buried += 1
        key, attempts = (self._bot_id, update.update_id), update.attempts
        dropped = await self._persist(
            lambda: self._journal.bury(*key, attempts=attempts, error=text, trim=trim)
        )
        self._notices.dead(update.update_id, text, dropped=dropped)

    def _report(self, update: IncomingUpdate, error: Exception) -> str:
        """Log a failure with its traceback; return the text for the bot's owner."""
        incident = secrets.token_hex(6)
        log.error(
            "bot %d: update %d failed, attempt %d (incident %s)",
            self._bot_id,
            update.update_id,
            update.attempts,
            incident,
            exc_info=error,
        )
        text = foreign(f"{type(error).__name__}: {error}", limit=MAX_ERROR)
        return f"{text} (incident {incident})"

    async def _persist(self, write: Callable[[], Awaitable[T]]) -> T:
        """Write, and wait for a database that does not answer: what was done is not done again."""
        tries = 0
        while True:
            try:
                return await write()
            except NotOwner as error:
                raise Stopped from error
            except StorageError as error:
                tries += 1
                log.warning("bot %d: the journal cannot be written: %s", self._bot_id, error)
                await self._stop.sleep(self._settings.backoff(tries))

    def close(self) -> None:
        """Log what is left to be told."""
        self._notices.close()
