"""Several servers on one PostgreSQL database, as an operator starts them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psycopg

from sandbox import Sandbox, SandboxBot
from support.client import BOTS, Client
from support.server_process import ServerProcess, serving

SECRET = "the-same-secret-of-all-servers-of-an-installation"


@dataclass
class Ensemble:
    """Servers by their names.

    Args:
        url: of the database.
        telegram: what they call; it has an `url`.
        folder: an empty one.
    """

    url: str
    telegram: Sandbox
    folder: Path
    stack: AsyncExitStack
    http: aiohttp.ClientSession
    servers: dict[str, ServerProcess] = field(default_factory=dict)

    async def start(self, *names: str, **env: str) -> None:
        """Start servers, one after the other."""
        for name in names:
            self.servers[name] = await self.stack.enter_async_context(
                serving(
                    self.folder / name,
                    self.telegram.url,  # type: ignore[attr-defined]
                    **{
                        "BOTYARD_DATABASE_URL": self.url,
                        "BOTYARD_SECRET_KEY": SECRET,
                        "BOTYARD_PROCESS_NAME": name,
                    }
                    | env,
                )
            )

    def through(self, client: Client, name: str) -> Client:
        """The same account, at another server."""
        return Client(client.http, self.servers[name].url, client.key, user=client.user)

    async def connect(self, session: str) -> psycopg.AsyncConnection:
        """A connection that looks like one of a server."""
        return await psycopg.AsyncConnection.connect(self.url, application_name=session)

    async def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Read the database, as somebody who watches it."""
        connection = await psycopg.AsyncConnection.connect(self.url, autocommit=True)
        async with connection:
            cursor = await connection.execute(query, parameters)  # type: ignore[arg-type]
            return await cursor.fetchall()

    async def owner_of(self, bot_id: int) -> str | None:
        """The name of the server that runs a bot."""
        rows = await self.rows(
            "SELECT name FROM bots LEFT JOIN processes ON processes.id = owner_id "
            "WHERE bots.id = %s",
            bot_id,
        )
        return rows[0][0] if rows else None


class Two:
    """A bot that server `one` runs, and its owner at both servers.

    Args:
        here, there: at server `one` and at server `two`.
        bot: as Telegram knows it.
        made: as it was answered.
    """

    def __init__(self, here: Client, there: Client, bot: SandboxBot, made: dict[str, Any]) -> None:
        self.here, self.there, self.bot, self.made = here, there, bot, made
        self.path = f"{BOTS}{made['id']}/"
