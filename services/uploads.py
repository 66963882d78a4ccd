"""The uploaded files that messages and scenarios name: whether a bot can send them."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from dialogs.messages import UsedUpload
from dialogs.scenarios import Problem, used_uploads
from models.bots.records import BotRecord
from models.dialogs import scenarios
from models.engine.database import Database
from models.messaging import media
from models.messaging.media import MediaRecord


async def upload_problems(db: Database, bot: BotRecord, used: list[UsedUpload]) -> dict[str, str]:
    """Return what is wrong with uploaded files, by the places that name them."""
    if not used:
        return {}
    files = await db.read(media.several, bot.id, sorted({one.id for one in used}))
    return {
        one.pointer: problem
        for one in used
        if (problem := _problem_of(one, files.get(one.id))) is not None
    }


async def scenario_upload_problems(db: Database, bot: BotRecord, document: Any) -> list[Problem]:
    """Return what is wrong with the uploaded files in a valid scenario."""
    unusable = await upload_problems(db, bot, used_uploads(document))
    return [Problem(place, "upload_unusable", told) for place, told in unusable.items()]


def _problem_of(used: UsedUpload, file: MediaRecord | None) -> str | None:
    if file is None:
        return f"The bot has no uploaded file {used.id}. Upload it first."
    if file.kind != used.type:
        return (
            f'The file {used.id} was uploaded as "{file.kind}". Send it as such, or upload it '
            f'again with "?kind={used.type}".'
        )
    return None


async def published_uploads(db: Database, bot: BotRecord) -> set[int]:
    """Return the uploaded files that the scenario sends which a bot runs."""
    version = await db.read(scenarios.live, bot.id)
    if version is None or b'"upload"' not in version.document:
        return set()
    document = version.document

    def find() -> set[int]:
        return {one.id for one in used_uploads(orjson.loads(document))}

    return await asyncio.to_thread(find)
