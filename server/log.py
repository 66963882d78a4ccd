"""The log on standard error: one line for each event, without secrets, human or JSON."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from textwrap import indent
from typing import Any

import orjson
import tornado.web

from handlers import request_id
from models.redaction import one_line, plain_lines, scrub

access = logging.getLogger("botyard.access")
log = logging.getLogger("botyard.server")

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
FORMATS = ("human", "json")

_SECRET_FIELD = re.compile(r"(?i)authorization|cookie|passw|secret|token")
# attributes of every record; the others were passed as `extra`
_STANDARD = {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName"}


class ScrubbingFormatter(logging.Formatter):
    """Formats a record for people, scrubbed: one line, and below it a traceback, indented.

    Whatever a message or an exception quotes, nothing in it can look like a line of the log.
    """

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Format the line, with the id of the request at its end."""
        line, request = super().formatMessage(record), request_id.current()
        return f"{line} [{request}]" if request else line

    def format(self, record: logging.LogRecord) -> str:
        """Format the record, with its traceback below."""
        record.message = record.getMessage()
        record.asctime = self.formatTime(record)
        # Scrubbed before it is escaped: the digits of an escape would hide where a token begins.
        parts = [one_line(scrub(self.formatMessage(record)))]
        if record.exc_info:
            parts.append(_indented(self.formatException(record.exc_info)))
        if record.stack_info:
            parts.append(_indented(self.formatStack(record.stack_info)))
        return "\n".join(parts)


def _indented(text: str) -> str:
    return indent(plain_lines(scrub(text)), "  ")


class JSONFormatter(logging.Formatter):
    """Formats a record as one line of JSON, each text in it scrubbed."""

    def format(self, record: logging.LogRecord) -> str:
        """Format the record."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, Any] = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request := request_id.current():
            fields["request_id"] = request
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = self.formatStack(record.stack_info)
        taken = _STANDARD | fields.keys()
        fields |= {name: value for name, value in record.__dict__.items() if name not in taken}
        return orjson.dumps(_plain(fields)).decode()


def _plain(value: Any) -> Any:
    """Convert a value to JSON types; it is scrubbed first, since scrubbing JSON could break it."""
    match value:
        case None | bool() | float():
            return value
        case int():
            return value if abs(value) < 2**63 else str(value)
        case Mapping():
            return {
                plain_lines(scrub(str(name))): "***"
                if _SECRET_FIELD.search(str(name))
                else _plain(inner)
                for name, inner in value.items()
            }
        case list() | tuple() | set() | frozenset():
            return [_plain(inner) for inner in value]
    return _text(value)


def _text(value: Any) -> str:
    # Newlines are kept: JSON escapes them, and a traceback has many.
    return plain_lines(scrub(str(value)))


class _Handler(logging.StreamHandler[Any]):
    """Writes lines; reports one that cannot be formatted without its unscrubbed arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        error, place = sys.exc_info()[0], f"{record.name}, {record.filename}:{record.lineno}"
        with suppress(OSError, ValueError):  # standard error itself may be closed
            self.stream.write(f"cannot format a log line ({place}): {error}\n")


class LogLevel:
    """The log level; can be switched to debug and back while the server runs.

    Args:
        configured: one of LEVELS.
    """

    def __init__(self, configured: str) -> None:
        self._configured = configured
        self._now = configured
        self._apply()

    def toggle(self) -> None:
        """Go from the configured level to debug, or back."""
        self._now = "debug" if self._now != "debug" else self._configured
        self._apply()
        # not always as info: a higher level would hide it
        log.log(max(logging.INFO, LEVELS[self._now]), "the log's level is now %s", self._now)

    def _apply(self) -> None:
        level = LEVELS[self._now]
        logging.getLogger("botyard").setLevel(level)
        # Libraries never at debug: peewee prints rows, and the Bot API's library messages.
        logging.getLogger().setLevel(max(level, logging.INFO))
        # These log every call, which is noise at INFO, and httpx prints whole addresses.
        for name in ("httpx", "aiohttp.access", "telegram.ext", "asyncio", "peewee_migrate"):
            logging.getLogger(name).setLevel(max(level, logging.WARNING))


def set_up(level: str = "info", form: str = "human") -> LogLevel:
    """Send every logger to standard error.

    Args:
        level: one of LEVELS.
        form: one of FORMATS.
    """
    handler = _Handler(sys.stderr)
    line = "%(asctime)s %(levelname)-7s %(name)s %(message)s"
    handler.setFormatter(JSONFormatter() if form == "json" else ScrubbingFormatter(line))
    logging.getLogger().handlers[:] = [handler]
    return LogLevel(level)


def log_request(handler: tornado.web.RequestHandler) -> None:
    """Log a request: method, path, status, milliseconds, user."""
    fields = {
        "method": handler.request.method,
        "path": getattr(handler, "shown_path", handler.request.path),
        "status": handler.get_status(),
        "milliseconds": round(1000 * handler.request.request_time(), 1),
        "user": getattr(handler, "caller_id", None),
    }
    access.log(
        logging.WARNING if handler.get_status() >= 500 else logging.INFO,
        "%s %s %d %.1fms user=%s",
        *list(fields.values())[:4],
        fields["user"] or "-",
        extra=fields,
    )
