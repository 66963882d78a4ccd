"""The chat and the message that a method is about, as its parameters name them."""

from __future__ import annotations

from sandbox.bots import SandboxBot
from sandbox.chats import Chat, Message, is_service
from sandbox.errors import ApiError, bad_request
from sandbox.params import Params


def known_chat(bot: SandboxBot, params: Params, name: str = "chat_id") -> Chat:
    """Find a chat to read from: a private one may have blocked the bot.

    Raises:
        ApiError: 400 when there is none, 403 when the bot was removed from the group.
    """
    given = params.text(name)
    if not given:
        raise bad_request("chat_id is empty")
    try:
        chat = bot.chats.get(int(given))
    except ValueError:
        chat = None
    if chat is None:
        raise bad_request("chat not found")
    if chat.blocked and not chat.private:
        kind = chat.as_json()["type"]
        raise ApiError(403, f"Forbidden: bot was kicked from the {kind} chat")
    return chat


def read_chat(bot: SandboxBot, params: Params) -> Chat:
    """Find the chat that `chat_id` names, to write to it.

    Raises:
        ApiError: 400 when there is none or it became a supergroup, 403 when the bot may not write
            there.
    """
    chat = known_chat(bot, params)
    if chat.migrated_to is not None:
        words = "Bad Request: group chat was upgraded to a supergroup chat"
        raise ApiError(400, words, migrate_to_chat_id=chat.migrated_to)
    if chat.blocked:
        raise ApiError(403, "Forbidden: bot was blocked by the user")
    return chat


def read_message(chat: Chat, params: Params, *, what: str) -> Message:
    """Find the message of a chat that `message_id` names.

    Args:
        chat: The chat.
        params: The parameters.
        what: What Telegram calls it in "... not found": "message to copy".

    Raises:
        ApiError: 400, there is none such.
    """
    message = chat.find(params.integer("message_id"))
    if message is None:
        raise bad_request(f"{what} not found")
    return message


def message_to_edit(bot: SandboxBot, params: Params) -> Message:
    """Find the bot's own message that `chat_id` and `message_id` name.

    Raises:
        ApiError: 400, there is none such, or it is somebody else's or a service message.
    """
    if not params.text("chat_id") and not params.integer("message_id"):
        if params.text("inline_message_id"):  # the sandbox has no inline mode to make one
            raise bad_request("invalid inline message identifier specified")
        raise bad_request("message identifier is not specified")
    message = read_message(read_chat(bot, params), params, what="message to edit")
    if message["from"]["id"] != bot.id or is_service(message) or "forward_origin" in message:
        raise bad_request("message can't be edited")
    return message
