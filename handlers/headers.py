"""Headers that every answer has: security, caching, CORS."""

from __future__ import annotations

from functools import cached_property

from handlers import request_id
from handlers.dependencies import ServiceHandler

CORS_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
CORS_HEADERS = (
    "Authorization, Content-Type, X-XSRFToken, X-CSRFToken, X-Request-ID, Last-Event-ID, "
    "If-Match, Range"
)
CORS_EXPOSED = (
    "ETag, Location, Retry-After, X-Request-ID, Accept-Ranges, Content-Disposition, Content-Range"
)


class HeadersHandler(ServiceHandler):
    """Sets the headers of every answer, errors included."""

    @cached_property
    def request_id(self) -> str:
        """The id of this request in the log; the client may have sent it."""
        return request_id.choose(self.request.headers.get("X-Request-ID"))

    def set_default_headers(self) -> None:
        """Set the headers that do not depend on the answer."""
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
        origins = self.services.settings.cors_origins
        if not origins:
            return
        self.set_header("Vary", "Origin")
        origin = self.request.headers.get("Origin")
        if origin in origins:
            self.set_header("Access-Control-Allow-Origin", origin)
            self.set_header("Access-Control-Allow-Credentials", "true")
            self.set_header("Access-Control-Expose-Headers", CORS_EXPOSED)

    def answer_options(self, methods: list[str]) -> None:
        """Answer OPTIONS, which may be a browser's preflight (Fetch, CORS protocol).

        Args:
            methods: those that the resource has.
        """
        self.set_header("Allow", ", ".join(methods))
        if self._headers.get("Access-Control-Allow-Origin"):
            self.set_header("Access-Control-Allow-Methods", CORS_METHODS)
            self.set_header("Access-Control-Allow-Headers", CORS_HEADERS)
            self.set_header("Access-Control-Max-Age", "600")
        self.set_status(204)
