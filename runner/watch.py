"""Notices what the command line changed beside the running server; `models.revision` says how."""

from __future__ import annotations

import asyncio
import logging

from models import revision
from models.database import Database
from models.errors import StorageError
from runner.manager import BotManager

log = logging.getLogger("botyard.watch")


class Watch:
    """Looks at the mark, and has the manager compare when it is another one.

    Args:
        db: the database.
        manager: runs the bots.
        after: the boot; before it is over the manager reads everything anyway.
        interval: seconds between two looks.
    """

    def __init__(
        self, db: Database, manager: BotManager, *, after: asyncio.Task[None], interval: float
    ) -> None:
        self._db = db
        self._manager = manager
        self._after = after
        self._interval = interval
        self._seen: str | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; needs the running event loop."""
        self._task = asyncio.create_task(self._run(), name="watch")

    async def close(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        await asyncio.wait({self._after})
        while True:
            try:
                await self._look()
            except StorageError as error:
                log.warning("the bots could not be compared with the database: %s", error)
            except Exception:
                log.exception("the bots could not be compared with the database")
            await asyncio.sleep(self._interval)

    async def _look(self) -> None:
        mark = await self._db.read(revision.current)
        if mark != self._seen:
            await self._manager.compare()
            self._seen = mark  # only now: what failed is tried again
