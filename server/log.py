"""The log: a line an event, on standard error, without secrets."""

from __future__ import annotations

import logging
import re
import sys
import time

import tornado.web

access = logging.getLogger("botyard.access")

# Not \b before it: in an address of the Bot API the token comes right after "/bot".
_TOKEN = re.compile(r"(?<![0-9])([0-9]{3,19})(?::|%3[Aa])[A-Za-z0-9_-]{30,80}")
_AUTHORIZATION = re.compile(r"(?i)(authorization['\"]?\s*[:=,]\s*b?['\"]?)(?:[a-z]+\s+)?[^\s'\",]+")
_KEY = re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


def scrub(text: str) -> str:
    """A text without bot tokens, keys and Authorization headers."""
    text = _TOKEN.sub(r"\1:***", text)
    text = _AUTHORIZATION.sub(r"\1***", text)
    return _KEY.sub("***", text)


class ScrubbingFormatter(logging.Formatter):
    """Formats a record, traceback and all, and scrubs the outcome."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        """The line, or lines with a traceback."""
        return scrub(super().format(record))


def set_up(level: int = logging.INFO) -> None:
    """Send every logger to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ScrubbingFormatter("%(asctime)s %(levelname)-7s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # These two tell of every call; at INFO that is noise, and httpx prints whole addresses.
    for name in ("httpx", "aiohttp.access", "telegram.ext", "asyncio", "peewee_migrate"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def log_request(handler: tornado.web.RequestHandler) -> None:
    """One line a request: method, path, status, milliseconds, user."""
    identity = getattr(handler, "identity", None)
    access.log(
        logging.WARNING if handler.get_status() >= 500 else logging.INFO,
        "%s %s %d %.1fms user=%s",
        handler.request.method,
        handler.request.path,
        handler.get_status(),
        1000 * handler.request.request_time(),
        identity.user.id if identity else "-",
    )
