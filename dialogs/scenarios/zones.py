"""The names of time zones, to tell which one a wrong name may mean."""

from __future__ import annotations

import re
from functools import cache
from zoneinfo import available_timezones

from dialogs.messages.wording import listed
from dialogs.scenarios.wording import nearest

# Hardly anybody means a fixed offset, and the sign of Etc/GMT+3 is the wrong way round.
_NOT_A_PLACE = re.compile(r"Etc/|SystemV/|.*[0-9]|localtime$|posixrules$")
_SHORTEST = 4  # letters; shorter names are abbreviations, which are all like each other
_SAME, _LIKE = 1.0, 0.75


def meant_zone(name: str) -> str:
    """Return a question for the end of a sentence, which names the time zone that may be meant.

    Args:
        name: one that is not known, such as London or europe/london.

    Returns:
        The question with a space before it; empty if no name is like it.
    """
    if _NOT_A_PLACE.match(name):
        return ""
    likeness = _SAME if len(name) < _SHORTEST else _LIKE
    near = nearest(name.strip().replace(" ", "_"), _zones(), likeness=likeness)
    return f" Did you mean {listed([near])}?" if near else ""


@cache
def _zones() -> dict[str, str]:
    """Return the names of all time zones, by themselves and by their places, in small letters."""
    names = sorted(one for one in available_timezones() if not _NOT_A_PLACE.match(one))
    places = {one.rpartition("/")[2].lower(): one for one in reversed(names)}
    return {**places, **{one.lower(): one for one in names}}
