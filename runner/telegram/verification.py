"""Asks Telegram whose a token is, before a bot is stored."""

from __future__ import annotations

from dataclasses import dataclass

from telegram.error import InvalidToken, TelegramError

from models.bots.records import VerifiedToken
from models.redaction import keep_secret
from runner.diagnosis import explain
from runner.errors import TokenRejected
from runner.telegram.client import BotClient
from runner.telegram.transport import Transport


@dataclass(frozen=True, slots=True)
class Verification:
    """Telegram's word on a token.

    Args:
        token: with what getMe told of it.
        unreachable: a sentence for the owner; None when Telegram answered.
    """

    token: VerifiedToken
    unreachable: str | None = None


async def verify(transport: Transport, token: str, *, timeout: float) -> Verification:
    """Ask Telegram whose a token is (https://core.telegram.org/bots/api#getme).

    Args:
        transport: the way to Telegram.
        token: as its owner entered it.
        timeout: seconds.

    Raises:
        TokenRejected: Telegram does not know it.
    """
    keep_secret(token)
    try:
        me = await BotClient(token, transport).get_me(read_timeout=timeout)
    except InvalidToken:
        raise TokenRejected from None  # the library's exception holds the token
    except TelegramError as error:
        return Verification(VerifiedToken(token), unreachable=explain(error))
    return Verification(VerifiedToken(token, me["id"], me.get("username", "")))
