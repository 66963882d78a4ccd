"""Updates that are handled before they are stored."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pytest
from support.client import BOTS, DEADLINE, Client

from models.messaging.marks import Handled
from runner.updates.chat_queues import ChatQueues
from runner.updates.early import EarlyHandling
from sandbox import Sandbox


async def test_an_update_is_not_handled_before_an_earlier_one_of_its_chat(
    ann: Client, telegram: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot, active=False)
    for text, chat in (("first", 7), ("elsewhere", 8), ("second", 7)):  # in one batch
        telegram.send_message(bot.id, text=text, chat_id=chat)
    is_idle, handle = ChatQueues.is_idle, EarlyHandling.handle
    busy: set[Hashable] = {("chat", 7)}
    early: list[int | None] = []

    def busy_at_first(self: ChatQueues, chat_key: Hashable) -> bool:
        if chat_key in busy:
            busy.remove(chat_key)  # what is under way ends a moment later
            return False
        return is_idle(self, chat_key)

    async def watched(self: EarlyHandling, updates: Any) -> list[Handled]:
        handled = await handle(self, updates)
        early.extend(mark.chat_id for mark in handled)
        return handled

    monkeypatch.setattr(ChatQueues, "is_idle", busy_at_first)
    monkeypatch.setattr(EarlyHandling, "handle", watched)
    assert (await ann.patch(f"{BOTS}{made['id']}/", {"active": True})).status == 200
    sent = await telegram.wait_sent(bot.id, count=3, timeout=DEADLINE)
    assert [one.text for one in sent if one.chat_id == 7] == ["first", "second"]
    assert early == [8]
