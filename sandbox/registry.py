"""The bots of a sandbox and their tokens: what BotFather does, and who may call."""

from __future__ import annotations

import secrets
import time
from typing import Any

from sandbox.bots import TOKEN, USERNAME, SandboxBot, make_token
from sandbox.errors import ApiError, InvalidValue, UnknownBot
from sandbox.flood import Clock, FloodLimit
from sandbox.poll_rules import PollRules
from sandbox.records import Call


class BotRegistry:
    """Bots by id and by token.

    Args:
        flood_per_second: Messages that one bot may send or edit in a second; None sets no limit.
        limits: Hold all bots to Telegram's flood limits.
        strict_polls: Hold all bots to Telegram's rules of polling; see `PollRules`.
        clock: Monotonic time in seconds.
    """

    def __init__(
        self, *, flood_per_second: int | None, limits: bool, strict_polls: bool, clock: Clock
    ) -> None:
        self._bots: dict[int, SandboxBot] = {}
        self._tokens: dict[str, SandboxBot] = {}
        self._flood_per_second = flood_per_second
        self._limits = limits
        self._strict_polls = strict_polls
        self._clock = clock

    def add_bot(
        self,
        *,
        token: str | None = None,
        username: str | None = None,
        first_name: str | None = None,
    ) -> SandboxBot:
        """Register a bot, as BotFather does.

        Args:
            token: "<id>:<secret>"; made when None.
            username: 5 to 32 letters, digits and underscores, ends in "bot"; made when None.
            first_name: The name people see; made from the username when None.

        Raises:
            InvalidValue: The token or username is malformed or taken.
        """
        token = token or make_token(self._free_id())
        if not TOKEN.fullmatch(token):
            raise InvalidValue("token", "must look like 123456789:AAExampleSecret")
        if int(token.partition(":")[0]) in self._bots:
            raise InvalidValue("token", "belongs to a bot that is here already")
        username = username or f"sandbox_{token.partition(':')[0]}_bot"
        if not USERNAME.fullmatch(username):
            raise InvalidValue("username", "must be 5 to 32 of A-Z, a-z, 0-9, _ and end in bot")
        if any(bot.username.lower() == username.lower() for bot in self._bots.values()):
            raise InvalidValue("username", "is taken")
        bot = SandboxBot(
            token=token,
            username=username,
            first_name=first_name or username.replace("_", " ").title(),
            flood=FloodLimit(self._flood_per_second, limits=self._limits, clock=self._clock),
            rules=PollRules(strict=self._strict_polls, clock=self._clock),
            clock=self._clock,
        )
        self._bots[bot.id] = self._tokens[token] = bot
        return bot

    def _free_id(self) -> int:
        while True:
            bot_id = 1_000_000_000 + secrets.randbelow(8_000_000_000)
            if bot_id not in self._bots:
                return bot_id

    def bot(self, bot_id: int) -> SandboxBot:
        """Give a bot by its id.

        Raises:
            UnknownBot: There is none such.
        """
        bot = self._bots.get(bot_id)
        if bot is None:
            raise UnknownBot("id", bot_id)
        return bot

    def find(self, name: str) -> SandboxBot:
        """Give a bot by its id in digits or its username, with or without "@".

        Raises:
            UnknownBot: There is none such.
        """
        if name.isdecimal():
            return self.bot(int(name))
        wanted = name.removeprefix("@").lower()
        for bot in self._bots.values():
            if bot.username.lower() == wanted:
                return bot
        raise UnknownBot("username", name)

    @property
    def bots(self) -> list[SandboxBot]:
        """All bots in the order they were added."""
        return list(self._bots.values())

    def revoke(self, bot_id: int) -> None:
        """Make the token worthless: 401 from now on, also for a getUpdates that is held open."""
        bot = self.bot(bot_id)
        self._tokens.pop(bot.token, None)
        bot.revoked = True
        bot.updates.end_poll(ApiError(401, "Unauthorized"))

    def new_token(self, bot_id: int) -> str:
        """Revoke the token and hand out a new one of the same bot."""
        self.revoke(bot_id)
        bot = self.bot(bot_id)
        bot.token = make_token(bot_id)
        bot.revoked = bot.logged_out = False
        self._tokens[bot.token] = bot
        return bot.token

    def authorize(self, token: str) -> SandboxBot:
        """Give the bot a token belongs to.

        Raises:
            ApiError: 404 for what is no token, 401 for an unknown or revoked one.
        """
        bot = self._tokens.get(token)
        if bot is None:
            if TOKEN.fullmatch(token):
                raise ApiError(401, "Unauthorized")
            raise ApiError(404, "Not Found")
        if bot.logged_out:
            raise ApiError(400, "Logged out")
        return bot

    def begin_call(
        self, token: str, method: str, params: dict[str, Any], *, source: str = "", host: str = ""
    ) -> Call:
        """Write down a call under the bot whose id the token has, if there is one."""
        bot = self._tokens.get(token) or self._bots.get(self.bot_id_of(token) or 0)
        if bot is None:
            return Call(0, method, params, time.time(), source, host)
        return bot.journal.begin_call(method, params, source=source, host=host)

    @staticmethod
    def bot_id_of(token: str) -> int | None:
        """Read the bot's id from a token, valid or not."""
        head = token.partition(":")[0]
        return int(head) if head.isdecimal() and len(head) <= 16 else None
