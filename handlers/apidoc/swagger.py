"""The API document, and the Swagger page that shows it; all files are served from here."""

from __future__ import annotations

import importlib.resources
from collections.abc import Generator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import orjson
from tornado.web import StaticFileHandler, url

from handlers import errors
from handlers.apidoc.document import make_document
from handlers.base import ApiHandler
from handlers.bodies import JSON_TYPE

_OURS = ("swagger.html", "swagger-init.js")
_SWAGGER_UI = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")
_FILES = frozenset(_OURS + _SWAGGER_UI)
PIECE = 65_536  # bytes
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
        content: the content of the file.
        etag: a strong validator (RFC 9110, section 8.8.3).
    """

    content: bytes
    etag: str


@cache
def _file(name: str) -> _File:
    """Read a file of the page, in a checkout as well as in a single file."""
    # In the single file, a folder without modules is not a Path; only the files in it are.
    package, place = (
        ("handlers.static", name) if name in _OURS else ("swagger_ui", f"static/{name}")
    )
    return _with_etag(Path(str(importlib.resources.files(package) / place)).read_bytes())


def _with_etag(content: bytes) -> _File:
    return _File(content, f'"{sha256(content).hexdigest()[:32]}"')


def load_files() -> None:
    """Read all files of the page in advance, so that no request has to."""
    for name in _FILES:
        _file(name)


class OpenAPIDocument(ApiHandler):
    """The API document."""

    public = frozenset({"GET", "HEAD"})

    def get(self) -> None:
        """Answer with the API document (OpenAPI 3.1)."""
        self.set_header("Content-Type", JSON_TYPE)
        self.finish(self._document().content)

    def compute_etag(self) -> str | None:
        """Return the document's ETag; Tornado would hash every answer."""
        return self._document().etag

    def _document(self) -> _File:
        # created once: it takes some 50 ms, and cannot change while the server runs
        document: _File | None = self.settings.get("openapi_document")
        if document is None:
            version = self.services.settings.version
            content = make_document(self.settings["routes"], version=version)
            document = _with_etag(orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE))
            self.settings["openapi_document"] = document
        return document


class SwaggerFile(ApiHandler, StaticFileHandler):
    """The page and its files, sent from memory in pieces.

    A client that does not read occupies no more memory than a piece, and the shutdown does not
    wait for it.
    """

    public = frozenset({"GET", "HEAD"})
    timed = False
    drained = False

    async def get(self, name: str = "", include_body: bool = True) -> None:
        """Answer with a file of the Swagger page."""
        await super().get(name or "swagger.html", include_body)

    async def head(self, *args: str) -> None:
        """Answer as GET does, without the body."""
        await self.get("".join(args), include_body=False)

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        """Return the name: there is no folder."""
        return path

    def validate_absolute_path(self, root: str, absolute_path: str) -> str:
        """Check that the page has this file.

        Raises:
            NotFound: there is no such file.
        """
        if absolute_path not in _FILES:
            raise errors.NotFound(f"There is nothing at {self.shown_path}.")
        return absolute_path

    @classmethod
    def get_content(
        cls, abspath: str, start: int | None = None, end: int | None = None
    ) -> Generator[bytes, None, None]:
        """Return the pieces of a file, or of a range of it."""
        content = memoryview(_file(abspath).content)[start:end]
        for place in range(0, len(content), PIECE):
            yield bytes(content[place : place + PIECE])

    def get_content_size(self) -> int:
        """Return the length of the file."""
        return len(_file(self.path).content)

    def get_content_type(self) -> str:
        """Return the type of the file, with its encoding."""
        return _TYPES[Path(self.path).suffix]

    def get_modified_time(self) -> None:
        """Return no time: the ETag alone shows that a file has changed."""

    def should_return_304(self) -> bool:
        """Return True if the client has the file already."""
        return self.check_etag_header()

    def compute_etag(self) -> str | None:
        """Return the file's ETag."""
        return _file(self.path).etag

    def set_extra_headers(self, path: str) -> None:
        """Allow the page to load its own files, and browsers to cache them."""
        self.set_header("Content-Security-Policy", _CONTENT_SECURITY_POLICY)
        self.set_header("Cache-Control", "no-cache")  # revalidate; the ETag saves the transfer


class SwaggerRedirect(ApiHandler):
    """A redirect to the page: its relative addresses need the last slash."""

    public = frozenset({"GET", "HEAD"})

    def get(self) -> None:
        """Redirect to the page."""
        self.redirect("/swagger/")


routes = [
    url(r"/", SwaggerRedirect),
    url(r"/swagger", SwaggerRedirect),
    url(r"/swagger/([a-z0-9.-]*)", SwaggerFile, {"path": ""}),
    url(r"/openapi\.json", OpenAPIDocument),
]
