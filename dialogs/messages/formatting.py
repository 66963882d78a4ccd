"""The text of a message with its variables filled in, and its formatting."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from markdown_it.token import Token

from dialogs.messages.content import TextFormat
from dialogs.messages.formatted import FormattedText
from dialogs.messages.markdown import parse_markdown
from dialogs.messages.styled_writer import LINK, QUOTE, StyledWriter
from dialogs.messages.variables import NEWLINES, VARIABLE, Values

# A line that the Markdown parser would return as it is; by far the most texts are one.
_ONLY_WORDS = re.compile(r"[^\W\d_][^\\`*_~|\[\]<>&#{}=+\-\r\n\t\x00]*(?<![ ])")
_STYLES = {
    "strong": "bold", "em": "italic", "s": "strikethrough", "spoiler": "spoiler",
    "heading": "bold", "blockquote": QUOTE,
}  # fmt: skip
_LINE = "———"  # a thematic break


def format_text(text: str, text_format: TextFormat, values: Values) -> FormattedText:
    """Return a text as users see it, with its formatting.

    Args:
        text: the template, as it is written.
    """
    if text_format is TextFormat.PLAIN:
        return FormattedText(values.fill(NEWLINES.sub("\n", text) if "\r" in text else text))
    if _ONLY_WORDS.fullmatch(text):
        return FormattedText(text)
    return _as_written(text) if values.are_names else _markdown(text, values)


@lru_cache(maxsize=4)
def _as_written(text: str) -> FormattedText:
    """Format a text without values, once for its validation and for sending it."""
    return _markdown(text, Values(None))


def _markdown(text: str, values: Values) -> FormattedText:
    writer = StyledWriter(values)
    _Walk(writer).blocks(parse_markdown(text))
    return writer.result()


class _Walk:
    """Goes through the parser's tokens and writes them."""

    def __init__(self, writer: StyledWriter) -> None:
        self._writer = writer
        self._numbers: list[int | None] = []  # the next number of each open list; None for bullets
        self._last_line = 0  # of the source, after the last block
        self._is_address = False  # the text is a link's address

    def blocks(self, tokens: Sequence[Token]) -> None:
        """Write a document."""
        writer = self._writer
        for token in tokens:
            match token.type:
                case "inline":
                    self._block(token)
                    self._inline(token.children or [])
                case "fence":
                    self._block(token)
                    language = token.info.partition(" ")[0]
                    code = writer.values.fill(token.content.removesuffix("\n"))
                    writer.code(code, "pre", language=language)
                case "hr":
                    self._block(token)
                    writer.write(_LINE)
                case "bullet_list_open":
                    self._numbers.append(None)
                case "ordered_list_open":
                    self._numbers.append(int(token.attrGet("start") or 1))
                case "bullet_list_close" | "ordered_list_close":
                    self._numbers.pop()
                case "list_item_open":
                    self._item(token)
                case "list_item_close" if writer.marker:  # an empty item
                    marker, writer.marker = writer.marker, ""
                    writer.write(marker.rstrip(" "))
                    self._last_line += 1
                case _:
                    self._style(token)

    def _block(self, token: Token) -> None:
        """Begin a block; a blank line before it in the source stays one."""
        begin, end = token.map or (self._last_line, self._last_line)
        if not self._writer.marker:
            self._writer.separate("\n\n" if begin > self._last_line else "\n")
        self._last_line = end

    def _item(self, token: Token) -> None:
        """Begin an item of the innermost list."""
        number = self._numbers[-1]
        bullet = "• "
        if number is not None:
            bullet = f"{number}{token.markup} "
            self._numbers[-1] = number + 1
        if not self._writer.marker:
            begin = token.map[0] if token.map else self._last_line
            self._block(token)
            self._last_line = begin
            bullet = "  " * (len(self._numbers) - 1) + bullet
        self._writer.marker += bullet

    def _inline(self, tokens: Sequence[Token]) -> None:
        """Write what is inside a block."""
        writer = self._writer
        for token in tokens:
            match token.type:
                case "text":
                    text = token.content
                    writer.write(writer.values.fill(text) if self._is_address else text)
                case "variable":
                    writer.write(writer.values.value(token.info, token.content))
                case "code_inline":
                    writer.code(writer.values.fill(token.content), "code")
                case "softbreak" | "hardbreak":
                    writer.write("\n")
                case "link_open":
                    self._is_address = token.info == "auto"
                    self._open_link(str(token.attrGet("href")))
                case "link_close":
                    self._is_address = False
                    writer.close()
                case "image":
                    self._image(token)
                case _:
                    self._style(token)

    def _image(self, token: Token) -> None:
        """Write an image as a link: its text, or its address if it has none."""
        source = str(token.attrGet("src"))
        self._open_link(source)
        if any(child.content for child in token.children or []):
            self._inline(token.children or [])
        else:
            self._writer.write(self._writer.values.fill(source))
        self._writer.close()

    def _open_link(self, target: str) -> None:
        url = self._writer.values.fill_url(target)
        self._writer.open(LINK if url and not VARIABLE.fullmatch(url) else "", url=url)

    def _style(self, token: Token) -> None:
        """Open or close a style; other tokens, such as those of paragraphs, change nothing."""
        name, _, end = token.type.rpartition("_")
        if kind := _STYLES.get(name):
            if end == "open":
                self._writer.open(kind)
            else:
                self._writer.close()
