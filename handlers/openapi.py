"""Makes the API document (OpenAPI 3.1) from the handlers' docstrings and the schemas.

A docstring says what only its author can know: summary, answers, which schema. What follows
from the code is added here: keys, path parameters, the answers that any such method can give.
Its short forms: `schema: NameSchema`, with `many: true` for an array and `partial: true` for
"no field is required", stand for the content of a body.
"""

from __future__ import annotations

import re
from typing import Any

import marshmallow.class_registry
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema
from tornado.routing import URLSpec
from tornado_swagger.const import API_OPENAPI_3_1
from tornado_swagger.setup import export_swagger

from handlers.authentication import SAFE_METHODS, SESSION_COOKIE
from handlers.base import JSON_TYPE, ApiHandler
from handlers.schemas import ProblemSchema

Document = dict[str, Any]

DESCRIPTION = """\
Register, add your Telegram bots, switch each one on and off.

Log in and send the `key` as `Authorization: Bearer KEY`. A browser may use the session cookie
instead; with it, methods that change something also need the cookie `_xsrf` sent again as the
header `X-XSRFToken`. Errors are problem documents (RFC 9457); look at their `code`.
"""
_TAGS = [
    {"name": "Accounts", "description": "Register, log in, your data."},
    {"name": "Bots", "description": "Your Telegram bots."},
    {"name": "Operation", "description": "For load balancers and supervisors."},
]
_PROBLEM = "application/problem+json"


def make_document(routes: list[URLSpec], *, version: str) -> Document:
    """The API document.

    Args:
        routes: those whose handlers have a docstring with a part after `---` are in it.
        version: of the program.
    """
    spec = APISpec(
        title="Botyard",
        version=version,
        openapi_version="3.1.0",
        info={"description": DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
        tags=_TAGS,
        plugins=[MarshmallowPlugin(schema_name_resolver=_schema_name)],
    )
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    spec.components.security_scheme(
        "cookie", {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE}
    )
    spec.components.schema("Problem", schema=ProblemSchema)
    exported = export_swagger(routes, api_definition_version=API_OPENAPI_3_1)["paths"]
    handlers = {_path(route.regex.pattern): route.target for route in routes}
    for pattern, operations in exported.items():
        path = pattern.removesuffix("/?") + ("/" if pattern.endswith("/?") else "")
        handler = handlers[_path(pattern)]
        for method, operation in operations.items():
            _complete(operation, method.upper(), path, handler)
        spec.path(path=path, operations=operations)
    document: Document = spec.to_dict()
    return document


def _path(pattern: str) -> str:
    """What a route's pattern and the path made of it have in common."""
    return re.sub(r"\(.*?\)|\{.*?\}", "{}", pattern.removesuffix("$"))


def _schema_name(schema: Any) -> str:
    partial = isinstance(schema, Schema) and bool(schema.partial)
    kind = schema if isinstance(schema, str) else getattr(schema, "__name__", type(schema).__name__)
    return kind.removesuffix("Schema") + ("Changes" if partial else "")


def _complete(operation: Document, method: str, path: str, handler: type[ApiHandler]) -> None:
    """Add to an operation what the code knows of it."""
    operation["operationId"] = _operation_id(method, path)
    parameters = [_parameter(name) for name in re.findall(r"\{(\w+)\}", path)]
    if parameters:
        operation["parameters"] = parameters
    if "requestBody" in operation:
        operation["requestBody"] = _content(operation["requestBody"]) | {"required": True}
    answers = {
        str(status): _answer(int(status), answer)
        for status, answer in operation["responses"].items()
    }
    for status, description in _common_answers(operation, method, handler).items():
        answers.setdefault(status, _answer(int(status), {"description": description}))
    operation["responses"] = dict(sorted(answers.items()))
    operation["security"] = [] if method in handler.public else [{"bearer": []}, {"cookie": []}]


def _operation_id(method: str, path: str) -> str:
    words = re.findall(r"\w+", path.replace("rest-auth", "").replace("api/v1", ""))
    return "_".join([method.lower(), *words])


def _parameter(name: str) -> Document:
    schema: Document = {"type": "string"}
    if name.endswith("bot_id"):
        schema = {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _content(body: Document) -> Document:
    """Write out the short form of a body."""
    if "schema" not in body:
        return body
    body = dict(body)
    name = body.pop("schema")
    schema_class = marshmallow.class_registry.get_class(name)
    if isinstance(schema_class, list):
        raise TypeError(f"more than one schema is called {name}")
    schema = schema_class(many=body.pop("many", False), partial=body.pop("partial", None))
    return body | {"content": {JSON_TYPE: {"schema": schema}}}


def _answer(status: int, answer: Document) -> Document:
    """An answer written out: what has no schema is a problem document, or has no body."""
    if status < 400 or "schema" in answer:
        return _content(answer)
    return answer | {"content": {_PROBLEM: {"schema": ProblemSchema}}}


def _common_answers(operation: Document, method: str, handler: type[ApiHandler]) -> dict[str, str]:
    """The answers that every method of this kind can give."""
    answers = {"503": "The database does not answer; nothing was changed."}
    if method not in SAFE_METHODS:
        answers["400"] = "The body is broken, or fields are not right; `errors` says which."
        answers["413"] = "The body is too large."
        answers["415"] = "The body is of a type that is not taken here."
    if method not in handler.public:
        answers["401"] = "No key, or one that is worth nothing."
        if method not in SAFE_METHODS:
            answers["403"] = "The session cookie came without its XSRF token."
    if "parameters" in operation:
        answers["404"] = "There is nothing of this id, or nothing of yours."
    return answers
