"""Asks Telegram whose a token is, before a bot is stored."""

from __future__ import annotations

from dataclasses import dataclass

from telegram.error import InvalidToken, TelegramError

from models.bots.records import VerifiedToken, claimed_telegram_id
from models.redaction import keep_secret
from runner.diagnosis import explain
from runner.errors import TokenRejected
from runner.telegram.answers import NotTelegram
from runner.telegram.transport import BotRequest, Transport


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
    request = BotRequest(transport)
    url = f"{transport.api_url}/bot{token}/getMe"
    try:
        me = await request.call(url, {}, read_timeout=timeout)
        if me["id"] != claimed_telegram_id(token):
            raise NotTelegram("getMe told of another bot")
    except InvalidToken:
        raise TokenRejected from None  # the library's exception holds the token
    except TelegramError as error:
        return Verification(VerifiedToken(token), unreachable=explain(error))
    return Verification(VerifiedToken(token, me["id"], me.get("username", "")))
