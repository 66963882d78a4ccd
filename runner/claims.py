"""Finds out whether the row that is in the way of a confirmed token has a dead one."""

from __future__ import annotations

from models.bots import takeover
from models.bots.bots import LastError, VerifiedToken
from models.bots.takeover import DeadClaim
from models.bots.vault import Vault
from models.engine.base import now
from models.engine.database import Database
from runner.errors import TokenRejected
from runner.states import Reason
from runner.telegram.transport import Transport
from runner.telegram.verification import verify


class Claims:
    """Asks Telegram about the tokens of rows that are in the way.

    Args:
        db: the database.
        vault: opens the stored tokens.
        transport: the way to Telegram.
        timeout: seconds that Telegram has for an answer.
    """

    def __init__(self, db: Database, vault: Vault, transport: Transport, *, timeout: float) -> None:
        self._db = db
        self._vault = vault
        self._transport = transport
        self._timeout = timeout

    async def dead(
        self, token: VerifiedToken, *, exclude_id: int | None = None
    ) -> DeadClaim | None:
        """The bot that a confirmed token may take its Telegram bot over from.

        Telegram is asked now: what is stored of a failure may be old, and a bot that is off
        has none. A bot whose token works, or may work, keeps what it has.

        Args:
            token: as Telegram has just confirmed it; nothing is looked for when it has not.
            exclude_id: the id of the bot that gets it.
        """
        if token.telegram_id is None:
            return None
        bot = await self._db.read(
            takeover.holder, self._vault, token.telegram_id, exclude_id=exclude_id
        )
        if bot is None or bot.token == token.token:
            return None
        try:
            await verify(self._transport, bot.token, timeout=self._timeout)
        except TokenRejected:
            sentence = "The token was revoked, and the bot was added with its new one elsewhere."
            return DeadClaim(bot, LastError(Reason.TOKEN_REVOKED, sentence, now()))
        return None
