"""What an owner is told of a version that was just published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from dialogs.scenarios import VariableDifference, diff
from models.dialogs.scenarios import Published, VersionRow

_NOTHING: dict[str, Any] = {"states": {}}  # without a version, there are no variables


@dataclass(frozen=True, slots=True)
class Publication:
    """A version that was published, and what it changes for talks.

    Args:
        talks: how many talks are in which version.
        variables: what differs from the version before.
    """

    version: VersionRow
    talks: dict[int, int]
    variables: VariableDifference


def describe(published: Published) -> Publication:
    """Compare a version that was published with the one before it."""
    version, before = published.version, published.before
    old = _NOTHING if before is None else orjson.loads(before.document)
    found = diff(old, orjson.loads(version.document))
    return Publication(version, published.talks, found.variables)
