"""Stores the Telegram bots of tokens, and releases one from a row whose token is revoked."""

from __future__ import annotations

from models.bots import takeover
from models.bots.records import BotRecord, VerifiedToken
from models.bots.vault import Vault
from models.engine.database import Database
from runner.errors import TokenRejected
from runner.telegram.transport import Transport
from runner.telegram.verification import verify


class Claims:
    """Asks Telegram about the tokens of rows that claim the same Telegram bot.

    Args:
        db: the database.
        vault: decrypts the stored tokens.
        transport: the connection to Telegram.
        timeout: seconds to wait for Telegram's answer.
    """

    def __init__(self, db: Database, vault: Vault, transport: Transport, *, timeout: float) -> None:
        self._db = db
        self._vault = vault
        self._transport = transport
        self._timeout = timeout

    async def dead(
        self, token: VerifiedToken, *, exclude_id: int | None = None
    ) -> BotRecord | None:
        """Find the bot whose Telegram bot a confirmed token may take over.

        Telegram is asked now: a stored failure may be outdated, and a bot that is off has none.
        A bot whose token works, or may work, keeps its Telegram bot.

        Args:
            token: the token that Telegram has just confirmed; for an unconfirmed one, the result
                is None.
            exclude_id: the id of the bot that gets the token.
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
            return bot
        return None

    async def confirm(self, bot_id: int, token: VerifiedToken) -> None:
        """Store Telegram's confirmation of a running bot's token.

        Raises:
            BotAlreadyRegistered: another bot in the platform is this Telegram bot.
            StorageError: nothing is stored.
        """
        dead = await self.dead(token, exclude_id=bot_id)
        confirm = takeover.confirm
        await self._db.write_as_owner(confirm, dead, self._vault, bot_id, token)
