"""Makes the API document (OpenAPI 3.1) from the handlers' docstrings and the schemas.

A docstring holds what only its author can know: summary, answers, schemas. This module adds what
follows from the code: keys, path parameters, forms, headers, common answers. Short forms in a
docstring: `schema: NameSchema`, with `many: true` for an array and `partial: true` for "no field
is required", stands for the content of a body; `codes: [..]` names the error codes of an answer.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from http import HTTPStatus

import marshmallow.class_registry
from apispec import APISpec
from marshmallow import Schema
from tornado.routing import URLSpec
from tornado_swagger.const import API_OPENAPI_3_1
from tornado_swagger.setup import export_swagger

from handlers.apidoc.schemas import Document, SchemaPlugin, schema_name
from handlers.authentication import SAFE_METHODS, SESSION_COOKIE
from handlers.base import ApiHandler
from handlers.bodies import FORM_TYPES, JSON_TYPE, MAX_BODY
from handlers.errors import Code
from handlers.ids import ID, MAX_ID
from handlers.schemas.accounts import LoginAnswerSchema
from handlers.schemas.common import ProblemSchema

DESCRIPTION = """\
Register, add your Telegram bots, switch each one on and off.

**To try it here:** execute *Register* or *Log in* below. From then on the browser has a session
cookie and every other call works. Or copy the `key` of the answer into **Authorize**.

**In a program,** send the `key` as `Authorization: Bearer KEY`. With the session cookie in its
place, methods that change something also need the cookie `_xsrf` sent again as the header
`X-XSRFToken`; this page does so by itself.

Paths work with and without the last slash. Errors are problem documents (RFC 9457): look at their
`code`; `errors` has sentences for the fields of a form. Ignore fields you do not know: answers
may get new ones.
"""
_TAGS = [
    {"name": "Accounts", "description": "Register, log in, your data."},
    {"name": "Bots", "description": "Your Telegram bots."},
    {"name": "Administration", "description": "Everybody's accounts and bots, for staff."},
    {"name": "Operation", "description": "For load balancers and supervisors."},
]
_SECURITY_SCHEMES: dict[str, Document] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `key` that registering or logging in answers with.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "The browser has it after *Log in*; there is nothing to enter here.",
    },
    "xsrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-XSRFToken",
        "description": "The cookie `_xsrf` once more. This page sends it; nothing to enter here.",
    },
}
_PROBLEM = "application/problem+json"
_VERBS = {"GET": "get", "POST": "create", "PUT": "replace", "PATCH": "update", "DELETE": "delete"}
_SECONDS: Document = {"type": "integer", "minimum": 1}
_ERROR_HEADERS: dict[int, Document] = {
    401: {
        "WWW-Authenticate": {
            "description": "The challenge of RFC 6750.",
            "required": True,
            "schema": {"type": "string", "pattern": "^Bearer ", "examples": ['Bearer realm="x"']},
        }
    },
    429: {"Retry-After": {"description": "Seconds to wait.", "required": True, "schema": _SECONDS}},
    503: {"Retry-After": {"description": "Seconds to wait.", "schema": _SECONDS}},
}
# what an answer's code can be, where its docstring names none
_CODES: dict[int, tuple[Code, ...]] = {
    400: (Code.VALIDATION_FAILED, Code.INVALID_JSON, Code.BAD_REQUEST),
    401: (Code.NOT_AUTHENTICATED, Code.INVALID_KEY),
    404: (Code.NOT_FOUND,),
    409: (Code.BOT_ALREADY_REGISTERED,),
    413: (Code.BODY_TOO_LARGE,),
    415: (Code.UNSUPPORTED_MEDIA_TYPE,),
    422: (Code.TELEGRAM_TOKEN_REJECTED,),
    429: (Code.RATE_LIMITED,),
    503: (Code.STORAGE_UNAVAILABLE,),
}


def make_document(routes: list[URLSpec], *, version: str) -> Document:
    """Make the API document.

    Args:
        routes: those whose handlers have a docstring with a part after `---` are described.
        version: of the program.
    """
    spec = APISpec(
        title="Botyard",
        version=version,
        openapi_version="3.1.0",
        info={"description": DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
        tags=_TAGS,
        plugins=[SchemaPlugin(schema_name_resolver=schema_name)],
    )
    for name, scheme in _SECURITY_SCHEMES.items():
        spec.components.security_scheme(name, scheme)
    spec.components.schema("Problem", schema=ProblemSchema)
    exported = export_swagger(routes, api_definition_version=API_OPENAPI_3_1)["paths"]
    by_path = {_path(route.regex.pattern): route for route in routes}
    for pattern, operations in exported.items():
        path = pattern.removesuffix("/?") + ("/" if pattern.endswith("/?") else "")
        route = by_path[_path(pattern)]
        for method in operations:
            operation = _Operation(method.upper(), path, route)
            operations[method] = operation.document(operations[method])
        in_order = sorted(operations, key=lambda method: list(_VERBS).index(method.upper()))
        spec.path(path=path, operations={method: operations[method] for method in in_order})
    document: Document = spec.to_dict()
    return document


def _path(pattern: str) -> str:
    """Return what a route's pattern and the path made of it have in common."""
    return re.sub(r"\(.*?\)|\{.*?\}", "{}", pattern.removesuffix("$"))


