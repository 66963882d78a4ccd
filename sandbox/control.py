"""HTTP control of the sandbox: what users, BotFather and bad luck do, for curl and scripts."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson
from tornado.web import RequestHandler

from sandbox.bots import SandboxBot
from sandbox.errors import InvalidValue, NotKnown, SandboxError
from sandbox.records import Call, Sent
from sandbox.telegram import Sandbox
from sandbox.updates import Update

MAX_WAIT = 60.0

Json = dict[str, Any]


class ControlHandler(RequestHandler):
    """JSON in and out; errors are `{"error": text, "field": name}` with 400 or 404."""

    def initialize(self, *, sandbox: Sandbox) -> None:
        """Take the sandbox that is controlled."""
        self.sandbox = sandbox

    def compute_etag(self) -> str | None:
        """Make no ETag: every answer is about this moment."""
        return None

    def body(self, **types: type | tuple[type, ...]) -> Json:
        """Read the JSON object of the request.

        Args:
            types: What each field must be; a name that ends in "_" is optional, without it.

        Raises:
            InvalidValue: It is no JSON object, or a field is missing or of another type.
        """
        try:
            values = orjson.loads(self.request.body or b"{}")
        except orjson.JSONDecodeError:
            raise InvalidValue("body", "must be JSON") from None
        if not isinstance(values, dict):
            raise InvalidValue("body", "must be a JSON object")
        for name, wanted in types.items():
            field = name.removesuffix("_")
            if field not in values and not name.endswith("_"):
                raise InvalidValue(field, "is missing")
            _check_type(field, values.get(field), wanted, optional=name.endswith("_"))
        return values

    def only(self, **types: type | tuple[type, ...]) -> Json:
        """Read the JSON object of the request like `body`, and refuse fields that are not named."""
        values = self.body(**types)
        known = {name.removesuffix("_") for name in types}
        for field in values:
            if field not in known:
                raise InvalidValue(field, f"is not known here; known: {', '.join(sorted(known))}")
        return values

    def number(self, name: str) -> float:
        """Read a number from the query; 0 when it is absent.

        Raises:
            InvalidValue: It is no number.
        """
        try:
            return float(self.get_query_argument(name, "0"))
        except ValueError:
            raise InvalidValue(name, "must be a number") from None

    def answer(self, value: Any, *, status: int = 200) -> None:
        """Write a JSON answer."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write the one form of errors."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, InvalidValue | NotKnown):
            status = 404 if isinstance(error, NotKnown) else 400
            self.answer({"error": str(error), "field": error.field}, status=status)
        else:
            self.answer({"error": self._reason, "field": None}, status=status_code)

    def log_exception(self, *args: Any) -> None:
        """Log only what is not the caller's mistake."""
        if not isinstance(args[1], SandboxError):
            super().log_exception(*args)


def _check_type(field: str, value: Any, wanted: type | tuple[type, ...], *, optional: bool) -> None:
    if value is None and optional:
        return
    kinds = wanted if isinstance(wanted, tuple) else (wanted,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise InvalidValue(field, f"must be {' or '.join(_NAMES[kind] for kind in kinds)}")


_NAMES: dict[type, str] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "true or false",
}


class BotHandler(ControlHandler):
    """A handler below /control/bots/{id or username}."""

    bot: SandboxBot

    def prepare(self) -> None:
        """Find the bot that the path names."""
        self.bot = self.sandbox.find(self.path_args[0])


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
    }


