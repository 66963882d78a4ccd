"""The answers of operations in the API document: headers, examples of problems."""

from __future__ import annotations

from http import HTTPStatus

from handlers.apidoc.schemas import Document, schema_class
from handlers.authentication import SESSION_COOKIE
from handlers.bodies import JSON_TYPE
from handlers.errors import Code
from handlers.schemas.accounts import LoginAnswerSchema
from handlers.schemas.common import ProblemSchema

_PROBLEM = "application/problem+json"
_STREAM = "text/event-stream"
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
# the possible codes of an answer whose docstring names none
CODES: dict[int, tuple[Code, ...]] = {
    400: (Code.VALIDATION_FAILED, Code.INVALID_JSON, Code.BAD_REQUEST),
    401: (Code.NOT_AUTHENTICATED, Code.INVALID_KEY),
    404: (Code.NOT_FOUND,),
    409: (Code.BOT_ALREADY_REGISTERED,),
    413: (Code.BODY_TOO_LARGE,),
    415: (Code.UNSUPPORTED_MEDIA_TYPE,),
    416: (Code.RANGE_NOT_SATISFIABLE,),
    422: (Code.TELEGRAM_TOKEN_REJECTED,),
    429: (Code.RATE_LIMITED,),
    503: (Code.STORAGE_UNAVAILABLE,),
}


def answer(status: int, documented: Document, common: Document) -> Document:
    """Return an answer in full.

    Args:
        documented: its part of the docstring.
        common: its part in the common answers.
    """
    documented = dict(documented)
    own_codes = documented.pop("codes", [] if common else CODES.get(status, []))
    content: Document = {}
    if name := documented.pop("schema", None):
        content[JSON_TYPE] = {"schema": schema_class(name)(many=documented.pop("many", False))}
    if events := documented.pop("events", None):
        any_of = [schema_class(event) for event in events]
        content[_STREAM] = {"schema": {"anyOf": any_of}}
    problem = schema_class(documented.pop("problem", ProblemSchema.__name__))
    if codes := [Code(code) for code in (*own_codes, *common.get("codes", ()))]:
        content[_PROBLEM] = {"schema": problem, "examples": _problems(status, codes)}
    descriptions = (kind["description"] for kind in (documented, common) if "description" in kind)
    headers = dict(documented.pop("headers", {}))
    if status in _ERROR_HEADERS:
        headers |= _ERROR_HEADERS[status]
    if name == LoginAnswerSchema.__name__:
        headers["Set-Cookie"] = _header(f"The cookies {SESSION_COOKIE} and _xsrf, for browsers.")
    full = documented | {"description": " Or: ".join(dict.fromkeys(descriptions))}
    parts = {"headers": headers, "content": content}
    return full | {name: part for name, part in parts.items() if part}


def _header(description: str) -> Document:
    return {"description": description, "schema": {"type": "string"}}


def _problems(status: int, codes: list[Code]) -> Document:
    """Return an example of a problem document with each of these codes."""
    phrase = HTTPStatus(status).phrase
    problem = {"type": "about:blank", "title": phrase, "status": status, "detail": "A sentence."}
    problem["request_id"] = "8f14e45fceea167a"
    return {str(code): {"value": problem | {"code": str(code)}} for code in dict.fromkeys(codes)}
