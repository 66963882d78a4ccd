"""The schemas of the API document: marshmallow's, as JSON Schema."""

from __future__ import annotations

import importlib.resources
import inspect
from typing import Any

import marshmallow.class_registry
import orjson
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields

from handlers.schemas.common import BodySchema, optional_fields
from models.accounts.rules import printable

Document = dict[str, Any]

EXAMPLES: Document = orjson.loads(
    (importlib.resources.files("handlers.static") / "examples.json").read_bytes()
)


def schema_name(schema: Any) -> str:
    """Return a schema's name: Bot for answers; BotInput, BotChanges, BotReplacement for requests.

    The latter are the bodies of POST, PATCH and PUT.
    """
    if isinstance(schema, str):
        return schema.removesuffix("Schema")
    if not isinstance(schema, Schema):
        return str(schema.__name__).removesuffix("Schema")
    kind = "Input" if schema.exclude else ""
    if schema.partial:
        kind = "Changes" if schema.partial is True else "Replacement"
    return type(schema).__name__.removesuffix("Schema") + kind


def schema_class(name: str) -> type[Schema]:
    """Find a schema by its name, as docstrings have it."""
    found = marshmallow.class_registry.get_class(name)
    if isinstance(found, list):
        raise TypeError(f"more than one schema is called {name}")
    return found


def request_schema(name: str, *, partial: bool, replaces: bool) -> Schema:
    """Return a schema for requests: without its read-only fields.

    Args:
        name: of the schema, as docstrings have it.
        partial: True if no field is required.
        replaces: True if omitted optional fields keep their values and get no defaults.
    """
    body = schema_class(name)
    read_only = {name for name, field in body().fields.items() if field.dump_only}
    optional = optional_fields(body) - read_only if replaces else None
    return body(exclude=read_only, partial=partial or optional)


class _SchemaConverter(OpenAPIConverter):
    """Converts to JSON Schema 2020-12, by direction: requests or answers."""

    def schema2jsonschema(self, schema: Any) -> Document:
        json: Document = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        name, instance = schema_name(schema), schema() if isinstance(schema, type) else schema
        written = isinstance(instance, BodySchema)
        read = not written or any(field.dump_only for field in instance.fields.values())
        if read or instance.exclude:
            # Clients must accept answers with new fields, and may send back answers unchanged.
            json.pop("additionalProperties", None)
        if read and written:  # an answer has all fields; only requests can omit some
            json["required"] = sorted(json["properties"])
        if read or instance.partial:  # omitted fields of a change keep their values
            for field in json["properties"].values():
                field.pop("default", None)
        description = inspect.getdoc(type(instance)) or ""
        if instance.exclude:
            description += f" {_ignored(instance)}"
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
        if json.get("format") == "url":  # no format of JSON Schema
            json["format"] = "uri"
        if "pattern" in json:
            json["pattern"] = ecma(json["pattern"])
        if printable in field.validators:
            json["pattern"] = r"^[^\x00-\x1f\x7f-\x9f]*$"
        return json


class SchemaPlugin(MarshmallowPlugin):
    """Writes the schemas of the document."""

    Converter = _SchemaConverter


def _ignored(schema: Schema) -> str:
    """Return a sentence about the fields that a body may have in addition to its properties."""
    names = ", ".join(f"`{name}`" for name in sorted(schema.exclude))
    return f"{names} may be sent back, and are ignored; any other field is an error."


def ecma(pattern: str) -> str:
    """Return a pattern of Python's `re.match` as ECMA-262 has it, with the flags u or v or none."""
    pattern = pattern.replace(r"\Z", "$").replace("_-]", r"_\-]")
    return pattern if pattern.startswith("^") else f"^{pattern}"
