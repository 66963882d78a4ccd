"""Bot API methods that send and delete messages of text."""

from __future__ import annotations

from sandbox.bots import SandboxBot
from sandbox.chats import Message
from sandbox.errors import bad_request
from sandbox.params import Params
from sandbox.sending import send
from sandbox.targets import read_chat
from sandbox.wording import checked_text


def send_message(bot: SandboxBot, params: Params) -> Message:
    """sendMessage. Source: https://core.telegram.org/bots/api#sendmessage"""
    chat = read_chat(bot, params)
    return send(bot, "sendMessage", chat, params, checked_text(params))


def delete_message(bot: SandboxBot, params: Params) -> bool:
    """deleteMessage. Source: https://core.telegram.org/bots/api#deletemessage"""
    chat = read_chat(bot, params)
    message_id = params.integer("message_id")
    if not message_id:
        raise bad_request("message identifier is not specified")
    if not chat.remove(message_id):
        raise bad_request("message to delete not found")
    return True
