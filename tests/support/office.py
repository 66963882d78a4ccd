"""A bot's outbox over a real database, and a Telegram that does as a test says."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson

from models.bots.records import Writer
from models.engine.base import now
from models.messaging.effects import Effects, OutgoingMessage
from models.messaging.marks import Result
from models.messaging.messages import Lane, Message, MessageState, StoredMessage
from models.messaging.resumption import resume
from runner.sending.files import FileCalls
from runner.sending.outbox import Outbox
from runner.sending.rate_limit import Pacer
from runner.sending.sender import SenderContext
from runner.stop_signal import StopSignal
from runner.updates.incoming import IncomingUpdate
from runner.updates.intake import pack_all
from server.app import Botyard
from support.client import DEADLINE, QUICK
from support.writers import process_of

PEOPLES = (Lane.OPERATOR, Lane.SERVICE, Lane.BROADCAST)
TUNING = replace(QUICK, backoff_min=0.001, backoff_max=0.002, transient_failures=3, send_grace=0.05)


class ScriptedTelegram:
    """Answers calls as a test says, by the text of the message.

    Attributes:
        calls: the texts of the calls, in order.
        script: what the next calls with a text meet: an error, or an event that they wait for.
        answers: what is answered to a text in place of a message.
    """

    token = "1:secret"

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.script: defaultdict[str, deque[Exception | asyncio.Event]] = defaultdict(deque)
        self.answers: dict[str, Any] = {}

    async def call_encoded(self, method: str, parameters: bytes) -> Any:
        """Make one call; as `BotClient.call_encoded`."""
        call = orjson.loads(parameters)
        text = call.get("text", method)
        self.calls.append(text)
        met = self.script[text].popleft() if self.script[text] else None
        if isinstance(met, Exception):
            raise met
        if met is not None:
            await met.wait()
        if text in self.answers:
            return self.answers[text]
        number = 1000 + len(self.calls)
        if method == "sendMediaGroup":
            return [{"message_id": number + place} for place in range(len(call["media"]))]
        return {"message_id": number}


class Office:
    """A bot's outbox over a real database, and a Telegram that does as it is told."""

    def __init__(self, botyard: Botyard, bot_id: int) -> None:
        self.db = botyard.services.db
        runner_context = botyard.services.runner.manager._context
        self.journal = runner_context.journal
        self.store = runner_context.messages
        self.media = runner_context.media
        self.writer = Writer(bot_id, 1, process_of(botyard))
        self.telegram = ScriptedTelegram()
        self.running = True
        self.crashes: list[BaseException | None] = []
        self.opened: list[Outbox] = []
        self.published: list[tuple[StoredMessage, Result]] = []

    def open(self, **tuning: Any) -> Outbox:
        """Begin a run."""
        settings = replace(TUNING, **tuning)
        self.context = SenderContext(
            writer=self.writer,
            client=self.telegram,  # type: ignore[arg-type]
            pacer=Pacer(settings.limits),
            store=self.store,
            settings=settings,
            stop=StopSignal(),
            blocked=set(),
            is_running=lambda: self.running,
            publish=lambda message, result: self.published.append((message, result)),
            files=FileCalls(self.writer.bot_id, self.telegram, self.media),  # type: ignore[arg-type]
        )
        outbox = Outbox(self.context)
        self.opened.append(outbox)
        outbox.open(self.crashes.append)
        return outbox

    async def load(self, outbox: Outbox) -> None:
        """Have a run take up what is stored."""
        bot_id = self.writer.bot_id
        found = await self.db.read(resume, [bot_id], forget_after=timedelta(days=6))
        await outbox.load(found[bot_id].unsent)

    async def begin(self, **tuning: Any) -> Outbox:
        """Begin a run that has taken up what is stored."""
        outbox = self.open(**tuning)
        await self.load(outbox)
        return outbox

    async def end(self, outbox: Outbox) -> None:
        """End a run."""
        self.context.stop.set()
        await outbox.close()

    async def insert(
        self, *texts: str, lane: Lane = Lane.DIALOG, chat: int = 7, **fields: Any
    ) -> list[StoredMessage]:
        """Store messages."""
        state = MessageState.QUEUED if lane else MessageState.SENDING
        row = {
            "bot": self.writer.bot_id, "chat_id": chat, "lane": lane, "state": state,
            "method": "sendMessage", "created_at": now(),
        } | fields  # fmt: skip

        def write() -> list[StoredMessage]:
            stored = []
            for text in texts:
                parameters = orjson.dumps({"chat_id": chat, "text": text})
                number = Message.create(**row, parameters=parameters).id
                expires_at = fields.get("expires_at")
                stored.append(
                    StoredMessage((number,), chat, lane, "sendMessage", parameters, 0, expires_at)
                )
            return stored

        return await self.db.write(write)

    async def insert_album(self, *states: str, chat: int = 7) -> list[int]:
        """Store an album that a person has written, with the states of its rows; their ids."""
        row = {
            "bot": self.writer.bot_id, "chat_id": chat, "lane": Lane.OPERATOR,
            "created_at": now(), "expires_at": now() + timedelta(hours=1),
        }  # fmt: skip
        call = orjson.dumps({"chat_id": chat, "media": [{}] * len(states)})
        contents = [("sendMediaGroup", call), *[("", b"")] * (len(states) - 1)]

        def write() -> list[int]:
            ids = [
                Message.create(**row, state=state, method=method, parameters=parameters).id
                for state, (method, parameters) in zip(states, contents, strict=True)
            ]
            Message.update(group_id=ids[0]).where(Message.id.in_(ids)).execute()
            return ids

        return await self.db.write(write)

    async def rows(self) -> list[Message]:
        """All messages that go out."""
        outgoing = Message.select().where(Message.state != "received").order_by(Message.id)
        return await self.db.read(lambda: list(outgoing))

    async def states(self) -> list[tuple[str, str | None]]:
        """States and reasons of all messages."""
        return [(row.state, row.reason) for row in await self.rows()]

    async def until_done(self, *stored: StoredMessage) -> None:
        """Wait until nothing is to be sent any more, or nothing of some messages."""
        waiting = Message.select().where(Message.state.in_(["queued", "sending"]))
        if stored:
            waiting = waiting.where(Message.id.in_([one.ids[0] for one in stored]))
        async with asyncio.timeout(DEADLINE):
            while await self.db.read(waiting.count):
                await asyncio.sleep(0.005)


def message(chat: int, text: str) -> OutgoingMessage:
    """A text."""
    return OutgoingMessage(chat, "sendMessage", orjson.dumps({"chat_id": chat, "text": text}))


def album(chat: int, size: int) -> OutgoingMessage:
    """An album."""
    call = {"chat_id": chat, "media": [{}] * size}
    return OutgoingMessage(chat, "sendMediaGroup", orjson.dumps(call), size=size)


def update_of(number: int, chat: int) -> dict[str, Any]:
    """An update as Telegram gives it."""
    content = {"message_id": 1, "chat": {"id": chat}, "text": "x"}
    return {"update_id": number, "message": content}


async def receive(office: Office, *updates: dict[str, Any]) -> None:
    """Store updates."""
    offset = updates[-1]["update_id"] + 1
    await office.journal.store(
        office.writer, await pack_all(list(updates)), offset=offset, handled=[]
    )


def handle(office: Office, update: dict[str, Any], *sent: OutgoingMessage) -> Any:
    """Have an update marked as handled, with messages; the future of that."""
    incoming, effects = IncomingUpdate.from_raw(update), Effects(messages=list(sent))
    return office.journal.handled(office.writer, incoming, effects)
