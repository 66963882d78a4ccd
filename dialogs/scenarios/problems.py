"""What can be wrong with a scenario, for the person who wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from dialogs.messages.problems import pointer

# The names and indexes that lead to a value in a document.
Path = tuple[str | int, ...]

MAX_PROBLEMS = 200  # nobody reads more


class Severity(StrEnum):
    """An error keeps a scenario from being used; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Code(StrEnum):
    """The codes of problems; those of messages (`dialogs.messages.ProblemCode`) occur besides."""

    WRONG_TYPE = "wrong_type"
    UNKNOWN_FIELD = "unknown_field"
    MISSING_FIELD = "missing_field"
    CONFLICTING_FIELDS = "conflicting_fields"
    NOT_A_CHOICE = "not_a_choice"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TOO_FEW = "too_few"
    TOO_MANY = "too_many"
    OUT_OF_RANGE = "out_of_range"
    WRONG_PATTERN = "wrong_pattern"
    FORBIDDEN_CHARACTER = "forbidden_character"
    TOO_DEEP = "too_deep"
    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    REPEATED_NAME = "repeated_name"
    MORE_PROBLEMS = "more_problems"
    BLANK = "blank"
    UNKNOWN_TARGET = "unknown_target"
    UNREACHED_STATE = "unreached_state"
    LOOP_NEVER_WAITS = "loop_never_waits"
    LOOP_MAY_NOT_WAIT = "loop_may_not_wait"
    NO_WAY_OUT = "no_way_out"
    NEVER_TAKEN = "never_taken"
    DUPLICATE_BUTTON = "duplicate_button"
    UNKNOWN_BUTTON = "unknown_button"
    BUTTON_NOT_ALLOWED = "button_not_allowed"
    CONFLICTING_BUTTONS = "conflicting_buttons"
    UNSET_VARIABLE = "unset_variable"
    HIDDEN_BUILT_IN = "hidden_built_in"
    VALUE_NOT_SAVED = "value_not_saved"
    NEVER_A_NUMBER = "never_a_number"
    SINGLE_BRACES = "single_braces"
    PLAIN_MARKDOWN = "plain_markdown"
    HTML_TAG = "html_tag"
    WRONG_DEFAULT = "wrong_default"
    NOT_FOR_THIS_TYPE = "not_for_this_type"
    EMPTY_RANGE = "empty_range"
    DUPLICATE_OPTION = "duplicate_option"
    DUPLICATE_COMMAND = "duplicate_command"
    UNHANDLED_COMMAND = "unhandled_command"
    WRONG_REGEX = "wrong_regex"
    LATIN_ONLY = "latin_only"
    UNKNOWN_TIME_ZONE = "unknown_time_zone"


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem with a scenario.

    Args:
        pointer: the place in the document, a JSON Pointer (RFC 6901).
        code: a `Code`, or a code of a message.
        message: a sentence that tells what is wrong, and what to do.
    """

    pointer: str
    code: str
    message: str
    severity: Severity = Severity.ERROR


class InvalidScenario(Exception):
    """The document is no scenario."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{one.pointer}: {one.message}" for one in problems[:5]))
        self.problems = list(problems)


def error(path: Path, code: str, message: str) -> Problem:
    """Return a problem that keeps the scenario from being used."""
    return Problem(pointer(path), code, message)


def warning(path: Path, code: str, message: str) -> Problem:
    """Return a problem that the scenario works with, but hardly as it was meant."""
    return Problem(pointer(path), code, message, Severity.WARNING)


def place(path: Path, whole: str = "the document") -> str:
    """Return a path in words, such as `"say" of transition 2 of state "hello"`.

    Args:
        whole: the words for the document.
    """
    words: list[str] = []
    rest = list(path)
    while rest:
        match rest:
            case [int(number), *rest] if not words:  # no other document is a list
                words.append(f"event {number + 1}")
            case ["states", str(name), *rest]:
                words.append(f'state "{short(name)}"')
            case ["on" | "anywhere" as owner, int(number), *rest]:
                where = " in anywhere" if owner == "anywhere" else ""
                words.append(f"transition {number + 1}{where}")
            case ["turns" | "tests" as owner, int(number), *rest]:
                words.append(f"{owner[:-1]} {number + 1}")
            case [str(name), int(number), *rest]:
                words.append(f'entry {number + 1} of "{short(name)}"')
            case [int(number), *rest]:
                words.append(f"entry {number + 1}")
            case [first, *rest]:
                words.append(f'"{short(first)}"')
    return " of ".join(reversed(words)) or whole


def begin(text: str) -> str:
    """Return a text as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def within(path: Path, sentence: str) -> str:
    """Return a sentence that tells the place that it is about."""
    return f"In {place(path)}: {go_on(sentence)}"


def go_on(sentence: str) -> str:
    """Return a sentence as what follows a colon."""
    return f"{sentence[:1].lower()}{sentence[1:]}"


def short(name: str | int) -> str:
    """Return a name as it can be shown in a sentence."""
    text = "".join(one if one.isprintable() else "?" for one in str(name)[:41])
    return text if len(text) <= 40 else text[:40] + "…"
