"""One bot of the sandbox: who it is, and everything Telegram remembers about it."""

from __future__ import annotations

import re
import secrets
import string
import time
from typing import Any

from sandbox.chats import Chat, User
from sandbox.errors import UnknownChat
from sandbox.files import FileStore
from sandbox.flood import Clock, FloodLimit
from sandbox.poll_rules import PollRules
from sandbox.queries import Query
from sandbox.records import Journal
from sandbox.updates import UpdateQueue

TOKEN = re.compile(r"[0-9]{1,16}:[A-Za-z0-9_-]{1,64}")
USERNAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,28}bot", re.IGNORECASE)

_SECRET_LENGTH = 35
_SECRET_LETTERS = string.ascii_letters + string.digits + "_-"


def make_token(bot_id: int) -> str:
    """Make a new token of the form BotFather gives out."""
    secret = "".join(secrets.choice(_SECRET_LETTERS) for _ in range(_SECRET_LENGTH))
    return f"{bot_id}:{secret}"


class SandboxBot:
    """One bot.

    Attributes:
        id: Its Telegram id, the first part of its token.
        token: The newest token, also when it is revoked.
        revoked: Whether the token is refused.
        logged_out: Whether logOut was called; a new token ends that.
        webhook: The fields setWebhook recorded; empty when there is none.
        commands: Command lists by scope and language, as setMyCommands gave them.
        people: Everybody who did something to the bot, by their id.
        queries: Callback queries that can be answered, by their id.
    """

    def __init__(
        self,
        *,
        token: str,
        username: str,
        first_name: str,
        flood: FloodLimit,
        rules: PollRules,
        clock: Clock,
    ) -> None:
        self.id = int(token.partition(":")[0])
        self.token = token
        self.username = username
        self.first_name = first_name
        self.revoked = False
        self.logged_out = False
        # Ids that begin at the clock stay new to a program that outlives one run of the sandbox.
        self.updates = UpdateQueue(first_id=int(time.time()), rules=rules)
        self.chats: dict[int, Chat] = {}
        self.people: dict[int, User] = {}
        self.files = FileStore()
        self.journal = Journal(clock=clock)
        self.flood = flood
        self.webhook: dict[str, Any] = {}
        self.commands: dict[tuple[str, str], list[dict[str, str]]] = {}
        self.queries: dict[str, Query] = {}

    def as_user(self) -> User:
        """Describe the bot as a User object."""
        return {
            "id": self.id,
            "is_bot": True,
            "first_name": self.first_name,
            "username": self.username,
        }

    def chat(self, chat_id: int) -> Chat:
        """Give a chat.

        Raises:
            UnknownChat: Nobody has written to the bot there.
        """
        chat = self.chats.get(chat_id)
        if chat is None:
            raise UnknownChat("chat_id", chat_id)
        return chat
