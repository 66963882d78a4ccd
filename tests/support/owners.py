"""A database that one process writes to, and others who get in its way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from models.accounts import users
from models.accounts.audit import OPERATOR
from models.bots import bots
from models.bots.records import VerifiedToken, Writer
from models.bots.vault import Vault
from models.cluster.fence import ProcessFence
from models.cluster.link import Identity, Link
from models.engine.database import Database
from models.engine.migration import Migrations
from models.messaging.marks import Batch, Handled
from support.client import DEADLINE, numbers

VAULT = Vault("the secret of the tests of several processes")
_REGISTER = """
INSERT INTO processes (name, session, boot, lock_file, version, beat, draining, reaches_telegram,
    load, started_at)
VALUES (%s, %s, '', '', '0', 0, FALSE, TRUE, 0, now()) RETURNING id
"""


@dataclass
class Owner:
    """A process with a database of its own; the only one of these in a test.

    Args:
        other: the row of another process.
        lost: how often the process has learned that it was declared dead.
    """

    url: str
    db: Database
    fence: ProcessFence
    user_id: int
    other: int = 0
    lost: list[bool] = field(default_factory=list)

    @property
    def id(self) -> int:
        """Its row."""
        return self.fence.identity()

    async def connect(self, session: str = "botyard-other") -> psycopg.AsyncConnection:
        """A connection of another process; transactions are its own business."""
        return await psycopg.AsyncConnection.connect(self.url, application_name=session)

    async def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a statement in a transaction of its own."""
        async with await self.connect("a test") as connection:
            cursor = await connection.execute(query, parameters)
            return await cursor.fetchall() if cursor.description else []

    async def register(self, name: str, session: str) -> int:
        """Make a row; its id."""
        return int((await self.rows(_REGISTER, name, session))[0][0])

    async def add_bot(self, owner_id: int | None) -> int:
        """Add a bot that a process owns; its id."""
        token = f"{next(numbers)}:{'x' * 35}"
        made = await self.db.write(
            bots.create,
            VAULT,
            self.user_id,
            token=VerifiedToken(token),
            title="",
            active=True,
            limit=50,
            by=OPERATOR,
        )
        await self.rows("UPDATE bots SET owner_id = %s WHERE id = %s", owner_id, made.id)
        return made.id

    async def owner_of(self, bot_id: int) -> int | None:
        """The process that owns a bot."""
        rows = await self.rows("SELECT owner_id FROM bots WHERE id = %s", bot_id)
        return None if rows[0][0] is None else int(rows[0][0])

    async def stored(self, bot_id: int) -> dict[int, bool]:
        """The stored updates of a bot, each with True if it is handled."""
        rows = await self.rows(
            "SELECT update_id, handled_at IS NOT NULL FROM updates WHERE bot_id = %s", bot_id
        )
        return dict(rows)

    async def until_waiting(self, count: int = 1) -> None:
        """Wait until sessions wait for locks of others."""
        query = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        async with await self.connect("a test") as watching, asyncio.timeout(DEADLINE):
            await watching.set_autocommit(True)
            while (await (await watching.execute(query)).fetchall())[0][0] < count:
                await asyncio.sleep(0.005)

    def hold(self, work: Callable[[], Any] = lambda: None) -> Held:
        """Begin a fenced write that stays open until it is told to end."""
        return Held(self.db, work)


class Held:
    """A write of the process that is under way.

    Args:
        work: what it does first.
    """

    def __init__(self, db: Database, work: Callable[[], Any]) -> None:
        self._began, self._end = threading.Event(), threading.Event()

        def run() -> None:
            work()
            self._began.set()
            assert self._end.wait(DEADLINE)

        self.done = asyncio.create_task(db.write_as_owner(run))

    async def began(self) -> None:
        """Wait until it is under way."""
        assert await asyncio.to_thread(self._began.wait, DEADLINE)

    async def end(self) -> None:
        """Let it commit, and wait for that."""
        self._end.set()
        await self.done


def link_of(one: Owner) -> Link:
    """Make the connection of a process."""
    return Link(one.url, Identity("mine", one.fence.session, "", "", "0"))


@asynccontextmanager
async def owner(url: str) -> AsyncIterator[Owner]:
    """A process on an empty database, and the row of another one."""
    await asyncio.to_thread(Migrations(url).up)
    fence = ProcessFence()
    db = Database(url, fence=fence)
    await db.open()
    try:
        made = await db.write(
            users.create, username="ann", email="", password_hash="x", by=OPERATOR
        )
        one = Owner(url, db, fence, made.id)
        fence.on_lost = lambda: one.lost.append(True)
        fence.process_id = await one.register("mine", fence.session)
        one.other = await one.register("other", "botyard-other")
        yield one
    finally:
        await db.close()


def batch(bot_id: int, owner_id: int, *update_ids: int) -> Batch:
    """Updates as a poll brings them."""
    return Batch(
        Writer(bot_id, 1, owner_id),
        [(number, b'{"update_id": %d}' % number) for number in update_ids],
        update_ids[-1] + 1,
    )


def handled(bot_id: int, owner_id: int, update_id: int) -> Handled:
    """The mark of an update without effects."""
    return Handled(Writer(bot_id, 1, owner_id), update_id)
