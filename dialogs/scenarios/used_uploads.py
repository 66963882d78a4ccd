"""The uploaded files that a scenario sends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dialogs.messages import UsedUpload
from dialogs.messages.content import MediaType
from dialogs.messages.problems import pointer
from dialogs.scenarios.problems import Path
from dialogs.scenarios.variables import messages, parts


def used_uploads(document: Mapping[str, Any]) -> list[UsedUpload]:
    """Return the uploaded files in the messages of a valid scenario, with their places."""
    return [
        UsedUpload(one["upload"], MediaType(one["type"]), pointer((*place, "upload")))
        for path, part in parts(document)
        for field in ("say", "retry")
        for where, message in messages(part.get(field, []), (*path, field))
        for place, one in _media(message, (*where, "media"))
        if "upload" in one
    ]


def _media(message: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    found = message.get("media", ()) if isinstance(message, dict) else ()
    if isinstance(found, dict):
        yield path, found
    else:
        yield from (((*path, index), one) for index, one in enumerate(found))
