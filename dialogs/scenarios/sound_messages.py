"""What of a message fits the schema: `dialogs.scenarios.sound_part` for what a state says."""

from __future__ import annotations

from typing import Any

_TEXT = "…"  # stands for a message that does not fit
_MOST = 10  # messages at once, as in the schema


def cut_said(said: Any, path: list[Any]) -> Any:
    """Return what is said without something that does not fit.

    Args:
        said: a text, a message, or a list of them; its parts may be changed.
        path: the place of what does not fit.
    """
    match said, path:
        case list(), [int(index), *rest]:
            said[index] = _cut(said[index], rest)
            return said
        case list(), [] if said:
            return said[:_MOST]
    return _cut(said, path)


def _cut(message: Any, path: list[Any]) -> Any:
    """Return a message without a button that does not fit, or a text in its place."""
    match message, path:
        case {"buttons": [*rows]}, ["buttons", int(row), int(index), *rest]:
            text = f"Button {row}.{index}, which does not fit"
            button = rows[row][index]
            if rest == ["text"]:
                rows[row][index] = {**button, "text": text}
            else:
                rows[row][index] = {"text": text, "url": "https://example.org"}
            return message
    return _TEXT
