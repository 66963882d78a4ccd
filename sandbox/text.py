"""Texts of messages: bot commands in them, and HTML as parse_mode takes it."""

from __future__ import annotations

import html
import re
from typing import Any

from sandbox.errors import bad_request

Entity = dict[str, Any]

_COMMAND = re.compile(r"(?<![\w/<])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])")
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>")
_ATTRIBUTE = re.compile(r"([A-Za-z-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))")
_KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}


def units(text: str) -> int:
    """Count UTF-16 code units, in which entities measure."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def command_entities(text: str) -> list[Entity]:
    """Find the bot commands in a text, as Telegram marks them.

    Source: https://core.telegram.org/bots/api#messageentity
    """
    if "/" not in text:
        return []
    return [
        {
            "type": "bot_command",
            "offset": units(text[: match.start()]),
            "length": units(match.group()),
        }
        for match in _COMMAND.finditer(text)
    ]


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Turn text in Telegram's HTML into plain text and entities.

    Raises:
        ApiError: 400 "can't parse entities: ..." for a tag that is unknown or not closed.

    Source: https://core.telegram.org/bots/api#html-style
    """
    plain = ""
    entities: list[Entity] = []
    opened: list[tuple[str, Entity]] = []
    position = 0
    for match in _TAG.finditer(source):
        plain += _unescape(source, position, match.start())
        position = match.end()
        closing, name, attributes = match.group(1), match.group(2).lower(), match.group(3)
        at = len(source[: match.start()].encode())
        if closing:
            entity = _close(name, opened, at=at)
            entity["length"] = units(plain) - entity["offset"]
        else:
            entity = _open(name, attributes, at=at)
            entity["offset"] = units(plain)
            opened.append((name, entity))
            entities.append(entity)
    plain += _unescape(source, position, len(source))
    if opened:
        raise _unparsed(f'Can\'t find end tag corresponding to start tag "{opened[-1][0]}"')
    return plain, [entity for entity in entities if entity["length"]]


def _open(name: str, attributes: str, *, at: int) -> Entity:
    values = {
        found[0].lower(): html.unescape(found[1] or found[2] or found[3])
        for found in _ATTRIBUTE.findall(attributes)
    }
    if name not in _KINDS or (name == "span" and values.get("class") != "tg-spoiler"):
        raise _unparsed(f'Unsupported start tag "{name}" at byte offset {at}')
    entity: Entity = {"type": _KINDS[name], "offset": 0, "length": 0}
    if name == "a":
        entity["url"] = values.get("href", "")
    return entity


def _close(name: str, opened: list[tuple[str, Entity]], *, at: int) -> Entity:
    if not opened:
        raise _unparsed(f"Unexpected end tag at byte offset {at}")
    expected, entity = opened.pop()
    if name != expected:
        raise _unparsed(
            f'Unmatched end tag at byte offset {at}, expected "</{expected}>", found "</{name}>"'
        )
    return entity


def _unescape(source: str, begin: int, end: int) -> str:
    piece = source[begin:end]
    if "<" in piece:
        at = len(source[: begin + piece.index("<")].encode())
        raise _unparsed(f'Unsupported start tag "" at byte offset {at}')
    return html.unescape(piece) if "&" in piece else piece


def _unparsed(reason: str) -> Exception:
    return bad_request(f"can't parse entities: {reason}")
