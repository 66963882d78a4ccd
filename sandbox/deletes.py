"""Bot API methods that delete messages."""

from __future__ import annotations

import time

from sandbox.bots import SandboxBot
from sandbox.chats import Chat, Message
from sandbox.errors import bad_request
from sandbox.params import Params
from sandbox.targets import read_chat

HOUR = 3600  # seconds
MAX_AGE = 48 * HOUR
DICE_AGE = 24 * HOUR
MAX_DELETED = 100  # messages of one call


def delete_message(bot: SandboxBot, params: Params) -> bool:
    """deleteMessage. Source: https://core.telegram.org/bots/api#deletemessage"""
    chat = read_chat(bot, params)
    message_id = params.integer("message_id")
    if not message_id:
        raise bad_request("message identifier is not specified")
    message = chat.find(message_id)
    if message is None:
        raise bad_request("message to delete not found")
    _delete(bot, chat, [message])
    return True


def delete_messages(bot: SandboxBot, params: Params) -> bool:
    """deleteMessages: what is not found is skipped.

    Source: https://core.telegram.org/bots/api#deletemessages
    """
    chat = read_chat(bot, params)
    given = params.decoded("message_ids", what="message identifiers")
    if given is not None and not isinstance(given, list):
        raise bad_request("expected an Array of message identifiers")
    if not given:
        raise bad_request("message identifiers are not specified")
    if len(given) > MAX_DELETED:
        raise bad_request("too many message identifiers specified")
    ids = dict.fromkeys(Params({"id": one}, {}).integer("id") for one in given)
    if not all(message_id > 0 for message_id in ids):
        raise bad_request("invalid message identifier specified")
    _delete(bot, chat, [message for one in ids if (message := chat.find(one)) is not None])
    return True


def _delete(bot: SandboxBot, chat: Chat, messages: list[Message]) -> None:
    """Delete all of the messages, or none when one of them must stay."""
    for message in messages:
        age = time.time() - message["date"]
        if age >= MAX_AGE or ("dice" in message and chat.private and age <= DICE_AGE):
            raise bad_request("message can't be deleted for everyone")
    for message in messages:
        chat.remove(message["message_id"])
        bot.journal.note_deleted(chat.id, message["message_id"])
