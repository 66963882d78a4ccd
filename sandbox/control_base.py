"""What the handlers of the control API share: JSON in, checked; JSON out; one form of errors."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import orjson
from tornado.web import RequestHandler

from sandbox.bots import SandboxBot
from sandbox.errors import InvalidValue, NotKnown, SandboxError
from sandbox.telegram import Sandbox

Json = dict[str, Any]

Types = type | tuple[type, ...]
T = TypeVar("T")

MAX_DIGITS = 15
MAX_WAIT = 60.0  # seconds
# They have names in Python that no body may use.
_RESERVED = ("self", "bot_id", "data")


class ControlHandler(RequestHandler):
    """JSON in and out; errors are `{"error": text, "field": name}` with 400 or 404."""

    def initialize(self, *, sandbox: Sandbox) -> None:
        """Take the sandbox that is controlled."""
        self.sandbox = sandbox

    def compute_etag(self) -> str | None:
        """Make no ETag: every answer is about this moment."""
        return None

    def body(self, **types: Types) -> Json:
        """Read the JSON object of the request.

        Args:
            types: What each field must be; a name that ends in "_" is optional, without it.

        Raises:
            InvalidValue: It is no JSON object, or a field is missing or of another type.
        """
        try:
            values = orjson.loads(self.request.body or b"{}")
        except orjson.JSONDecodeError:
            raise InvalidValue("body", "must be JSON") from None
        return checked(values, "body", **types)

    def only(self, **types: Types) -> Json:
        """Read the JSON object of the request like `body`, and refuse fields that are not named."""
        values = self.body(**types)
        known = {name.removesuffix("_") for name in types}
        for field in values:
            if field not in known:
                raise InvalidValue(field, f"is not known here; known: {', '.join(sorted(known))}")
        return values

    def number(self, name: str) -> float:
        """Read a number from the query; 0 when it is absent.

        Raises:
            InvalidValue: It is no number.
        """
        try:
            return float(self.get_query_argument(name, "0"))
        except ValueError:
            raise InvalidValue(name, "must be a number") from None

    def whole(self, name: str) -> int:
        """Read a whole number that is not negative from the query; 0 when it is absent.

        Raises:
            InvalidValue: It is none.
        """
        text = self.get_query_argument(name, "0")
        if not text.isdecimal() or len(text) > MAX_DIGITS:
            raise InvalidValue(name, "must be a whole number, 0 or more")
        return int(text)

    def chat(self) -> int | None:
        """Read the id of a chat from the query, `chat_id`; None when it is absent.

        Raises:
            InvalidValue: It is no whole number.
        """
        text = self.get_query_argument("chat_id", "")
        digits = text.removeprefix("-")
        if text and (not digits.isdecimal() or len(digits) > MAX_DIGITS):
            raise InvalidValue("chat_id", "must be a whole number")
        return int(text) if text else None

    def answer(self, value: Any, *, status: int = 200) -> None:
        """Write a JSON answer."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write the one form of errors."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, InvalidValue | NotKnown):
            status = 404 if isinstance(error, NotKnown) else 400
            self.answer({"error": str(error), "field": error.field}, status=status)
        else:
            self.answer({"error": self._reason, "field": None}, status=status_code)

    def log_exception(self, *args: Any) -> None:
        """Log only what is not the caller's mistake."""
        if not isinstance(args[1], SandboxError):
            super().log_exception(*args)


def checked(values: Any, what: str, **types: Types) -> Json:
    """Check a JSON object and its fields.

    Args:
        values: What was given.
        what: What it is, for the error.
        types: What each field must be; a name that ends in "_" is optional, without it.

    Raises:
        InvalidValue: It is no object, or a field is missing or of another type.
    """
    if not isinstance(values, dict):
        raise InvalidValue(what, "must be a JSON object")
    for name, wanted in types.items():
        field = name.removesuffix("_")
        if field not in values and not name.endswith("_"):
            raise InvalidValue(field, "is missing")
        _check_type(field, values.get(field), wanted, optional=name.endswith("_"))
    for field in _RESERVED:
        if field in values and field not in types and field + "_" not in types:
            raise InvalidValue(field, "is not known here")
    return values


def _check_type(field: str, value: Any, wanted: Types, *, optional: bool) -> None:
    if wanted is object or (value is None and optional):
        return
    kinds = wanted if isinstance(wanted, tuple) else (wanted,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise InvalidValue(field, f"must be {' or '.join(_NAMES[kind] for kind in kinds)}")


_NAMES: dict[type, str] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


class BotHandler(ControlHandler):
    """A handler below /control/bots/{id or username}."""

    bot: SandboxBot

    def prepare(self) -> None:
        """Find the bot that the path names."""
        self.bot = self.sandbox.find(self.path_args[0])


class WaitingHandler(BotHandler):
    """A handler that may wait for something, as long as its client does."""

    _waiting: asyncio.Task[Any] | None = None

    async def patiently(self, waiting: Coroutine[Any, Any, T]) -> T | None:
        """Wait for something; None if the client goes away before."""
        self._waiting = task = asyncio.create_task(waiting, name="sandbox-control-wait")
        await asyncio.wait([task])
        return None if task.cancelled() else task.result()

    def on_connection_close(self) -> None:
        """End the wait of a client that went away."""
        if self._waiting is not None:
            self._waiting.cancel()
