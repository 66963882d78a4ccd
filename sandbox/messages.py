"""sendMessage."""

from __future__ import annotations

from sandbox.bots import SandboxBot
from sandbox.chats import Message
from sandbox.params import Params
from sandbox.sending import send
from sandbox.targets import read_chat
from sandbox.wording import checked_text


def send_message(bot: SandboxBot, params: Params) -> Message:
    """sendMessage. Source: https://core.telegram.org/bots/api#sendmessage"""
    chat = read_chat(bot, params)
    return send(bot, "sendMessage", chat, params, checked_text(params))
