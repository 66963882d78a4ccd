"""The schemas of the API document: marshmallow's as JSON Schema."""

from __future__ import annotations

import importlib.resources
import inspect
from typing import Any

import orjson
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields

from handlers.schemas.common import BodySchema
from models.accounts.rules import printable

Document = dict[str, Any]

EXAMPLES: Document = orjson.loads(
    (importlib.resources.files("handlers.static") / "examples.json").read_bytes()
)


def schema_name(schema: Any) -> str:
    """BotInput and BotChanges are what may be written, Bot is what is read."""
    if isinstance(schema, str):
        return schema.removesuffix("Schema")
    if not isinstance(schema, Schema):
        return str(schema.__name__).removesuffix("Schema")
    kind = "Changes" if schema.partial else "Input" if schema.exclude else ""
    return type(schema).__name__.removesuffix("Schema") + kind


class _SchemaConverter(OpenAPIConverter):
    """marshmallow to JSON Schema 2020-12, told apart by direction."""

    def schema2jsonschema(self, schema: Any) -> Document:
        made: Document = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        name, instance = schema_name(schema), schema() if isinstance(schema, type) else schema
        written = isinstance(instance, BodySchema)
        read = not written or any(field.dump_only for field in instance.fields.values())
        if read:  # clients must not break when an answer gets one more field
            made.pop("additionalProperties", None)
        if read and written:  # an answer has all fields; which may be left out is for requests
            made["required"] = sorted(made["properties"])
        if read or instance.partial:  # what is left out of a change stays as it is
            for field in made["properties"].values():
                field.pop("default", None)
        description = inspect.getdoc(type(instance)) or ""
        if instance.exclude:
            description += " Read-only fields may be sent along; they are ignored."
        made["description"] = description
        if name in EXAMPLES:
            made["examples"] = [EXAMPLES[name]]
        return made

    def field2property(self, field: fields.Field[Any]) -> Document:
        made: Document = super().field2property(field)
        if isinstance(field, fields.Enum):
            made["type"] = ["string", "null"] if field.allow_none else "string"
        if isinstance(field, fields.Constant):
            made = {"type": "string", "const": field.constant}
        if "pattern" in made:
            made["pattern"] = _ecma(made["pattern"])
        if printable in field.validators:
            made["pattern"] = r"^[^\x00-\x1f\x7f-\x9f]*$"
        return made


class SchemaPlugin(MarshmallowPlugin):
    """Writes the schemas of the document."""

    Converter = _SchemaConverter


def _ecma(pattern: str) -> str:
    """A pattern of Python's `re.match` as JSON Schema has it (ECMA-262, with the flag u)."""
    pattern = pattern.replace(r"[\w", r"[\p{L}\p{N}_").replace(r"\Z", "$")
    return pattern if pattern.startswith("^") else f"^{pattern}"
