"""Takes a Telegram bot over from a row whose token is dead, for whoever has the new one.

Else a leaked token would keep the true owner out for good: a thief adds it first, the owner has
@BotFather renew it, and the thief's row, which runs nothing any more, still is the bot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from models.accounts.audit import PLATFORM, Action, Actor
from models.bots import bots
from models.bots.bots import Bot, BotRecord, LastError, VerifiedToken
from models.bots.vault import Vault

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DeadClaim:
    """A bot whose token Telegram has just rejected, and the failure that this is for it."""

    bot: BotRecord
    failure: LastError


def holder(vault: Vault, telegram_id: int, *, exclude_id: int | None = None) -> BotRecord | None:
    """The bot that is this Telegram bot, as far as is known; None when there is none.

    Args:
        exclude_id: the id of a bot that does not count.
    """
    row = bots.rows().where(Bot.telegram_id == telegram_id, Bot.id != (exclude_id or 0)).first()
    return bots.to_record(row, vault) if row else None


def taking_over(
    dead: DeadClaim | None, fn: Callable[..., T], vault: Vault, *args: Any, by: Actor, **kwargs: Any
) -> T:
    """Run a function that stores a confirmed token, after the dead claim in its way is dropped.

    Args:
        dead: what is in the way; None for nothing.
        fn: `create` or `update` of `models.bots.bots`; gets all the other arguments.
    """
    lost = _drop(dead, vault)
    result = fn(vault, *args, by=by, **kwargs)
    _record_won(lost, vault, by)
    return result


def confirm(dead: DeadClaim | None, vault: Vault, bot_id: int, token: VerifiedToken) -> None:
    """Confirm a token; see `models.bots.bots.confirm` and `taking_over`."""
    lost = _drop(dead, vault)
    bots.confirm(vault, bot_id, token)
    _record_won(lost, vault, Actor())


def _drop(dead: DeadClaim | None, vault: Vault) -> BotRecord | None:
    """Let a bot lose its Telegram bot, unless it has another token by now; which it was."""
    if dead is None:
        return None
    bot, failure = dead.bot, dead.failure
    still = Bot.token_fingerprint.in_(vault.fingerprints(bot.token))
    dropped = Bot.update(
        telegram_id=None,
        failure_reason=failure.reason,
        failure_detail=failure.detail,
        failed_at=failure.at,
    ).where(Bot.id == bot.id, Bot.telegram_id == bot.telegram_id, still)
    if not dropped.execute():
        return None
    # Who has the bot now is nothing that whoever had it before may learn.
    bots.record_action(Action.BOT_LOST, bot, PLATFORM, telegram_id=bot.telegram_id)
    return bot


def _record_won(lost: BotRecord | None, vault: Vault, by: Actor) -> None:
    if lost is None or lost.telegram_id is None:
        return
    won = holder(vault, lost.telegram_id)
    if won is not None:
        bots.record_action(Action.BOT_TAKEN_OVER, won, by, telegram_id=lost.telegram_id)
