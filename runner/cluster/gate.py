"""The gate before each call of Telegram: shut while this process may have lost its bots.

Shut is not stopped: what wants to pass waits, and goes on when the database has answered again and
nobody has taken the bots over meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from telegram.error import TimedOut

from runner.cluster.lease import Lease
from runner.telegram.deadline import Deadline


class Gate:
    """Lets calls pass while a lease is valid, and cancels those under way when it ends.

    Args:
        lease: of this process.
    """

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self._open = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._calls: set[Deadline] = set()
        self._shut_before = 0.0  # seconds
        self._shut_at: float | None = None

    @property
    def shut_seconds(self) -> float:
        """The seconds that it has been shut altogether."""
        if self._shut_at is None:
            return self._shut_before
        return self._shut_before + asyncio.get_running_loop().time() - self._shut_at

    async def wait(self) -> None:
        """Wait until calls may pass."""
        while not self.lease.is_valid():
            self._open.clear()
            await self._open.wait()

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Make a call in this block.

        Raises:
            TimedOut: the lease has ended meanwhile; nobody knows whether the call had an effect.
        """
        deadline = Deadline(asyncio.get_running_loop(), None)
        self._calls.add(deadline)
        try:
            with deadline:
                yield
        except TimeoutError as error:
            raise TimedOut("this server lost its database while Telegram was answering") from error
        finally:
            self._calls.discard(deadline)

    def renew(self, began: float) -> None:
        """Renew the lease, because a heartbeat has succeeded.

        Args:
            began: as for `Lease.renew`.
        """
        self.lease.renew(began)
        loop = asyncio.get_running_loop()
        if self._shut_at is not None:
            self._shut_before += loop.time() - self._shut_at
            self._shut_at = None
        self._open.set()
        if self._timer is None:
            self._timer = loop.call_later(max(0.0, self.lease.left), self._check)

    def _check(self) -> None:
        """Shut if the lease is over, else look again when it will be."""
        self._timer = None
        loop = asyncio.get_running_loop()
        if self.lease.is_valid():
            self._timer = loop.call_later(self.lease.left, self._check)
        else:
            self._shut()

    def end(self) -> None:
        """End the lease, because this process was declared dead."""
        self.lease.end()
        self._shut()

    def _shut(self) -> None:
        """Let nothing pass any more, and cancel what is under way."""
        if self._shut_at is None:
            self._shut_at = asyncio.get_running_loop().time()
        for call in list(self._calls):
            call.expire()

    def close(self) -> None:
        """End the timer."""
        if self._timer is not None:
            self._timer.cancel()
