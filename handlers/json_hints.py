"""What is wrong with a body that is not JSON, for people who write it by hand."""

from __future__ import annotations

import re

import orjson

_NO_UTF8 = "The body is not JSON: it is not UTF-8. Save the file as UTF-8."
_IN_TEXT = "control character"  # so orjson calls it; what else can be wrong is outside of texts
_WORDS = {
    "true": "true", "false": "false", "none": "null", "null": "null", "nil": "null",
    "undefined": "null",
}  # fmt: skip
# A part of what orjson says, what stands where it cannot read any further, and what to do then.
_HINTS = (
    (_IN_TEXT, r"[\r\n]", "Write a line break within a text as \\n."),
    (_IN_TEXT, r"\t", "Write a tab within a text as \\t."),
    ("trailing comma", ",", "Remove the comma."),
    ("", "'", "Use double quotes (\") in place of single quotes (')."),
    ("", "[“”„‟«»‹›‘’‚‛″＂]", 'Use straight double quotes (") in place of {found}.'),
    ("", r"(?i:true|false|none|null|nil|undefined)\b", "Write {word} in place of {found}."),
    ("", r"(?i:nan|inf(?:inity)?)\b", "JSON has no {found}. Use a number, or null."),
    ("", r"//|/\*|#", "JSON has no comments. Remove them."),
)


def why_not_json(error: orjson.JSONDecodeError) -> str:
    """Return sentences that tell where a body is not JSON, and what to do if that can be seen.

    Args:
        error: of orjson, with the text from which the hint is derived.
    """
    # UTF-16 without a mark at its beginning is UTF-8 with a NUL beside each Latin letter
    is_nul = error.doc[error.pos : error.pos + 1] == "\0" and _IN_TEXT not in error.msg
    if is_nul or "not valid UTF-8" in error.msg:
        return _NO_UTF8
    where = f"in line {error.lineno}, column {error.colno}"
    return f"The body is not JSON: {error.msg} {where}.{_hint(error)}"


def _hint(error: orjson.JSONDecodeError) -> str:
    """Return what to do, with a space before it; empty if the place does not tell."""
    for message, pattern, hint in _HINTS:
        found = re.compile(pattern).match(error.doc, error.pos)
        if found and message in error.msg:
            return f" {hint.format(found=found[0], word=_WORDS.get(found[0].lower(), ''))}"
    return ""
