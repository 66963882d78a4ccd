"""python-telegram-bot's requests, sent through a bot's client."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson
from telegram.request import BaseRequest, RequestData

from runner.telegram.answers import read_envelope, read_identity
from runner.telegram.client import BotClient
from runner.telegram.transport import CONNECT_TIMEOUT

FILE_TIME = 300.0  # seconds that the transfer of a file may take while it makes progress
_JSON = {"Content-Type": "application/json"}


class BotRequest(BaseRequest):
    """The requests of one bot's Application.

    Args:
        client: the bot's client.
    """

    def __init__(self, client: BotClient) -> None:
        self._client = client

    async def initialize(self) -> None:
        """Do nothing: the session is open already."""

    async def shutdown(self) -> None:
        """Do nothing: the session belongs to all bots."""

    @property
    def read_timeout(self) -> float:
        """The default timeout of a call, in seconds."""
        return self._client.call_timeout

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Parse an answer of the Bot API.

        Raises:
            NotTelegram: it is something else, for example a proxy's error page.
        """
        return read_envelope(payload)

    async def do_request(  # noqa: PLR0917 - the signature is BaseRequest's
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Send one request; see BaseRequest.

        Raises:
            TelegramError: the answer is an error, or is not from the Bot API.
        """
        if self._client.identity is not None and url.endswith("/getMe"):
            return 200, orjson.dumps({"ok": True, "result": self._client.identity})
        body, headers = _encode(request_data)
        address, is_file = self._client.resolve(url)
        is_file = is_file or isinstance(body, aiohttp.FormData)
        time = self.read_timeout if read_timeout is self.DEFAULT_NONE else read_timeout
        connect = CONNECT_TIMEOUT if connect_timeout is self.DEFAULT_NONE else connect_timeout
        payload = await self._client.send(
            address,
            method=method,
            body=body,
            headers=headers,
            read_timeout=FILE_TIME if is_file else time,
            connect_timeout=connect,
            idle_timeout=time if is_file else None,
        )
        if url.endswith("/getMe"):  # which the library does not check
            me = read_identity(payload)
            self._client.check_identity(me)
            payload = orjson.dumps({"ok": True, "result": me})
        return 200, payload


def _encode(data: RequestData | None) -> tuple[bytes | aiohttp.FormData | None, dict[str, str]]:
    if data is None:
        return None, {}
    if not data.contains_files:
        return orjson.dumps(data.parameters), _JSON
    form = aiohttp.FormData()
    for name, value in data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, mime) in data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=mime)
    return form, {}
