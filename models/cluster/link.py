"""A process's own connection to PostgreSQL: its heartbeat, and the doorbells of others.

It is used in the event loop, and not in a thread: a loop that hangs must not look alive. It is not
the writer's, because a slow commit must not look like death.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg

from models.engine.connection import SERVER, network_options, postgresql_url
from models.engine.doorbell import CHANNEL, Bell, read
from models.engine.locks import INSTALLATION
from models.errors import DatabaseInUse, StorageUnavailable

log = logging.getLogger("botyard.cluster")

STATEMENT_TIMEOUT = 2  # seconds
ANSWER = 2.5  # seconds for all statements of a heartbeat; two of these fit into a lease
_OPTIONS = f"-c statement_timeout={STATEMENT_TIMEOUT}s -c lock_timeout={STATEMENT_TIMEOUT}s"

_BEAT = """
UPDATE processes SET beat = beat + 1, load = %s, draining = %s, reaches_telegram = %s
WHERE id = %s AND session = %s
"""
_SEE = "SELECT id, beat, name, draining, reaches_telegram FROM processes"
_REGISTER = """
INSERT INTO processes
(beat, name, session, boot, lock_file, version, draining, reaches_telegram, load, started_at)
VALUES (0, %s, %s, %s, %s, %s, FALSE, TRUE, 0, now() AT TIME ZONE 'UTC') RETURNING id
"""
_SAME = "SELECT id, beat FROM processes WHERE boot = %s AND lock_file = %s"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a process tells of itself.

    Args:
        name: as its operator calls it.
        session: the name of its database sessions.
        boot: the id of the start of its machine's kernel; empty if it is not known.
        lock_file: the file that it has locked, by device and number; empty for none.
        version: of the program.
    """

    name: str
    session: str
    boot: str
    lock_file: str
    version: str


@dataclass(frozen=True, slots=True)
class SeenProcess:
    """A process as it was read: see `models.cluster.processes`."""

    id: int
    beat: int
    name: str
    draining: bool
    reaches_telegram: bool


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a process tells of itself with each beat; as for `ProcessRecord`."""

    load: float = 0.0
    draining: bool = False
    reaches_telegram: bool = True


class Link:
    """The connection; it is opened again after a failure by the next call.

    Args:
        url: of the database; a direct one, if there is a pooler in between.
        identity: what the process tells of itself.
        locked: True to hold the installation lock here, because the writer's connection cannot.

    Attributes:
        heard: the number of bells that have been heard.
        turn: held by who waits for bells, or makes a heartbeat that must not wait for them.
    """

    def __init__(self, url: str, identity: Identity, *, locked: bool = False) -> None:
        self._url = postgresql_url(url)
        self.identity = identity
        self._locked = locked
        self._connection: psycopg.AsyncConnection | None = None
        self.heard = 0
        self.connections = 0
        self.turn = asyncio.Lock()

    async def register(self) -> tuple[int, list[tuple[int, int]]]:
        """Make a row for this process.

        Returns:
            The process's id; and the ids and beats of earlier processes that are certainly dead,
            because this process, on the same boot of the same machine, holds the lock that they
            held.

        Raises:
            StorageUnavailable: the database did not answer.
        """
        identity = self.identity
        dead: list[tuple[int, int]] = []
        proof = (identity.boot, identity.lock_file)
        if all(proof):
            dead = [(number, beat) for number, beat in await self._run(_SAME, *proof)]
        rows = await self._run(_REGISTER, identity.name, identity.session, *proof, identity.version)
        return rows[0][0], dead

    async def beat(self, process_id: int, vitals: Vitals) -> list[SeenProcess] | None:
        """Tell the others that this process lives, and see who else does.

        Returns:
            All processes; None if this one was declared dead.

        Raises:
            StorageUnavailable: the database did not answer.
        """
        connection = await self._connected()
        state = vitals.load, vitals.draining, vitals.reaches_telegram
        session = self.identity.session
        try:
            with _answering(connection):
                cursor = await connection.execute(_BEAT, (*state, process_id, session))
                if cursor.rowcount == 0:
                    return None
                rows = await (await connection.execute(_SEE)).fetchall()
        except psycopg.Error as error:
            raise await self._failed(error) from error
        return [SeenProcess(*row) for row in rows]

    async def bells(self, *, timeout: float) -> list[tuple[Bell, list[int]]]:
        """Wait for bells; return at the first, with those that came along with it.

        Args:
            timeout: seconds to wait at most.

        Raises:
            StorageUnavailable: the connection was lost.
        """
        connection = await self._connected()
        heard = []
        try:
            # Nothing may be run on the connection within this loop: the generator has its lock.
            async for notification in connection.notifies(timeout=timeout, stop_after=1):
                heard.append(read(notification.payload))
        except psycopg.Error as error:
            raise await self._failed(error) from error
        self.heard += len(heard)
        return [bell for bell in heard if bell is not None]

    async def _run(self, sql: str, *parameters: object) -> list[tuple[int, ...]]:
        connection = await self._connected()
        try:
            with _answering(connection):
                cursor = await connection.execute(sql, parameters)
                return await cursor.fetchall()
        except psycopg.Error as error:
            raise await self._failed(error) from error

    async def _connected(self) -> psycopg.AsyncConnection:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        connection = None
        try:
            connection = await psycopg.AsyncConnection.connect(
                self._url,
                autocommit=True,
                application_name=self.identity.session,
                options=_OPTIONS,
                **network_options(SERVER),
            )
            with _answering(connection):
                await connection.execute(f"LISTEN {CHANNEL}")
                if self._locked:
                    await connection.execute("SELECT pg_advisory_lock_shared(%s)", (INSTALLATION,))
        except psycopg.Error as error:
            if connection is not None:
                await connection.close()
            if isinstance(error, psycopg.errors.LockNotAvailable):
                raise DatabaseInUse("a command has this database") from error
            raise StorageUnavailable(_text(error)) from error
        self._connection = connection
        self.connections += 1
        return connection

    async def _failed(self, error: psycopg.Error) -> StorageUnavailable:
        await self.close()
        return StorageUnavailable(_text(error))

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await asyncio.shield(connection.close())


@contextmanager
def _answering(connection: psycopg.AsyncConnection) -> Iterator[None]:
    """Cut the connection if what is run in this block takes too long.

    A server that hangs is noticed by nothing else: its machine, or a proxy, still acknowledges what
    arrives. Cancelling the statement would wait for the server, too.
    """
    timer = asyncio.get_running_loop().call_later(ANSWER, _cut, connection)
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: psycopg.AsyncConnection) -> None:
    with (
        suppress(OSError, psycopg.Error),  # it is closed already
        socket.socket(fileno=os.dup(connection.fileno())) as line,
    ):
        line.shutdown(socket.SHUT_RDWR)


def _text(error: psycopg.Error) -> str:
    return " ".join(str(error).split()) or type(error).__name__
