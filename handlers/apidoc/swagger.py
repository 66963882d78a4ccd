"""The API document, and the Swagger page that shows it; nothing comes from elsewhere."""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import orjson
from tornado.web import url

from handlers import errors
from handlers.apidoc.document import make_document
from handlers.base import ApiHandler
from handlers.bodies import JSON_TYPE

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
    return _kept(Path(str(importlib.resources.files(package) / place)).read_bytes())


def _kept(content: bytes) -> _File:
    return _File(content, f'"{sha256(content).hexdigest()[:32]}"')


def load_files() -> None:
    """Read all files of the page, so that no request has to."""
    for name in (*_OURS, *_SWAGGER_UI):
        _file(name)


class _FileHandler(ApiHandler):
    """Answers with what is kept in memory, its ETag included."""

    public = frozenset({"GET", "HEAD"})
    _etag: str | None = None

    def answer_file(self, file: _File, content_type: str) -> None:
        """Send a file."""
        self._etag = file.etag
        self.set_header("Content-Type", content_type)
        self.finish(file.content)

    def compute_etag(self) -> str | None:
        """Return the file's ETag; Tornado would hash the file anew."""
        return self._etag


class OpenAPIDocument(_FileHandler):
    """The API document."""

    def get(self) -> None:
        """The API document (OpenAPI 3.1)."""
        self.answer_file(self._document(), JSON_TYPE)

    def _document(self) -> _File:
        # made once: it costs some 50 ms, and it cannot change while the server runs
        made: _File | None = self.settings.get("openapi_document")
        if made is None:
            version = self.services.settings.version
            document = make_document(self.settings["routes"], version=version)
            made = _kept(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
            self.settings["openapi_document"] = made
        return made


class SwaggerFile(_FileHandler):
    """The page and its files."""

    def get(self, name: str = "") -> None:
        """A file of the Swagger page."""
        name = name or "swagger.html"
        if name not in (*_OURS, *_SWAGGER_UI):
            raise errors.NotFound(f"There is nothing at {self.shown_path}.")
        self.set_header("Content-Security-Policy", _CONTENT_SECURITY_POLICY)
        self.set_header("Cache-Control", "no-cache")  # ask again; the ETag spares the transfer
        self.answer_file(_file(name), _TYPES[Path(name).suffix])


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
