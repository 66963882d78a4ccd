"""The messages of a scenario: what is wrong with them, and with their buttons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dialogs.messages.formatted import is_blank
from dialogs.messages.problems import pointer
from dialogs.messages.validation import beyond_the_schema
from dialogs.messages.validation import validate as validate_message
from dialogs.messages.wording import listed
from dialogs.scenarios.addresses import PREFIX
from dialogs.scenarios.problems import Code, Path, Problem, begin, error, place, within
from dialogs.scenarios.slips import meant_form
from dialogs.scenarios.variables import buttons, messages, parts
from dialogs.scenarios.wording import Hints, kind_of

Document = Mapping[str, Any]
# A target that a button may name in place of a state.
BUTTON_TARGETS = ("@start", "@back", "@again")


def message_problems(document: Document) -> Iterator[Problem]:
    """Return what is wrong with the messages of a document that fits the schema."""
    for path, part in parts(document):
        for field in ("say", "retry"):
            if field not in part:
                continue
            may_have = field == "say" and len(path) == 2 and ("ask" in part or "on" in part)
            for where, message in messages(part[field], (*path, field)):
                yield from _content(where, message)
                yield from _doubles(where, message)
                if not may_have:
                    yield from _out_of_place(where, message)
    anywhere = {*BUTTON_TARGETS, *document["states"], *_caught(document.get("anywhere", ()))}
    hints = Hints(anywhere)
    for name, state in document["states"].items():
        yield from _targets(anywhere, name, state, hints)


def schema_problems(document: Document, place_of: Path) -> Iterator[Problem]:
    """Return the problems of a message that does not fit the schema of messages."""
    if not isinstance(document, dict):
        sentence = f"{begin(place(place_of))} must be a text or a message, not {kind_of(document)}."
        hint = meant_form(place_of, document)
        yield error(place_of, Code.WRONG_TYPE, f"{sentence} {hint}".rstrip())
        return
    for found in validate_message(document):
        where = pointer(place_of) + found.pointer
        yield Problem(where, found.code, within(place_of, found.message))


def _content(path: Path, message: Any) -> Iterator[Problem]:
    if isinstance(message, str):
        if is_blank(message):
            sentence = f"{begin(place(path))} shows nothing. Write something in it."
            yield error(path, Code.BLANK, sentence)
        return
    for found in beyond_the_schema(message):
        where = pointer(path) + found.pointer
        yield Problem(where, found.code, within(path, found.message))


def _doubles(path: Path, message: Any) -> Iterator[Problem]:
    found = [*buttons(message, path)]
    if isinstance(message, dict) and "keyboard" in message:
        for number, row in enumerate(message["keyboard"]["rows"]):
            where = (*path, "keyboard", "rows", number)
            found += [((*where, index), button) for index, button in enumerate(row)]
    seen: set[str] = set()
    for where, button in found:
        if button["text"] in seen:
            sentence = (
                f'The message has two buttons with the text "{button["text"][:40]}". Give them '
                "different texts, or remove one."
            )
            yield error(where, Code.DUPLICATE_BUTTON, within(path, sentence))
        seen.add(button["text"])


def _out_of_place(path: Path, message: Any) -> Iterator[Problem]:
    for where, button in buttons(message, path):
        if "go" in button:
            sentence = (
                'A button with "go" works only in what a state says that waits, with "on" or '
                '"ask". Move it there, or remove it.'
            )
            yield error((*where, "go"), Code.BUTTON_NOT_ALLOWED, within(path, sentence))


def _caught(transitions: Iterable[Document]) -> Iterator[str]:
    """Return the buttons that transitions catch."""
    for one in transitions:
        wanted = one.get("button", [])
        yield from wanted if isinstance(wanted, list) else [wanted]


def _targets(anywhere: set[str], name: str, state: Document, hints: Hints) -> Iterator[Problem]:
    """Report buttons that lead nowhere.

    Args:
        anywhere: what a button may lead to in every state.
        hints: tell where it may be meant to lead.
    """
    own, others = {*_caught(_own(state))}, listed([*BUTTON_TARGETS])
    for path, message in messages(state.get("say", []), ("states", name, "say")):
        for where, button in buttons(message, path):
            go = button.get("go")
            if go is not None and ((go not in own and go not in anywhere) or go.startswith(PREFIX)):
                sentence = (
                    f'The button in state "{name}" leads to "{go[:40]}", which is no state, and no '
                    f"transition of this state catches it. Name a state, one of {others}, or "
                    f'add a transition with "button".{hints.hint(go, own)}'
                )
                yield error((*where, "go"), Code.UNKNOWN_BUTTON, sentence)


def _own(state: Document) -> list[Document]:
    found: list[Document] = state.get("on") or state.get("ask", {}).get("on", [])
    return found
