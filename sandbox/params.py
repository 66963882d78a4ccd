"""Parameters of a Bot API request, the same whatever form they came in."""

from __future__ import annotations

from typing import Any

import orjson
from tornado.httputil import HTTPServerRequest

from sandbox.errors import ApiError, bad_request
from sandbox.files import Upload

NOT_UTF8 = "strings must be encoded in UTF-8"


class Params:
    """Named values of a request. From forms they are strings, which may hold JSON.

    Args:
        values: The parameters.
        files: Uploaded files by the name of their form field.

    Source: https://core.telegram.org/bots/api#making-requests
    """

    __slots__ = ("files", "values")

    def __init__(self, values: dict[str, Any], files: dict[str, Upload]) -> None:
        self.values = values
        self.files = files

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str) -> str:
        """Give a string; empty when it is absent."""
        value = self.values.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else orjson.dumps(value).decode()

    def say(self, text: str) -> bool:
        """Tell whether one of the values contains a text."""
        return any(text in self.text(name) for name in self.values)

    def integer(self, name: str, default: int = 0) -> int:
        """Give a number; the default when it is absent or is none."""
        try:
            return int(self.values.get(name, default))
        except (TypeError, ValueError):
            return default

    def between(self, name: str, least: int, most: int) -> int:
        """Give a number, the nearest one allowed when it is out of its range."""
        return min(max(self.integer(name), least), most)

    def upload(self, name: str) -> Upload | None:
        """Give the file that a parameter names by attach://, or that came under its name."""
        given = self.text(name)
        return self.files.get(given.removeprefix("attach://") if given else name)

    def required(self, name: str) -> str:
        """Give a string that must be there.

        Raises:
            ApiError: 400, it is absent or empty.
        """
        value = self.text(name)
        if not value:
            raise bad_request(f'parameter "{name}" is required')
        return value

    def flag(self, name: str) -> bool:
        """Give a Boolean: true, "true", "yes" and "1" are true, anything else is not."""
        return self.text(name).lower() in {"true", "yes", "1"}

    def decoded(self, name: str, *, what: str) -> Any:
        """Give a list or an object, None when it is absent or empty.

        Args:
            name: The parameter.
            what: How Telegram calls it in "can't parse ... JSON object".

        Raises:
            ApiError: 400, it is not JSON.
        """
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise _unread(error, f"can't parse {what} JSON object") from None

    def as_json(self) -> dict[str, Any]:
        """List what came in, files by their name and size, for the log of calls."""
        if not self.files:
            return self.values
        files = {
            name: {"file_name": upload.name, "file_size": upload.size}
            for name, upload in self.files.items()
        }
        return {**self.values, **files}


def read_params(request: HTTPServerRequest) -> Params:
    """Read the parameters of a request: query, then form or JSON body; the first one counts.

    Raises:
        ApiError: 400, the JSON body cannot be read, or a string is not UTF-8.
    """
    values: dict[str, Any] = {
        name: _read_text(found[0]) for name, found in request.arguments.items()
    }
    if request.body and request.headers.get("Content-Type", "").startswith("application/json"):
        values = {**_read_json(request.body), **values}
    files = {
        name: Upload(found[0].filename, found[0].body, found[0].content_type)
        for name, found in request.files.items()
    }
    return Params(values, files)


def _read_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise bad_request(NOT_UTF8) from None


def _unread(error: orjson.JSONDecodeError, words: str) -> ApiError:
    """Tell JSON with bytes that are not UTF-8, or with half a character, from what is no JSON."""
    return bad_request(NOT_UTF8 if "surrogate" in str(error) else words)


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _unread(error, "can't parse JSON object") from None
    if not isinstance(values, dict):
        raise bad_request("object expected as parameters")
    return values
