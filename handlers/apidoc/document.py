"""Makes the API document (OpenAPI 3.1) from the handlers' docstrings and the schemas.

A docstring contains only information that is not in the code: summary, answers, schemas. This
module adds the rest: keys, path parameters, forms, headers, common answers. Short forms in a
docstring: `schema: NameSchema`, with `many: true` for an array and `partial: true` for "no field
is required", stands for the content of a body; `codes: [..]` names the error codes of an answer,
`events: [..]` the schemas of a stream's events.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

from apispec import APISpec
from tornado.routing import URLSpec
from tornado_swagger.const import API_OPENAPI_3_1
from tornado_swagger.setup import export_swagger

from handlers.apidoc.answers import CODES, answer
from handlers.apidoc.info import INFO, SECURITY_SCHEMES, SERVERS, TAGS
from handlers.apidoc.messages import MESSAGE, message_schemas
from handlers.apidoc.scenarios import SCENARIO, scenario_schemas
from handlers.apidoc.schemas import Document, SchemaPlugin, ecma, request_schema, schema_name
from handlers.authentication import SAFE_METHODS
from handlers.base import ApiHandler
from handlers.bodies import FORM_TYPES, JSON_TYPE
from handlers.errors import Code
from handlers.ids import ID, MAX_ID
from handlers.schemas.common import ProblemSchema

_VERBS = {"GET": "get", "POST": "create", "PUT": "replace", "PATCH": "update", "DELETE": "delete"}

# path parameters that are no `id` in the answers
_NAMED = {
    "chat_id": "The `chat_id` of the chat.",
    "template_name": "The `name` of the template.",
    "update_id": "The `update_id` of the update.",
    "version_id": "The number of the version: its `n`.",
}


def make_document(routes: list[URLSpec], *, version: str) -> Document:
    """Make the API document.

    Args:
        routes: the route table; a method is described if its docstring has a part after `---`.
        version: the version of the program.
    """
    spec = APISpec(
        title="Botyard",
        version=version,
        openapi_version="3.1.0",
        info=dict(INFO),  # to which title and version are added
        servers=SERVERS,
        tags=TAGS,
        plugins=[SchemaPlugin(schema_name_resolver=schema_name)],
    )
    for name, scheme in SECURITY_SCHEMES.items():
        spec.components.security_scheme(name, scheme)
    spec.components.schema("Problem", schema=ProblemSchema)
    for name, schema in (message_schemas() | scenario_schemas()).items():
        spec.components.schema(name, schema)
    exported = export_swagger(routes, api_definition_version=API_OPENAPI_3_1)["paths"]
    by_path = {_path(route.regex.pattern): route for route in routes}
    for pattern, operations in exported.items():
        path = pattern.removesuffix("/?") + ("/" if pattern.endswith("/?") else "")
        route = by_path[_path(pattern)]
        for method in operations:
            operation = _Operation(method.upper(), path, route)
            operations[method] = operation.document(operations[method])
        in_order = sorted(operations, key=lambda method: list(_VERBS).index(method.upper()))
        path = path.replace("\\.", ".")
        spec.path(path=path, operations={method: operations[method] for method in in_order})
    document: Document = spec.to_dict()
    return document


def _path(pattern: str) -> str:
    """Return the common form of a route's pattern and of its path, to match the two."""
    return re.sub(r"\(.*?\)|\{.*?\}", "{}", pattern.removesuffix("$"))


class _Operation:
    """One method of one path: the data from its docstring and from the code."""

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
        documented_ones = documented.get("parameters", [])
        beside = [parameter for parameter in documented_ones if parameter["in"] != "path"]
        parameters = [*self._path_parameters(), *beside]
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
        if any(
            a.get("many") or a.get("schema", "").endswith(("PageSchema", "ItemsSchema"))
            for a in answers
        ):
            return "_".join(["list", *words])
        if self.method == "POST" and "GET" not in self.handler.allowed_methods():
            return "_".join(words)
        return "_".join([_VERBS[self.method], *words])

    def _path_parameters(self) -> Iterable[Document]:
        groups = re.findall(r"\((.*?)\)", self.route.regex.pattern)
        for name, group in zip(re.findall(r"\{(\w+)\}", self.path), groups, strict=True):
            schema: Document = {"type": "string", "pattern": ecma(rf"{group}\Z")}
            if group == ID:
                schema = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
            description = _NAMED.get(name, f"The `id` of the {name.removesuffix('_id')}.")
            place: Document = {"name": name, "in": "path", "required": True}
            yield place | {"description": description, "schema": schema}

    def _request_body(self, documented: Document) -> Document:
        """Return a body as JSON; generators of clients want one type, so forms are told in words.

        Args:
            documented: its part of the docstring.
        """
        documented = dict(documented)
        if "content" in documented:
            return {"required": True, **documented}
        partial, name = documented.pop("partial", False), documented.pop("schema")
        if name in {MESSAGE, SCENARIO}:
            schema: Any = {"$ref": f"#/components/schemas/{name}"}
        else:
            schema = request_schema(name, partial=partial, replaces=self.method == "PUT")
        if self.handler.accepts_forms:
            documented["description"] = f"Or a form with these fields: {' or '.join(FORM_TYPES)}."
        return {"required": not partial, **documented, "content": {JSON_TYPE: {"schema": schema}}}

    def _answers(self, documented: dict[int, Document]) -> Document:
        common = self._common_answers()
        return {
            str(status): answer(status, documented.get(status, {}), common.get(status, {}))
            for status in sorted(documented.keys() | common.keys())
        }

    def _common_answers(self) -> dict[int, Document]:
        """Return the answers that every method of this kind can give."""
        answers: dict[int, str] = {}
        if self.method in ("POST", "PUT", "PATCH"):
            answers[400] = "Malformed body or invalid fields (see `errors`)."
            answers[413] = f"The body is larger than {self.handler.max_body // 1024} KiB."
            answers[415] = "Unsupported media type."
        if not self.public:
            answers[401] = "Missing or invalid key."
            answers[429] = "Too many requests (see Retry-After)."
        if self.route.regex.groups:
            answers[404] = "Not found, or it belongs to another account."
        if not self.public or inspect.iscoroutinefunction(self.function):
            answers[503] = "The database does not answer; nothing was changed."
        common: dict[int, Document] = {
            status: {"description": description, "codes": CODES[status]}
            for status, description in answers.items()
        }
        if self.method not in SAFE_METHODS:
            common[403] = self._rejected_pages()
        return common

    def _rejected_pages(self) -> Document:
        """Return the answer to pages of other sites."""
        description, codes = "Request from a page of another site.", [Code.ORIGIN_NOT_ALLOWED]
        if not self.public:
            description += " Or: session cookie without its XSRF token."
            codes.append(Code.XSRF_FAILED)
        return {"description": description, "codes": codes}

    def _security(self) -> list[Document]:
        if self.public:
            return []
        cookie: Document = {"cookie": []} | ({} if self.method in SAFE_METHODS else {"xsrf": []})
        return [{"bearer": []}, cookie, *[{}] * (self.method in self.handler.key_optional)]