class _Operation:
    """One method of one path: its docstring, and what follows from the code."""

    def __init__(self, method: str, path: str, route: URLSpec) -> None:
        self.method = method
        self.path = path
        self.route = route
        self.handler: type[ApiHandler] = route.target
        self.function = getattr(self.handler, method.lower())
        self.public = method in self.handler.public

    def document(self, documented: Document) -> Document:
        """Return the operation in full.

        Args:
            documented: the part of the docstring after `---`.
        """
        operation = {
            "operationId": self._id(documented),
            "description": (inspect.getdoc(self.function) or "").partition("---")[0].strip(),
            **documented,
        }
        parameters = [*self._path_parameters(), *_not_in_path(documented.get("parameters", []))]
        if parameters:
            operation["parameters"] = parameters
        if "requestBody" in documented:
            operation["requestBody"] = self._request_body(documented["requestBody"])
        operation["responses"] = self._answers(documented["responses"])
        operation["security"] = self._security()
        return operation

    def _id(self, documented: Document) -> str:
        """Return a name for a client's function: list_bots, not get_api_v1_bots."""
        words = re.findall(r"\w+", re.sub(r"rest-auth|api/v1|\{.*?\}", "", self.path))
        if self.path.endswith("}/") and words[-1].endswith("s"):
            words[-1] = words[-1][:-1]
        answers = documented["responses"].values()
        if any(a.get("many") or a.get("schema", "").endswith("PageSchema") for a in answers):
            return "_".join(["list", *words])
        if self.method == "POST" and "GET" not in self.handler.allowed_methods():
            return "_".join(words)
        return "_".join([_VERBS[self.method], *words])

    def _path_parameters(self) -> Iterable[Document]:
        groups = re.findall(r"\((.*?)\)", self.route.regex.pattern)
        for name, group in zip(re.findall(r"\{(\w+)\}", self.path), groups, strict=True):
            schema: Document = {"type": "string", "pattern": f"^{group}$"}
            if group == ID:
                schema = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
            description = f"The `id` of the {name.removesuffix('_id')}."
            place: Document = {"name": name, "in": "path", "required": True}
            yield place | {"description": description, "schema": schema}

    def _request_body(self, documented: Document) -> Document:
        short = documented if "schema" in documented else documented["content"][JSON_TYPE]
        partial = short.get("partial", False)
        schema = _request_schema(short["schema"], partial=partial)
        types = [JSON_TYPE, *(FORM_TYPES if self.handler.accepts_forms else ())]
        content = {kind: {"schema": schema} for kind in types}
        rest = {
            name: documented[name]
            for name in documented
            if name not in ("schema", "partial", "content")
        }
        return {"required": not partial, **rest, "content": content}

    def _answers(self, documented: dict[int, Document]) -> Document:
        common = self._common_answers()
        return {
            str(status): _answer(status, documented.get(status, {}), common.get(status, {}))
            for status in sorted(documented.keys() | common.keys())
        }

    def _common_answers(self) -> dict[int, Document]:
        """Return the answers that every method of this kind can give."""
        answers: dict[int, str] = {}
        if self.method in ("POST", "PUT", "PATCH"):
            answers[400] = "The body is broken, or fields are invalid; `errors` says which."
            answers[413] = f"The body is larger than {MAX_BODY // 1024} KiB."
            answers[415] = "The body has a type that is not accepted here."
        if not self.public:
            answers[401] = "There is no key, or it is not valid."
            answers[429] = "Too many requests of the account; see the header Retry-After."
        if self.route.regex.groups:
            answers[404] = "There is nothing with this id, or it is not yours."
        if not self.public or inspect.iscoroutinefunction(self.function):
            answers[503] = "The database does not answer; nothing was changed."
        common: dict[int, Document] = {
            status: {"description": description, "codes": _CODES[status]}
            for status, description in answers.items()
        }
        if self.method not in SAFE_METHODS:
            common[403] = self._rejected_pages()
        return common

    def _rejected_pages(self) -> Document:
        """Return the answer to pages of other sites."""
        description = "The request comes from a page of another site."
        codes = [Code.ORIGIN_NOT_ALLOWED]
        if not self.public:
            description += " Or the session cookie came without its XSRF token."
            codes.append(Code.XSRF_FAILED)
        return {"description": description, "codes": codes}

    def _security(self) -> list[Document]:
        if self.public:
            return []
        cookie: Document = {"cookie": []} | ({} if self.method in SAFE_METHODS else {"xsrf": []})
        return [{"bearer": []}, cookie, *[{}] * (self.method in self.handler.key_optional)]


