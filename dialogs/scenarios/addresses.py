"""The callback data of buttons: which version, state, visit and button were tapped.

At most 64 bytes: https://core.telegram.org/bots/api#inlinekeyboardbutton
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PREFIX = "~"  # no name of a state or a button of other messages begins with it
_ADDRESS = re.compile(r"~([0-9a-f]{1,8})\.([A-Za-z0-9_]{1,32})\.([0-9a-f]{1,8})\.([a-z])(\d{0,4})")


@dataclass(frozen=True, slots=True)
class Address:
    """A button of a message that a talk has shown.

    Args:
        kind: b for a button of the document, and for a question o to choose an option, u to undo
            that, d when all are chosen, s to skip.
        index: of the button or option.
    """

    version: int
    state: str
    visit: int
    kind: str
    index: int = 0

    def __str__(self) -> str:
        return f"{PREFIX}{self.version:x}.{self.state}.{self.visit:x}.{self.kind}{self.index}"


def read_address(data: str) -> Address | None:
    """Return what callback data says; None if it is not ours."""
    found = _ADDRESS.fullmatch(data)
    if not found:
        return None
    version, state, visit, kind, index = found.groups()
    return Address(int(version, 16), state, int(visit, 16), kind, int(index or 0))
