"""The API document, and the Swagger page that shows it; nothing comes from elsewhere."""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from tornado.web import url

from handlers import errors
from handlers.apidoc.document import make_document
from handlers.apidoc.schemas import Document
from handlers.base import ApiHandler

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


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the page, kept in memory: reading and hashing it takes milliseconds.

    Args:
        content: of the file.
        etag: a strong validator (RFC 9110, section 8.8.3).
    """

    content: bytes
    etag: str


@cache
def _file(name: str) -> _File:
    """Read a file of the page, in a checkout as well as in a single file."""
    # A folder without modules, as in the single file, is no Path until a file in it is asked for.
    package, place = (
        ("handlers.static", name) if name in _OURS else ("swagger_ui", f"static/{name}")
    )
    content = Path(str(importlib.resources.files(package) / place)).read_bytes()
    return _File(content, f'"{sha256(content).hexdigest()[:32]}"')


def load_files() -> None:
    """Read all files of the page, so that no request has to."""
    for name in (*_OURS, *_SWAGGER_UI):
        _file(name)


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
    _etag: str | None = None

    def get(self, name: str = "") -> None:
        """A file of the Swagger page."""
        name = name or "swagger.html"
        if name not in (*_OURS, *_SWAGGER_UI):
            raise errors.NotFound(f"There is nothing at {self.shown_path}.")
        self._etag = _file(name).etag
        self.set_header("Content-Type", _TYPES[Path(name).suffix])
        self.set_header("Content-Security-Policy", _CONTENT_SECURITY_POLICY)
        self.set_header("Cache-Control", "no-cache")  # ask again; the ETag spares the transfer
        self.finish(_file(name).content)

    def compute_etag(self) -> str | None:
        """Return the file's ETag; Tornado would hash the file anew."""
        return self._etag


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
