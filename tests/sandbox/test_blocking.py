"""Users who block a bot, and groups that remove it."""

from __future__ import annotations

import pytest
from support.sandbox_client import Api

from sandbox import Sandbox, SandboxBot, UnknownChat

GROUP = -7
SUPERGROUP = -(10**12) - 7
PRIVATE = 7

WORDS = {
    PRIVATE: "Forbidden: bot was blocked by the user",
    GROUP: "Forbidden: bot was kicked from the group chat",
    SUPERGROUP: "Forbidden: bot was kicked from the supergroup chat",
}


@pytest.fixture(params=WORDS)
def chat_id(request: pytest.FixtureRequest, sandbox: Sandbox, bot: SandboxBot) -> int:
    """A chat of each kind."""
    chat_id = int(request.param)
    sandbox.send_message(bot.id, text="hi", chat_id=chat_id, user_id=5)
    return chat_id


async def test_a_bot_that_is_blocked_or_removed_is_forbidden_to_send(
    api: Api, bot: SandboxBot, chat_id: int
) -> None:
    await api.control("POST", "/bots/first_bot/blocked", chat_id=chat_id, blocked=True)
    answer = await api.call(bot, "sendMessage", chat_id=chat_id, text="x")
    assert (answer["error_code"], answer["description"]) == (403, WORDS[chat_id])
    await api.control("POST", "/bots/first_bot/blocked", chat_id=chat_id, blocked=False)
    assert await api.result(bot, "sendMessage", chat_id=chat_id, text="x")


async def test_the_bot_is_told_of_both_changes(
    api: Api, sandbox: Sandbox, bot: SandboxBot, chat_id: int
) -> None:
    sandbox.block(bot.id, chat_id)
    assert sandbox.block(bot.id, chat_id) is None
    sandbox.unblock(bot.id, chat_id)
    _, blocked, unblocked = await api.result(bot, "getUpdates")
    for update, old, new in ((blocked, "member", "kicked"), (unblocked, "kicked", "member")):
        change = update["my_chat_member"]
        assert (change["chat"]["id"], change["from"]["id"]) == (chat_id, 5)
        for side, status in (("old_chat_member", old), ("new_chat_member", new)):
            assert (change[side]["user"]["id"], change[side]["status"]) == (bot.id, status)


def test_an_unknown_chat_cannot_block(sandbox: Sandbox, bot: SandboxBot) -> None:
    with pytest.raises(UnknownChat):
        sandbox.block(bot.id, 99)
