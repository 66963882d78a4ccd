"""What a step wants to be done, in order.

An effect that suspends a talk (a call, a timer, a hand-over) will be one more class here: it names
the state and the visit that wait, and `dialogs.scenarios.events` has the event that resumes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dialogs.messages import Message
from dialogs.scenarios.conversation import Value

VALUE_NOT_SAVED = "value_not_saved"  # the code of a failure
# A transition in the log that is no step: the same tap again. Statistics do not count it.
REPEATED_TAP = "repeated tap"


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message: `dialogs.messages.render(message, values)` has the calls.

    Args:
        values: of the variables in it.
    """

    message: Message
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Edit:
    """Show a message in place of the one whose button was tapped.

    It is a convenience: if it is lost, the buttons of the old one still do the right thing.
    """

    message: Message
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer the tap on a button, so that it stops to spin.

    Args:
        text: shown to the user for a moment, at most 200 characters; empty for nothing.
    """

    text: str = ""


@dataclass(frozen=True, slots=True)
class Tag:
    """Give the user tags."""

    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Untag:
    """Take tags away from the user; those that they do not have do not matter."""

    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Log:
    """An entry of the talk's log: one step.

    Args:
        state: the state in which the step was taken; empty before the first one.
        transition: what was taken: a JSON Pointer into the document, or a word such as "retry";
            docs/scenarios.md lists them.
        to: the state after it; empty if the talk has ended.
        changed: the variables that changed, with the values before and after; a list is one text,
            and a text is cut to 200 characters.
        cut: True if `changed` is left out, because the changes of this event are too large.
    """

    state: str
    transition: str
    to: str
    changed: Mapping[str, tuple[Value, Value]]
    cut: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the entry as a JSON value."""
        entry = {
            "state": self.state, "transition": self.transition, "to": self.to,
            "changed": self.changed,
        }  # fmt: skip
        return entry | {"cut": True} if self.cut else entry


@dataclass(frozen=True, slots=True)
class Failure:
    """The scenario has a mistake that shows only while it runs.

    Args:
        code: for programs: `too_many_` and one of `dialogs.scenarios.budget.Use`, such as steps, if
            the talk stays as it was; variables_full if only a variable does; value_not_saved if
            one is empty, because what was to be saved is none of its type.
        state: the state in which it showed.
        message: a sentence for the owner.
    """

    code: str
    state: str
    message: str


Effect = Send | Edit | Answer | Tag | Untag | Log | Failure
