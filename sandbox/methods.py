"""The Bot API methods the sandbox knows, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox import copies, deletes, edits, media, members, menus, messages, pins, places
from sandbox.albums import send_media_group
from sandbox.bots import SandboxBot
from sandbox.chats import User
from sandbox.dice import send_dice
from sandbox.errors import ApiError, bad_request
from sandbox.params import Params
from sandbox.polls import send_poll
from sandbox.reactions import set_message_reaction
from sandbox.targets import read_chat
from sandbox.updates import DEFAULT_KINDS, Poll, Update

_ACTIONS = frozenset(
    (
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "record_audio",
        "upload_audio",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    )
)
_WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)


@dataclass(slots=True, frozen=True)
class Done:
    """The result True with the description that some methods send beside it."""

    description: str


def get_me(bot: SandboxBot, params: Params) -> User:
    """getMe. Source: https://core.telegram.org/bots/api#getme"""
    return {
        **bot.as_user(),
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def get_updates(bot: SandboxBot, params: Params) -> list[Update] | Poll:
    """getUpdates. Source: https://core.telegram.org/bots/api#getupdates"""
    if bot.webhook:
        raise bot.updates.rules.conflict(_WEBHOOK_ACTIVE)
    _remember_allowed(bot, params)
    limit = params.integer("limit", 100)
    return bot.updates.poll(
        offset=params.integer("offset"),
        limit=limit if 1 <= limit <= 100 else 100,
        timeout=params.integer("timeout"),
    )


def _remember_allowed(bot: SandboxBot, params: Params) -> None:
    if "allowed_updates" not in params:
        return
    kinds = params.decoded("allowed_updates", what="allowed updates")
    if isinstance(kinds, list):
        bot.updates.allow(kind for kind in kinds if isinstance(kind, str))


def set_webhook(bot: SandboxBot, params: Params) -> Done:
    """setWebhook: recorded only. Source: https://core.telegram.org/bots/api#setwebhook"""
    url = params.text("url")
    if not url:
        return delete_webhook(bot, params)
    if not url.startswith("https://"):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    _remember_allowed(bot, params)
    if params.flag("drop_pending_updates"):
        bot.updates.drop_all()
    bot.webhook = {"url": url, "max_connections": params.integer("max_connections", 40)}
    bot.updates.end_with_conflict("Conflict: terminated by setWebhook request")
    return Done("Webhook was set")


def delete_webhook(bot: SandboxBot, params: Params) -> Done:
    """deleteWebhook. Source: https://core.telegram.org/bots/api#deletewebhook"""
    if params.flag("drop_pending_updates"):
        bot.updates.drop_all()
    was_set, bot.webhook = bool(bot.webhook), {}
    return Done("Webhook was deleted" if was_set else "Webhook is already deleted")


def get_webhook_info(bot: SandboxBot, params: Params) -> dict[str, Any]:
    """getWebhookInfo. Source: https://core.telegram.org/bots/api#getwebhookinfo"""
    info = {
        "url": "",
        "has_custom_certificate": False,
        "pending_update_count": len(bot.updates),
        **bot.webhook,
    }
    if bot.updates.allowed != DEFAULT_KINDS:
        info["allowed_updates"] = sorted(bot.updates.allowed)
    return info


def answer_callback_query(bot: SandboxBot, params: Params) -> bool:
    """answerCallbackQuery. Source: https://core.telegram.org/bots/api#answercallbackquery"""
    query = bot.queries.get(params.text("callback_query_id"))
    if query is None or query.too_old:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    query.note(params.text("text"))
    return True


def send_chat_action(bot: SandboxBot, params: Params) -> bool:
    """sendChatAction. Source: https://core.telegram.org/bots/api#sendchataction"""
    read_chat(bot, params)
    if params.text("action").lower() not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    return True


def get_file(bot: SandboxBot, params: Params) -> dict[str, Any]:
    """getFile. Source: https://core.telegram.org/bots/api#getfile"""
    return bot.files.info(params.text("file_id"))


def log_out(bot: SandboxBot, params: Params) -> bool:
    """logOut. Source: https://core.telegram.org/bots/api#logout"""
    bot.logged_out = True
    bot.updates.end_poll(ApiError(400, "Logged out"))
    return True


def close(bot: SandboxBot, params: Params) -> bool:
    """close. Source: https://core.telegram.org/bots/api#close"""
    return True


Method = Callable[[SandboxBot, Params], Any]

NAMED: dict[str, Method] = {
    "getMe": get_me,
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "sendMessage": messages.send_message,
    "sendPhoto": media.send_photo,
    "sendDocument": media.send_document,
    "sendVideo": media.send_video,
    "sendAnimation": media.send_animation,
    "sendAudio": media.send_audio,
    "sendVoice": media.send_voice,
    "sendSticker": media.send_sticker,
    "sendMediaGroup": send_media_group,
    "sendLocation": places.send_location,
    "sendVenue": places.send_venue,
    "sendContact": places.send_contact,
    "sendPoll": send_poll,
    "sendDice": send_dice,
    "forwardMessage": copies.forward_message,
    "copyMessage": copies.copy_message,
    "editMessageText": edits.edit_message_text,
    "editMessageCaption": edits.edit_message_caption,
    "editMessageReplyMarkup": edits.edit_message_reply_markup,
    "editMessageMedia": edits.edit_message_media,
    "deleteMessage": deletes.delete_message,
    "deleteMessages": deletes.delete_messages,
    "setMessageReaction": set_message_reaction,
    "pinChatMessage": pins.pin_chat_message,
    "unpinChatMessage": pins.unpin_chat_message,
    "answerCallbackQuery": answer_callback_query,
    "sendChatAction": send_chat_action,
    "setMyCommands": menus.set_my_commands,
    "getMyCommands": menus.get_my_commands,
    "deleteMyCommands": menus.delete_my_commands,
    "getFile": get_file,
    "getChat": members.get_chat,
    "getChatMember": members.get_chat_member,
    "logOut": log_out,
    "close": close,
}
# Telegram takes the names in any case.
METHODS = {name.lower(): (name, method) for name, method in NAMED.items()}
