"""Conversations with a bot: where each talk stands."""

from __future__ import annotations

from typing import Any

import orjson
from tornado.web import url

from handlers.bots import BotHandler
from handlers.ids import ID
from handlers.pagination import CursorHandler
from handlers.schemas.conversations import ConversationLogQuerySchema, ConversationQuerySchema
from handlers.schemas.cursors import encode
from handlers.times import rfc3339
from models.dialogs.conversations import TalkFilter, TalkRow
from models.dialogs.steps import StepRow
from models.messaging.effects import TalkKey

# chat, user and topic
TALK_ID = r"-?[0-9]{1,16}[.]-?[0-9]{1,16}[.][0-9]{1,16}"


def _key(talk_id: str) -> TalkKey:
    return TalkKey(*map(int, talk_id.split(".")))


def _present(row: TalkRow, state: dict[str, Any] | None = None) -> dict[str, Any]:
    state = state or orjson.loads(row.state)
    return {
        "id": ".".join(map(str, row.key)),
        "chat_id": row.key.chat_id,
        "user_id": row.key.user_id,
        "topic_id": row.key.topic_id or None,
        "version": row.version,
        "state": state["state"],
        "updated_at": rfc3339(row.updated_at),
    }


class Conversations(BotHandler, CursorHandler):
    """The conversations with a bot."""

    async def get(self, bot_id: str) -> None:
        """List the conversations, by chat.

        With `state`, a page may have fewer conversations than asked for, or none, and still have a
        `next`.

        ---
        summary: Conversations with a bot
        tags: [Scenarios]
        parameters: [{in: query, schema: ConversationQuerySchema}]
        responses:
          200: {description: A page of conversations., schema: ConversationItemsSchema}
          400: {description: A parameter is invalid., codes: [validation_failed, bad_request]}
        """
        bot, query = await self.bot(bot_id), self.query(ConversationQuerySchema)
        talks, limit = self.services.talks, query["limit"]
        after = TalkKey(*query["after"][1:]) if query["after"] else None
        only = TalkFilter(query["chat"], query["version"], after)
        if query["state"] is not None:
            found, end = await talks.list_in_state(bot, query["state"], only, limit=limit)
            self.answer(
                {"items": [_present(row) for row in found], "next": end and encode(*_position(end))}
            )
            return
        rows = await talks.list_for(bot, only, limit=limit + 1)
        self.answer_items(rows, limit, present=_present, position=lambda row: _position(row.key))


def _position(key: TalkKey) -> tuple[int, ...]:
    return (0, *key)  # the first number of a cursor is not negative, and ids of groups are


class OneConversation(BotHandler):
    """One conversation."""

    async def get(self, bot_id: str, conversation_id: str) -> None:
        """Show a conversation with its variables.

        ---
        summary: One conversation
        tags: [Scenarios]
        responses:
          200: {description: The conversation., schema: WholeConversationSchema}
        """
        bot = await self.bot(bot_id)
        row = await self.services.talks.find(bot, _key(conversation_id))
        state = orjson.loads(row.state)
        self.answer(_present(row, state) | {"variables": state["variables"]})

    async def delete(self, bot_id: str, conversation_id: str) -> None:
        """Let a conversation begin anew with the next message; its variables are forgotten.

        ---
        summary: Begin a conversation anew
        tags: [Scenarios]
        responses:
          204: {description: It begins anew.}
        """
        bot = await self.bot(bot_id)
        await self.services.talks.delete(bot, _key(conversation_id), by=self.actor)
        self.set_status(204)


class ConversationLog(BotHandler, CursorHandler):
    """What has happened in a conversation."""

    async def get(self, bot_id: str, conversation_id: str) -> None:
        """Tell why the bot said what it said: the steps of the last 7 days, the latest first.

        A bot that keeps no history (`history` is false) has no `text` and nothing `said` in it.

        ---
        summary: The log of a conversation
        tags: [Scenarios]
        parameters: [{in: query, schema: ConversationLogQuerySchema}]
        responses:
          200: {description: A page of the log., schema: ConversationLogItemsSchema}
          400: {description: A parameter is invalid., codes: [validation_failed, bad_request]}
        """
        bot, query = await self.bot(bot_id), self.query(ConversationLogQuerySchema)
        rows = await self.services.talks.log(
            bot,
            _key(conversation_id),
            before=query["after"] and query["after"][0],
            limit=query["limit"] + 1,
        )
        self.answer_items(
            rows, query["limit"], present=_present_step, position=lambda row: (row.update_id,)
        )


def _present_step(row: StepRow) -> dict[str, Any]:
    return {
        "update_id": row.update_id,
        "at": rfc3339(row.at),
        "version": row.version,
        "text": "",  # entries of an earlier server, and of a bot without a history, have no words
        "said": [],
        **orjson.loads(row.steps),
    }


_TALKS = rf"/api/v1/telegram_data/({ID})/conversations"

routes: list[Any] = [
    url(rf"{_TALKS}/?", Conversations),
    url(rf"{_TALKS}/({TALK_ID})/?", OneConversation),
    url(rf"{_TALKS}/({TALK_ID})/log/?", ConversationLog),
]
