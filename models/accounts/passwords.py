"""Passwords: their rules, their hashes, and the thread that computes these."""

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
    """The queue of passwords to hash is full."""


@cache
def _common_passwords() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - 1 MB, only when needed

    listed = FREQUENCY_LISTS["passwords"]
    return frozenset(listed.split(",") if isinstance(listed, str) else listed)


def weaknesses(password: str, *, username: str = "", email: str = "") -> list[str]:
    """Return the reasons why a password is rejected, one sentence each; none if it is accepted."""
    problems = []
    if len(password) < MIN_LENGTH:
        problems.append(f"The password must have at least {MIN_LENGTH} characters.")
    if len(password) > MAX_LENGTH:
        problems.append(f"The password must have at most {MAX_LENGTH} characters.")
    if password.isdecimal():
        problems.append("The password must not consist of digits only.")
    lowered = password.lower()
    if lowered in _common_passwords():
        problems.append("The password is among the most common ones; choose another.")
    if lowered in {username.lower(), email.lower(), email.lower().partition("@")[0]} - {""}:
        problems.append("The password must not be the user name or the e-mail address.")
    return problems


def _prepare(password: str) -> bytes:
    # bcrypt accepts 72 bytes at most, so hash a digest, to use every byte of the password. Base64,
    # because bcrypt stops at a NUL byte.
    return base64.b64encode(sha256(password.encode()).digest())


def hash_password(password: str) -> str:
    """Compute the hash to store (bcrypt over SHA-256); takes a third of a second of CPU time."""
    return bcrypt.hashpw(_prepare(password), bcrypt.gensalt(COST)).decode()


def check_password(password: str, password_hash: str | None) -> bool:
    """Return True if a password matches a hash; None (no such user) takes as long, for False."""
    fits = bcrypt.checkpw(_prepare(password), (password_hash or _UNKNOWN_USER_HASH).encode())
    return fits and password_hash is not None


@dataclass(slots=True)
class _Job:
    """A hash to compute, and the future for its result."""

    run: Callable[[], Any]
    future: asyncio.Future[Any]


class PasswordHasher:
    """Computes hashes in a thread of its own, so that they block neither the loop nor all CPUs.

    Callers wait in a queue with fair turns for all sources. Known callers, with an earlier login or
    a session, have a queue of their own, and the two queues take turns: a flood of strangers, from
    any number of addresses, delays a known caller by one hash.

    The source of a stranger is their network. The source of a known caller is their account: it
    can be known in any number of networks, and still has one turn.

    Args:
        queue: the maximum number of waiting strangers.
        each: the maximum number of waiting callers of one source.
        known: the maximum number of waiting known callers; filling this takes more accounts than
            can be registered in a few hours.
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
        """The number of callers that wait for the thread."""
        return len(self._known) + len(self._strangers)

    async def hash(self, password: str, *, source: str = "", known: bool = False) -> str:
        """Run `hash_password` in the thread.

        Args:
            source: the caller for the fair queue: a stranger's network, otherwise the account.
            known: True for a known caller.

        Raises:
            HasherBusy: the queue is full, or, for a stranger, half full: the other half is
                reserved for logins.
        """
        if not known and len(self._strangers) >= self._half:
            raise HasherBusy
        return await self._run(partial(hash_password, password), source, known=known)

    async def check(
        self, password: str, password_hash: str | None, *, source: str = "", known: bool = False
    ) -> bool:
        """Run `check_password` in the thread; see `hash`.

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
        """Give the thread its next job, if it is idle."""
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
            if not job.future.done():  # otherwise its caller was cancelled
                return job
        return None

    def _done(self, job: _Job, hashing: asyncio.Future[Any]) -> None:
        self._running = False
        error = None if hashing.cancelled() else hashing.exception()
        if job.future.done():
            pass  # its caller was cancelled
        elif hashing.cancelled():
            job.future.cancel()
        elif error is not None:
            job.future.set_exception(error)
        else:
            job.future.set_result(hashing.result())
        self._go_on()

    def close(self) -> None:
        """Stop the thread; cancel all waiting jobs."""
        self._closed = True
        while self.waiting:
            (self._known or self._strangers).pop().future.cancel()
        self._executor.shutdown(wait=True, cancel_futures=True)
