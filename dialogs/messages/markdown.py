"""The parser of Markdown in messages: CommonMark with `~~strikethrough~~` and `||spoilers||`.

It differs from CommonMark in this: raw HTML and indented lines are text, only # makes headings, and
only http, https, tg, mailto and tel links are links. `{{name}}` is a token of its own, recognized
before emphasis.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from markdown_it import MarkdownIt
from markdown_it.rules_inline.state_inline import Delimiter, StateInline
from markdown_it.token import Token

from dialogs.messages.variables import VARIABLE

_TARGET = re.compile(r"(?:https?://[^\s/]|tg://\S|(?:mailto|tel):\S)", re.IGNORECASE)
_PIPE = "|"
# Where the parser tries its rules, each time for 10 microseconds or more.
_SIGN = re.compile(r"\r\n?|[\n\\`*_~|\[\]!<>&]")
_SHORT = 1024  # characters; the tokens of a longer text would take too much memory


class _Parser(MarkdownIt):
    """Leaves the targets of links as they are written, because they may hold variables."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the parser's name
        """Tell whether an address may be a link's target."""
        return bool(_TARGET.match(url) or VARIABLE.fullmatch(url))

    def normalizeLink(self, url: str) -> str:  # noqa: N802
        """Return the target of a link as it is written."""
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802
        """Return the text of a link in angle brackets as it is written."""
        return link


def count_signs(text: str) -> int:
    """Return the number of line breaks and signs of Markdown, which parsing takes its time for."""
    return sum(1 for _ in _SIGN.finditer(text))


def parse_markdown(text: str) -> Sequence[Token]:
    """Return the tokens of a text, not to be changed; those of variables are `variable`s."""
    return _parse_short(text) if len(text) <= _SHORT else _parser().parse(text)


@lru_cache(maxsize=64)
def _parse_short(text: str) -> Sequence[Token]:
    """Parse a text, once for all the chats that it is sent to."""
    return _parser().parse(text)


@cache
def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"html": False})
    parser.enable("strikethrough").disable(["code", "lheading"])
    parser.inline.add_terminator_char(_PIPE)
    parser.inline.ruler.before("emphasis", "variable", _variable)
    parser.inline.ruler.before("emphasis", "spoiler", _spoiler)
    parser.inline.ruler2.before("emphasis", "spoiler", _pair_spoilers)
    return parser


def _variable(state: StateInline, silent: bool) -> bool:
    """Recognize `{{name}}`."""
    found = VARIABLE.match(state.src, state.pos, state.posMax)
    if not found:
        return False
    if not silent:
        token = state.push("variable", "", 0)
        token.content, token.info = found[0], found[1]
    state.pos = found.end()
    return True


def _spoiler(state: StateInline, silent: bool) -> bool:
    """Recognize `||`, which `_pair_spoilers` finds the partner of."""
    if silent or state.src[state.pos] != _PIPE:
        return False
    run = state.scanDelims(state.pos, True)
    if run.length < 2:
        return False
    for _ in range(run.length // 2):
        state.push("text", "", 0).content = _PIPE * 2
        state.delimiters.append(
            Delimiter(
                marker=ord(_PIPE),
                length=0,  # without CommonMark's rule of three
                token=len(state.tokens) - 1,
                end=-1,
                open=run.can_open,
                close=run.can_close,
            )
        )
    if run.length % 2:
        state.push("text", "", 0).content = _PIPE
    state.pos += run.length
    return True


def _pair_spoilers(state: StateInline) -> None:
    """Turn the pairs of `||` that were found into tokens that open and close a spoiler."""
    inner = (meta["delimiters"] for meta in state.tokens_meta if meta and "delimiters" in meta)
    for delimiters in (state.delimiters, *inner):
        for opening in delimiters:
            if opening.marker == ord(_PIPE) and opening.end != -1:
                closing = delimiters[opening.end]
                for delimiter, kind, nesting in ((opening, "open", 1), (closing, "close", -1)):
                    token = state.tokens[delimiter.token]
                    token.type, token.nesting, token.content = f"spoiler_{kind}", nesting, ""
