"""Bodies of requests: their size, their types, parsing and validation."""

from __future__ import annotations

import codecs
from collections.abc import Awaitable
from typing import Any, ClassVar

import orjson
import tornado.web
from marshmallow import Schema, ValidationError
from tornado import httputil
from tornado.http1connection import HTTP1Connection

from handlers import errors
from handlers.errors import ApiError, Code
from handlers.json_hints import why_not_json
from handlers.schemas.common import shared
from handlers.validation import field_errors

MAX_BODY = 64 * 1024  # bytes; the largest useful body is far below
MAX_DISCARDED = 1024 * 1024  # bytes of a body without a length that are read and discarded
JSON_TYPE = "application/json"
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


class BodyHandler(tornado.web.RequestHandler):
    """Reads bodies: JSON, and also forms if `accepts_forms` is True.

    A body is received in full before its request is authorized: otherwise a client that sends it
    slowly could act with rights that it no longer has.

    Attributes:
        max_body: maximum length of a body in bytes.
        streamed: True for a handler that receives its body in pieces.
        timed: False if the duration of an answer depends on its reader.
        accepts_forms: True if forms are accepted in addition to JSON.
    """

    max_body: ClassVar[int] = MAX_BODY
    streamed: ClassVar[bool] = False
    timed: ClassVar[bool] = True
    accepts_forms: ClassVar[bool] = False

    def check_body_size(self) -> None:
        """Reject a body that is too large.

        Raises:
            BodyTooLarge: it has, or announces, more than `max_body` bytes.
        """
        announced = announced_length(self.request.headers)
        if max(announced, len(self.request.body)) > self.max_body:
            raise errors.BodyTooLarge(f"The body is larger than {self.max_body} bytes.")

    def form_error(self) -> ApiError:
        """Return the error for a form that Tornado could not parse."""
        try:
            self.check_body_size()  # a body that is too large is truncated
        except ApiError as error:
            return error
        return _broken_form()

    def load(
        self, schema: type[Schema], *, partial: bool | frozenset[str] = False
    ) -> dict[str, Any]:
        """Parse and validate the body.

        Args:
            schema: validates it.
            partial: fields that may be left out and get no default then; True for all.

        Raises:
            ApiError: the body has another type, is malformed, or has invalid fields.
        """
        try:
            loaded: dict[str, Any] = shared(schema).load(self._parse(), partial=partial)
        except ValidationError as error:
            raise errors.invalid(field_errors(error)) from None
        return loaded

    def load_document(self) -> dict[str, Any]:
        """Parse the body as JSON, to be validated elsewhere.

        Raises:
            ApiError: the body is empty, has another type, or is no JSON object.
        """
        if not self.request.body:  # curl sends none if its file is missing
            raise errors.BadRequest(
                "The body is empty. Send the document as a JSON object.", code=Code.INVALID_JSON
            )
        return self._parse()

    @property
    def json_text(self) -> bytes:
        """The body as JSON: without the mark at its beginning that some editors write."""
        return self.request.body.removeprefix(codecs.BOM_UTF8)

    def _parse(self) -> dict[str, Any]:
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if self.accepts_forms and kind in FORM_TYPES:
            if kind == FORM_TYPES[0] and self.request.body.lstrip().startswith(b"{"):
                raise _not_json(kind)  # curl's default type, with a JSON body
            return self._parse_form()
        if not self.request.body:  # of any type: frontends log out like that
            return {}
        if kind != JSON_TYPE:
            raise _not_json(kind)
        return self._parse_json()

    def _parse_json(self) -> dict[str, Any]:
        try:
            parsed = orjson.loads(self.json_text)
        except orjson.JSONDecodeError as error:
            raise errors.BadRequest(why_not_json(error), code=Code.INVALID_JSON) from None
        if not isinstance(parsed, dict):
            raise errors.BadRequest(
                f"The body must be a JSON object, not {_json_name(parsed)}.",
                code=Code.INVALID_JSON,
            )
        return parsed

    def _parse_form(self) -> dict[str, Any]:
        # Tornado has parsed it, and rejects a malformed one earlier
        try:
            fields = self.request.body_arguments.items()
            return {name: values[-1].decode() for name, values in fields}
        except ValueError:
            raise _broken_form() from None


class LimitedBody(httputil.HTTPMessageDelegate):
    """Keeps no more of a body than its handler accepts.

    The rest is discarded. A body that announces more is not even read: the request is
    answered at once, and its connection closed.

    Args:
        delegate: takes the request.
        request: the request.
        limit: bytes that the handler accepts; None for a handler that reads its body itself.
    """

    def __init__(
        self,
        delegate: httputil.HTTPMessageDelegate,
        request: httputil.HTTPServerRequest,
        *,
        limit: int | None,
    ) -> None:
        self._delegate = delegate
        self._request = request
        self._limit = limit
        self._kept = 0

    def headers_received(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
    ) -> Awaitable[None] | None:
        """Pass the headers on; have a body that is too large left unread."""
        if self._limit is not None and announced_length(headers) > self._limit:
            # The handler sees the announced length; Tornado, which reads this object, sees 0.
            self._request.headers = headers.copy()
            headers["Content-Length"] = "0"
            headers.pop("Expect", None)
            close_afterwards(self._request.connection)
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Pass a piece of the body on, up to one byte more than the handler accepts."""
        if self._limit is not None:
            chunk = chunk[: self._limit + 1 - self._kept]
            self._kept += len(chunk)
        return self._delegate.data_received(chunk) if chunk else None

    def finish(self) -> None:
        """Pass the end of the body on."""
        self._delegate.finish()

    def on_connection_close(self) -> None:
        """Pass on that the client has disconnected."""
        self._delegate.on_connection_close()


def close_afterwards(connection: Any) -> None:
    """Make Tornado close a connection after the answer, and announce this in the answer.

    Tornado does so for requests with `Connection: close`, and has no public way to request it.
    """
    if isinstance(connection, HTTP1Connection):
        connection._disconnect_on_finish = True


def announced_length(headers: httputil.HTTPHeaders) -> int:
    """Return the Content-Length in bytes; 0 if there is none, or none that is valid."""
    text = headers.get("Content-Length", "")
    if not (text.isascii() and text.isdecimal()):
        return 0
    return int(text) if len(text) <= 18 else 10**18


def _broken_form() -> ApiError:
    """Return the error for a form that cannot be parsed."""
    return errors.BadRequest("The form data in the request body is malformed.")


def _not_json(kind: str) -> ApiError:
    sent_as = f"; it was sent as {kind}." if kind else "."
    return errors.UnsupportedMediaType(
        f"The body must be JSON, with the header 'Content-Type: {JSON_TYPE}'{sent_as}"
    )


def _json_name(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
