"""Passwords: what is accepted, how they are hashed, and the threads that do the hashing."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import sha256
from typing import TypeVar

import bcrypt

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


class PasswordHasher:
    """Hashing in a thread of its own, so that neither the loop nor the CPU is taken over.

    Args:
        queue: how many may wait beside the one under way.
    """

    def __init__(self, *, queue: int = 32) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="botyard-bcrypt")
        self._queue = queue
        self._room = queue + 1

    async def hash(self, password: str) -> str:
        """`hash_password` in the thread.

        Raises:
            HasherBusy: the queue is half full: the other half is for those who log in.
        """
        if self._room <= self._queue // 2:
            raise HasherBusy
        return await self._run(lambda: hash_password(password))

    async def check(self, password: str, password_hash: str | None) -> bool:
        """`check_password` in the thread.

        Raises:
            HasherBusy: the queue is full.
        """
        return await self._run(lambda: check_password(password, password_hash))

    async def _run(self, job: Callable[[], T]) -> T:
        if self._room <= 0:
            raise HasherBusy
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, job)
        finally:
            self._room += 1

    def close(self) -> None:
        """End the thread; what waits is dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)
