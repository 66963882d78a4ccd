"""Entities of texts as bots give them: checked, and moved with the text when it is trimmed."""

from __future__ import annotations

from typing import Any

from sandbox.errors import ApiError, bad_request
from sandbox.params import Params
from sandbox.text import Entity, units

MAX_ENTITIES = 100  # of one message; Telegram ignores more
MAX_OFFSET = 1_000_000  # UTF-16 code units, as all offsets and lengths

# These may lie in and across others; all others exclude each other.
_STYLES = frozenset(
    (
        "bold",
        "italic",
        "underline",
        "strikethrough",
        "spoiler",
        "blockquote",
        "expandable_blockquote",
    )
)
_OTHERS = frozenset(
    (
        "mention",
        "hashtag",
        "cashtag",
        "bot_command",
        "url",
        "email",
        "phone_number",
        "bank_card_number",
        "code",
        "pre",
        "text_link",
        "text_mention",
        "custom_emoji",
        "date_time",
    )
)
_NEEDED = {"text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id"}
# They say something that is not seen, so that they stay where there is only white space.
_HIDDEN = frozenset(("text_link", "text_mention"))

_BLANKS = " \n"
_IGNORED = "\r\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u0333\u033f\u030a"
_CLEANING: dict[int, str | None] = {
    **{code: " " for code in range(32) if chr(code) != "\n"},
    **{ord(char): None for char in _IGNORED},
}


def read_entities(given: Any) -> list[Entity]:
    """Read the entities of a text; what is no list has none.

    Raises:
        ApiError: 400, one of them is malformed.

    Source: https://core.telegram.org/bots/api#messageentity
    """
    return [_entity(one) for one in given] if isinstance(given, list) else []


def _entity(given: Any) -> Entity:
    if not isinstance(given, dict):
        raise _unparsed("expected an Object")
    for name in ("type", "offset", "length"):
        if name not in given:
            raise _unparsed(f'Can\'t find field "{name}"')
    kind = given["type"]
    if not isinstance(kind, str) or kind not in _STYLES | _OTHERS:
        raise _unparsed("Unsupported type specified")
    needed = _NEEDED.get(kind)
    if needed is not None and not given.get(needed):
        raise _unparsed(f'Can\'t find field "{needed}"')
    entity: Entity = dict(given)
    for name in ("offset", "length"):
        entity[name] = Params(given, {}).integer(name)
        if not 0 <= entity[name] <= MAX_OFFSET:
            raise bad_request(f"receive an entity with incorrect {name} {entity[name]}")
    return entity


def _unparsed(reason: str) -> ApiError:
    return bad_request(f"can't parse MessageEntity: {reason}")


def fix_text(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Clean and trim a text as Telegram does, and move its entities with it.

    Control characters become spaces or vanish. White space at both ends is cut off, in front not
    beyond the beginning of a link. Entities of no length, or of white space alone, are dropped.

    Raises:
        ApiError: 400, an entity begins or ends outside of the text or within a character.

    Source: `fix_formatted_text` in TDLib's MessageEntity.cpp
    """
    clean = text.translate(_CLEANING)
    entities = [entity for entity in entities if entity["length"]]
    if not entities:
        return clean.strip(_BLANKS), []
    end = units(clean.rstrip(_BLANKS))
    if not end:
        return "", []
    kept = _shrunk(clean, end, _moved(text, sorted(entities, key=_order)))
    lead = len(clean) - len(clean.lstrip(_BLANKS))
    lead = min([lead, *(entity["offset"] for entity in kept)])
    moved = [{**entity, "offset": entity["offset"] - lead} for entity in kept]
    return clean[lead:].rstrip(_BLANKS), moved


def _order(entity: Entity) -> tuple[int, int]:
    return entity["offset"], -entity["length"]


def _moved(text: str, entities: list[Entity]) -> list[Entity]:
    """Move the entities to where their characters are when the ignored ones are left out."""
    where: dict[int, int] = {}  # boundaries of characters: offset before -> offset after
    before = after = 0
    for char in text:
        where[before] = after
        width = 2 if ord(char) > 0xFFFF else 1
        before += width
        after += 0 if char in _IGNORED else width
    where[before] = after
    moved = []
    for entity in entities:
        begin, end = entity["offset"], entity["offset"] + entity["length"]
        if begin > before:
            raise bad_request(f"entity begins after the end of the text at UTF-16 offset {begin}")
        named = f"entity beginning at UTF-16 offset {begin} ends"
        if end > before:
            raise bad_request(f"{named} after the end of the text at UTF-16 offset {end}")
        for at, words in ((begin, "entity begins"), (end, named)):
            if at not in where:
                byte = len(text.encode("utf-16-le")[: 2 * at + 2].decode("utf-16-le").encode())
                raise bad_request(f"{words} in a middle of a UTF-16 symbol at byte offset {byte}")
        moved.append({**entity, "offset": where[begin], "length": where[end] - where[begin]})
    return moved


def _shrunk(clean: str, end: int, entities: list[Entity]) -> list[Entity]:
    """Cut the entities off at the end of the text, and off the white space that they begin with."""
    raw = clean.encode("utf-16-le")
    blanks = {blank.encode("utf-16-le") for blank in _BLANKS}
    kept = []
    for entity in entities:
        first, last = entity["offset"], min(entity["offset"] + entity["length"], end)
        if entity["type"] not in _HIDDEN:
            while first < last and raw[2 * first : 2 * first + 2] in blanks:
                first += 1
        if first < last:
            kept.append({**entity, "offset": first, "length": last - first})
    return kept


def joined(entities: list[Entity], found: list[Entity]) -> list[Entity]:
    """Put the bot's entities and those that Telegram found into one list, 100 at most.

    Where two exclude each other, the bot's one stays, and of the bot's the first.
    """
    kept: list[Entity] = []
    taken: list[tuple[int, int]] = []
    for entity in [*sorted(entities, key=_order), *found]:
        begin, end = entity["offset"], entity["offset"] + entity["length"]
        if entity["type"] not in _STYLES:
            if any(begin < last and first < end for first, last in taken):
                continue
            taken.append((begin, end))
        kept.append(entity)
    return sorted(kept, key=_order)[:MAX_ENTITIES]
