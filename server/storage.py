"""Opens the database of a server: its tables first, then its connections."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from models.bots import runs
from models.bots.vault import Vault, check_secret
from models.cluster.fence import ProcessFence
from models.engine.connection import LOCK_TIMEOUT
from models.engine.database import Database
from models.engine.locks import exclusive
from models.engine.migration import Migrations
from models.messaging import expiry, messages
from server.config import Config


def _migrate(url: str) -> None:
    migrations = Migrations(url)
    migrations.prepare()
    if not migrations.is_needed():
        return
    with exclusive(url, wait=LOCK_TIMEOUT):  # another server may still use the present tables
        migrations.up()


async def open_database(
    config: Config, vault: Vault, stack: AsyncExitStack, fence: ProcessFence | None
) -> Database:
    """Migrate the database if that is needed, and open it.

    Args:
        vault: has the secret, which must be that of the database.
        stack: closes it in the end.
        fence: that of this process, of several on PostgreSQL; None for the only one.

    Raises:
        StorageError: the database cannot be used.
    """
    await asyncio.to_thread(_migrate, config.direct_address)
    db = Database(config.database_url, locked=True, fence=fence, pooled=config.is_pooled)
    stack.push_async_callback(db.close)
    await db.open()
    await db.write(check_secret, vault)
    if fence is None:
        await db.write(runs.put_at_rest)
        await db.write(messages.interrupted)
    await db.write(expiry.begin)
    return db
