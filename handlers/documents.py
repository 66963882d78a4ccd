"""The API document, and the Swagger page that shows it; nothing comes from elsewhere."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

from tornado.web import url

from handlers import errors
from handlers.base import ApiHandler
from handlers.openapi import Document, make_document

_OURS = ("swagger.html", "swagger-init.js")
_SWAGGER_UI = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")
_TYPES = {
    ".html": "text/html; charset=UTF-8",
    ".js": "text/javascript; charset=UTF-8",
    ".css": "text/css; charset=UTF-8",
    ".png": "image/png",
}
_CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'"
)


def _file(name: str) -> Path:
    """Where a file of the page is, in a checkout as well as in a single file."""
    if name in _OURS:
        return Path(str(importlib.resources.files("handlers.static") / name))
    return Path(str(importlib.resources.files("swagger_ui") / "static" / name))


class OpenAPIDocument(ApiHandler):
    """The API document."""

    public = frozenset({"GET", "HEAD"})

    def get(self) -> None:
        """The API document (OpenAPI 3.1)."""
        self.answer(self._document())

    def _document(self) -> Document:
        # made once: it costs some 50 ms, and it cannot change while the server runs
        made: Document | None = self.settings.get("openapi_document")
        if made is None:
            version = self.services.settings.version
            made = make_document(self.settings["routes"], version=version)
            self.settings["openapi_document"] = made
        return made


class SwaggerFile(ApiHandler):
    """The page and its files."""

    public = frozenset({"GET", "HEAD"})

    def get(self, name: str = "") -> None:
        """A file of the Swagger page."""
        name = name or "swagger.html"
        if name not in (*_OURS, *_SWAGGER_UI):
            raise errors.NotFound(f"There is nothing at {self.request.path}.")
        path = _file(name)
        self.set_header("Content-Type", _TYPES[path.suffix])
        self.set_header("Content-Security-Policy", _CONTENT_SECURITY_POLICY)
        self.set_header("Cache-Control", "no-cache")  # ask again; the ETag spares the transfer
        self.finish(path.read_bytes())


class SwaggerRedirect(ApiHandler):
    """Relative addresses on the page need the last slash."""

    public = frozenset({"GET", "HEAD"})

    def get(self) -> None:
        """Send a browser to the page."""
        self.redirect("/swagger/")


routes = [
    url(r"/", SwaggerRedirect),
    url(r"/swagger", SwaggerRedirect),
    url(r"/swagger/([a-z0-9.-]*)", SwaggerFile),
    url(r"/openapi\.json", OpenAPIDocument),
]
