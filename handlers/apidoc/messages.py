"""The format of messages in the API document.

The document has it in a simple form, which generators of clients understand; the schema with all
rules is served as `/api/v1/message.schema.json`.
"""

from __future__ import annotations

from typing import Any

from dialogs.messages import SCHEMA
from handlers.apidoc.schemas import EXAMPLES, Document

MESSAGE = "MessageContent"
# Rules between several fields, patterns that not every generator understands, and titles, which
# some generators make names of types of, though a schema of answers has the name Message already.
_LEFT_OUT = ("$schema", "$id", "$defs", "allOf", "anyOf", "oneOf", "pattern", "title")


def message_schemas() -> dict[str, Document]:
    """Return the schema of a message, and those that it refers to, by name."""
    named = {MESSAGE: SCHEMA} | {_name(name): part for name, part in SCHEMA["$defs"].items()}
    return {name: _simple(part) | {"examples": [EXAMPLES[name]]} for name, part in named.items()}


def _name(definition: str) -> str:
    return f"{MESSAGE}{definition[0].upper()}{definition[1:]}"


def _simple(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_simple(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return {"$ref": f"#/components/schemas/{_name(name)}"}
    if "title" in schema:
        schema = {"description": schema["title"]} | schema
    simple = {key: _simple(value) for key, value in schema.items() if key not in _LEFT_OUT}
    if "if" in simple:
        del simple["if"]
        simple["anyOf"] = [simple.pop("else"), simple.pop("then")]
    return simple
