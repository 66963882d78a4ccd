"""What an owner is told of a version that was just published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from dialogs.scenarios import VariableDifference, variable_difference
from models.dialogs.scenarios import Published, VersionRow

_NOTHING: dict[str, Any] = {"states": {}}  # without a version, there are no variables


@dataclass(frozen=True, slots=True)
class TalkCount:
    """How many talks are in a version.

    Args:
        talks: all of them, those that have ended included.
        waiting: those that wait in a state.
    """

    version: int
    talks: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Publication:
    """A version that was published, and what it changes for talks.

    Args:
        talks: how many talks are in which version, by the number of that.
        variables: what differs from the version before.
        unchanged: True if its document is the same as that of the version before.
    """

    version: VersionRow
    talks: list[TalkCount]
    variables: VariableDifference
    unchanged: bool


def describe(published: Published, waiting: Mapping[int, int]) -> Publication:
    """Compare a version that was published with the one before it.

    Args:
        waiting: how many talks waited in a state a moment before it, by version.
    """
    version, before = published.version, published.before
    old = _NOTHING if before is None else orjson.loads(before.document)
    variables = variable_difference(old, orjson.loads(version.document))
    talks = [
        TalkCount(n, count, min(count, waiting.get(n, 0)))  # some may have moved meanwhile
        for n, count in sorted(published.talks.items())
    ]
    unchanged = before is not None and before.document == version.document
    return Publication(version, talks, variables, unchanged)
