"""Texts and captions of messages: read from parameters, parsed, and held to Telegram's lengths."""

from __future__ import annotations

from typing import Any

from sandbox.entities import fix_text, joined, read_entities
from sandbox.errors import bad_request
from sandbox.params import Params
from sandbox.text import Entity, command_entities, parse_html, units

MAX_TEXT = 4096  # UTF-16 code units, as entities measure
MAX_CAPTION = 1024


def read_text(
    params: Params, name: str = "text", *, mode: str = "parse_mode", entities: str = "entities"
) -> tuple[str, list[Entity]]:
    """Read a text with its entities, by its parse mode or as they are given.

    Args:
        params: The parameters.
        name: The parameter with the text.
        mode: The parameter with its parse mode.
        entities: The parameter with its entities.

    Raises:
        ApiError: 400, the entities cannot be parsed.
    """
    text = params.text(name)
    chosen = params.text(mode).lower()
    if chosen == "html":
        return fix_text(*parse_html(text))
    if chosen not in {"", "markdown", "markdownv2"}:
        raise bad_request("unsupported parse_mode")
    given = params.decoded(entities, what="entities")
    return fix_text(text, read_entities(given))


def checked_text(params: Params, *, too_long: str = "message is too long") -> dict[str, Any]:
    """Read `text` as fields of a Message.

    Args:
        params: The parameters.
        too_long: What Telegram says of too long a text.

    Raises:
        ApiError: 400, it is empty or too long, or its entities cannot be parsed.
    """
    text, entities = read_text(params)
    if not text:
        raise bad_request("message text is empty")
    if units(text) > MAX_TEXT:
        raise bad_request(too_long)
    entities = joined(entities, command_entities(text))
    return {"text": text, "entities": entities} if entities else {"text": text}


def checked_caption(params: Params) -> dict[str, Any]:
    """Read `caption` as fields of a Message; none when it is absent or empty.

    Raises:
        ApiError: 400, it is too long, or its entities cannot be parsed.
    """
    caption, entities = read_text(params, "caption", entities="caption_entities")
    if not caption:
        return {}
    if units(caption) > MAX_CAPTION:
        raise bad_request("message caption is too long")
    content: dict[str, Any] = {"caption": caption}
    entities = joined(entities, command_entities(caption))
    if entities:
        content["caption_entities"] = entities
    if params.flag("show_caption_above_media"):
        content["show_caption_above_media"] = True
    return content
