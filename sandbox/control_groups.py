"""HTTP control of what happens in groups."""

from __future__ import annotations

from sandbox.control_base import BotHandler
from sandbox.control_people import WHO


class Members(BotHandler):
    """/control/bots/{id}/members"""

    def post(self, name: str) -> None:
        """Let somebody come into a group, or the bot: {chat_id, user_id, by?, first_name?, ...}."""
        names = {name: kind for name, kind in WHO.items() if name != "user_id_"}
        fields = self.only(chat_id=int, user_id=int, by_=int, chat_=dict, **names)
        fields = {name: value for name, value in fields.items() if value is not None}
        self.answer(self.sandbox.join(self.bot.id, **fields), status=201)

    def delete(self, name: str) -> None:
        """Let somebody leave a group, or the bot, or be removed: {chat_id, user_id, by?}."""
        fields = self.only(chat_id=int, user_id=int, by_=int)
        self.answer(self.sandbox.leave(self.bot.id, **fields))


class Topics(BotHandler):
    """/control/bots/{id}/topics"""

    def post(self, name: str) -> None:
        """Let a user begin a topic in a supergroup: {chat_id, name, user_id?, ...}."""
        fields = self.only(chat_id=int, name=str, **WHO)
        self.answer(self.sandbox.begin_topic(self.bot.id, **fields), status=201)


class Migrations(BotHandler):
    """/control/bots/{id}/migrations"""

    def post(self, name: str) -> None:
        """Let a group become a supergroup: {chat_id, new_chat_id?}."""
        fields = self.only(chat_id=int, new_chat_id_=int)
        self.answer(self.sandbox.migrate(self.bot.id, **fields), status=201)
