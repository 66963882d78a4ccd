"""Checks the connection to Telegram in the same way as bots connect; needs no token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from telegram.error import TelegramError

from runner.telegram.transport import Transport

_PATIENCE = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Connectivity:
    """The result of a connectivity check.

    Args:
        error: the reason for a failure; None if there was an answer with any status.
        date: the header Date of the answer (RFC 9110, section 6.6.1); None without one.
    """

    error: str | None = None
    date: datetime | None = None


async def check_connectivity(api_url: str, *, proxy: str | None) -> Connectivity:
    """Check that a Bot API server answers.

    Args:
        api_url, proxy: as for `Transport`.
    """
    transport = Transport(api_url, proxy=proxy, call_timeout=_PATIENCE)
    await transport.open()
    try:
        date = await transport.date(timeout=_PATIENCE)
    except TelegramError as error:
        return Connectivity(error=error.message)
    finally:
        await transport.close()
    return Connectivity(date=_moment(date) if date else None)


def _moment(date: str) -> datetime | None:
    """Parse an HTTP date; return None for anything else."""
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # "-0000" is also UTC
