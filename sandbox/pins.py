"""Bot API methods that pin and unpin messages."""

from __future__ import annotations

from sandbox.bots import SandboxBot
from sandbox.chats import is_service
from sandbox.errors import bad_request
from sandbox.params import Params
from sandbox.targets import read_chat, read_message


def pin_chat_message(bot: SandboxBot, params: Params) -> bool:
    """pinChatMessage. Source: https://core.telegram.org/bots/api#pinchatmessage"""
    chat = read_chat(bot, params)
    message = read_message(chat, params, what="message to pin")
    if is_service(message):
        raise bad_request("message can't be pinned")
    message_id = message["message_id"]
    if message_id in chat.pinned:
        chat.pinned.remove(message_id)
    chat.pinned.append(message_id)
    # Telegram tells of a pin with a message of its own, and the bot gets that one, too.
    notice = chat.add(bot.as_user(), {"pinned_message": message})
    bot.updates.push("message", notice)
    return True


def unpin_chat_message(bot: SandboxBot, params: Params) -> bool:
    """unpinChatMessage. Source: https://core.telegram.org/bots/api#unpinchatmessage"""
    chat = read_chat(bot, params)
    if params.text("message_id"):
        message_id = read_message(chat, params, what="message to unpin")["message_id"]
    elif chat.pinned:
        message_id = chat.pinned[-1]
    else:
        raise bad_request("message to unpin not found")
    if message_id in chat.pinned:
        chat.pinned.remove(message_id)
    return True
