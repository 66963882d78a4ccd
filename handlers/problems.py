"""Answers and logs errors: problem documents (RFC 9457), incidents."""

from __future__ import annotations

import http
import logging
import secrets
from types import TracebackType
from typing import Any

import orjson
import tornado.web
from tornado.log import app_log

from handlers import errors
from handlers.errors import ApiError, FieldErrors
from handlers.headers import HeadersHandler
from handlers.translation import translate

log = logging.getLogger("botyard.http")

MAX_SHOWN = 200  # characters of a path that are shown or logged


class ProblemHandler(HeadersHandler):
    """Answers errors with problem documents; nothing else writes errors.

    Attributes:
        incident: the id of an unexpected failure in the log; None for none.
    """

    incident: str | None = None

    @property
    def shown_path(self) -> str:
        """The path, cut to a length that fits into a message or the log."""
        path = self.request.path
        return path if len(path) <= MAX_SHOWN else f"{path[:MAX_SHOWN]}..."

    @classmethod
    def allowed_methods(cls) -> list[str]:
        """Return the methods that this resource has."""
        missing = tornado.web.RequestHandler._unimplemented_method
        names = [
            name for name in cls.SUPPORTED_METHODS if getattr(cls, name.lower()) is not missing
        ]
        return names if "GET" in names else [name for name in names if name != "HEAD"]

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write the problem document of an exception."""
        error = self._problem(status_code, kwargs.get("exc_info", (None, None, None))[1])
        for name, value in error.headers.items():
            self.set_header(name, value)
        if error.status == http.HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", ", ".join(self.allowed_methods()))
        self.set_status(error.status)
        self.set_header("Content-Type", "application/problem+json")
        problem: dict[str, Any] = {**error.members, **self.extra_members(error)}
        problem |= {
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

    def extra_members(self, error: ApiError) -> FieldErrors:
        """Return members of this API's own for a problem document (RFC 9457, section 3.2)."""
        return {}

    def _problem(self, status: int, error: BaseException | None) -> ApiError:
        if error is not None and (translated := translate(error)):
            return translated
        match status:
            case 400 if _is_broken_form(error):
                return self.form_error()
            case 405:
                method = (self.request.method or "")[:MAX_SHOWN]
                return errors.MethodNotAllowed(
                    f"The method {method} is not supported here. "
                    "The header Allow lists the supported methods."
                )
            case 404:
                return errors.NotFound("Not found.")
            case _ if status < 500:
                return errors.BadRequest("The request is malformed.")
        return ApiError(
            "Internal error. If it happens again, report this incident id to the operator: "
            f"{self.incident}."
        )

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log an unexpected error, with the incident id of the answer."""
        translated = translate(value) if value else None
        if translated is None and not isinstance(value, tornado.web.HTTPError):
            self.incident = secrets.token_hex(6)
            exc_info = (typ, value, tb) if typ and value else None
            app_log.error("incident %s: %s", self.incident, self._where(), exc_info=exc_info)
        elif translated is not None and translated.status >= 500:
            log.warning("%s: %s", self._where(), value)

    def _where(self) -> str:
        return f"{self.request.method} {self.shown_path}"


def _is_broken_form(error: BaseException | None) -> bool:
    """Return True if Tornado could not parse the body, which it does before `prepare`."""
    if not isinstance(error, tornado.web.HTTPError):
        return False
    return (error.log_message or "").startswith("Invalid body")
