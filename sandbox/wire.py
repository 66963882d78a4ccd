"""The Bot API over HTTP: its methods, and what all requests share."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Any, cast

import orjson
from tornado.http1connection import HTTP1Connection
from tornado.web import RequestHandler

from sandbox.errors import ApiError, Dropped
from sandbox.methods import METHODS, Done, Method
from sandbox.params import Params, read_params
from sandbox.records import Call
from sandbox.telegram import Sandbox
from sandbox.updates import Poll
from sandbox.waits import Wait

logger = logging.getLogger(__name__)

DROPPED = 0


class TelegramHandler(RequestHandler):
    """What both kinds of requests share: faults, errors, and clients that go away."""

    def initialize(self, *, sandbox: Sandbox) -> None:
        """Take the sandbox that is served."""
        self.sandbox = sandbox
        self._waiting: Wait | None = None
        self._lost = False

    def compute_etag(self) -> str | None:
        """Make no ETag: answers of the Bot API are never cached."""
        return None

    def on_connection_close(self) -> None:
        """End the wait of a client that went away."""
        if self._waiting is not None:
            self._waiting.end(Dropped())

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Leave the request out of the log of an error, as its path holds the token."""
        logger.error("%s failed", type(self).__name__, exc_info=value)

    async def wait(self, waiting: Wait) -> None:
        """Wait, and stop waiting when the client goes away.

        Raises:
            ApiError, Dropped: How the wait was ended.
        """
        self._waiting = waiting
        if self._has_gone():  # before this began, and Tornado does not tell that
            waiting.end(Dropped())
        try:
            await waiting.finished()
        finally:
            self._waiting = None

    def _has_gone(self) -> bool:
        stream = cast(HTTP1Connection, self.request.connection).stream
        return stream is None or stream.closed()

    async def pass_faults(self, token: str, method: str, params: Params) -> None:
        """Let the injected faults have their way with the request, one after the other.

        A fault that loses the answer is only remembered: the request goes on.

        Args:
            method: The name of a method, or "file".

        Raises:
            ApiError, Dropped: What a fault does to it.
        """
        bot_id, chat_id = self.sandbox.bot_id_of(token), params.integer("chat_id") or None
        says = params.say
        for fault in self.sandbox.faults:
            if not self.sandbox.board.active(fault):
                continue
            if not fault.takes(
                bot_id=bot_id, method=method, chat_id=chat_id, token=token, says=says
            ):
                continue
            if fault.kind == "drop":
                raise Dropped
            if fault.kind in {"status", "answer"}:
                raise fault.error()
            if fault.kind == "lose":
                self._lost = True
            else:
                await self.wait(fault.wait())

    def answer_error(self, error: ApiError) -> None:
        """Write an error as the Bot API does, or the body an injected one asks for."""
        if self._lost:
            self.drop()
            return
        self.set_status(error.error_code)
        if error.body is not None:
            self.set_header("Content-Type", error.content_type)
            self.finish(error.body)
            return
        answer: dict[str, Any] = {
            "ok": False,
            "error_code": error.error_code,
            "description": error.description,
        }
        if error.migrate_to_chat_id is not None:
            answer["parameters"] = {"migrate_to_chat_id": error.migrate_to_chat_id}
        if error.retry_after is not None:
            answer["parameters"] = {"retry_after": error.retry_after}
            self.set_header("Retry-After", str(error.retry_after))
        self.answer(answer)

    def answer(self, value: dict[str, Any]) -> None:
        """Write a JSON answer."""
        self.set_header("Content-Type", "application/json")
        self.finish(orjson.dumps(value))

    def drop(self) -> None:
        """Close the connection without an answer."""
        self.detach().close()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write what Tornado itself refuses, or what failed here, as the Bot API would."""
        self.answer_error(ApiError(status_code, self._reason))


class MethodHandler(TelegramHandler):
    """/bot<token>/<method>"""

    async def get(self, token: str, name: str) -> None:
        """Call a method with parameters from the query."""
        await self._call(token, name)

    async def post(self, token: str, name: str) -> None:
        """Call a method with parameters from the query and the body."""
        await self._call(token, name)

    async def _call(self, token: str, name: str) -> None:
        canonical, method = METHODS.get(name.lower(), (name, None))
        status = DROPPED
        call: Call | None = None
        try:
            params = read_params(self.request)
            call = self.sandbox.begin_call(
                token,
                canonical,
                params.as_json(),
                source=self.request.headers.get("User-Agent", ""),
                host=self.request.host,
            )
            if self.sandbox.board:
                await self.pass_faults(token, canonical, params)
            result = await self._result(call, token, method, params)
            if self._lost:
                raise Dropped
            status = 200
            # Ended first: who has the answer finds the call ended in the log.
            self._end(call, status)
            self._answer_result(result)
        except ApiError as error:
            status = DROPPED if self._lost else error.error_code
            self._end(call, status)
            self.answer_error(error)
        except Dropped:
            self.drop()
        finally:
            self._end(call, status)

    async def _result(self, call: Call, token: str, method: Method | None, params: Params) -> Any:
        one_way = self.sandbox.delay / 2
        if one_way:  # not ended by a client that goes away: what it has sent arrives
            await asyncio.sleep(one_way)
        try:
            result = await self._carry_out(token, call.method, method, params)
            call.carried_out = True
        except ApiError as error:
            await self._hold_back(one_way + error.held)
            raise
        await self._hold_back(one_way)
        return result

    async def _hold_back(self, seconds: float) -> None:
        if seconds:
            await self.wait(Wait(seconds=seconds))

    async def _carry_out(self, token: str, name: str, method: Method | None, params: Params) -> Any:
        bot = self.sandbox.authorize(token)
        if method is None:
            logger.warning("@%s called %.64r, which is no method here", bot.username, name)
            raise ApiError(404, "Not Found: method not found")
        result = method(bot, params)
        if not isinstance(result, Poll):
            return result
        try:
            await self.wait(result)
        finally:
            bot.updates.close(result)
        return bot.updates.result(result)

    def _answer_result(self, result: Any) -> None:
        if isinstance(result, Done):
            self.answer({"ok": True, "result": True, "description": result.description})
        else:
            self.answer({"ok": True, "result": result})

    @staticmethod
    def _end(call: Call | None, status: int) -> None:
        if call is not None and call.status is None:
            call.end(status)


class NotFoundHandler(TelegramHandler):
    """Every other path."""

    def prepare(self) -> None:
        """Answer as Telegram answers a path it does not know."""
        self.answer_error(ApiError(404, "Not Found"))
