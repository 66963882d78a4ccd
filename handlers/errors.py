"""The errors of the API with their codes.

They are written as problem documents (RFC 9457). Programs should look at `code`.

ApiError
├── BadRequest              400 invalid_json, validation_failed, invalid_credentials, ...
├── Unauthorized            401
├── Forbidden               403
├── NotFound                404
├── MethodNotAllowed        405
├── Conflict                409
├── PreconditionFailed      412
├── BodyTooLarge            413
├── UnsupportedMediaType    415
├── RangeNotSatisfiable     416
├── Unprocessable           422
├── PreconditionRequired    428
├── TooManyRequests         429
├── Unavailable             503
└── InsufficientStorage     507
"""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from typing import Any


class Code(StrEnum):
    """The codes of errors, for programs; the API document lists them."""

    BAD_REQUEST = "bad_request"
    INVALID_JSON = "invalid_json"
    VALIDATION_FAILED = "validation_failed"
    INVALID_CREDENTIALS = "invalid_credentials"
    NOT_AUTHENTICATED = "not_authenticated"
    INVALID_KEY = "invalid_key"
    XSRF_FAILED = "xsrf_failed"
    ORIGIN_NOT_ALLOWED = "origin_not_allowed"
    HOST_NOT_ALLOWED = "host_not_allowed"
    ACCOUNT_DISABLED = "account_disabled"
    STAFF_ONLY = "staff_only"
    REGISTRATION_CLOSED = "registration_closed"
    METRICS_CLOSED = "metrics_closed"
    BOT_LIMIT_REACHED = "bot_limit_reached"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BOT_ALREADY_REGISTERED = "bot_already_registered"
    OWN_ACCOUNT = "own_account"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    OUTBOX_FULL = "outbox_full"
    MESSAGE_NOT_EDITABLE = "message_not_editable"
    BOT_IS_OFF = "bot_is_off"
    TELEGRAM_REFUSED = "telegram_refused"
    TELEGRAM_UNREACHABLE = "telegram_unreachable"
    DRAFT_CHANGED = "draft_changed"
    TESTS_CHANGED = "tests_changed"
    IF_MATCH_REQUIRED = "if_match_required"
    TESTS_FAILED = "tests_failed"
    BODY_TOO_LARGE = "body_too_large"
    MEDIA_QUOTA_REACHED = "media_quota_reached"
    MEDIA_STORAGE_FULL = "media_storage_full"
    UPLOAD_UNUSABLE = "upload_unusable"
    FILE_IN_USE = "file_in_use"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    RANGE_NOT_SATISFIABLE = "range_not_satisfiable"
    TELEGRAM_TOKEN_REJECTED = "telegram_token_rejected"  # noqa: S105
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    RATE_LIMITED = "rate_limited"
    BUSY = "busy"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    SERVER_UNAVAILABLE = "server_unavailable"  # of the proxies in deploy/
    INTERNAL_ERROR = "internal_error"


FieldErrors = dict[str, list[str]]


class ApiError(Exception):
    """Root of the tree.

    Args:
        detail: a sentence about the problem and its solution.
        code: one of `Code`; the default is that of the class.
        errors: sentences by field.
        headers: additional headers of the answer.
        members: additional members of the problem document (RFC 9457, section 3.2).
    """

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = Code.INTERNAL_ERROR

    def __init__(
        self,
        detail: str,
        *,
        code: Code | None = None,
        errors: FieldErrors | None = None,
        headers: dict[str, str] | None = None,
        members: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.errors = errors
        self.headers = headers or {}
        self.members = members or {}


class BadRequest(ApiError):
    """The request is invalid."""

    status = HTTPStatus.BAD_REQUEST
    code = Code.BAD_REQUEST


class Unauthorized(ApiError):
    """There is no key, or it is not valid."""

    status = HTTPStatus.UNAUTHORIZED
    code = Code.NOT_AUTHENTICATED

    def __init__(self, detail: str, *, code: Code | None = None) -> None:
        # RFC 6750, section 3
        challenge = 'Bearer realm="botyard"'
        if code is Code.INVALID_KEY:
            challenge += ', error="invalid_token"'
        super().__init__(detail, code=code, headers={"WWW-Authenticate": challenge})


class Forbidden(ApiError):
    """The caller is not allowed to do this."""

    status = HTTPStatus.FORBIDDEN


class NotFound(ApiError):
    """The resource does not exist, or belongs to another account."""

    status = HTTPStatus.NOT_FOUND
    code = Code.NOT_FOUND


class MethodNotAllowed(ApiError):
    """The path does not support the method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    code = Code.METHOD_NOT_ALLOWED


class Conflict(ApiError):
    """The request conflicts with existing data."""

    status = HTTPStatus.CONFLICT


class PreconditionFailed(ApiError):
    """The resource is not what the caller has seen."""

    status = HTTPStatus.PRECONDITION_FAILED
    code = Code.DRAFT_CHANGED


class PreconditionRequired(ApiError):
    """The caller must say which state of the resource they have seen."""

    status = HTTPStatus.PRECONDITION_REQUIRED
    code = Code.IF_MATCH_REQUIRED


class BodyTooLarge(ApiError):
    """The body is too large."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = Code.BODY_TOO_LARGE


class UnsupportedMediaType(ApiError):
    """The media type of the body is not accepted here."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = Code.UNSUPPORTED_MEDIA_TYPE


class RangeNotSatisfiable(ApiError):
    """A file has no such part."""

    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    code = Code.RANGE_NOT_SATISFIABLE


class Unprocessable(ApiError):
    """The request is well formed, but cannot be carried out."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooManyRequests(ApiError):
    """The caller must wait.

    Args:
        seconds: the time to wait.
    """

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = Code.TOO_MANY_ATTEMPTS

    def __init__(self, detail: str, *, seconds: int, code: Code | None = None) -> None:
        super().__init__(detail, code=code, headers={"Retry-After": str(seconds)})


class Unavailable(ApiError):
    """A dependency of the server does not work at the moment."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class InsufficientStorage(ApiError):
    """The installation has no room for what is to be stored."""

    status = HTTPStatus.INSUFFICIENT_STORAGE


def invalid(errors: FieldErrors) -> BadRequest:
    """Return the error for a body with invalid fields."""
    return BadRequest(
        "Some fields are invalid: " + ", ".join(sorted(errors)) + ".",
        code=Code.VALIDATION_FAILED,
        errors=errors,
    )


def invalid_key(detail: str) -> Unauthorized:
    """Return the error for a key that cannot be used."""
    return Unauthorized(detail, code=Code.INVALID_KEY)


def revoked_key() -> Unauthorized:
    """Return the error for a key whose session has ended before its time."""
    return invalid_key("This key was revoked: its session has ended. Log in again.")


def staff_only() -> Forbidden:
    """Return the error for an account that is not staff."""
    return Forbidden("Only staff may do this.", code=Code.STAFF_ONLY)
