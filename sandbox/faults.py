"""Faults that are put into the way of requests, to see how a program takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from typing import Any, Literal, get_args

from sandbox.errors import ApiError, InvalidValue, UnknownFault, too_many_requests
from sandbox.updates import OTHER_POLL
from sandbox.waits import Wait

Kind = Literal["status", "answer", "drop", "lose", "delay", "hold"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(slots=True, eq=False)
class Fault:
    """One injected fault. What is None in bot_id, method, chat_id, token and text matches all.

    Attributes:
        id: Its number, for `clear`.
        kind: "status" answers with an error, "answer" with whatever `body` is, "drop" closes the
            connection without an answer, "lose" carries the request out and then closes the
            connection without an answer, "delay" answers later, "hold" keeps the request until
            the fault is cleared.
        method: A Bot API method in any case, or "file" for downloads.
        chat_id: The chat that the request names; requests that name none are spared.
        text: What a parameter of the request contains; requests without it are spared.
        status: HTTP status of kind "status", and of "answer", where it may be left out: 200.
        body: HTML to answer with in place of the JSON error; what kind "answer" sends as JSON.
        seconds: Length of a delay.
        times: How many requests it takes, None for no end.
        hits: How many it took.
    """

    id: int
    kind: Kind
    bot_id: int | None = None
    method: str | None = None
    chat_id: int | None = None
    token: str | None = None
    text: str | None = None
    status: int | None = None
    description: str | None = None
    retry_after: int | None = None
    seconds: float | None = None
    body: str | None = None
    times: int | None = None
    hits: int = 0
    _waits: set[Wait] = field(default_factory=set, repr=False)

    def takes(
        self,
        *,
        bot_id: int | None,
        method: str,
        chat_id: int | None,
        token: str,
        says: Callable[[str], bool],
    ) -> bool:
        """Say whether a request is one of those it is meant for, and count it if so.

        Args:
            says: Whether a parameter of the request contains a text.
        """
        if (
            (self.times is not None and self.hits >= self.times)
            or (self.bot_id is not None and self.bot_id != bot_id)
            or (self.method is not None and self.method.lower() != method.lower())
            or (self.chat_id is not None and self.chat_id != chat_id)
            or (self.token is not None and self.token != token)
            or (self.text is not None and not says(self.text))
        ):
            return False
        self.hits += 1
        return True

    def wait(self) -> Wait:
        """Begin the wait of one request at a hold or a delay; `release` ends it early."""
        waiting = Wait(seconds=self.seconds if self.kind == "delay" else None)
        self._waits = {wait for wait in self._waits if not wait.over}
        self._waits.add(waiting)
        return waiting

    def release(self) -> None:
        """Let every request that waits here go on."""
        for wait in self._waits:
            wait.wake()
        self._waits.clear()

    def error(self) -> ApiError:
        """Make what "status" and "answer" answer with, in Telegram's words if none are given."""
        if self.kind == "answer":
            kind = "application/json"
            return ApiError(self.status or 200, "", body=self.body, content_type=kind)
        status = self.status or 500
        if status == 429 and self.description is None and self.body is None:
            return too_many_requests(self.retry_after or 1)
        description = self.description or _WORDS.get(status) or HTTPStatus(status).phrase
        return ApiError(status, description, retry_after=self.retry_after, body=self.body)

    def as_json(self) -> dict[str, Any]:
        """List its fields for the control API."""
        return {
            "id": self.id,
            "kind": self.kind,
            "bot_id": self.bot_id,
            "method": self.method,
            "chat_id": self.chat_id,
            "token": self.token,
            "text": self.text,
            "status": self.status,
            "description": self.description,
            "retry_after": self.retry_after,
            "seconds": self.seconds,
            "body": self.body,
            "times": self.times,
            "hits": self.hits,
        }


_WORDS = {403: "Forbidden: bot was blocked by the user", 409: OTHER_POLL}


class FaultBoard:
    """All faults that are injected at the moment, in the order they came."""

    def __init__(self) -> None:
        self._faults: dict[int, Fault] = {}
        self._ids = count(1)

    def __iter__(self) -> Iterator[Fault]:
        return iter(list(self._faults.values()))

    def __bool__(self) -> bool:
        return bool(self._faults)

    def active(self, fault: Fault) -> bool:
        """Say whether a fault has not been cleared."""
        return fault.id in self._faults

    def add(self, kind: Kind, **options: Any) -> Fault:
        """Inject a fault; see `Fault` for the options.

        Raises:
            InvalidValue: An option is missing or out of its range.
        """
        fault = Fault(next(self._ids), kind, **options)
        _check(fault)
        self._faults[fault.id] = fault
        return fault

    def clear(self, fault_id: int | None) -> None:
        """Remove one fault, or all; what they hold goes on.

        Raises:
            UnknownFault: There is no such fault.
        """
        if fault_id is not None and fault_id not in self._faults:
            raise UnknownFault("fault_id", fault_id)
        for fault in self if fault_id is None else [self._faults[fault_id]]:
            del self._faults[fault.id]
            fault.release()


def _check(fault: Fault) -> None:
    if fault.kind not in KINDS:
        raise InvalidValue("kind", f"must be one of {', '.join(KINDS)}")
    if fault.kind == "status" and fault.status not in _ERROR_STATUSES:
        raise InvalidValue("status", "must be an HTTP error status, 400 to 599")
    if fault.kind == "answer" and fault.body is None:
        raise InvalidValue("body", "must be a string for kind answer")
    if fault.kind == "answer" and not 200 <= (fault.status or 200) <= 599:
        raise InvalidValue("status", "must be an HTTP status, 200 to 599")
    if fault.kind == "delay" and (fault.seconds is None or fault.seconds < 0):
        raise InvalidValue("seconds", "must be a number of seconds for kind delay")
    if fault.times is not None and fault.times < 1:
        raise InvalidValue("times", "must be at least 1")
    if fault.retry_after is not None and fault.retry_after < 1:
        raise InvalidValue("retry_after", "must be at least 1 second")


_ERROR_STATUSES = frozenset(status.value for status in HTTPStatus if status >= 400)
