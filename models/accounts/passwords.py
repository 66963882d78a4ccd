"""Passwords: what is accepted, how they are hashed, and the threads that do the hashing."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from typing import Any, TypeVar

import bcrypt

from models.accounts.fair_queue import FairQueue, QueueFull

T = TypeVar("T")

COST = 12  # 2**12 rounds, about a third of a second
MIN_LENGTH = 8
MAX_LENGTH = 1024
_UNKNOWN_USER_HASH = "$2b$12$ABCDEFGHIJKLMNOPQRSTUuAcq3Njg9Yx/KDpXeqVAekjw4lCh/QVG"


class HasherBusy(Exception):
    """More passwords are waiting to be hashed than the queue takes."""


@cache
def _common_passwords() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - 1 MB, only when needed

    listed = FREQUENCY_LISTS["passwords"]
    return frozenset(listed.split(",") if isinstance(listed, str) else listed)


def weaknesses(password: str, *, username: str = "", email: str = "") -> list[str]:
    """Why a password is not accepted, a sentence each; empty when it is."""
    found = []
    if len(password) < MIN_LENGTH:
        found.append(f"The password must have at least {MIN_LENGTH} characters.")
    if len(password) > MAX_LENGTH:
        found.append(f"The password must have at most {MAX_LENGTH} characters.")
    if password.isdecimal():
        found.append("The password must not consist of digits only.")
    lowered = password.lower()
    if lowered in _common_passwords():
        found.append("The password is among the most common ones; choose another.")
    if lowered in {username.lower(), email.lower(), email.lower().partition("@")[0]} - {""}:
        found.append("The password must not be the user name or the e-mail address.")
    return found


def _prepare(password: str) -> bytes:
    # bcrypt reads 72 bytes and refuses more; a digest first makes every byte count. Base64,
    # because bcrypt ends at a NUL byte.
    return base64.b64encode(sha256(password.encode()).digest())


def hash_password(password: str) -> str:
    """The hash to store (bcrypt over SHA-256); takes a third of a second of CPU."""
    return bcrypt.hashpw(_prepare(password), bcrypt.gensalt(COST)).decode()


def check_password(password: str, password_hash: str | None) -> bool:
    """Whether a password fits a hash; None (no such user) takes as long and never fits."""
    fits = bcrypt.checkpw(_prepare(password), (password_hash or _UNKNOWN_USER_HASH).encode())
    return fits and password_hash is not None


@dataclass(slots=True)
class _Job:
    """A hash to compute, and who waits for it."""

    run: Callable[[], Any]
    future: asyncio.Future[Any]


class PasswordHasher:
    """Hashing in a thread of its own, so that neither the loop nor the CPU is taken over.

    Whoever asks waits in a queue that all sources share fairly. Those who have proved before
    that they belong here wait in a queue of their own, and the two take turns: a flood of
    strangers, from however many addresses, costs them one hash of waiting.

    The source of a stranger is their network. That of the known is their account: an account
    can be known in as many networks as its owner likes, and still has one turn.

    Args:
        queue: how many strangers may wait, beside the one under way.
        each: how many of one source.
        known: how many of the known may wait. To fill it takes more accounts
            than can be registered in a few hours.
    """

    def __init__(self, *, queue: int = 64, each: int = 8, known: int = 256) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="botyard-bcrypt")
        self._half = queue // 2
        self._known = FairQueue[_Job](limit=known, each=each)
        self._strangers = FairQueue[_Job](limit=queue, each=each)
        self._turn_of_known = True
        self._running = False
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many wait for the thread."""
        return len(self._known) + len(self._strangers)

    async def hash(self, password: str, *, source: str = "", known: bool = False) -> str:
        """`hash_password` in the thread.

        Args:
            source: whoever asks, as they are counted: a stranger's network, else the account.
            known: whether whoever asks has proved before that they belong here.

        Raises:
            HasherBusy: the queue is full, or, for a stranger, half full: the other half is for
                those who log in.
        """
        if not known and len(self._strangers) >= self._half:
            raise HasherBusy
        return await self._run(partial(hash_password, password), source, known=known)

    async def check(
        self, password: str, password_hash: str | None, *, source: str = "", known: bool = False
    ) -> bool:
        """`check_password` in the thread; see `hash`.

        Raises:
            HasherBusy: the queue is full.
        """
        run = partial(check_password, password, password_hash)
        return await self._run(run, source, known=known)

    async def _run(self, run: Callable[[], T], source: str, *, known: bool) -> T:
        queue = self._known if known else self._strangers
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            displaced = queue.put(source, _Job(run, future))
        except QueueFull:
            raise HasherBusy from None
        if displaced is not None and not displaced.future.done():
            displaced.future.set_exception(HasherBusy())
        self._go_on()
        return await future

    def _go_on(self) -> None:
        """Give the thread its next job, when it has none."""
        if self._running or self._closed or (job := self._next()) is None:
            return
        self._running = True
        hashing = asyncio.get_running_loop().run_in_executor(self._executor, job.run)
        hashing.add_done_callback(partial(self._done, job))

    def _next(self) -> _Job | None:
        while self.waiting:
            first, second = self._known, self._strangers
            if not self._turn_of_known:
                first, second = second, first
            job = (first or second).pop()
            self._turn_of_known = not self._turn_of_known
            if not job.future.done():  # else whoever waited was cancelled
                return job
        return None

    def _done(self, job: _Job, hashing: asyncio.Future[Any]) -> None:
        self._running = False
        error = None if hashing.cancelled() else hashing.exception()
        if job.future.done():
            pass  # whoever waited was cancelled
        elif hashing.cancelled():
            job.future.cancel()
        elif error is not None:
            job.future.set_exception(error)
        else:
            job.future.set_result(hashing.result())
        self._go_on()

    def close(self) -> None:
        """End the thread; what waits is dropped."""
        self._closed = True
        while self.waiting:
            (self._known or self._strangers).pop().future.cancel()
        self._executor.shutdown(wait=True, cancel_futures=True)
