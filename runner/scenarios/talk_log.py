"""What the log of a talk keeps of an update."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from dialogs.scenarios import Effect, Event, EventKind, Failure, Log
from models.messaging.effects import OutgoingMessage
from runner.updates.incoming import IncomingUpdate, as_object

MAX_TEXT = 200  # characters of what was said
MAX_SAID = 10  # texts of the bot


class LogEntry(NamedTuple):
    """An entry as JSON.

    Args:
        wordless: without what was said, for a bot that keeps no history.
    """

    whole: bytes
    wordless: bytes


def log_entry(
    update: IncomingUpdate, event: Event, done: list[Effect], messages: Iterable[OutgoingMessage]
) -> LogEntry:
    """Return what the log keeps of an update.

    Args:
        done: what the update led to.
        messages: what the bot says.
    """
    entry = {
        "event": event.kind,
        "steps": [one.to_json() for one in done if isinstance(one, Log)],
        # orjson writes data classes as objects
        "failures": [one for one in done if isinstance(one, Failure)],
    }
    written = _button(update, event.data) if event.kind is EventKind.TAP else event.text
    said = [_cut(one.text) for one in messages if one.text][:MAX_SAID]
    words = {"text": _cut(written), "said": said}
    wordless = orjson.dumps(entry)
    # both objects in one, without writing the steps twice
    return LogEntry(orjson.dumps(words)[:-1] + b"," + wordless[1:], wordless)


def _button(update: IncomingUpdate, data: str) -> str:
    """Return the text of the button that was tapped, as the update shows it; empty if it does not.

    Like everything that reads updates, this answers for every JSON object.
    """
    markup = as_object(as_object(update.content.get("message")).get("reply_markup"))
    for row in _listed(markup.get("inline_keyboard")):
        for button in map(as_object, _listed(row)):
            text = button.get("text")
            if button.get("callback_data") == data and isinstance(text, str):
                return text
    return ""


def _cut(text: str) -> str:
    """Return the beginning of a text, without what is no character."""
    return text[:MAX_TEXT].encode("utf-8", "replace").decode()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
