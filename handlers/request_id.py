"""The id of the current request: in its answer, and on every log line of its work."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")


class _Mark:
    """The id in the context of a request.

    Tasks that a request starts inherit its context, and some live for days (a bot does): their
    log lines carry the id only while the request is being handled.
    """

    __slots__ = ("over", "value")

    def __init__(self, value: str) -> None:
        self.value = value
        self.over = False


_current: ContextVar[_Mark | None] = ContextVar("request_id", default=None)


def choose(header: str | None) -> str:
    """Return the id of a request.

    Args:
        header: the header X-Request-ID; used if it is valid, so that the logs of all programs that
            pass the request on have the same id.
    """
    if header is not None and _SANE.fullmatch(header):
        return header
    return secrets.token_hex(8)


@contextmanager
def under_way(value: str) -> Iterator[None]:
    """Mark the work in this context, and in tasks that it starts, as this request's."""
    mark = _Mark(value)
    token = _current.set(mark)
    try:
        yield
    finally:
        mark.over = True
        _current.reset(token)


def current() -> str | None:
    """Return the id of the request that is being handled; None outside of one."""
    mark = _current.get()
    return None if mark is None or mark.over else mark.value
