"""How large a message will be, without making it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dialogs.messages.content import MediaType, Message, TextFormat
from dialogs.messages.formatted import units
from dialogs.messages.markdown import count_signs
from dialogs.messages.splitting import MAX_CAPTION, MAX_TEXT
from dialogs.messages.variables import MAX_VALUE, MAX_VALUES, VARIABLE, templates


class Size(NamedTuple):
    """What a message comes to at most.

    Args:
        messages: of Telegram. A text that does not fit into one counts as one for each half of
            what fits: it is cut in the second half.
        characters: of all its texts and addresses with their values, in UTF-16 code units.
        signs: of Markdown.
    """

    messages: int
    characters: int
    signs: int


def size_of(message: Message, values: Mapping[str, str]) -> Size:
    """Return the size of a message.

    Args:
        values: of the variables in it.
    """
    sizes = {name: units(value[:MAX_VALUE]) for name, value in values.items()}
    left = MAX_VALUES
    lengths: list[int] = []
    for template in templates(message):
        length = units(template)
        if sizes and "{{" in template:
            names = [found[1] for found in VARIABLE.finditer(template)]
            filled = min(sum([sizes.get(name, 0) for name in names]), left)
            left -= filled
            length += filled
        lengths.append(length)
    signs = count_signs(message.text) if message.format is TextFormat.MARKDOWN else 0
    return Size(max(1, _pieces(message, lengths[0])), sum(lengths), signs)


def _pieces(message: Message, length: int) -> int:
    """Return how many messages of Telegram there are, with a text of some length."""
    media = message.media
    others = len(media) + bool(message.location or message.contact)
    takes_caption = len(media) > 1 or (media and media[0].type is not MediaType.STICKER)
    if takes_caption and length <= MAX_CAPTION:
        has_more = len(media) > 1 and (message.buttons or message.keyboard)
        return others + bool(has_more)
    return others + (bool(length) if length <= MAX_TEXT else -(-length // (MAX_TEXT // 2)))
