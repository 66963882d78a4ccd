"""Tells of dead updates in the log, a line a second at most: there may be thousands of them."""

from __future__ import annotations

import asyncio
import logging

log = logging.getLogger("botyard.runner")

PAUSE = 1.0  # seconds between two lines about a bot


class Notices:
    """The lines about one bot: the first at once, those that come soon after it in one.

    Args:
        bot_id: whose updates they are about.
    """

    def __init__(self, bot_id: int) -> None:
        self._bot_id = bot_id
        self._timer: asyncio.TimerHandle | None = None
        self._untold = self._dropped = 0
        self._last: tuple[int, str] = 0, ""

    def dead(self, update_id: int, error: str, *, dropped: int) -> None:
        """Learn that an update is dead.

        Args:
            error: why, without secrets.
            dropped: how many older ones went for it.
        """
        self._untold += 1
        self._dropped += dropped
        self._last = update_id, error
        if self._timer is None:
            self._tell()

    def _tell(self) -> None:
        self._timer = None
        if not self._untold:
            return
        update_id, error = self._last
        if self._untold == 1:
            log.warning("bot %d: update %d is dead. %s", self._bot_id, update_id, error)
        else:
            log.warning(
                "bot %d: %d updates are dead, the last of them %d. %s",
                self._bot_id,
                self._untold,
                update_id,
                error,
            )
        if self._dropped:
            log.warning(
                "bot %d: deleted its %d oldest dead updates to make room",
                self._bot_id,
                self._dropped,
            )
        self._untold = self._dropped = 0
        self._timer = asyncio.get_running_loop().call_later(PAUSE, self._tell)

    def close(self) -> None:
        """Tell what is left."""
        if self._timer is not None:
            self._timer.cancel()
        self._tell()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
