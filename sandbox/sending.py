"""How every method that sends puts its message into the chat and into the record."""

from __future__ import annotations

from typing import Any

from sandbox.bots import SandboxBot
from sandbox.chats import Chat, Message, quoted
from sandbox.errors import bad_request
from sandbox.markup import inline_part, read_markup
from sandbox.params import Params


def read_reply(chat: Chat, params: Params) -> dict[str, Any]:
    """Read what a message replies to as a field of that message.

    Raises:
        ApiError: 400, the message is not there, and the bot insists on it.
    """
    message_id = params.integer("reply_to_message_id")
    optional = params.flag("allow_sending_without_reply")
    if "reply_parameters" in params:
        given = params.decoded("reply_parameters", what="reply parameters")
        if not isinstance(given, dict):
            raise bad_request("object expected as reply parameters")
        message_id = Params(given, {}).integer("message_id")
        optional = bool(given.get("allow_sending_without_reply"))
    if not message_id:
        return {}
    message = chat.find(message_id)
    if message is not None:
        topic = chat.in_topic(message.get("message_thread_id", 0)) or {}
        return {**topic, "reply_to_message": quoted(message)}
    if optional:
        return {}
    raise bad_request("message to be replied not found")


def send(
    bot: SandboxBot, method: str, chat: Chat, params: Params, content: dict[str, Any]
) -> Message:
    """Send one message: with the markup, the reply and the options that all methods share.

    Args:
        bot: The sender.
        method: The name of the method, for the record.
        chat: Where.
        params: The parameters of the request.
        content: The fields of the Message that are the method's own.

    Raises:
        ApiError: 400, the markup or the reply cannot be used; 429 beyond the flood limit.
    """
    markup = read_markup(params)
    shared = {**options(chat, params), **read_reply(chat, params)}
    bot.flood.check(chat.id)
    return put(bot, method, chat, {**shared, **content}, markup)


def options(chat: Chat, params: Params) -> dict[str, Any]:
    """Read the options of all methods that send as fields of the message: its topic, protection.

    Raises:
        ApiError: 400, the chat has no such topic.
    """
    protected = {"has_protected_content": True} if params.flag("protect_content") else {}
    topic = params.integer("message_thread_id")
    if not topic:
        return protected
    fields = chat.in_topic(topic)
    if fields is None:
        raise bad_request("message thread not found")
    return {**fields, **protected}


def put(
    bot: SandboxBot,
    method: str,
    chat: Chat,
    content: dict[str, Any],
    markup: dict[str, Any] | None,
) -> Message:
    """Write a message of the bot into the chat and into the record of what was sent."""
    message = chat.add(bot.as_user(), {**content, **inline_part(markup)})
    bot.journal.add_sent(method, message, markup)
    return message
