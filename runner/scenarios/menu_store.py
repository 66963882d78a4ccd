"""What setting a menu needs from the database."""

from __future__ import annotations

import asyncio

import orjson

from dialogs.scenarios import menus as menus_of
from dialogs.scenarios.menu import Commands
from models.bots.records import Writer
from models.dialogs import menus
from models.dialogs.menus import Refused, Work
from models.engine.database import Database


class MenuStore:
    """Reads menus that are to be set, and notes which are.

    Args:
        db: the database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def work(self, bot_id: int) -> Work | None:
        """Read the menu that is to be set; None if there is none."""
        return await self._db.read(menus.work, bot_id)

    async def lists(self, work: Work) -> dict[str, Commands]:
        """Return the commands of a menu by language; see `dialogs.scenarios.menus`."""
        return await asyncio.to_thread(lambda: menus_of(orjson.loads(work.document)))

    async def begin(self, writer: Writer, version: int, languages: list[str]) -> bool:
        """Note that it is being set; see `models.dialogs.menus.begin`."""
        return await self._db.write_as_owner(menus.begin, writer, version, languages)

    async def finish(
        self, writer: Writer, version: int, languages: list[str], refused: list[Refused]
    ) -> bool:
        """Note that it is set; see `models.dialogs.menus.finish`."""
        return await self._db.write_as_owner(menus.finish, writer, version, languages, refused)
