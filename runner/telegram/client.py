"""A bot's client of the Bot API: every call of Telegram that is made with a bot's token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from yarl import URL

from models.bots.records import claimed_telegram_id
from runner.kept_json import kept_json
from runner.telegram.answers import NotTelegram, read_error, read_result
from runner.telegram.connection_errors import NotSent
from runner.telegram.transport import CONNECT_TIMEOUT, Transport

_JSON = {"Content-Type": "application/json"}


class Gate(Protocol):
    """Keeps a process silent that may have lost its bots to another one."""

    async def wait(self) -> None:
        """Wait until calls may pass."""

    def passing(self) -> AbstractContextManager[None]:
        """Make a call in this block."""


# The parsed addresses of these are cached: 1.3 KB per bot, where parsing costs as much as a timer.
_FREQUENT = frozenset({"getUpdates", "sendMessage"})


class BotClient:
    """The only path from a bot to Telegram.

    It builds no library objects from answers, because nothing would use them: this saves a fifth
    of the CPU time of a reply. python-telegram-bot's own calls also pass through it
    (`runner.telegram.request`).

    Args:
        token: the bot's token.
        transport: the HTTP session that all bots share.
        gate: each call passes through it; None for none.

    Attributes:
        identity: the bot as getMe has shown it in another process; None to ask Telegram.
    """

    def __init__(
        self,
        token: str,
        transport: Transport,
        *,
        gate: Gate | None = None,
    ) -> None:
        self.token = token
        self._transport = transport
        self._gate = gate
        self._closed = False
        self.identity: dict[str, Any] | None = None
        self._prefix = f"{transport.api_url}/bot{token}/"
        self._addresses: dict[str, URL] = {}  # by method

    @property
    def api_url(self) -> str:
        """The address of the Bot API, without a slash at the end."""
        return self._transport.api_url

    @property
    def call_timeout(self) -> float:
        """The default timeout of a call, in seconds."""
        return self._transport.call_timeout

    def close(self) -> None:
        """Reject all calls from now on: a bot that is off sends nothing."""
        self._closed = True

    async def call(
        self, method: str, parameters: dict[str, Any], *, read_timeout: float | None = None
    ) -> Any:
        """Call a method of the Bot API.

        Args:
            method: its name.
            parameters: the parameters as in the Bot API, of types that orjson can write.
            read_timeout: timeout in seconds; None for `call_timeout`.

        Returns:
            The `result` of the answer.

        Raises:
            TelegramError: as the library's own methods raise.
        """
        return await self.call_encoded(method, kept_json(parameters), read_timeout=read_timeout)

    async def call_encoded(
        self,
        method: str,
        parameters: bytes | AsyncIterator[bytes],
        *,
        headers: dict[str, str] = _JSON,
        read_timeout: float | None = None,
    ) -> Any:
        """Call a method of the Bot API; as `call`, with parameters that are JSON already.

        Args:
            parameters: as JSON, or as another body in pieces.
            headers: those that belong to another body.
        """
        payload = await self.send(
            self._address(method),
            method="POST",
            body=parameters,
            headers=headers,
            read_timeout=self.call_timeout if read_timeout is None else read_timeout,
            connect_timeout=CONNECT_TIMEOUT,
        )
        return read_result(method, payload)

    async def send(self, address: URL, **options: Any) -> bytes:
        """Send one request; every call of Telegram passes through here.

        Args:
            address: the address of a method or a file, with the bot's token.
            options: as for `Transport.send`.

        Returns:
            The body of the answer to a successful call.

        Raises:
            TelegramError: the call is not allowed, failed, or was rejected.
        """
        if self._closed:
            raise NotSent("the bot is switched off")
        if self._gate is None:
            status, payload = await self._transport.send(address, **options)
        else:
            status, payload = await self._send_through(self._gate, address, options)
        if not 200 <= status < 300:
            raise read_error(status, payload)
        return payload

    async def _send_through(
        self, gate: Gate, address: URL, options: dict[str, Any]
    ) -> tuple[int, bytes]:
        await gate.wait()
        if self._closed:
            raise NotSent("the bot is switched off")
        if address is self._addresses.get("getUpdates"):  # does no harm, and must not end at once
            return await self._transport.send(address, **options)
        with gate.passing():
            return await self._transport.send(address, **options)

    def resolve(self, url: str) -> tuple[URL, bool]:
        """Parse an address that the library has built.

        Returns:
            The address, and True if it is that of a file.
        """
        if url.startswith(self._prefix):
            return self._address(url.removeprefix(self._prefix)), False
        return URL(url, encoded=True), True

    def _address(self, method: str) -> URL:
        address = self._addresses.get(method)
        if address is None:
            address = URL(self._prefix + method, encoded=True)
            if method in _FREQUENT:
                self._addresses[method] = address
        return address

    async def get_me(self, *, read_timeout: float | None = None) -> dict[str, Any]:
        """Get the bot of the token, https://core.telegram.org/bots/api#getme.

        Raises:
            NotTelegram: the answer contains a different bot than the token.
            InvalidToken: Telegram does not accept the token.
        """
        me: dict[str, Any] = await self.call("getMe", {}, read_timeout=read_timeout)
        self.check_identity(me)
        return me

    def check_identity(self, me: dict[str, Any]) -> None:
        """Check that an answer to getMe is about the bot of the token.

        Raises:
            NotTelegram: it is about a different bot.
        """
        if me["id"] != claimed_telegram_id(self.token):
            raise NotTelegram("getMe returned a different bot")

    async def get_updates(self, *, read_timeout: float, **query: Any) -> list[Any]:
        """Get updates, https://core.telegram.org/bots/api#getupdates.

        Args:
            read_timeout: timeout in seconds.
            query: `offset`, `limit`, `timeout` and `allowed_updates`.
        """
        batch: list[Any] = await self.call("getUpdates", query, read_timeout=read_timeout)
        return batch

    async def get_webhook_info(self) -> dict[str, Any]:
        """Get the current webhook, https://core.telegram.org/bots/api#getwebhookinfo."""
        info: dict[str, Any] = await self.call("getWebhookInfo", {})
        return info

    async def delete_webhook(self) -> None:
        """Delete the webhook, not its updates, https://core.telegram.org/bots/api#deletewebhook."""
        await self.call("deleteWebhook", {})