def _not_in_path(parameters: list[Document]) -> list[Document]:
    return [parameter for parameter in parameters if parameter["in"] != "path"]


def _answer(status: int, documented: Document, common: Document) -> Document:
    """Return an answer in full.

    Args:
        documented: its part of the docstring.
        common: its part in the common answers.
    """
    documented = dict(documented)
    own_codes = documented.pop("codes", [] if common else _CODES.get(status, []))
    content: Document = {}
    if name := documented.pop("schema", None):
        content[JSON_TYPE] = {"schema": _schema_class(name)(many=documented.pop("many", False))}
    if codes := [Code(code) for code in (*own_codes, *common.get("codes", ()))]:
        content[_PROBLEM] = {"schema": ProblemSchema, "examples": _problems(status, codes)}
    descriptions = (kind["description"] for kind in (documented, common) if "description" in kind)
    headers = dict(documented.pop("headers", {}))
    if status in _ERROR_HEADERS:
        headers |= _ERROR_HEADERS[status]
    if name == LoginAnswerSchema.__name__:
        headers["Set-Cookie"] = _header(f"The cookies {SESSION_COOKIE} and _xsrf, for browsers.")
    answer = documented | {"description": " Or: ".join(dict.fromkeys(descriptions))}
    parts = {"headers": headers, "content": content}
    return answer | {name: part for name, part in parts.items() if part}


def _header(description: str) -> Document:
    return {"description": description, "schema": {"type": "string"}}


def _problems(status: int, codes: list[Code]) -> Document:
    """Return an example of a problem document with each of these codes."""
    phrase = HTTPStatus(status).phrase
    problem = {"type": "about:blank", "title": phrase, "status": status, "detail": "A sentence."}
    problem["request_id"] = "8f14e45fceea167a"
    return {str(code): {"value": problem | {"code": str(code)}} for code in dict.fromkeys(codes)}


def _schema_class(name: str) -> type[Schema]:
    schema_class = marshmallow.class_registry.get_class(name)
    if isinstance(schema_class, list):
        raise TypeError(f"more than one schema is called {name}")
    return schema_class


def _request_schema(name: str, *, partial: bool) -> Schema:
    """Return a schema for requests: without its read-only fields."""
    schema_class = _schema_class(name)
    read_only = {name for name, field in schema_class().fields.items() if field.dump_only}
    return schema_class(exclude=read_only, partial=partial or None)
