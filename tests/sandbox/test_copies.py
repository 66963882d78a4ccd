"""forwardMessage and copyMessage."""

from __future__ import annotations

from typing import Any

import pytest
from support.sandbox_client import Api

from sandbox import Sandbox, SandboxBot

KEYBOARD = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}


@pytest.fixture(autouse=True)
def chats(sandbox: Sandbox, bot: SandboxBot, chat_id: int) -> None:
    """A second chat beside the first one."""
    sandbox.send_message(bot.id, text="hello", chat_id=8, first_name="Bo")


def between(source: int, target: int, message_id: int) -> dict[str, Any]:
    return {"chat_id": target, "from_chat_id": source, "message_id": message_id}


async def test_a_forward_names_its_sender(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    forward = await api.result(bot, "forwardMessage", **between(8, 7, 1))
    origin = forward["forward_origin"]
    assert (origin["type"], origin["sender_user"]["first_name"]) == ("user", "Bo")
    assert (forward["text"], forward["chat"]["id"], forward["from"]["id"]) == ("hello", 7, bot.id)
    (sent,) = sandbox.sent(bot.id)
    assert (sent.method, sent.chat_id, sent.message) == ("forwardMessage", 7, forward)


async def test_a_forward_of_a_forward_names_the_first_sender(api: Api, bot: SandboxBot) -> None:
    first = await api.result(bot, "forwardMessage", **between(8, 7, 1))
    second = await api.result(bot, "forwardMessage", **between(7, 8, first["message_id"]))
    assert second["forward_origin"] == first["forward_origin"]


async def test_a_copy_names_nobody(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    video = {"chat_id": 7, "video": "https://example.org/a.mp4", "caption": "old"}
    source = await api.result(bot, "sendVideo", **video, reply_markup=KEYBOARD)
    copied = await api.result(bot, "copyMessage", **between(7, 8, source["message_id"]))
    sent = sandbox.sent(bot.id)[-1]
    assert copied == {"message_id": sent.message["message_id"]}
    assert (sent.method, sent.chat_id) == ("copyMessage", 8)
    assert (sent.message["video"], sent.message["caption"]) == (source["video"], "old")
    assert not {"forward_origin", "reply_markup"} & sent.message.keys()


@pytest.mark.parametrize(("caption", "wanted"), [("new", "new"), ("", None)])
async def test_a_copy_may_have_another_caption(
    api: Api, sandbox: Sandbox, bot: SandboxBot, caption: str, wanted: str | None
) -> None:
    video = {"chat_id": 7, "video": "https://example.org/a.mp4", "caption": "old"}
    source = await api.result(bot, "sendVideo", **video)
    where = between(7, 8, source["message_id"])
    await api.result(bot, "copyMessage", **where, caption=caption, reply_markup=KEYBOARD)
    message = sandbox.sent(bot.id)[-1].message
    assert (message.get("caption"), message["reply_markup"]) == (wanted, KEYBOARD)


async def test_a_copied_text_takes_no_caption(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    await api.result(bot, "copyMessage", **between(8, 7, 1), caption="new")
    message = sandbox.sent(bot.id)[-1].message
    assert message["text"] == "hello"
    assert "caption" not in message


async def test_an_item_of_an_album_is_copied_out_of_it(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    media = [{"type": "photo", "media": "https://example.org/a.jpg"}] * 2
    album = await api.result(bot, "sendMediaGroup", chat_id=7, media=media)
    await api.result(bot, "copyMessage", **between(7, 8, album[0]["message_id"]))
    assert "media_group_id" not in sandbox.sent(bot.id)[-1].message


async def test_protected_content_is_copied_but_not_forwarded(api: Api, bot: SandboxBot) -> None:
    source = await api.result(bot, "sendMessage", chat_id=7, text="x", protect_content=True)
    where = between(7, 8, source["message_id"])
    words = await api.refusal(bot, "forwardMessage", **where)
    assert words == "Bad Request: message can't be forwarded"
    assert await api.result(bot, "copyMessage", **where)


@pytest.mark.parametrize(
    ("method", "what"), [("forwardMessage", "forward"), ("copyMessage", "copy")]
)
async def test_what_is_not_there_is_refused(
    api: Api, bot: SandboxBot, method: str, what: str
) -> None:
    for params, words in (
        ({"chat_id": 7, "message_id": 1}, 'parameter "from_chat_id" is required'),
        (between(9, 7, 1), "chat not found"),
        (between(7, 9, 1), "chat not found"),
        (between(7, 8, 99), f"message to {what} not found"),
        ({"chat_id": 8, "from_chat_id": 7}, f"message to {what} not found"),
    ):
        assert await api.refusal(bot, method, **params) == f"Bad Request: {words}"


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("forwardMessage", "message can't be forwarded"),
        ("copyMessage", "message can't be copied"),
    ],
)
async def test_a_service_message_stays_where_it_is(
    api: Api, bot: SandboxBot, method: str, words: str
) -> None:
    await api.result(bot, "pinChatMessage", chat_id=7, message_id=1)
    assert await api.refusal(bot, method, **between(7, 8, 2)) == f"Bad Request: {words}"


async def test_a_blocked_chat_is_read_but_not_written(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.block(bot.id, 8)
    assert await api.result(bot, "copyMessage", **between(8, 7, 1))
    words = await api.refusal(bot, "copyMessage", **between(7, 8, 1))
    assert words == "Forbidden: bot was blocked by the user"
