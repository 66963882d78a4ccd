"""Times in answers."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """Format a time as RFC 3339 does, in UTC: 2026-01-31T12:00:00.000Z.

    With `Z`, as the validators that are generated from an OpenAPI document expect it.

    Args:
        moment: with its zone.
    """
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    text = moment.isoformat(timespec="milliseconds")
    return f"{text.removesuffix('+00:00')}Z"


def rfc3339_or_none(moment: datetime | None) -> str | None:
    """Format a time as `rfc3339` does; None if there is none."""
    return None if moment is None else rfc3339(moment)
