"""A scenario from its valid document."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from dialogs.messages import Message, read_valid, variable_names
from dialogs.messages.problems import pointer
from dialogs.scenarios.builtin import BUILT_IN_WORDS, read_words
from dialogs.scenarios.conditions import read_condition
from dialogs.scenarios.conversation import Variables
from dialogs.scenarios.expressions import read_expression
from dialogs.scenarios.normalizing import normalize, words
from dialogs.scenarios.problems import Path
from dialogs.scenarios.regex import compile_regex
from dialogs.scenarios.scenario import (
    UTC,
    Actions,
    AskType,
    Assignments,
    Branch,
    Match,
    Option,
    Question,
    Said,
    Scenario,
    State,
    Transition,
    Way,
)
from dialogs.scenarios.variables import (
    buttons,
    kept_names,
    messages,
    names_in,
    set_names,
    variable_types,
)

_MATCHES = {kind.value: kind for kind in Match}
_LIMITS = (
    "min", "max", "whole", "min_length", "max_length", "from", "to", "at_least", "at_most",
)  # fmt: skip

_FEW = 8  # texts among which one is found as fast by comparing it with each

Document = Mapping[str, Any]


def read_scenario(document: Document, version: int = 0) -> Scenario:
    """Return the scenario of a document that has been validated before, such as a stored one."""
    names = _button_names(document)
    return Scenario(
        version=version,
        start=document["start"],
        states={name: _state(name, state, names) for name, state in document["states"].items()},
        anywhere=_transitions(document.get("anywhere", ()), ("anywhere",)),
        types=variable_types(document),
        defaults=_defaults(document),
        known=_few(set_names(document)),
        kept=_few(kept_names(document)),
        words=read_words(document["words"]) if "words" in document else BUILT_IN_WORDS,
        texts=document.get("texts", {}),
        language=document.get("language", ""),
        zone=read_zone(document["time_zone"]) if "time_zone" in document else UTC,
        groups=document.get("groups", "addressed"),
    )


def read_zone(name: str) -> tzinfo:
    """Return a time zone.

    Raises:
        ValueError: there is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:  # a name may be a folder, or too long
        raise ValueError(f"there is no time zone {name!r}") from error


def as_list(value: Any) -> list[Any]:
    """Return a value that may be written without its list."""
    return value if isinstance(value, list) else [value]


def _defaults(document: Document) -> Variables:
    declared = document.get("variables", {})
    return {name: one["default"] for name, one in declared.items() if one.get("default", "") != ""}


def _button_names(document: Document) -> tuple[str, ...]:
    """Return the variables in the texts of the buttons that every question may have."""
    texts = document.get("texts", {})
    shown = [texts.get(name, "") for name in ("skip", "done", "share_phone", "share_location")]
    return _unique(names_in(shown))


def _state(name: str, document: Document, names: tuple[str, ...]) -> State:
    path: Path = ("states", name)
    entry = _actions(document, path)
    question = read_question(document["ask"], (*path, "ask"), names) if "ask" in document else None
    on = _transitions(document["on"], (*path, "on")) if "on" in document else ()
    places = tuple(_places(document, path))
    return State(name, entry, on, question, places, waits="on" in document or bool(question))


def _places(document: Document, path: Path) -> Iterator[tuple[str, str]]:
    for where, message in messages(document.get("say", []), (*path, "say")):
        for place, button in buttons(message, where):
            if "go" in button:
                yield button["go"], pointer((*place, "go"))


def _actions(document: Document, path: Path) -> Actions:
    return Actions(
        assignments=_assignments(document["set"]) if "set" in document else (),
        tags=tuple(as_list(document["tag"])) if "tag" in document else (),
        untags=tuple(as_list(document["untag"])) if "untag" in document else (),
        say=_say(document["say"]) if "say" in document else (),
        way=_way(document["go"], (*path, "go")) if "go" in document else (),
        end="end" in document,
    )


def _assignments(document: Document) -> Assignments:
    return tuple((name, read_expression(value)) for name, value in document.items())


def _say(document: Any) -> tuple[Said, ...]:
    said: list[Said] = []
    first = 0
    for one in as_list(document):
        if isinstance(one, str):
            said.append(Said(Message(one), _unique(names_in(one)), first=first))
            continue
        message = read_valid(one)
        buttons = sum(bool(button.go) for row in message.buttons for button in row)
        said.append(Said(message, _unique(variable_names(message)), buttons, first))
        first += buttons
    return tuple(said)


def _way(document: Any, path: Path) -> Way:
    if isinstance(document, str):
        return (Branch(document, None, pointer(path)),)
    return tuple(
        Branch(
            one["to"],
            read_condition(one["if"]) if "if" in one else None,
            pointer((*path, index)),
        )
        for index, one in enumerate(document)
    )


def _transitions(document: Any, path: Path) -> tuple[Transition, ...]:
    return tuple(_transition(one, (*path, index)) for index, one in enumerate(document))


def _transition(document: Document, path: Path) -> Transition:
    name = next(name for name in _MATCHES if name in document)
    return Transition(
        match=_MATCHES[name],
        pointer=pointer(path),
        actions=_actions(document, path),
        wanted=_wanted(name, document[name]),
        regex=compile_regex(document[name]) if name == "regex" else None,
        payload=document.get("payload"),
        payload_start=document.get("payload_starts_with", ""),
        condition=read_condition(document["if"]) if "if" in document else None,
        save=document.get("save", ""),
    )


def _wanted(name: str, value: Any) -> Collection[str]:
    match name:
        case "any_of":
            return _few(map(normalize, as_list(value)))
        case "contains":
            return _few(map(words, as_list(value)))
        case "else" | "regex":
            return ()
    return _few(as_list(value))


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _few(texts: Iterable[str]) -> Collection[str]:
    """Return each text once: some as a tuple, which takes a quarter of the memory of a set."""
    found = _unique(texts)
    return found if len(found) <= _FEW else frozenset(found)


def read_question(document: Document, path: Path, names: tuple[str, ...]) -> Question:
    """Return the question of a valid document.

    Args:
        path: its place.
        names: the variables in the texts of the buttons that every question may have.
    """
    gives_up = document.get("after_retries", {})
    return Question(
        type=AskType(document["type"]),
        actions=_actions({**document, "say": []}, path),
        pointer=pointer(path),
        save=document.get("save", ""),
        options=tuple(read_option(one) for one in document.get("options", ())),
        columns=int(document.get("columns", 1)),
        limits={name: document[name] for name in _LIMITS if name in document},
        retry=_say(document["retry"]) if "retry" in document else (),
        retries=int(gives_up.get("count", 0)),
        gives_up=_way(gives_up["go"], (*path, "after_retries", "go")) if gives_up else (),
        may_skip=document.get("skip", False),
        names=_unique((*names, *names_in(document.get("options", [])))),
        on=_transitions(document.get("on", ()), (*path, "on")),
    )


def read_option(document: Any) -> Option:
    """Return an option of a valid document."""
    text = document if isinstance(document, str) else document["text"]
    value = text if isinstance(document, str) else document.get("value", text)
    return Option(text, value, _unique((normalize(text), normalize(str(value)))))
