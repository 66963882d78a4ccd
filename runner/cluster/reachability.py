"""Whether this process reaches Telegram: if not, others run its bots meanwhile."""

from __future__ import annotations

import asyncio
import logging

from telegram.error import NetworkError

from runner.cluster.membership import Membership
from runner.telegram.transport import Transport

log = logging.getLogger("botyard.cluster")

LOOK = 5.0  # seconds between two looks
PROBE = 4.0  # seconds that an answer to a look may take


class Reachability:
    """Looks whether Telegram answers, when nothing else tells.

    Args:
        transport: the connection to Telegram.
        membership: the row of this process.
    """

    def __init__(self, transport: Transport, membership: Membership) -> None:
        self._transport = transport
        self._membership = membership
        self.reaches = True
        self._answered_at = asyncio.get_running_loop().time()

    async def look(self) -> None:
        """Look once; called every `LOOK` seconds."""
        now = asyncio.get_running_loop().time
        if self._transport.answered_at > self._answered_at or await self._probe():
            self._answered_at = max(self._transport.answered_at, now())
        reaches = now() - self._answered_at < self._membership.settings.cut_off
        if reaches != self.reaches:
            self.reaches = reaches
            log.warning("Telegram answers again" if reaches else "Telegram does not answer")

    async def _probe(self) -> bool:
        if len(self._membership.peers.seen) < 2:
            return True  # there is nobody to give the bots to
        try:
            await self._transport.date(timeout=PROBE)
        except NetworkError:
            return False
        return True
