"""The templates that ship: scenarios to begin with, in English and Russian."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

DEFAULT = "echo.en"  # what a new bot does

_SUFFIX = ".json"


@cache
def template_names() -> tuple[str, ...]:
    """Return the names of all templates, such as quiz.ru."""
    found = (files(__package__) / "templates").iterdir()
    return tuple(
        sorted(one.name.removesuffix(_SUFFIX) for one in found if one.name.endswith(_SUFFIX))
    )


def template(name: str) -> dict[str, Any]:
    """Return the document of a template.

    Raises:
        KeyError: there is none of this name.
    """
    if name not in template_names():
        raise KeyError(name)
    source = files(__package__) / "templates" / (name + _SUFFIX)
    document: dict[str, Any] = json.loads(source.read_text("utf-8"))
    return document
