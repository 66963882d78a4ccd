"""Bots for which a test writes as their runs do."""

from __future__ import annotations

from models.bots.records import Writer
from models.cluster import processes
from server.app import Botyard


def process_of(botyard: Botyard) -> int:
    """The process that writes; 0 on SQLite, where there is only one."""
    return (botyard.cluster.membership.process_id or 0) if botyard.cluster is not None else 0


async def writer_of(botyard: Botyard, bot_id: int, token_generation: int = 1) -> Writer:
    """A bot, which the server owns from now on, as if it ran there."""
    process_id = process_of(botyard)
    if process_id:
        db = botyard.services.db
        assert await db.write_as_owner(processes.claim_one, process_id, bot_id)
    return Writer(bot_id, token_generation, process_id)
