"""A real python-telegram-bot Bot finds in the sandbox what it finds at Telegram."""

from __future__ import annotations

import pytest
from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter

from sandbox import Sandbox, SandboxBot


async def test_get_me_names_the_bot(ptb: Bot, bot: SandboxBot) -> None:
    me = await ptb.get_me()
    assert (me.id, me.username, me.is_bot) == (bot.id, "first_bot", True)


async def test_a_users_message_comes_with_its_command_marked(
    ptb: Bot, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.send_message(bot.id, text="/start now", chat_id=7, first_name="Bo")
    (update,) = await ptb.get_updates(timeout=5)
    assert update.message is not None
    assert update.message.parse_entities() == {update.message.entities[0]: "/start"}
    assert update.effective_user is not None
    assert update.effective_user.first_name == "Bo"


async def test_an_answer_reaches_the_chat(ptb: Bot, sandbox: Sandbox, bot: SandboxBot) -> None:
    sandbox.send_message(bot.id, text="hi", chat_id=7)
    await ptb.send_message(7, "hello")
    (sent,) = sandbox.sent(bot.id)
    assert (sent.method, sent.chat_id, sent.message["text"]) == ("sendMessage", 7, "hello")


async def test_an_uploaded_photo_can_be_downloaded(
    ptb: Bot, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.send_message(bot.id, text="hi", chat_id=7)
    message = await ptb.send_photo(7, b"\x89PNG not really", caption="look")
    file = await message.photo[-1].get_file()
    assert await file.download_as_bytearray() == b"\x89PNG not really"


async def test_a_document_can_be_sent_again_by_its_id(
    ptb: Bot, sandbox: Sandbox, bot: SandboxBot
) -> None:
    update = sandbox.send_document(bot.id, data=b"a,b", file_name="t.csv", chat_id=7)
    file_id = update["message"]["document"]["file_id"]
    message = await ptb.send_document(7, file_id)
    assert message.document is not None
    assert message.document.file_name == "t.csv"


async def test_a_pressed_button_can_be_answered_and_its_message_edited(
    ptb: Bot, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.send_message(bot.id, text="hi", chat_id=7)
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="y")]])
    message = await ptb.send_message(7, "Sure?", reply_markup=keyboard)
    update = sandbox.press_button(bot.id, chat_id=7, message_id=message.message_id, data="y")
    (got,) = await ptb.get_updates(offset=update["update_id"], timeout=5)
    assert got.callback_query is not None
    assert got.callback_query.data == "y"
    assert await got.callback_query.answer("ok")
    edited = await got.callback_query.edit_message_text("Done")
    assert not isinstance(edited, bool)
    assert (edited.text, edited.reply_markup) == ("Done", None)


async def test_commands_are_kept_per_language(ptb: Bot) -> None:
    await ptb.set_my_commands([BotCommand("start", "Begin")])
    await ptb.set_my_commands([BotCommand("start", "Los")], language_code="de")
    assert (await ptb.get_my_commands())[0].description == "Begin"
    assert await ptb.delete_my_commands(language_code="de")
    assert await ptb.get_my_commands(language_code="de") == ()


async def test_a_chat_can_be_asked_for(ptb: Bot, sandbox: Sandbox, bot: SandboxBot) -> None:
    sandbox.send_message(bot.id, text="hi", chat_id=7, first_name="Bo")
    assert (await ptb.get_chat(7)).first_name == "Bo"


async def test_a_revoked_token_is_invalid(ptb: Bot, sandbox: Sandbox, bot: SandboxBot) -> None:
    sandbox.revoke(bot.id)
    with pytest.raises(InvalidToken):
        await ptb.get_me()


async def test_polling_beside_a_webhook_is_a_conflict(ptb: Bot) -> None:
    await ptb.set_webhook("https://example.org/hook")
    with pytest.raises(Conflict, match="while webhook is active"):
        await ptb.get_updates()


async def test_flood_control_tells_how_long_to_wait(ptb: Bot, sandbox: Sandbox) -> None:
    sandbox.inject(kind="status", status=429, retry_after=7)
    with pytest.raises(RetryAfter, match="Retry in 0:00:07"):
        await ptb.get_me()


async def test_a_chat_that_blocked_the_bot_is_forbidden(
    ptb: Bot, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.send_message(bot.id, text="hi", chat_id=7)
    sandbox.block(bot.id, 7)
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await ptb.send_message(7, "hello")


async def test_a_chat_nobody_wrote_in_is_a_bad_request(ptb: Bot) -> None:
    with pytest.raises(BadRequest, match="Chat not found"):
        await ptb.send_message(7, "hello")


async def test_html_of_a_proxy_is_a_network_error(ptb: Bot, sandbox: Sandbox) -> None:
    sandbox.inject(kind="status", status=502, body="<h1>Bad Gateway</h1>")
    with pytest.raises(NetworkError):
        await ptb.get_me()
