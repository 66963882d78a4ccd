"""What a check of `botyard doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Args:
        text: what was found.
        advice: what to do about it; empty when it is ok.
    """

    check: str
    level: Severity
    text: str
    advice: str = ""
