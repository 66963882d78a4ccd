"""A group becomes a supergroup while updates of both wait."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.client import BOTS, QUICK, Client, until
from support.talks import CAT, EARS, SQUARE, talker

from runner.updates.chat_queues import ChatQueues
from runner.updates.incoming import IncomingUpdate
from sandbox import Sandbox


@pytest.mark.parametrize("before", [0, 1, 2])
async def test_what_waits_in_the_supergroup_is_handled_after_the_move(
    ann: Client, telegram: Sandbox, before: int
) -> None:
    talk = await talker(ann, telegram, CAT)
    start, yes = f"/start@{talk.bot.username}", f"@{talk.bot.username} да"
    new = -(10**12) - 500
    assert await talk.says(start, chat=-500, user_id=7) == [SQUARE]
    path = f"{BOTS}{talk.bot_id}/"
    await ann.patch(path, {"active": False})
    for _ in range(before):
        telegram.send_message(talk.bot.id, text=start, chat_id=-500, user_id=7)
    telegram.migrate(talk.bot.id, chat_id=-500, new_chat_id=new)
    telegram.send_message(talk.bot.id, text=yes, chat_id=new, user_id=7)
    await ann.patch(path, {"active": True})
    assert await talk.hears(chat=new) == [EARS]
    [one] = (await ann.get(f"{path}conversations/")).json["items"]
    assert (one["id"], one["state"]) == (f"{new}.7.0", "ears")


def update(number: int, chat_id: int, **content: Any) -> IncomingUpdate:
    message = {"message_id": number, "chat": {"id": chat_id}, **content}
    return IncomingUpdate.from_raw({"update_id": number, "message": message})


async def test_a_supergroup_shares_the_queue_of_its_group_until_that_is_empty() -> None:
    begun: list[int] = []
    free = asyncio.Semaphore(0)

    async def handle(one: IncomingUpdate) -> None:
        begun.append(one.update_id)
        await free.acquire()

    queues = ChatQueues(handle, name="test", settings=QUICK)
    queues.open(lambda error: None)
    queues.put([update(1, -5), update(2, -5, migrate_to_chat_id=-50)])
    # one that tells of a move once more, to two places, changes nothing
    queues.put([update(3, -50), update(4, -5, migrate_to_chat_id=-60), update(5, 7)])
    await until(lambda: len(begun) == 2, "the first update of each chat that has a queue")
    assert begun == [1, 5]
    assert not queues.is_idle(("chat", -50))
    for _ in range(5):
        free.release()
    await until(lambda: queues.pending == 0, "an end")
    assert begun == [1, 5, 2, 3, 4]
    await until(lambda: queues.is_idle(("chat", -5)), "an empty queue")
    assert queues.is_idle(("chat", -50))
    assert queues.is_idle(("chat", -60))
    queues.put([update(6, -50), update(7, -5)])
    await until(lambda: len(begun) == 7, "two queues")
    await queues.close()
