"""What all handlers share: authentication by default, bodies, loaders, the one error writer."""

from __future__ import annotations

import http
import logging
import secrets
from asyncio import Future
from collections.abc import Callable, Coroutine
from functools import cached_property
from types import TracebackType
from typing import Any, ClassVar

import orjson
import tornado.web
from marshmallow import Schema, ValidationError
from tornado import httputil
from tornado.log import app_log

from handlers import errors
from handlers.authentication import authenticate
from handlers.errors import ApiError, Code
from handlers.services import Services
from models import request_id
from models.audit import Actor
from models.session import Identity

log = logging.getLogger("botyard.http")

MAX_BODY = 64 * 1024  # bytes; the largest useful body is far below
CORS_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
CORS_HEADERS = "Authorization, Content-Type, X-XSRFToken, X-CSRFToken, X-Request-ID, Last-Event-ID"
CORS_EXPOSED = "Location, Retry-After, X-Request-ID"
JSON_TYPE = "application/json"
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
Method = Callable[..., Coroutine[Any, Any, None] | None]


@tornado.web.stream_request_body
class ApiHandler(tornado.web.RequestHandler):
    """A resource of the API.

    Every method needs a key unless its name is in `public`. Bodies are JSON, and forms too
    where `accepts_forms` says so. Errors are raised, never written.
    """

    public: ClassVar[frozenset[str]] = frozenset()
    accepts_forms: ClassVar[bool] = False
    timed: ClassVar[bool] = True  # False where an answer lasts as long as its reader likes
    identity: Identity | None
    _refusal: Exception

    @property
    def services(self) -> Services:
        """What the handler works with."""
        services: Services = self.settings["services"]
        return services

    @property
    def me(self) -> Identity:
        """Who asks."""
        if self.identity is None:
            raise errors.Unauthorized("Log in first.")
        return self.identity

    @cached_property
    def request_id(self) -> str:
        """The id of this request in the log; the client may have given it."""
        return request_id.choose(self.request.headers.get("X-Request-ID"))

    @property
    def actor(self) -> Actor:
        """Who the audit log says it was."""
        user, address = (self.me.user, self.request.remote_ip or "")
        return Actor(user.username, user.id, address)

    # -- the way in

    def initialize(self) -> None:
        """Begin a request."""
        self.identity = None
        self.incident: str | None = None
        self._body = bytearray()
        self._too_large = False
        self._takes_body = False

    def set_default_headers(self) -> None:
        """Headers that every answer has, errors too."""
        self.set_header("Server", "Botyard")
        self.set_header("X-Request-ID", self.request_id)
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("X-Frame-Options", "DENY")
        if self.request.protocol == "https":
            self.set_header("Strict-Transport-Security", "max-age=31536000")
        self._set_cors_headers()

    def _set_cors_headers(self) -> None:
        if not self.services.settings.cors_origins:
            return
        self.set_header("Vary", "Origin")
        origin = self.request.headers.get("Origin")
        if origin in self.services.settings.cors_origins:
            self.set_header("Access-Control-Allow-Origin", origin)
            self.set_header("Access-Control-Allow-Credentials", "true")
            self.set_header("Access-Control-Expose-Headers", CORS_EXPOSED)

    @classmethod
    def allowed_methods(cls) -> list[str]:
        """The methods that this resource has."""
        missing = tornado.web.RequestHandler._unimplemented_method
        names = [
            name for name in cls.SUPPORTED_METHODS if getattr(cls, name.lower()) is not missing
        ]
        return names if "GET" in names else [name for name in names if name != "HEAD"]

    async def prepare(self) -> None:
        """Check what can be checked before the body has come.

        A refusal waits for the body: to answer before it has come means to cut the connection,
        and the client's next request on it would be lost.
        """
        if _announced(self.request.headers.get("Content-Length", "")) > MAX_BODY:
            raise _too_large()  # nobody wants to wait for that
        try:
            await self.admit(self.request.method or "")
        except Exception as error:
            self._refusal = error
            setattr(self, (self.request.method or "").lower(), self._refuse)
        self._takes_body = True

    async def admit(self, method: str) -> None:
        """Let a request in, or raise what it is refused with."""
        if method not in self.allowed_methods():
            raise tornado.web.HTTPError(405)
        if method not in self.public and method != "OPTIONS":
            self.identity = await authenticate(self)

    async def _refuse(self, *_: str) -> None:
        raise self._refusal

    def data_received(self, chunk: bytes) -> None:
        """Take a piece of the body, up to the limit."""
        if len(self._body) + len(chunk) > MAX_BODY:
            self._too_large = True
        if not self._too_large:
            self._body += chunk

    async def head(self, *args: str) -> None:
        """What GET answers, without its body."""
        result = self.get(*args)
        if result is not None:
            await result

    async def options(self, *_: str) -> None:
        """What may be done here; the answer to a browser's preflight (Fetch, CORS protocol)."""
        self.set_header("Allow", ", ".join(self.allowed_methods()))
        if self._headers.get("Access-Control-Allow-Origin"):
            self.set_header("Access-Control-Allow-Methods", CORS_METHODS)
            self.set_header("Access-Control-Allow-Headers", CORS_HEADERS)
            self.set_header("Access-Control-Max-Age", "600")
        self.set_status(204)

    # -- bodies

    def load(self, schema: type[Schema], *, partial: bool = False) -> dict[str, Any]:
        """The request's body, validated.

        Args:
            schema: what it must be.
            partial: whether required fields may be left out.

        Raises:
            ApiError: it is too large, of another type, broken, or has wrong fields.
        """
        try:
            loaded: dict[str, Any] = schema(partial=partial).load(self._parse())
        except ValidationError as error:
            raise errors.invalid(_field_errors(error)) from None
        return loaded

    def _parse(self) -> dict[str, Any]:
        if self._too_large:
            raise _too_large()
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if self.accepts_forms and kind in FORM_TYPES:
            if kind == FORM_TYPES[0] and self._body.lstrip().startswith(b"{"):
                raise _not_json(kind)  # curl's default type, with a JSON body
            return self._parse_form()
        if not self._body:  # whatever type it was announced as: frontends log out like that
            return {}
        if kind != JSON_TYPE:
            raise _not_json(kind)
        return self._parse_json()

    def _parse_json(self) -> dict[str, Any]:
        try:
            parsed = orjson.loads(self._body)
        except orjson.JSONDecodeError as error:
            raise errors.BadRequest(
                f"The body is not JSON: {error.msg} in line {error.lineno}, column {error.colno}.",
                code=Code.INVALID_JSON,
            ) from None
        if not isinstance(parsed, dict):
            raise errors.BadRequest(
                f"The body must be a JSON object, not {_json_name(parsed)}.",
                code=Code.INVALID_JSON,
            )
        return parsed

    def _parse_form(self) -> dict[str, Any]:
        arguments: dict[str, list[bytes]] = {}
        try:
            httputil.parse_body_arguments(
                self.request.headers["Content-Type"], bytes(self._body), arguments, {}
            )
            return {name: values[-1].decode() for name, values in arguments.items()}
        except (httputil.HTTPInputError, ValueError):
            raise errors.BadRequest("The form in the body is broken.") from None

    # -- the way out

    def answer(self, data: Any, *, status: int = 200) -> None:
        """Write JSON.

        Args:
            data: what orjson can write.
            status: of the answer.
        """
        self.set_status(status)
        self.set_header("Content-Type", JSON_TYPE)
        self.finish(orjson.dumps(data, option=orjson.OPT_APPEND_NEWLINE))

    def finish(self, chunk: str | bytes | dict[str, Any] | None = None) -> Future[None]:
        """Send the answer; while the server ends, tell the client to come back elsewhere."""
        if self.services.traffic.draining:
            self.set_header("Connection", "close")
        return super().finish(chunk)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write the problem document of what was raised."""
        error = self._problem(status_code, kwargs.get("exc_info", (None, None, None))[1])
        for name, value in error.headers.items():
            self.set_header(name, value)
        if error.status == http.HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", ", ".join(self.allowed_methods()))
        if not self._takes_body:  # Tornado closes then, and the client should know
            self.set_header("Connection", "close")
        self.set_status(error.status)
        self.set_header("Content-Type", "application/problem+json")
        problem = {
            "type": "about:blank",
            "title": error.status.phrase,
            "status": error.status,
            "detail": error.detail,
            "code": error.code,
            "request_id": self.request_id,
        }
        if error.errors:
            problem["errors"] = error.errors
        if self.incident:
            problem["incident"] = self.incident
        self.finish(orjson.dumps(problem, option=orjson.OPT_APPEND_NEWLINE))

    def _problem(self, status: int, error: BaseException | None) -> ApiError:
        if error is not None and (translated := errors.translate(error)):
            return translated
        match status:
            case 405:
                method = self.request.method
                return errors.MethodNotAllowed(f"{method} does nothing here; see the header Allow.")
            case 404:
                return errors.NotFound("There is nothing here.")
            case _ if status < 500:
                return errors.BadRequest("The request is malformed.")
        return ApiError(
            f"Something went wrong on our side. If it happens again, tell us: {self.incident}."
        )

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log what nobody foresaw, under an id that the answer carries."""
        translated = errors.translate(value) if value else None
        if translated is None and not isinstance(value, tornado.web.HTTPError):
            self.incident = secrets.token_hex(6)
            exc_info = (typ, value, tb) if typ and value else None
            app_log.error("incident %s: %s", self.incident, self._where(), exc_info=exc_info)
        elif translated is not None and translated.status >= 500:
            log.warning("%s: %s", self._where(), value)

    def _where(self) -> str:
        return f"{self.request.method} {self.request.path}"

    async def _execute(self, transforms: list[Any], *args: bytes, **kwargs: bytes) -> None:
        # Not on_finish: a request whose body never came to its end is not finished.
        self.services.traffic.began()
        try:
            with request_id.under_way(self.request_id):
                await super()._execute(transforms, *args, **kwargs)
        finally:
            self.services.traffic.ended()


class UnknownPath(ApiHandler):
    """Every path that is not ours."""

    public = frozenset(tornado.web.RequestHandler.SUPPORTED_METHODS)

    async def admit(self, method: str) -> None:
        """Say that there is nothing here."""
        raise errors.NotFound(f"There is nothing at {self.request.path}.")


def _announced(content_length: str) -> int:
    """How long a body says it is, in bytes; 0 when it does not say."""
    if not content_length.isdecimal():
        return 0
    return int(content_length) if len(content_length) <= 18 else 10**18


def _not_json(kind: str) -> ApiError:
    came = f"; it came as {kind}." if kind else "."
    return errors.UnsupportedMediaType(
        f"The body must be JSON, with the header 'Content-Type: {JSON_TYPE}'{came}"
    )


def _too_large() -> ApiError:
    return errors.BodyTooLarge(f"The body is larger than {MAX_BODY} bytes.")


def _field_errors(error: ValidationError) -> errors.FieldErrors:
    messages: dict[str, list[str]] = error.normalized_messages()  # type: ignore[no-untyped-call]
    return {
        "non_field_errors" if field == "_schema" else str(field): [str(text) for text in texts]
        for field, texts in messages.items()
    }


def _json_name(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
