"""Texts that users see otherwise than they were meant: Markdown, HTML and braces as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dialogs.messages.variables import NAME
from dialogs.scenarios.problems import Code, Path, Problem, short, warning
from dialogs.scenarios.variables import BUILT_IN, buttons, messages, parts, set_names

Document = Mapping[str, Any]

_MARKDOWN, _PLAIN = "markdown", "plain"
# Each takes linear time: between two signs is none of them.
_BOLD = r"(?<!\w)\*\*(?=\S)[^*\n]+(?<=\S)\*\*(?!\w)"
_CODE = r"(?<!\w)`[^`\n]+`(?!\w)"
_LINK = r"\[[^\[\]\n]+\]\((?:https?://|tg://|mailto:|tel:|\{\{)[^\s()]*\)"
_OBVIOUS = re.compile(f"```|{_BOLD}|{_CODE}|{_LINK}")
_TAG = re.compile(
    r"</?(?:a|b|blockquote|br|code|del|em|h[1-6]|i|ins|li|p|pre|s|span|strike|strong|tg-spoiler|u"
    r"|ul)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_BRACES = re.compile(rf"(?<!\{{)\{{[ ]*({NAME})[ ]*\}}(?!\}})")
# A variable with a brace too few, or with something beside its name.
_BROKEN = re.compile(
    rf"\{{\{{[ ]*({NAME})[ ]*(?:\}}(?!\}})|[^\w\s.{{}}][^{{}}\n]{{0,100}}\}}\}})|"
    rf"(?<!\{{)\{{[ ]*({NAME})[ ]*\}}\}}"
)
_QUOTED = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)  # code, in Markdown
_NOT_SEEN = re.compile(
    rf"<|(?<!\{{)\{{(?!\{{)|\{{\{{(?![ ]*{NAME}[ ]*\}}\}})"
)  # no other text in Markdown has anything to warn of
_SUSPECT = re.compile(rf"[*`\]]|{_NOT_SEEN.pattern}")  # and no other text without it


def text_warnings(document: Document) -> Iterator[Problem]:
    """Return what users of a document that fits the schema would hardly see as it was meant."""
    suspects = [
        (path, text, form)
        for path, text, form in _texts(document)
        if (_SUSPECT if not form else _NOT_SEEN).search(text)
    ]
    known = {*BUILT_IN, *set_names(document)} if any("{" in text for _, text, _ in suspects) else ()
    for path, written, form in suspects:
        text = _QUOTED.sub("", written) if form == _MARKDOWN else written
        if not form and (found := _OBVIOUS.search(text)):
            yield _plain_markdown(path, found[0])
        if form != _PLAIN and (found := _TAG.search(text)):
            sentence = (
                f'"{short(found[0])}" is shown as it is written: messages have no HTML. Use '
                'Markdown, such as **bold**, with "format": "markdown".'
            )
            yield warning(path, Code.HTML_TAG, sentence)
        for name in dict.fromkeys(one[1] for one in _BRACES.finditer(text) if one[1] in known):
            yield _wrong_braces(path, f"{{{name}}}", name)
        for found in _BROKEN.finditer(text):
            if (name := found[1] or found[2]) in known:
                yield _wrong_braces(path, short(found[0]), name)


def _wrong_braces(path: Path, written: str, name: str) -> Problem:
    sentence = (
        f'"{written}" is shown as it is written. To show the value of the variable, write '
        f'"{{{{{name}}}}}".'
    )
    return warning(path, Code.SINGLE_BRACES, sentence)


def _plain_markdown(path: Path, found: str) -> Problem:
    if path[-1] == "text":
        way = 'Add "format": "markdown" to the message, or "format": "plain" if it is meant so.'
    elif path[0] == "texts":
        way = "Built-in texts have no formatting. Remove the signs."
    else:
        way = 'Write {"text": "…", "format": "markdown"} in place of the text.'
    return warning(
        path, Code.PLAIN_MARKDOWN, f'"{short(found)}" is shown with the signs of Markdown. {way}'
    )


def _texts(document: Document) -> Iterator[tuple[Path, str, str]]:
    """Return all texts that a bot shows, with their places and formats; empty for none."""
    for name, text in document.get("texts", {}).items():
        yield ("texts", name), text, ""
    for path, part in parts(document):
        for field in ("say", "retry"):
            if field in part:
                for where, message in messages(part[field], (*path, field)):
                    yield from _of_message(message, where)
        for index, option in enumerate(part.get("options", ())):
            if isinstance(option, str):
                yield (*path, "options", index), option, _PLAIN
            else:
                yield (*path, "options", index, "text"), option["text"], _PLAIN


def _of_message(message: Any, path: Path) -> Iterator[tuple[Path, str, str]]:
    if isinstance(message, str):
        yield path, message, ""
        return
    if "text" in message:
        yield (*path, "text"), message["text"], message.get("format", "")
    for where, button in buttons(message, path):
        yield (*where, "text"), button["text"], _PLAIN
