"""Tags: what a scenario notes about people, and where their owner sees it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from support.client import BOTS, Client
from support.talks import Talker, talker

from models.accounts.audit import OPERATOR
from models.engine.bulk import select
from sandbox import Sandbox
from server.app import Botyard
from services.media_removal import discard_contents

DOCUMENT: dict[str, Any] = {
    "language": "en",
    "start": "menu",
    "anywhere": [
        {"command": "order", "tag": ["order", "adult"], "untag": "new", "say": "Ordered."},
        {"command": "cancelled", "untag": ["order", "unknown"], "say": "Cancelled."},
        {"command": "both", "tag": "both", "untag": "both", "say": "Both."},
    ],
    "states": {"menu": {"say": "Menu", "tag": "new", "on": []}},
}


@pytest.fixture
async def talk(ann: Client, telegram: Sandbox) -> Talker:
    """A bot that gives tags."""
    return await talker(ann, telegram, DOCUMENT)


async def tags(talk: Talker, chat: int) -> list[str]:
    """The tags of a chat, which the list shows as well."""
    path = f"{BOTS}{talk.bot_id}/chats/"
    one = (await talk.owner.get(f"{path}{chat}/")).json
    listed = {row["chat_id"]: row for row in (await talk.owner.get(path)).json["items"]}
    assert listed[chat]["tags"] == one["tags"]
    found: list[str] = one["tags"]
    return found


async def having(talk: Talker, tag: str) -> list[int]:
    """The chats with a tag."""
    answer = await talk.owner.get(f"{BOTS}{talk.bot_id}/chats/?tag={tag}")
    assert answer.status == 200, answer.text
    return sorted(row["chat_id"] for row in answer.json["items"])


async def test_tags_are_given_taken_shown_and_looked_for(talk: Talker) -> None:
    for chat in (7, 8):
        await talk.says("hello", chat=chat)
    assert await tags(talk, 7) == ["new"]
    await talk.says("/order", chat=7)
    assert (await tags(talk, 7), await tags(talk, 8)) == (["adult", "order"], ["new"])
    assert (await having(talk, "order"), await having(talk, "new")) == ([7], [8])
    await talk.says("/order", chat=8)
    await talk.says("/cancelled", chat=7)
    assert (await having(talk, "order"), await having(talk, "adult")) == ([8], [7, 8])
    assert await having(talk, "ord") == []
    await talk.says("/both", chat=7)
    assert await tags(talk, 7) == ["adult", "both"]


async def test_a_tag_of_a_member_of_a_group_is_theirs(talk: Talker) -> None:
    start = f"/order@{talk.bot.username}"
    await talk.says(start, chat=-500, user_id=7)
    await talk.says("/cancelled", chat=7)
    assert await tags(talk, -500) == []
    assert await tags(talk, 7) == ["adult"]
    assert await having(talk, "adult") == [7]


async def test_tags_are_exported_and_erased_with_their_person(talk: Talker) -> None:
    for chat in (7, 8):
        await talk.says("/order", chat=chat)
    path = f"{BOTS}{talk.bot_id}/chats/7/"
    export = await talk.owner.get(f"{path}export/")
    assert orjson.loads(export.text.splitlines()[0])["chat"]["tags"] == ["adult", "order"]
    assert (await talk.owner.delete(path)).status == 204
    assert await having(talk, "adult") == [8]
    await talk.says("hello", chat=7)
    assert await tags(talk, 7) == ["new"]


async def test_a_bot_is_deleted_with_its_tags_and_statistics(talk: Talker) -> None:
    await talk.says("/order", chat=7)
    assert (await talk.owner.delete(f"{BOTS}{talk.bot_id}/")).status == 204
    again = await talker(talk.owner, talk.telegram, DOCUMENT)
    assert (await talk.owner.get(f"{again.path}statistics/")).json["begun"] == 0


async def test_before_a_bot_is_deleted_its_talks_and_their_logs_are(
    botyard: Botyard, talk: Talker
) -> None:
    await talk.says("/order", chat=7)
    db = botyard.services.db
    counting = (
        "SELECT (SELECT COUNT(*) FROM conversations), (SELECT COUNT(*) FROM conversation_steps)"
    )
    [before] = await db.read(select, counting)
    assert min(before) > 0
    await discard_contents(db, [talk.bot_id], by=OPERATOR)
    [after] = await db.read(select, counting)
    assert tuple(after) == (0, 0)


@pytest.mark.parametrize("tag", ["", "x" * 65, "%00"])
async def test_what_cannot_be_a_tag_is_refused(talk: Talker, tag: str) -> None:
    answer = await talk.owner.get(f"{BOTS}{talk.bot_id}/chats/?tag={tag}")
    assert (answer.status, answer.json["code"]) == (400, "validation_failed")
    assert "tag" in answer.json["errors"]
