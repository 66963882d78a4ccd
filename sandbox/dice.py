"""sendDice."""

from __future__ import annotations

import secrets

from sandbox.bots import SandboxBot
from sandbox.chats import Message
from sandbox.errors import bad_request
from sandbox.params import Params
from sandbox.sending import send
from sandbox.targets import read_chat

# The highest value of each; Source: https://core.telegram.org/bots/api#dice
HIGHEST = {"🎲": 6, "🎯": 6, "🎳": 6, "🏀": 5, "⚽": 5, "🎰": 64}

_EMOJI_STYLE = "\ufe0f"


def send_dice(bot: SandboxBot, params: Params) -> Message:
    """sendDice. Source: https://core.telegram.org/bots/api#senddice"""
    chat = read_chat(bot, params)
    emoji = params.text("emoji").removesuffix(_EMOJI_STYLE) or "🎲"
    if emoji not in HIGHEST:
        raise bad_request("EMOTICON_INVALID")
    value = 1 + secrets.randbelow(HIGHEST[emoji])
    return send(bot, "sendDice", chat, params, {"dice": {"emoji": emoji, "value": value}})
