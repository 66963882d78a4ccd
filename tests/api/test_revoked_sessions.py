"""A session that is over is over, also for a request that had begun before."""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from support.client import (
    ADMIN_BOTS,
    ADMIN_USERS,
    BOTS,
    DEADLINE,
    PASSWORD,
    Client,
    at_rest,
    register,
    until,
)
from support.uploads import form, uploaded
from support.wire import Wire, wire_to
from tornado.web import url

from handlers.authentication import SAFE_METHODS
from handlers.routes import routes
from handlers.scenario_tests import RunningTests
from handlers.scenarios import Simulation, Validation
from handlers.uploads import StreamedHandler
from models.accounts import administration, sessions, users
from models.accounts.audit import OPERATOR, Actor
from models.accounts.sessions import Session
from models.accounts.users import User
from models.dialogs.tables import ScenarioDraft, ScenarioTests, ScenarioVersion
from models.engine.base import now
from models.engine.database import Database
from models.errors import SessionEnded
from models.messaging.chats import Chat
from models.messaging.media import Media
from models.messaging.messages import Lane, Message, MessageState
from models.messaging.updates import Update
from sandbox import Sandbox
from server.app import Botyard

USER, LOGOUT = "/rest-auth/user/", "/rest-auth/logout/"
CHANGE, SESSIONS = "/rest-auth/password/change/", "/rest-auth/sessions/"
PASSWORDS = {
    "old_password": PASSWORD,
    "new_password1": "another horse battery",
    "new_password2": "another horse battery",
}


# -- a body that comes slowly


@dataclass
class Slow:
    """A request whose body comes in two parts."""

    wire: Wire
    rest: bytes

    async def finish(self) -> int:
        """Send the rest of the body; the status of the answer."""
        self.wire.writer.write(self.rest)
        status, _ = await self.wire.answer()
        return status


async def begin(wire: Wire, client: Client, method: str, path: str, body: Any) -> Slow:
    """Send the head of a request and one byte of its body."""
    data = orjson.dumps(body)
    await wire.send(
        f"{method} {path}",
        f"Authorization: Bearer {client.key}",
        "Content-Type: application/json",
        f"Content-Length: {len(data)}",
        body=data[:1],
    )
    return Slow(wire, data[1:])


async def arrived(botyard: Botyard, wire: Wire) -> None:
    """Wait until the server has read what a connection has sent."""
    own = wire.writer.get_extra_info("sockname")

    def reads() -> bool:
        found = [one for one in botyard.server._connections if one.context.address[:2] == own]
        # the body's first byte is read when the parser waits for more of it
        return bool(found) and found[0].stream._read_bytes is not None

    await until(reads, "the first byte")


async def administer(botyard: Botyard, client: Client, **changes: bool) -> None:
    """Do what an operator does."""
    await botyard.services.db.write(administration.change, client.user["pk"], changes, by=OPERATOR)


@pytest.fixture
async def other_root(botyard: Botyard, anonymous: Client) -> Client:
    """Another member of staff."""
    client = await register(anonymous)
    await administer(botyard, client, is_staff=True)
    return client


async def test_a_demoted_member_of_staff_cannot_finish_a_request_as_staff(
    botyard: Botyard, root: Client, other_root: Client
) -> None:
    path = f"{ADMIN_USERS}{root.user['pk']}/"
    async with wire_to(botyard.url) as wire:
        slow = await begin(wire, root, "PATCH", path, {"is_staff": True})
        await arrived(botyard, wire)
        assert (await other_root.patch(path, {"is_staff": False})).status == 200
        assert await slow.finish() == 403
    assert (await other_root.get(path)).json["is_staff"] is False


