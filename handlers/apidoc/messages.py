"""The format of messages in the API document.

The document has it in a simple form, which generators of clients understand; the schema with all
rules is served as `/api/v1/message.schema.json`.
"""

from __future__ import annotations

from typing import Any

from dialogs.messages import SCHEMA
from handlers.apidoc.schemas import EXAMPLES, Document

MESSAGE = "MessageContent"
# rules between several fields, and patterns that not every generator understands
_RULES = ("$schema", "$id", "$defs", "allOf", "anyOf", "oneOf", "pattern")


def message_schemas() -> dict[str, Document]:
    """Return the schema of a message, and those that it refers to, by name."""
    named = {MESSAGE: SCHEMA} | {_name(name): part for name, part in SCHEMA["$defs"].items()}
    return {
        name: {"description": part["title"]} | _simple(part) | {"examples": [EXAMPLES[name]]}
        for name, part in named.items()
    }


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
    simple = {key: _simple(value) for key, value in schema.items() if key not in _RULES}
    if "if" in simple:
        del simple["if"]
        simple["anyOf"] = [simple.pop("else"), simple.pop("then")]
    return simple
