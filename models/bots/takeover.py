"""Takes a Telegram bot over from a row whose token is dead, for whoever has the new one.

Else a leaked token would keep the true owner out for good: a thief adds it first, the owner has
@BotFather renew it, and the thief's row, which runs nothing any more, still is the bot.
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
    """The bot that is this Telegram bot, as far as is known; None when there is none.

    Args:
        exclude_id: the id of a bot that does not count.
    """
    condition = "bots.telegram_id = ? AND bots.id <> ?"
    return next(iter(find(vault, condition, telegram_id, exclude_id or 0)), None)


def taking_over(
    dead: BotRecord | None, fn: Callable[..., T], vault: Vault, *args: Any, by: Actor, **kwargs: Any
) -> T:
    """Run a function that stores a confirmed token, after the dead claim in its way is dropped.

    Args:
        dead: the bot in the way, whose token Telegram has just rejected; None for no bot.
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
    """Let a bot lose its Telegram bot, unless it has another token by now; return which."""
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