async def test_a_disabled_account_cannot_finish_a_request_that_enables_it(
    botyard: Botyard, root: Client, other_root: Client
) -> None:
    path = f"{ADMIN_USERS}{root.user['pk']}/"
    async with wire_to(botyard.url) as wire:
        slow = await begin(wire, root, "PATCH", path, {"disabled": False})
        await arrived(botyard, wire)
        assert (await other_root.patch(path, {"disabled": True})).status == 200
        assert await slow.finish() == 401
    assert (await other_root.get(path)).json["disabled"] is True


async def test_a_key_that_was_logged_out_cannot_finish_adding_a_bot(
    botyard: Botyard, ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    async with wire_to(botyard.url) as wire:
        slow = await begin(wire, ann, "POST", BOTS, {"token": bot.token})
        await arrived(botyard, wire)
        assert (await ann.post(LOGOUT)).status == 200
        assert await slow.finish() == 401
    assert telegram.calls(bot.id) == []


async def test_a_session_that_a_password_change_ended_cannot_finish_a_change(
    botyard: Botyard, ann: Client, anonymous: Client
) -> None:
    login = {"username": "ann", "password": PASSWORD}
    key = (await anonymous.post("/rest-auth/login/", login)).json["key"]
    other = Client(ann.http, ann.url, key)
    async with wire_to(botyard.url) as wire:
        slow = await begin(wire, other, "PATCH", USER, {"first_name": "Eve"})
        await arrived(botyard, wire)
        assert (await ann.post(CHANGE, PASSWORDS)).status == 200
        assert await slow.finish() == 401
    assert (await ann.get(USER)).json["first_name"] == ""


class Upload(StreamedHandler):
    """A resource that takes its body in pieces."""

    received = b""

    def data_received(self, chunk: bytes) -> None:
        """Take a piece."""
        type(self).received += chunk

    async def post(self) -> None:
        """Take the end."""
        self.answer({"received": len(self.received)})


async def test_a_streamed_body_is_decided_on_before_and_after(
    botyard: Botyard, ann: Client
) -> None:
    application: Any = botyard.server.request_callback
    application.add_handlers(".*", [url("/upload/", Upload)])
    body = b"x" * 200_000
    assert (await ann.post("/upload/", data=body[: Upload.max_body])).status == 200
    assert (await Client(ann.http, ann.url).post("/upload/", data=b"x")).status == 401
    async with wire_to(botyard.url) as wire:
        slow = await begin(wire, ann, "POST", "/upload/", "two parts")
        await arrived(botyard, wire)
        assert (await ann.post(LOGOUT)).status == 200
        assert await slow.finish() == 401


# -- a request that was let in, and whose turn to write comes after the revocation


class Turn:
    """The database's writer, held for as long as a test likes."""

    def __init__(self, db: Database) -> None:
        self._started, self._over = threading.Event(), threading.Event()
        self._task = asyncio.create_task(db.write(self._hold), name="the writer's turn")

    @classmethod
    async def taken(cls, db: Database) -> Turn:
        """Take the turn."""
        turn = cls(db)
        await until(turn._started.is_set, "the turn")
        return turn

    def _hold(self) -> None:
        self._started.set()
        self._over.wait(DEADLINE)

    async def over(self) -> None:
        """Give the turn to the next."""
        self._over.set()
        await self._task


@dataclass
class Scene:
    """What the requests below are about."""

    staff: Client
    bot: dict[str, Any]
    fresh_token: str
    other_session: str
    message: int
    media: int

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


def _dead_update(bot_id: int) -> None:
    moment = now()
    Update.insert(
        bot=bot_id, update_id=7, payload=b'{"update_id": 7}', received_at=moment, dead_at=moment
    ).execute()


def _message(bot_id: int) -> int:
    Chat.insert(bot=bot_id, chat_id=1001, first_seen_at=now()).execute()
    row = Message.create(
        bot=bot_id,
        chat_id=1001,
        lane=Lane.OPERATOR,
        state=MessageState.QUEUED,
        method="sendMessage",
        parameters=b'{"chat_id": 1001, "text": "Hello"}',
        created_at=now(),
    )
    return int(row.id)


@pytest.fixture
async def scene(botyard: Botyard, root: Client, anonymous: Client, telegram: Sandbox) -> Scene:
    """A member of staff with a bot, a dead update and a second session."""
    bot = await root.add_bot(telegram.add_bot(), active=False)
    await botyard.services.db.write(_dead_update, bot["id"])
    login = {"username": "root", "password": PASSWORD}
    await anonymous.post("/rest-auth/login/", login)
    listed = (await root.get(SESSIONS)).json
    (other,) = (one["id"] for one in listed if not one["current"])
    message = await botyard.services.db.write(_message, bot["id"])
    media = await uploaded(root, bot, b"ours")
    assert (await root.post(f"{BOTS}{bot['id']}/scenario/publish/", {})).status == 201
    return Scene(root, bot, telegram.add_bot().token, other, message, media["id"])


FILE = b"Eve's"
SCENARIO = BOTS + "{bot[id]}/scenario/"
REQUESTS = [
    ("PATCH", USER, {"first_name": "Eve"}),
    ("PUT", USER, {"username": "eve"}),
    ("DELETE", USER, None),
    ("POST", LOGOUT, None),
    ("POST", CHANGE, PASSWORDS),
    ("DELETE", SESSIONS + "{other_session}/", None),
    ("POST", BOTS, {"token": "{fresh_token}"}),
    ("PATCH", BOTS + "{bot[id]}/", {"title": "Eve's"}),
    ("PATCH", BOTS + "{bot[id]}/", {"active": True}),
    ("PATCH", BOTS + "{bot[id]}/", {"token": "{fresh_token}"}),
    ("PUT", BOTS + "{bot[id]}/", {"token": "{fresh_token}", "title": "Eve's"}),
    ("DELETE", BOTS + "{bot[id]}/", None),
    ("POST", BOTS + "{bot[id]}/dead_updates/7/replay/", None),
    ("DELETE", BOTS + "{bot[id]}/dead_updates/7/", None),
    ("POST", BOTS + "{bot[id]}/chats/1001/messages/", {"text": "Eve's"}),
    ("POST", BOTS + "{bot[id]}/chats/1001/read/", None),
    ("DELETE", BOTS + "{bot[id]}/chats/1001/", None),
    ("PATCH", BOTS + "{bot[id]}/messages/{message}/", {"text": "Eve's"}),
    ("DELETE", BOTS + "{bot[id]}/messages/{message}/", None),
    ("POST", BOTS + "{bot[id]}/media/", FILE),
    ("DELETE", BOTS + "{bot[id]}/media/{media}/", None),
    ("PUT", SCENARIO, {"title": "Eve's"}),
    ("POST", SCENARIO + "publish/", {"note": "Eve's"}),
    ("POST", SCENARIO + "versions/1/restore/", None),
    ("PUT", SCENARIO + "tests/", {"tests": []}),
    ("DELETE", BOTS + "{bot[id]}/conversations/1001.1001.0/", None),
    ("PATCH", ADMIN_USERS + "{staff.user[pk]}/", {"is_staff": True}),
    ("PATCH", ADMIN_BOTS + "{bot[id]}/", {"active": True}),
]
COMPUTING = {Simulation, RunningTests, Validation}  # they POST, and write nothing


async def test_every_request_that_writes_is_among_those_attacked(botyard: Botyard) -> None:
    example = {
        "other_session": "x",
        "message": "1",
        "media": "1",
        "bot[id]": "1",
        "staff.user[pk]": "1",
    }
    attacked = set()
    for method, pattern, _ in REQUESTS:
        path = re.sub(r"\{(.*?)\}", lambda name: example[name[1]], pattern)
        attacked |= {(method, one.target) for one in routes if one.regex.match(path)}
    assert attacked == {
        (method, one.target)
        for one in routes
        if one.target not in COMPUTING
        for method in set(one.target.allowed_methods()) - one.target.public - SAFE_METHODS
    }


def _everything() -> list[Any]:
    """Read all that such a request could change."""
    return [
        list(table.select().order_by(*table._meta.get_primary_keys()).dicts())
        for table in (User, Session, Update, Media, ScenarioVersion, ScenarioDraft, ScenarioTests)
    ]


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
async def test_a_write_whose_turn_comes_after_the_revocation_is_refused(
    botyard: Botyard, scene: Scene, method: str, path: str, body: Any
) -> None:
    db = botyard.services.db
    path = path.format(**vars(scene))
    if isinstance(body, dict):
        body = {
            name: value.format(**vars(scene)) if isinstance(value, str) else value
            for name, value in body.items()
        }
    (mine,) = (one["id"] for one in (await scene.staff.get(SESSIONS)).json if one["current"])
    await at_rest(botyard)  # nothing else is to queue behind the turn
    turn = await Turn.taken(db)
    revoking = asyncio.create_task(
        db.write(Session.delete().where(Session.id == mine).execute), name="revocation"
    )
    await until(lambda: db.queued["write"] == 1, "the revocation")
    sent = {"data": form(body)} if body is FILE else {"json": body}
    anew = {"If-Match": "*"}  # which is asked of a draft
    request = asyncio.create_task(
        scene.staff.request(method, path, headers=anew, **sent), name="request"
    )
    await until(lambda: db.queued["write"] == 2 or request.done(), "the request to be let in")
    assert not request.done()
    await turn.over()
    await revoking
    answer = await request
    assert (answer.status, answer.json["code"]) == (401, "invalid_key")
    rest = await db.read(_everything)
    assert [user["first_name"] for user in rest[0]] == [""]
    assert [session["id"] for session in rest[1]] == [scene.other_session]
    assert [update["dead_at"] is None for update in rest[2]] == [False]
    assert [file["id"] for file in rest[3] if file["is_complete"]] == [scene.media]
    assert [version["n"] for version in rest[4]] == [1]
    assert rest[5:] == [[], []]
    (bot,) = (
        await db.read(administration.bots_page, botyard.services.vault, page=1, page_size=9)
    ).rows
    assert (bot.title, bot.active, bot.token) == ("", False, scene.bot["token"])


async def test_a_write_of_a_member_of_staff_who_was_demoted_meanwhile_is_refused(
    botyard: Botyard, root: Client
) -> None:
    db, path = botyard.services.db, f"{ADMIN_USERS}{root.user['pk']}/"
    await at_rest(botyard)  # nothing else is to queue behind the turn
    turn = await Turn.taken(db)
    demoting = asyncio.create_task(administer(botyard, root, is_staff=False), name="demotion")
    await until(lambda: db.queued["write"] == 1, "the demotion")
    request = asyncio.create_task(root.patch(path, {"is_staff": True}), name="request")
    await until(lambda: db.queued["write"] == 2, "the request to be let in")
    await turn.over()
    await demoting
    answer = await request
    assert (answer.status, answer.json["code"]) == (403, "staff_only")


async def test_a_caller_without_a_session_cannot_write_for_a_disabled_account(
    botyard: Botyard, ann: Client
) -> None:
    await administer(botyard, ann, disabled=True)
    by = Actor("ann", ann.user["pk"])
    with pytest.raises(SessionEnded):
        await botyard.services.db.write(sessions.authorized, by, users.update, by.user_id, {})


async def test_a_bot_is_not_added_for_a_session_that_ended_while_telegram_was_asked(
    botyard: Botyard, ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    held = telegram.inject(kind="hold", bot_id=bot.id, method="getMe")
    adding = asyncio.create_task(ann.post(BOTS, {"token": bot.token}), name="request")
    await until(lambda: held.hits, "getMe")
    assert (await ann.post(LOGOUT)).status == 200
    telegram.clear(held.id)
    assert (await adding).status == 401
