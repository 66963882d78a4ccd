"""The base of all handlers: authentication by default, headers, the one error writer."""

from __future__ import annotations

import http
import logging
import secrets
from asyncio import Future
from collections.abc import Callable
from functools import cached_property
from types import TracebackType
from typing import Any, ClassVar, TypeVar

import orjson
import tornado.web
from tornado.log import app_log

from handlers import errors, request_id
from handlers.authentication import authenticate
from handlers.bodies import JSON_TYPE
from handlers.dependencies import ServiceHandler
from handlers.errors import ApiError, Code
from handlers.translation import translate
from models.accounts import sessions
from models.accounts.audit import Actor
from models.accounts.principal import Principal

T = TypeVar("T")

log = logging.getLogger("botyard.http")

MAX_SHOWN = 200  # characters of a path that are shown or logged
CORS_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
CORS_HEADERS = "Authorization, Content-Type, X-XSRFToken, X-CSRFToken, X-Request-ID, Last-Event-ID"
CORS_EXPOSED = "Location, Retry-After, X-Request-ID"


class ApiHandler(ServiceHandler):
    """A resource of the API.

    Every method needs a key unless its name is in `public`. Errors are raised, never written.
    """

    public: ClassVar[frozenset[str]] = frozenset()
    any_host: ClassVar[bool] = False  # True where the name the client uses does not matter
    staff_only: ClassVar[bool] = False
    by_session: ClassVar[bool] = False  # whether the rate is the session's, not the account's
    _principal: Principal | None

    @property
    def principal(self) -> Principal:
        """The authenticated caller.

        Raises:
            Unauthorized: there is none; the method is public.
        """
        if self._principal is None:
            raise errors.Unauthorized("Log in first.")
        return self._principal

    @cached_property
    def request_id(self) -> str:
        """The id of this request in the log; the client may have given it."""
        return request_id.choose(self.request.headers.get("X-Request-ID"))

    @property
    def actor(self) -> Actor:
        """The caller, for writes and the audit log."""
        return self.principal.actor(self.address, staff=self.staff_only)

    @property
    def address(self) -> str:
        """The IP address that the request comes from."""
        return self.request.remote_ip or ""

    async def write_as_caller(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a function that writes, in a transaction that checks that the caller still may.

        Args:
            fn: takes the caller as the keyword argument `by`, beside the others.

        Raises:
            SessionEnded, NotStaff: they may not any more.
        """
        return await self.services.db.write(sessions.authorized, self.actor, fn, *args, **kwargs)

    @property
    def shown_path(self) -> str:
        """The path, cut to a length that fits into a message or the log."""
        path = self.request.path
        return path if len(path) <= MAX_SHOWN else f"{path[:MAX_SHOWN]}..."

    # -- the way in

    def initialize(self) -> None:
        """Prepare for a request."""
        self._principal = None
        self.incident: str | None = None

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
        """Decide on the request; its body is there, unless the handler streams it."""
        self.check_host()
        self.check_body_size()
        await self.admit(self.request.method or "")

    def check_host(self) -> None:
        """Refuse a request for a name that is not this server's.

        A page can give its own name the address of this machine (DNS rebinding), and would then
        be of the same origin as this server for the browser.

        Raises:
            BadRequest: the header Host holds another name.
        """
        allowed = self.services.settings.allowed_hosts
        if allowed is not None and not self.any_host and self.request.host_name not in allowed:
            raise errors.BadRequest(
                f"This server is not {self.request.host_name[:100]}. If it should be, the operator "
                "adds the name to BOTYARD_ALLOWED_HOSTS.",
                code=Code.HOST_NOT_ALLOWED,
            )

    async def admit(self, method: str) -> None:
        """Let a request in, or raise the error it is refused with."""
        if method not in self.allowed_methods():
            raise tornado.web.HTTPError(405)
        if method not in self.public and method != "OPTIONS":
            self._principal = await authenticate(self)
            self.services.limits.check(
                self._principal, method, address=self.address, by_session=self.by_session
            )

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
        if error is not None and (translated := translate(error)):
            return translated
        match status:
            case 400 if _is_broken_form(error):
                return self.form_error()
            case 405:
                method = (self.request.method or "")[:MAX_SHOWN]
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
        translated = translate(value) if value else None
        if translated is None and not isinstance(value, tornado.web.HTTPError):
            self.incident = secrets.token_hex(6)
            exc_info = (typ, value, tb) if typ and value else None
            app_log.error("incident %s: %s", self.incident, self._where(), exc_info=exc_info)
        elif translated is not None and translated.status >= 500:
            log.warning("%s: %s", self._where(), value)

    def _where(self) -> str:
        return f"{self.request.method} {self.shown_path}"

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
        raise errors.NotFound(f"There is nothing at {self.shown_path}.")


def _is_broken_form(error: BaseException | None) -> bool:
    """Tell whether Tornado could not parse the body, which it does before `prepare`."""
    if not isinstance(error, tornado.web.HTTPError):
        return False
    return (error.log_message or "").startswith("Invalid body")
