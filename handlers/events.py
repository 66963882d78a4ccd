"""Live events of the caller's bots (server-sent events)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import orjson
from tornado.iostream import StreamClosedError
from tornado.web import url

from handlers import errors
from handlers.base import ApiHandler
from handlers.errors import Code
from handlers.presentation import present_counters, present_state
from handlers.presentation_messages import present_chat_news, present_new_message, present_news
from models.bots import bots
from models.errors import StorageError
from runner.live.events import Event, EventKind
from runner.live.hub import Subscription

HEARTBEAT = 15.0  # seconds of silence after which a comment is sent
SLOW = 30.0  # seconds that a reader may take for what was sent
STREAMS = 10  # streams that an account may have open
_RESET = "event: reset\ndata: {}\n\n"
_SNAPSHOT = (EventKind.STATE, EventKind.COUNTERS)
_PRESENT: dict[EventKind, Callable[[Any], dict[str, Any]]] = {
    EventKind.STATE: present_state,
    EventKind.COUNTERS: present_counters,
    EventKind.MESSAGE: present_new_message,
    EventKind.MESSAGE_STATE: present_news,
    EventKind.CHAT: present_chat_news,
}


class Events(ApiHandler):
    """The live stream of an account."""

    timed = False
    subscription: Subscription | None = None

    async def get(self) -> None:
        """Stream the events of your bots (server-sent events, WHATWG HTML).

        * `state`: a bot's state changes; its data is JSON, a `BotStateEvent`.
        * `counters`: its counters change, once a second at most; a `BotCountersEvent`.
        * `deleted`: the bot was deleted; a `BotDeletedEvent`.
        * `message`: there is a new message, from a person or to them; a `MessageEvent`.
        * `message_state`: a message is queued, sent or given up; a `MessageStateEvent`.
        * `chat`: a chat is new, was read or was erased; a `ChatEvent`.
        * `reset`: events were missed that cannot be sent again; what follows is as in a new stream.
          Read what else you show once more.

        A new stream begins with `state` and `counters` of each bot; one that resumes (header
        Last-Event-ID) begins with the events that were missed, or with `reset`. The stream is
        endless, so "Execute" on this page shows nothing. It is closed when the key expires or when
        the client reads too slowly. In a terminal:

        ```sh
        curl -N -H "Authorization: Bearer $KEY" http://127.0.0.1:8000/api/v1/events/
        ```

        A page of this server can use an `EventSource`, with its cookie. A page of another origin
        has to use `fetch`: an `EventSource` cannot send the header Authorization.

        ---
        summary: Live events
        tags: [Bots]
        responses:
          200:
            description: The stream; the schemas are those of the data of its events.
            events:
              - BotStateEventSchema
              - BotCountersEventSchema
              - BotDeletedEventSchema
              - MessageEventSchema
              - MessageStateEventSchema
              - ChatEventSchema
          429: {description: You have too many streams open., codes: [too_many_attempts]}
          503: {description: All accounts together have too many streams open., codes: [busy]}
        """
        user_id, hub = self.principal.user.id, self.services.runner.events
        self._check_room()
        last_id = self.request.headers.get("Last-Event-ID")
        self.subscription = hub.subscribe(
            user_id, session_id=self.principal.session_id or "", last_id=last_id
        )
        self.services.runner.counters.start()
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("X-Accel-Buffering", "no")  # nginx would hold events back
        try:
            await self._stream(self.subscription, resumes=last_id is not None)
        except StreamClosedError:
            pass  # the reader has disconnected
        except TimeoutError:
            self.detach().close()
        except StorageError as error:  # the head is sent: the client connects again, and is told
            self.log_exception(type(error), error, error.__traceback__)
        finally:
            hub.unsubscribe(user_id, self.subscription)

    def _check_room(self) -> None:
        """Check that the account and the server have room for another stream.

        Raises:
            TooManyRequests: the account has the maximum number of streams.
            Unavailable: all accounts together have the maximum number of streams.
        """
        hub = self.services.runner.events
        if hub.readers(self.principal.user.id) >= STREAMS:
            raise errors.TooManyRequests(
                f"You already have {STREAMS} open streams, the maximum per account.",
                seconds=10,
                code=Code.TOO_MANY_ATTEMPTS,
            )
        if hub.total >= self.services.traffic.stream_room():
            raise errors.Unavailable(
                "The server cannot open more streams at the moment. Poll the list of bots instead.",
                code=Code.BUSY,
                headers={"Retry-After": "10"},
            )

    async def head(self, *_: str) -> None:
        """Answer as GET does, without the stream."""
        self.set_header("Content-Type", "text/event-stream")

    async def _stream(self, subscription: Subscription, *, resumes: bool) -> None:
        await self._send("retry: 3000\n\n")
        if subscription.missed is None:
            await self._send((_RESET if resumes else "") + await self._snapshot())
        else:
            await self._send("".join(_format(event) for event in subscription.missed))
        checked = time.monotonic()
        while not subscription.closed:
            events = await subscription.next(HEARTBEAT)
            if subscription.closed:
                return
            if subscription.is_doubtful or time.monotonic() - checked >= HEARTBEAT:
                subscription.is_doubtful = False
                if not await self.services.sessions.is_live(self.principal):
                    return
                checked = time.monotonic()
            if subscription.is_stale:
                subscription.is_stale = False
                await self._send(_RESET + await self._snapshot())
            else:
                await self._send("".join(_format(event) for event in events) or ": heartbeat\n\n")

    async def _send(self, text: str) -> None:
        self.write(text)
        async with asyncio.timeout(SLOW):
            await self.flush()

    async def _snapshot(self) -> str:
        services = self.services
        user_id = self.principal.user.id
        pairs = await services.runner.views.show(bots.list_for, services.vault, user_id)
        return "".join(
            _format(Event("", kind, bot.id, status)) for bot, status in pairs for kind in _SNAPSHOT
        )

    def on_connection_close(self) -> None:
        """End the stream: the reader has disconnected."""
        super().on_connection_close()
        if self.subscription is not None:
            self.subscription.close()


def _format(event: Event) -> str:
    present = _PRESENT.get(event.kind)
    data: dict[str, Any] = {"id": event.bot_id}
    if present is not None:
        data |= present(event.data)
    head = f"id: {event.id}\n" if event.id else ""
    return f"{head}event: {event.kind}\ndata: {orjson.dumps(data).decode()}\n\n"


routes = [
    url(r"/api/v1/events/?", Events),
]
