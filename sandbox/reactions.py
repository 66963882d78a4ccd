"""setMessageReaction."""

from __future__ import annotations

from typing import Any

from sandbox.bots import SandboxBot
from sandbox.errors import ApiError, bad_request
from sandbox.params import Params
from sandbox.targets import read_chat, read_message

MAX_REACTIONS = 1  # of a bot, on one message

# Source: https://core.telegram.org/bots/api#reactiontypeemoji
_EMOJI = """
👍 👎 ❤ 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩
🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆
💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈
😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄
😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡
"""
EMOJI = frozenset(_EMOJI.split())

_EMOJI_STYLE = "\ufe0f"


def set_message_reaction(bot: SandboxBot, params: Params) -> bool:
    """setMessageReaction. Source: https://core.telegram.org/bots/api#setmessagereaction"""
    given = params.decoded("reaction", what="reaction types")
    if given is not None and not isinstance(given, list):
        raise bad_request("expected an Array of ReactionType")
    emoji = [_emoji(one) for one in given or []]
    message = read_message(read_chat(bot, params), params, what="message to react")
    if len(emoji) > MAX_REACTIONS:
        raise bad_request("REACTIONS_TOO_MANY")
    if "pinned_message" in message or not EMOJI.issuperset(emoji):
        raise bad_request("REACTION_INVALID")
    return True


def _emoji(given: Any) -> str:
    """Read one reaction; a bot has no custom emoji of its own, so that those are invalid."""
    if not isinstance(given, dict):
        raise _unparsed("expected an Object")
    kind = given.get("type")
    if not isinstance(kind, str):
        raise _unparsed('Can\'t find field "type"')
    if kind not in {"emoji", "custom_emoji"}:
        raise _unparsed("invalid reaction type specified")
    field = "emoji" if kind == "emoji" else "custom_emoji_id"
    if not given.get(field):
        raise _unparsed(f'Can\'t find field "{field}"')
    return str(given[field]).replace(_EMOJI_STYLE, "")


def _unparsed(reason: str) -> ApiError:
    return bad_request(f"can't parse ReactionType: {reason}")
