"""HTTP control of the sandbox: what users and BotFather do, for curl and scripts."""

from __future__ import annotations

import contextlib

import orjson

from sandbox.bots import SandboxBot
from sandbox.control_base import MAX_WAIT, BotHandler, ControlHandler, Json, WaitingHandler
from sandbox.control_faults import Faults, Limits, OneFault
from sandbox.control_groups import Members, Migrations, Topics
from sandbox.control_people import (
    Age,
    Albums,
    Blocked,
    Buttons,
    Contents,
    Documents,
    Edits,
    Messages,
    Photos,
    Reactions,
    Starts,
    Taps,
    Updates,
)
from sandbox.errors import InvalidValue
from sandbox.received import Received
from sandbox.records import Call, Sent
from sandbox.telegram import Sandbox


def bot_json(sandbox: Sandbox, bot: SandboxBot) -> Json:
    """Describe a bot; its token is not part of it."""
    return {
        "id": bot.id,
        "username": bot.username,
        "first_name": bot.first_name,
        "revoked": bot.revoked,
        "polling": sandbox.polling(bot.id),
        "pending": sandbox.pending(bot.id),
        "confirmed_offset": sandbox.confirmed_offset(bot.id),
        "refusals": sandbox.refusals(bot.id),
    }


def sent_json(sent: Sent) -> Json:
    """Describe a message the bot sent."""
    return {
        "seq": sent.seq,
        "method": sent.method,
        "chat_id": sent.chat_id,
        "message": sent.message,
        "reply_markup": sent.reply_markup,
        "time": sent.time,
        "monotonic": sent.monotonic,
        "message_id": sent.message_id,
        "text": sent.text,
        "present_text": sent.present_text,
        "edits": sent.edits,
        "deleted": sent.deleted,
    }


def received_json(received: Received) -> Json:
    """Describe what people did."""
    return {
        "seq": received.seq,
        "kind": received.kind,
        "chat_id": received.chat_id,
        "update": received.update,
        "time": received.time,
    }


def call_json(call: Call) -> Json:
    """Describe a call of the bot."""
    return {
        "seq": call.seq,
        "method": call.method,
        "params": call.params,
        "source": call.source,
        "host": call.host,
        "started": call.started,
        "ended": call.ended,
        "status": call.status,
        "carried_out": call.carried_out,
    }


class Bots(ControlHandler):
    """/control/bots"""

    def get(self) -> None:
        """List the bots."""
        self.answer([bot_json(self.sandbox, bot) for bot in self.sandbox.bots])

    def post(self) -> None:
        """Add a bot: {token?, username?, first_name?}."""
        bot = self.sandbox.add_bot(**self.only(token_=str, username_=str, first_name_=str))
        answer = {"id": bot.id, "token": bot.token, "username": bot.username}
        self.answer(answer, status=201)


class Bot(BotHandler):
    """/control/bots/{id}"""

    def get(self, name: str) -> None:
        """Tell how the bot is."""
        self.answer(bot_json(self.sandbox, self.bot))


class Menus(BotHandler):
    """/control/bots/{id}/menus"""

    def get(self, name: str) -> None:
        """List the menus of commands by scope and language, as people see them."""
        self.answer(
            [
                {"scope": orjson.loads(scope), "language_code": language, "commands": commands}
                for (scope, language), commands in self.bot.commands.items()
            ]
        )


class Revoke(BotHandler):
    """/control/bots/{id}/revoke"""

    def post(self, name: str) -> None:
        """Make the token worthless."""
        self.sandbox.revoke(self.bot.id)
        self.answer(bot_json(self.sandbox, self.bot))


class Token(BotHandler):
    """/control/bots/{id}/token"""

    def post(self, name: str) -> None:
        """Revoke the token and hand out a new one."""
        self.answer({"token": self.sandbox.new_token(self.bot.id)})


class SentMessages(WaitingHandler):
    """/control/bots/{id}/sent"""

    async def get(self, name: str) -> None:
        """List what the bot sent: ?after=SEQ&limit=COUNT&chat_id=ID; wait=SECONDS waits for one."""
        after, wait = self.whole("after"), min(self.number("wait"), MAX_WAIT)
        limit, chat_id = self.whole("limit") or None, self.chat()
        if chat_id is not None and wait:
            raise InvalidValue("wait", "cannot be used together with chat_id")
        sent = self.sandbox.sent(self.bot.id, after=after, limit=limit, chat_id=chat_id)
        if not sent and wait > 0:
            waiting = self.sandbox.wait_sent(self.bot.id, after=after, timeout=wait)
            with contextlib.suppress(TimeoutError):
                sent = (await self.patiently(waiting) or [])[:limit]
        self.answer([sent_json(one) for one in sent])


class ReceivedUpdates(BotHandler):
    """/control/bots/{id}/received"""

    def get(self, name: str) -> None:
        """List what people did: ?after=SEQ&limit=COUNT&chat_id=ID."""
        after, limit = self.whole("after"), self.whole("limit") or None
        received = self.sandbox.received(self.bot.id, after=after, limit=limit, chat_id=self.chat())
        self.answer([received_json(one) for one in received])


class Calls(BotHandler):
    """/control/bots/{id}/calls"""

    def get(self, name: str) -> None:
        """List the bot's calls: ?method=NAME&after=SEQ."""
        after, method = self.whole("after"), self.get_query_argument("method", None)
        calls = self.sandbox.calls(self.bot.id, method=method)
        self.answer([call_json(call) for call in calls if call.seq > after])


class Elsewhere(ControlHandler):
    """Every other path below /control/."""

    def prepare(self) -> None:
        """Say that there is nothing here."""
        self.answer({"error": f"no such path: {self.request.path}", "field": None}, status=404)


_BOT = r"/control/bots/([^/]+)"
routes: list[tuple[str, type[ControlHandler]]] = [
    (r"/control/bots/?", Bots),
    (_BOT + r"/?", Bot),
    (_BOT + r"/revoke/?", Revoke),
    (_BOT + r"/token/?", Token),
    (_BOT + r"/messages/?", Messages),
    (_BOT + r"/documents/?", Documents),
    (_BOT + r"/photos/?", Photos),
    (_BOT + r"/contents/?", Contents),
    (_BOT + r"/albums/?", Albums),
    (_BOT + r"/starts/?", Starts),
    (_BOT + r"/edits/?", Edits),
    (_BOT + r"/reactions/?", Reactions),
    (_BOT + r"/age/?", Age),
    (_BOT + r"/buttons/?", Buttons),
    (_BOT + r"/taps/?", Taps),
    (_BOT + r"/blocked/?", Blocked),
    (_BOT + r"/members/?", Members),
    (_BOT + r"/topics/?", Topics),
    (_BOT + r"/migrations/?", Migrations),
    (_BOT + r"/updates/?", Updates),
    (_BOT + r"/received/?", ReceivedUpdates),
    (_BOT + r"/sent/?", SentMessages),
    (_BOT + r"/calls/?", Calls),
    (_BOT + r"/menus/?", Menus),
    (r"/control/faults/?", Faults),
    (r"/control/faults/(\d+)/?", OneFault),
    (r"/control/limits/?", Limits),
    (r"/control/.*", Elsewhere),
]
