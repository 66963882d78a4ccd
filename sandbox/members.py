"""Bot API methods that ask for a chat and for its members."""

from __future__ import annotations

from typing import Any

from sandbox.bots import SandboxBot
from sandbox.errors import bad_request
from sandbox.params import Params
from sandbox.targets import known_chat


def get_chat(bot: SandboxBot, params: Params) -> dict[str, Any]:
    """getChat. Source: https://core.telegram.org/bots/api#getchat"""
    return known_chat(bot, params).full_info()


def get_chat_member(bot: SandboxBot, params: Params) -> dict[str, Any]:
    """getChatMember. Source: https://core.telegram.org/bots/api#getchatmember"""
    user_id = params.integer("user_id")
    if user_id <= 0:
        raise bad_request("invalid user_id specified")
    chat = known_chat(bot, params)
    members = {**chat.members, bot.id: bot.as_user()}
    if user_id not in members:
        raise bad_request("member not found")
    return {"user": members[user_id], "status": "left" if user_id in chat.left else "member"}
