"""Asks Telegram for the bot of a token, before the token is stored."""

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
    """Telegram's answer about a token.

    Args:
        token: the token, with the bot from getMe.
        unreachable: a sentence for the owner; None if Telegram answered.
    """

    token: VerifiedToken
    unreachable: str | None = None


async def verify(transport: Transport, token: str, *, timeout: float) -> Verification:
    """Ask Telegram for the bot of a token (https://core.telegram.org/bots/api#getme).

    Args:
        transport: the connection to Telegram.
        token: the token as its owner entered it.
        timeout: in seconds.

    Raises:
        TokenRejected: Telegram does not accept the token.
    """
    keep_secret(token)
    try:
        me = await BotClient(token, transport).get_me(read_timeout=timeout)
    except InvalidToken:
        raise TokenRejected from None  # the library's exception contains the token
    except TelegramError as error:
        return Verification(VerifiedToken(token), unreachable=explain(error))
    return Verification(VerifiedToken(token, me["id"], me.get("username", "")))
