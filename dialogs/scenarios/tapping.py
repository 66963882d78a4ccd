"""The taps of a simulation: which button of what was shown is meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dialogs.messages.wording import listed
from dialogs.scenarios.events import Event, EventKind, read_text
from dialogs.scenarios.problems import Code, Path, Problem, error, short

Document = Mapping[str, Any]

_MAX_NAMED = 10  # buttons in a sentence


class NothingToTap(Exception):
    """There is no such button.

    Args:
        problem: says so, and which buttons there are.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def tap(
    document: Document, transcript: Sequence[Document], about: dict[str, str], path: Path
) -> Event:
    """Return the tap on a button with a text.

    Args:
        document: the event: its `tap` is the text, and `older` tells how many of the last messages
            with such a button are passed over.
        transcript: what was said and done before.
        about: what is known of the user, the chat and the bot.
        path: the place of the event.

    Raises:
        NothingToTap: no such message has such a button.
    """
    label, older, found = document["tap"], document.get("older", 0), 0
    for entry in reversed(transcript):
        if label in _labels(entry):
            if found == older:
                return _press(label, entry, about)
            found += 1
    problem = _too_old(label, found, path) if found else _unknown(label, transcript, path)
    raise NothingToTap(problem)


def _press(label: str, entry: Document, about: dict[str, str]) -> Event:
    if any(label in row for row in entry.get("keyboard", ())):
        return read_text(label, about)
    data = {one["text"]: one.get("callback_data") for row in entry["buttons"] for one in row}
    return Event(EventKind.TAP, data=data[label] or "", about=about)


def _labels(entry: Document) -> list[str]:
    """Return the texts of the buttons and keys of an entry of a transcript."""
    return [
        *(button["text"] for row in entry.get("buttons", ()) for button in row),
        *(key for row in entry.get("keyboard", ()) for key in row),
    ]


def _unknown(label: str, transcript: Sequence[Document], path: Path) -> Problem:
    last = _last_labels(transcript)
    sentence = f'The bot has shown no button "{short(label)}"'
    if not last:
        return error((*path, "tap"), Code.UNKNOWN_BUTTON, f"{sentence}, nor any other.")
    named = [short(one) for one in last[:_MAX_NAMED]]
    if len(last) == 1:
        are = f"The last button is {listed(named)}"
    elif len(last) > _MAX_NAMED:
        are = f"The last {len(last)} buttons begin with {listed(named, 'and')}"
    else:
        are = f"The last buttons are {listed(named, 'and')}"
    return error((*path, "tap"), Code.UNKNOWN_BUTTON, f"{sentence}. {are}.")


def _last_labels(transcript: Sequence[Document]) -> list[str]:
    """Return each text of the buttons that the bot has shown last, after one event, in order."""
    last: list[list[str]] = []
    for entry in reversed(transcript):
        if entry["from"] == "user" and last:
            break
        if labels := _labels(entry):
            last.append(labels)
    return list(dict.fromkeys(one for labels in reversed(last) for one in labels))


def _too_old(label: str, count: int, path: Path) -> Problem:
    if count == 1:
        sentence = (
            f'Only one message has a button "{short(label)}", and no older one. Leave out "older".'
        )
    else:
        sentence = (
            f'Only {count} messages have a button "{short(label)}", so "older" can be '
            f"{count - 1} at most."
        )
    return error((*path, "older"), Code.UNKNOWN_BUTTON, sentence)