def call_json(call: Call) -> Json:
    """Describe a call of the bot."""
    return {
        "seq": call.seq,
        "method": call.method,
        "params": call.params,
        "started": call.started,
        "ended": call.ended,
        "status": call.status,
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


class Messages(BotHandler):
    """/control/bots/{id}/messages"""

    def post(self, name: str) -> None:
        """Let a user write: {text, chat_id?, user_id?, first_name?, more fields of a Message}."""
        fields = self.body(text=str, chat_id_=int, user_id_=int, first_name_=str)
        self.answer(self.sandbox.send_message(self.bot.id, **fields), status=201)


class Documents(BotHandler):
    """/control/bots/{id}/documents"""

    def post(self, name: str) -> None:
        """Let a user send a file: {base64, file_name?, chat_id?, caption?, ...}."""
        fields = self.body(base64=str, file_name_=str, chat_id_=int, user_id_=int, first_name_=str)
        data = decode(fields.pop("base64"))
        self.answer(self.sandbox.send_document(self.bot.id, data=data, **fields), status=201)


class Photos(BotHandler):
    """/control/bots/{id}/photos"""

    def post(self, name: str) -> None:
        """Let a user send a photo: {base64, chat_id?, caption?, ...}."""
        fields = self.body(base64=str, chat_id_=int, user_id_=int, first_name_=str)
        data = decode(fields.pop("base64"))
        self.answer(self.sandbox.send_photo(self.bot.id, data=data, **fields), status=201)


def decode(text: str) -> bytes:
    """Decode the `base64` field.

    Raises:
        InvalidValue: It is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise InvalidValue("base64", "must be base64") from None


class Edits(BotHandler):
    """/control/bots/{id}/edits"""

    def post(self, name: str) -> None:
        """Let a user edit a message: {chat_id, message_id, text}."""
        fields = self.only(chat_id=int, message_id=int, text=str)
        self.answer(self.sandbox.edit_message(self.bot.id, **fields), status=201)


class Buttons(BotHandler):
    """/control/bots/{id}/buttons"""

    def post(self, name: str) -> None:
        """Let a user press a button: {chat_id, message_id, data}."""
        fields = self.only(chat_id=int, message_id=int, data=str)
        self.answer(self.sandbox.press_button(self.bot.id, **fields), status=201)


class Blocked(BotHandler):
    """/control/bots/{id}/blocked"""

    def post(self, name: str) -> None:
        """Let a user block the bot or take it back: {chat_id, blocked}."""
        fields = self.only(chat_id=int, blocked=bool)
        change = self.sandbox.block if fields["blocked"] else self.sandbox.unblock
        update: Update | None = change(self.bot.id, fields["chat_id"])
        self.answer({**fields, "update": update})


class SentMessages(BotHandler):
    """/control/bots/{id}/sent"""

    async def get(self, name: str) -> None:
        """List what the bot sent: ?after=SEQ&wait=SECONDS waits for at least one."""
        after, wait = int(self.number("after")), min(self.number("wait"), MAX_WAIT)
        sent = self.sandbox.sent(self.bot.id, after=after)
        if not sent and wait > 0:
            try:
                sent = await self.sandbox.wait_sent(self.bot.id, after=after, timeout=wait)
            except TimeoutError:
                sent = []
        self.answer([sent_json(one) for one in sent])


class Calls(BotHandler):
    """/control/bots/{id}/calls"""

    def get(self, name: str) -> None:
        """List the bot's calls: ?method=NAME&after=SEQ."""
        after, method = self.number("after"), self.get_query_argument("method", None)
        calls = self.sandbox.calls(self.bot.id, method=method)
        self.answer([call_json(call) for call in calls if call.seq > after])


class Faults(ControlHandler):
    """/control/faults"""

    def get(self) -> None:
        """List the faults."""
        self.answer([fault.as_json() for fault in self.sandbox.faults])

    def post(self) -> None:
        """Inject a fault: {kind, bot_id?, method?, token?, status?, seconds?, times?, ...}."""
        fields = self.only(
            kind=str,
            bot_id_=int,
            method_=str,
            token_=str,
            status_=int,
            description_=str,
            retry_after_=int,
            seconds_=(int, float),
            body_=str,
            times_=int,
        )
        self.answer(self.sandbox.inject(**fields).as_json(), status=201)

    def delete(self) -> None:
        """Remove every fault."""
        self.sandbox.clear()
        self.set_status(204)


class OneFault(ControlHandler):
    """/control/faults/{id}"""

    def delete(self, fault_id: str) -> None:
        """Remove one fault."""
        self.sandbox.clear(int(fault_id))
        self.set_status(204)


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
    (_BOT + r"/edits/?", Edits),
    (_BOT + r"/buttons/?", Buttons),
    (_BOT + r"/blocked/?", Blocked),
    (_BOT + r"/sent/?", SentMessages),
    (_BOT + r"/calls/?", Calls),
    (r"/control/faults/?", Faults),
    (r"/control/faults/(\d+)/?", OneFault),
    (r"/control/.*", Elsewhere),
]
