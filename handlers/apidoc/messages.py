"""The format of messages in the API document.

The document has it in a simple form, which generators of clients understand; the schema with all
rules is served as `/api/v1/message.schema.json`.
"""

from __future__ import annotations

from typing import Any

from dialogs.messages import SCHEMA
from handlers.apidoc.schemas import Document

MESSAGE = "MessageContent"
# keywords for rules between several fields
_RULES = ("$schema", "$id", "$defs", "allOf", "anyOf", "oneOf")


def message_schemas() -> dict[str, Document]:
    """Return the schema of a message, and those that it refers to, by name."""
    parts = {_name(name): _simple(part) for name, part in SCHEMA["$defs"].items()}
    return {MESSAGE: _simple(SCHEMA), **parts}


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
