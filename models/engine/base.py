"""The base of every model: one proxy for the database, and times in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import peewee

# Bound by Database.open(). A process has one database; copying an installation needs two, and
# binds the models to each of them temporarily.
proxy = peewee.DatabaseProxy()


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


class UTCDateTimeField(peewee.DateTimeField):
    """Aware times in Python, naive UTC in the database, so that both databases compare alike."""

    def db_value(self, value: datetime | None) -> Any:
        """Turn an aware time into a naive one in UTC."""
        if value is not None and value.tzinfo is not None:
            value = value.astimezone(UTC).replace(tzinfo=None)
        return super().db_value(value)

    def python_value(self, value: Any) -> datetime | None:
        """Read a stored time as an aware one."""
        parsed: datetime | None = super().python_value(value)
        return parsed if parsed is None else parsed.replace(tzinfo=UTC)


class BaseModel(peewee.Model):
    """The base class of all models."""

    class Meta:
        database = proxy
        legacy_table_names = False
