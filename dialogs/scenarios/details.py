"""What a schema cannot tell about questions, transitions, variables and commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from dialogs.messages.schema import MAX_BUTTONS
from dialogs.messages.wording import listed
from dialogs.scenarios.builtin import read_words
from dialogs.scenarios.dates import day_of_limit, read_time
from dialogs.scenarios.normalizing import words
from dialogs.scenarios.problems import Code, Path, Problem, begin, error, place, warning, within
from dialogs.scenarios.reading import as_list, read_option, read_zone
from dialogs.scenarios.shadowed import never_taken
from dialogs.scenarios.variables import (
    BUILT_IN,
    MAX_VARIABLES,
    buttons,
    fit,
    parts,
    set_names,
    transition_lists,
    used_names,
)
from dialogs.scenarios.wording import Hints
from dialogs.scenarios.zones import meant_zone

Document = Mapping[str, Any]

MAX_OPERANDS = 50  # of one value
MAX_TAGS = 50  # of a person, `models.dialogs.tags.MAX_TAGS`
MAX_LANGUAGES = 50  # of all descriptions of commands; Telegram gets a menu for each
# The fields of a question that only some types have.
_FIELDS: Mapping[str, frozenset[str]] = {
    "text": frozenset(("min_length", "max_length")),
    "number": frozenset(("min", "max", "whole")),
    "date": frozenset(("from", "to")),
    "time": frozenset(("from", "to")),
    "choice": frozenset(("options", "columns")),
    "choices": frozenset(("options", "columns", "at_least", "at_most")),
}
_SPECIAL = frozenset(field for fields in _FIELDS.values() for field in fields)
_RANGES = (("min", "max"), ("min_length", "max_length"), ("at_least", "at_most"), ("from", "to"))
_TODAY = date(2000, 1, 1)  # to compare limits that are relative to today
_WHOLES = {"user": "user.name", "chat": "chat.title", "bot": "bot.name"}  # of built-in values
_COMPARISONS = frozenset((
    "equals", "not_equals", "less", "at_most", "more", "at_least", "contains", "starts_with",
    "ends_with", "one_of", "is_set",
))  # fmt: skip


def detail_problems(document: Document) -> Iterator[Problem]:
    """Return the problems of a document that fits the schema, except for messages and targets."""
    for name, state in document["states"].items():
        if "ask" in state:
            yield from _question(state["ask"], ("states", name, "ask"), state)
    for path, part in parts(document):
        if "if" in part:
            yield from _condition(part["if"], (*path, "if"))
        for name, value in part.get("set", {}).items():
            if _size(value) > MAX_OPERANDS:
                sentence = f"The value has more than {MAX_OPERANDS} parts. Compute it in steps."
                yield error((*path, "set", name), Code.TOO_LARGE, sentence)
        for phrase in as_list(part.get("contains", [])):
            if not words(phrase).strip():
                sentence = f"{begin(place((*path, 'contains')))} needs a word or a number."
                yield error((*path, "contains"), Code.BLANK, sentence)
    yield from _tags(document)
    yield from _else(document)
    yield from never_taken(document)
    yield from _variables(document)
    yield from _commands(document)
    if "time_zone" in document:
        try:
            read_zone(document["time_zone"])
        except ValueError:
            sentence = '"time_zone" is not known. Use a name such as Europe/Moscow or UTC.'
            hint = meant_zone(document["time_zone"])
            yield error(("time_zone",), Code.UNKNOWN_TIME_ZONE, sentence + hint)


def _size(value: Any) -> int:
    """Return how many parts an expression has."""
    if isinstance(value, dict):
        return sum(_size(one) for one in value.values())
    return sum(_size(one) for one in value) if isinstance(value, list) else 1


def _question(ask: Document, path: Path, state: Document) -> Iterator[Problem]:
    kind = ask["type"]
    allowed = _FIELDS.get(kind, frozenset())
    for field in ask.keys() & _SPECIAL - allowed:
        about = begin(place((*path, field)))
        sentence = f"{about} has no meaning for an answer of the type {kind}. Remove it."
        yield error((*path, field), Code.NOT_FOR_THIS_TYPE, sentence)
    if "options" in allowed:
        if "options" not in ask:
            sentence = f'{begin(place(path))} has the type {kind}, and needs "options". Add them.'
            yield error(path, Code.MISSING_FIELD, sentence)
        yield from _options(ask.get("options", []), (*path, "options"))
    if kind in {"date", "time"}:
        for field in ("from", "to"):
            if field in ask and _limit(kind, ask[field]) is None:
                example = "2030-12-31, today or today+7" if kind == "date" else "09:00"
                sentence = f"{begin(place((*path, field)))} must be written as {example}."
                yield error((*path, field), Code.WRONG_PATTERN, sentence)
    yield from _ranges(ask, path, allowed)
    yield from _own_buttons(ask, path, as_list(state["say"])[-1])


def _own_buttons(ask: Document, path: Path, last: Any) -> Iterator[Problem]:
    """Report a last message that cannot have the buttons of its question."""
    kind = ask["type"]
    number = len(ask.get("options", ())) + 2 + sum(1 for _ in buttons(last, ()))
    if number > MAX_BUTTONS:
        sentence = f"The question and its message have more than {MAX_BUTTONS - 2} buttons."
        yield error(path, Code.TOO_MANY, f"{sentence} Remove some.")
    has_buttons = kind in {"choice", "choices", "phone", "location"} or ask.get("skip")
    taken = {"keyboard", "remove_keyboard"} | (
        {"buttons"} if kind in {"phone", "location"} else set()
    )
    if has_buttons and isinstance(last, dict) and (taken & last.keys() or _is_bare_album(last)):
        sentence = (
            "The question has buttons of its own, and they are shown below the last message of "
            '"say". It needs a text, and no keyboard of its own.'
        )
        yield error((*path[:-1], "say"), Code.CONFLICTING_BUTTONS, sentence)


def _is_bare_album(message: Document) -> bool:
    return isinstance(message.get("media"), list) and "text" not in message


def _options(options: list[Any], path: Path) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, one in enumerate(options):
        option = read_option(one)
        if seen.intersection(option.keys):
            sentence = (
                f'The option "{option.text[:40]}" cannot be told from one before it. Case and '
                "punctuation do not matter. Change its text or value."
            )
            yield error((*path, index), Code.DUPLICATE_OPTION, within(path, sentence))
        seen.update(option.keys)


def _limit(kind: str, text: str) -> str | None:
    """Return a limit of a date or time in a form that can be compared; None if it is wrong."""
    if kind == "time":
        return read_time(text) if len(text) == 5 and text[2] == ":" else None
    try:
        return day_of_limit(text, _TODAY).isoformat()
    except ValueError:
        return None


def _ranges(ask: Document, path: Path, allowed: frozenset[str]) -> Iterator[Problem]:
    for low, high in _RANGES:
        if low not in allowed or low not in ask or high not in ask:
            continue
        least, most = ask[low], ask[high]
        if low == "from":
            if least.startswith("today") != most.startswith("today"):
                continue  # it depends on the day
            least, most = _limit(ask["type"], least), _limit(ask["type"], most)
        if least is not None and most is not None and least > most:
            sentence = (
                f'No answer fits {place(path)}: "{low}" is greater than "{high}". Change one of '
                "them."
            )
            yield error((*path, low), Code.EMPTY_RANGE, sentence)
    if ask["type"] == "choices" and ask.get("at_least", 0) > len(ask.get("options", ())):
        about = begin(place((*path, "at_least")))
        sentence = f"{about} is greater than the number of options. Make it smaller."
        yield error((*path, "at_least"), Code.EMPTY_RANGE, sentence)


def _condition(document: Document, path: Path) -> Iterator[Problem]:
    compared = document.keys() & _COMPARISONS
    if compared and "variable" not in document:
        sentence = f'{begin(place(path))} compares without a "variable". Add it.'
        yield error(path, Code.MISSING_FIELD, sentence)
    for name in ("and", "or"):
        for index, part in enumerate(document.get(name, ())):
            yield from _condition(part, (*path, name, index))
    if "not" in document:
        yield from _condition(document["not"], (*path, "not"))


def _tags(document: Document) -> Iterator[Problem]:
    tags = {tag for _, part in parts(document) for tag in as_list(part.get("tag", []))}
    if len(tags) > MAX_TAGS:
        sentence = (
            f"There are {len(tags)} different tags, and a person has at most {MAX_TAGS}: further "
            "ones are not given. Use fewer, or take some away with untag."
        )
        yield warning((), Code.TOO_MANY, sentence)


def _else(document: Document) -> Iterator[Problem]:
    """Report transitions for everything else that are never taken."""
    for path, transitions, is_used in transition_lists(document):
        is_taken = False
        for index, one in enumerate(transitions):
            if "else" in one and (is_taken or not is_used):
                why = "one before it is taken" if is_used else "the question takes what is left"
                sentence = f"This transition is never taken: {why}. Remove it."
                yield warning((*path, index), Code.NEVER_TAKEN, sentence)
            is_taken = is_taken or ("else" in one and "if" not in one)


def _variables(document: Document) -> Iterator[Problem]:
    known = set_names(document)
    if len(known) > MAX_VARIABLES:
        sentence = f"There are {len(known)} variables, and at most {MAX_VARIABLES} are allowed."
        yield error((), Code.TOO_MANY, f"{sentence} Remove some.")
    for name in sorted(known & BUILT_IN.keys()):
        sentence = f'The variable "{name}" hides the built-in value. Give it another name.'
        yield warning((), Code.HIDDEN_BUILT_IN, sentence)
    for name, one in document.get("variables", {}).items():
        first = one.get("default", "")
        if first != "" and fit(first, one["type"]) != first:
            sentence = f'The default of "{name}" is no {one["type"]}. Change one of them.'
            yield error(("variables", name, "default"), Code.WRONG_DEFAULT, sentence)
    reported: set[tuple[Path, str]] = set()
    hints = Hints((*known, *BUILT_IN))
    for path, name in used_names(document):
        if name not in known and name not in BUILT_IN and (path, name) not in reported:
            reported.add((path, name))
            hint = hints.hint(name)
            if name in _WHOLES:
                hint = f' Did you mean "{_WHOLES[name]}"?'
            sentence = (
                f'Nothing sets "{name}", so it is always empty. Save an answer to it, declare it '
                f'in "variables", or correct its name.{hint}'
            )
            yield warning(path, Code.UNSET_VARIABLE, within(path, sentence))


def _commands(document: Document) -> Iterator[Problem]:
    handled = {word[1:] for word in read_words(document.get("words", {})) if word[0] == "/"}
    for _, part in parts(document):
        handled |= set(as_list(part.get("command", [])))
    seen: set[str] = set()
    for index, one in enumerate(document.get("commands", ())):
        path: Path = ("commands", index, "command")
        name = one["command"]
        if name in seen:
            sentence = f"The menu has {listed([name])} twice. Remove one."
            yield error(path, Code.DUPLICATE_COMMAND, sentence)
        elif name not in {*handled, "start"}:
            sentence = f"No transition handles {listed([name])}. Add one to anywhere."
            yield warning(path, Code.UNHANDLED_COMMAND, sentence)
        seen.add(name)
    yield from _descriptions(document)


def _descriptions(document: Document) -> Iterator[Problem]:
    languages: set[str] = set()
    for index, one in enumerate(document.get("commands", ())):
        path: Path = ("commands", index)
        translations = one.get("descriptions", {})
        languages |= translations.keys()
        texts: dict[Path, str] = {(*path, "description"): one["description"]}
        texts |= {(*path, "descriptions", code): text for code, text in translations.items()}
        for where, text in texts.items():
            if not text.strip():  # Telegram removes the blanks around it
                sentence = (
                    f"{listed([one['command']])} has a blank description. Write what it does."
                )
                yield error(where, Code.BLANK, sentence)
    if len(languages) > MAX_LANGUAGES:
        sentence = (
            f"The menu has {len(languages)} languages, more than {MAX_LANGUAGES}. Remove some."
        )
        yield error(("commands",), Code.TOO_MANY, sentence)
