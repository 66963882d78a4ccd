"""A scenario as `step` uses it: made of a valid document by `dialogs.scenarios.reading`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta, timezone, tzinfo
from enum import StrEnum
from typing import Any

from dialogs.messages import Message
from dialogs.scenarios.conditions import Condition
from dialogs.scenarios.conversation import Value, Variables
from dialogs.scenarios.events import EventKind
from dialogs.scenarios.expressions import Expression
from dialogs.scenarios.regex import Regex

UTC: tzinfo = timezone(timedelta(0), "UTC")


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a scenario.

    Args:
        names: the variables in it.
        buttons: how many buttons it has that come back to the bot.
        first: the index of the first one among those of its state.
    """

    message: Message
    names: tuple[str, ...]
    buttons: int = 0
    first: int = 0


@dataclass(frozen=True, slots=True)
class Branch:
    """A way on; without a condition, always.

    Args:
        to: the name of a state, or one of @start, @back, @again, @stay.
        pointer: its place in the document.
    """

    to: str
    condition: Condition | None
    pointer: str


Way = tuple[Branch, ...]  # the first one whose condition is true is taken
Assignments = tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class Actions:
    """What is done on the way.

    Args:
        tags: that the user gets, after those in `untags` are taken away.
        way: where it goes on; empty to wait on in the same state.
        end: True to end the talk.
    """

    assignments: Assignments = ()
    tags: tuple[str, ...] = ()
    untags: tuple[str, ...] = ()
    say: tuple[Said, ...] = ()
    way: Way = ()
    end: bool = False


class Match(StrEnum):
    """What a transition looks at."""

    ANY_OF = "any_of"
    CONTAINS = "contains"
    REGEX = "regex"
    COMMAND = "command"
    BUTTON = "button"
    CONTENT = "content"
    ELSE = "else"


@dataclass(frozen=True, slots=True)
class Transition:
    """A transition.

    Args:
        wanted: texts (normalized), commands, buttons or kinds of events, as `match` says.
        payload: of a command: exactly this, any (True), none (False), or whatever (None).
        save: the variable for what came; empty for none.
    """

    match: Match
    pointer: str
    actions: Actions
    wanted: Collection[str] = ()
    regex: Regex | None = None
    payload: str | bool | None = None
    payload_start: str = ""
    condition: Condition | None = None
    save: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """Something that can be chosen.

    Args:
        keys: the normalized texts that choose it.
    """

    text: str
    value: str | int | float
    keys: tuple[str, ...]


class AskType(StrEnum):
    """The types of answers."""

    TEXT = "text"
    NUMBER = "number"
    EMAIL = "email"
    PHONE = "phone"
    DATE = "date"
    TIME = "time"
    CHOICE = "choice"
    CHOICES = "choices"
    LOCATION = "location"
    PHOTO = "photo"
    VIDEO = "video"
    AUDIO = "audio"
    VOICE = "voice"
    DOCUMENT = "document"
    FILE = "file"


FILE_ASKS: Mapping[AskType, frozenset[EventKind]] = {
    AskType.PHOTO: frozenset((EventKind.PHOTO,)),
    AskType.VIDEO: frozenset((EventKind.VIDEO,)),
    AskType.AUDIO: frozenset((EventKind.AUDIO, EventKind.VOICE)),
    AskType.VOICE: frozenset((EventKind.VOICE,)),
    AskType.DOCUMENT: frozenset((EventKind.DOCUMENT,)),
    AskType.FILE: frozenset((
        EventKind.PHOTO, EventKind.VIDEO, EventKind.ANIMATION, EventKind.AUDIO, EventKind.VOICE,
        EventKind.DOCUMENT,
    )),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """A question.

    Args:
        limits: what the answer must keep to, by the names of the document, such as `min`.
        retry: what is said to an invalid answer; empty for the built-in text.
        retries: after how many invalid answers `gives_up` is taken; 0 for never.
        names: the variables in the texts of its buttons.
    """

    type: AskType
    actions: Actions
    pointer: str
    save: str = ""
    options: tuple[Option, ...] = ()
    columns: int = 1
    limits: Mapping[str, Any] = field(default_factory=dict)
    retry: tuple[Said, ...] = ()
    retries: int = 0
    gives_up: Way = ()
    may_skip: bool = False
    names: tuple[str, ...] = ()
    on: tuple[Transition, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """A state.

    Args:
        on: its transitions; a question has its own.
        buttons: the `go` of each of its buttons, by index, and its place in the document.
        waits: True for one with a question or transitions, even if the list of those is empty.
        entry: what is done when a talk enters it; its way is the one on without waiting.
    """

    name: str
    entry: Actions
    on: tuple[Transition, ...] = ()
    question: Question | None = None
    buttons: tuple[tuple[str, str], ...] = ()
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """A valid scenario; a version of it if it was published.

    Args:
        version: 0 for a draft.
        types: the types of variables that are declared or follow from a question.
        defaults: the first values of variables.
        known: the variables that something declares, sets or saves to.
        kept: those that keep their values when a talk begins anew.
        words: the words and commands (with their slash) for back, cancel, help and skip.
        groups: "addressed" or "all": which messages in groups are answered.
    """

    version: int
    start: str
    states: Mapping[str, State]
    anywhere: tuple[Transition, ...]
    types: Mapping[str, str]
    defaults: Variables
    known: Collection[str]
    kept: Collection[str]
    words: Mapping[str, str]
    texts: Mapping[str, str]
    language: str = ""
    zone: tzinfo = UTC
    groups: str = "addressed"

    def at(self, version: int) -> Scenario:
        """Return the same scenario as a version."""
        return replace(self, version=version)


def first_values(scenario: Scenario, variables: Mapping[str, Value]) -> Variables:
    """Return the variables of a talk that begins anew.

    Args:
        variables: those of the talk before it.
    """
    kept = {name: value for name, value in variables.items() if name in scenario.kept}
    return {**scenario.defaults, **kept}
