"""The schemas of the API document: marshmallow's, as JSON Schema."""

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
    """Return a schema's name: BotInput and BotChanges for requests, Bot for answers."""
    if isinstance(schema, str):
        return schema.removesuffix("Schema")
    if not isinstance(schema, Schema):
        return str(schema.__name__).removesuffix("Schema")
    kind = "Changes" if schema.partial else "Input" if schema.exclude else ""
    return type(schema).__name__.removesuffix("Schema") + kind


class _SchemaConverter(OpenAPIConverter):
    """Converts to JSON Schema 2020-12, by direction: requests or answers."""

    def schema2jsonschema(self, schema: Any) -> Document:
        json: Document = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        name, instance = schema_name(schema), schema() if isinstance(schema, type) else schema
        written = isinstance(instance, BodySchema)
        read = not written or any(field.dump_only for field in instance.fields.values())
        if read:  # clients must accept answers with new fields
            json.pop("additionalProperties", None)
        if read and written:  # an answer has all fields; only requests can omit some
            json["required"] = sorted(json["properties"])
        if read or instance.partial:  # omitted fields of a change keep their values
            for field in json["properties"].values():
                field.pop("default", None)
        description = inspect.getdoc(type(instance)) or ""
        if instance.exclude:
            description += " Read-only fields may be sent along; they are ignored."
        json["description"] = description
        if name in EXAMPLES:
            json["examples"] = [EXAMPLES[name]]
        return json

    def field2property(self, field: fields.Field[Any]) -> Document:
        json: Document = super().field2property(field)
        if isinstance(field, fields.Enum):
            json["type"] = ["string", "null"] if field.allow_none else "string"
        if isinstance(field, fields.Constant):
            json = {"type": "string", "const": field.constant}
        if "pattern" in json:
            json["pattern"] = _ecma(json["pattern"])
        if printable in field.validators:
            json["pattern"] = r"^[^\x00-\x1f\x7f-\x9f]*$"
        return json


class SchemaPlugin(MarshmallowPlugin):
    """Writes the schemas of the document."""

    Converter = _SchemaConverter


def _ecma(pattern: str) -> str:
    """Convert a pattern for Python's `re.match` into JSON Schema's (ECMA-262, with the flag u)."""
    pattern = pattern.replace(r"[\w", r"[\p{L}\p{N}_").replace(r"\Z", "$")
    return pattern if pattern.startswith("^") else f"^{pattern}"
