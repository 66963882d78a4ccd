"""Facts about the installation itself, as key/value rows."""

from __future__ import annotations

import peewee

from models.engine.base import BaseModel


class InstallationFact(BaseModel):
    """A key/value row."""

    name = peewee.CharField(max_length=64, primary_key=True)
    value = peewee.TextField()

    class Meta:
        table_name = "settings"


def get(name: str) -> str | None:
    """Return the value stored under a name; None if there is none."""
    row = InstallationFact.get_or_none(InstallationFact.name == name)
    return row.value if row else None


def put(name: str, value: str) -> None:
    """Store a value under a name, replacing the previous one."""
    InstallationFact.insert(name=name, value=value).on_conflict(
        conflict_target=[InstallationFact.name], update={InstallationFact.value: value}
    ).execute()


def replace(name: str, old: str, new: str) -> bool:
    """Replace the value stored under a name, if it is still the old one."""
    row = InstallationFact.update(value=new)
    return bool(row.where(InstallationFact.name == name, InstallationFact.value == old).execute())
