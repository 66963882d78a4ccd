"""Takes a Telegram bot over from a row with a revoked token, for the account with the new token.

Otherwise a leaked token would block the real owner for good: a thief registers it first, the owner
has @BotFather renew it, and the thief's row, which no longer works, still holds the Telegram bot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from models.accounts.audit import PLATFORM, Action, Actor
from models.bots import bots
from models.bots.records import BotRecord, VerifiedToken, find
from models.bots.tables import Bot
from models.bots.vault import Vault

T = TypeVar("T")


def holder(vault: Vault, telegram_id: int, *, exclude_id: int | None = None) -> BotRecord | None:
    """Return the bot with a confirmed Telegram id; None if there is none.

    Args:
        exclude_id: the id of a bot to ignore.
    """
    condition = "bots.telegram_id = ? AND bots.id <> ?"
    return next(iter(find(vault, condition, telegram_id, exclude_id or 0)), None)


def taking_over(
    dead: BotRecord | None, fn: Callable[..., T], vault: Vault, *args: Any, by: Actor, **kwargs: Any
) -> T:
    """Drop the claim of a bot with a revoked token, then run a function that stores a new token.

    Args:
        dead: the bot whose token Telegram has just rejected; None for no bot.
        fn: `create` or `update` of `models.bots.bots`; gets all the other arguments.
    """
    lost = _drop(dead, vault)
    result = fn(vault, *args, by=by, **kwargs)
    _record_won(lost, vault, by)
    return result


def confirm(dead: BotRecord | None, vault: Vault, bot_id: int, token: VerifiedToken) -> None:
    """Confirm a token; see `models.bots.bots.confirm` and `taking_over`."""
    lost = _drop(dead, vault)
    bots.confirm(vault, bot_id, token)
    _record_won(lost, vault, Actor())


def _drop(dead: BotRecord | None, vault: Vault) -> BotRecord | None:
    """Drop a bot's claim, unless it has another token by now; return the bot that lost it."""
    if dead is None:
        return None
    still = Bot.token_fingerprint.in_(vault.fingerprints(dead.token))
    dropped = Bot.update(telegram_id=None).where(
        Bot.id == dead.id, Bot.telegram_id == dead.telegram_id, still
    )
    if not dropped.execute():
        return None
    # The former owner must not learn which account has the bot now.
    bots.record_action(Action.BOT_LOST, dead, PLATFORM, telegram_id=dead.telegram_id)
    return dead


def _record_won(lost: BotRecord | None, vault: Vault, by: Actor) -> None:
    if lost is None or lost.telegram_id is None:
        return
    won = holder(vault, lost.telegram_id)
    if won is not None:
        bots.record_action(Action.BOT_TAKEN_OVER, won, by, telegram_id=lost.telegram_id)
