"""Bots: the `bots` table and its operations, one function per transaction."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import peewee

from models.accounts import audit
from models.accounts.audit import Action, Actor
from models.accounts.users import locked
from models.bots.records import BotRecord, VerifiedToken, claimed_telegram_id, find
from models.bots.tables import Bot
from models.bots.vault import Vault
from models.engine import doorbell
from models.engine.base import now
from models.engine.bulk import execute, select, stored
from models.engine.doorbell import Bell
from models.errors import BotAlreadyRegistered, BotLimitReached, SecretMismatch


def _check_own(vault: Vault, user_id: int, token: str, *, exclude_id: int | None = None) -> None:
    """Reject a bot that the account already has; this reveals nothing to other accounts."""
    known = Bot.token_fingerprint.in_(vault.fingerprints(token))
    same = known | (Bot.telegram_id == claimed_telegram_id(token))
    if Bot.select().where(Bot.user == user_id, same, Bot.id != (exclude_id or 0)).exists():
        raise BotAlreadyRegistered


def _check_unclaimed(
    vault: Vault, user_id: int, token: VerifiedToken, *, exclude_id: int | None = None
) -> None:
    """Reject a bot that is already registered; if by another account, only a confirmed one.

    Otherwise made-up tokens could be used to find out which bots are registered. A token that was
    stored unconfirmed is rejected later if the bot belongs to another account; see `confirm`.
    """
    _check_own(vault, user_id, token.token, exclude_id=exclude_id)
    if token.telegram_id is not None:
        same = Bot.telegram_id == token.telegram_id
        if Bot.select().where(same, Bot.id != (exclude_id or 0)).exists():
            raise BotAlreadyRegistered


def _free_slot(user_id: int, limit: int) -> int:
    locked(user_id)  # makes counting and inserting atomic
    taken = {slot for (slot,) in Bot.select(Bot.slot).where(Bot.user == user_id).tuples()}
    free = next((slot for slot in range(1, limit + 1) if slot not in taken), None)
    if free is None or len(taken) >= limit:
        raise BotLimitReached(limit)
    return free


def check_new(vault: Vault, user_id: int, token: str, *, limit: int) -> None:
    """Check in advance, before Telegram is asked, that `create` can succeed.

    Raises:
        BotLimitReached: as for `create`.
        BotAlreadyRegistered: the same account has this Telegram bot.
    """
    if Bot.select().where(Bot.user == user_id).count() >= limit:
        raise BotLimitReached(limit)
    _check_own(vault, user_id, token)


def create(
    vault: Vault,
    user_id: int,
    *,
    token: VerifiedToken,
    title: str,
    active: bool,
    history: bool = True,
    limit: int,
    by: Actor,
) -> BotRecord:
    """Add a bot to an account.

    Raises:
        BotLimitReached: the account has `limit` bots.
        BotAlreadyRegistered: this account has this Telegram bot, or, if Telegram has confirmed
            the token, another account has.
        User.DoesNotExist: the account was deleted in the meantime.
    """
    slot = _free_slot(user_id, limit)
    fingerprint = vault.fingerprint(token.token)
    _check_unclaimed(vault, user_id, token)
    moment = now()
    try:
        row = Bot.create(
            user=user_id,
            slot=slot,
            title=title,
            active=active,
            history=history,
            token_encrypted=vault.encrypt(token.token),
            token_fingerprint=fingerprint,
            telegram_id=token.telegram_id,
            username=token.username,
            created_at=moment,
            updated_at=moment,
        )
    except peewee.IntegrityError as error:  # lost a race that only PostgreSQL allows
        raise BotAlreadyRegistered from error
    record = find(vault, "bots.id = ?", row.id)[0]
    record_action(Action.BOT_CREATED, record, by, title=title, active=active)
    return record


def record_action(action: Action, bot: BotRecord, by: Actor, **details: Any) -> None:
    """Add an entry about a bot to the audit log."""
    audit.record(action, by, user_id=bot.user_id, username=bot.owner, bot_id=bot.id, **details)


def _record_changes(before: BotRecord, changes: dict[str, Any], by: Actor, *, token: bool) -> None:
    kept = {"title": before.title, "history": before.history}
    fields = [name for name, value in kept.items() if changes.get(name, value) != value]
    if token:
        fields.append("token")
    if fields:
        record_action(Action.BOT_CHANGED, before, by, fields=sorted(fields))
    if changes.get("active", before.active) != before.active:
        switched = Action.BOT_SWITCHED_ON if changes["active"] else Action.BOT_SWITCHED_OFF
        record_action(switched, before, by)


def get(vault: Vault, bot_id: int, *, user_id: int | None = None) -> BotRecord | None:
    """Read one bot, of one account if `user_id` is given; None if there is none."""
    if user_id is None:
        found = find(vault, "bots.id = ?", bot_id)
    else:
        found = find(vault, "bots.id = ? AND bots.user_id = ?", bot_id, user_id)
    return found[0] if found else None


def list_for(vault: Vault, user_id: int) -> list[BotRecord]:
    """Read an account's bots, oldest first."""
    return find(vault, "bots.user_id = ?", user_id)


def among(vault: Vault, bot_ids: list[int], user_ids: list[int]) -> list[BotRecord]:
    """Read those of some bots that belong to some accounts, oldest first."""
    if not bot_ids or not user_ids:
        return []
    of_ids, of_users = (", ".join("?" * len(ids)) for ids in (bot_ids, user_ids))
    condition = f"bots.id IN ({of_ids}) AND bots.user_id IN ({of_users})"
    return find(vault, condition, *bot_ids, *user_ids)


def get_several(vault: Vault, bot_ids: list[int]) -> dict[int, BotRecord]:
    """Read some bots by their ids; without those that do not exist, or that no secret opens."""
    marks = ", ".join("?" * len(bot_ids))
    condition = f"bots.id IN ({marks})"
    try:
        return {bot.id: bot for bot in find(vault, condition, *bot_ids)}
    except SecretMismatch:  # of one: the others must not suffer from it
        found: dict[int, BotRecord] = {}
        for bot_id in bot_ids:
            with suppress(SecretMismatch):
                found |= {bot.id: bot for bot in find(vault, "bots.id = ?", bot_id)}
        return found


def wanted_generations(owner_id: int | None = None) -> dict[int, int]:
    """Return the generation of every bot that should run (active, enabled account), by id.

    Args:
        owner_id: only those of this process; None for all.
    """
    sql = (
        "SELECT bots.id, generation FROM bots JOIN users ON users.id = bots.user_id "
        "WHERE active AND disabled_at IS NULL "
    )
    if owner_id is None:
        return dict(select(sql + "ORDER BY bots.id"))
    return dict(select(sql + "AND owner_id = ? ORDER BY bots.id", owner_id))


def retire(bot_id: int) -> None:
    """Switch a bot off that is about to be deleted, wherever it runs."""
    execute("UPDATE bots SET active = FALSE, generation = generation + 1 WHERE id = ?", bot_id)
    doorbell.ring(Bell.WISH, [bot_id])


def ids_of(user_id: int) -> list[int]:
    """Return the ids of an account's bots."""
    return [bot_id for (bot_id,) in Bot.select(Bot.id).where(Bot.user == user_id).tuples()]


def update(
    vault: Vault,
    bot_id: int,
    changes: dict[str, Any],
    *,
    token: VerifiedToken | None = None,
    forget: Callable[[int], None],
    by: Actor,
) -> BotRecord | None:
    """Change a bot.

    Args:
        changes: any of title, active, history.
        token: a new token; None to keep the old one.
        forget: called with the bot's id if the token is that of another Telegram bot.

    Returns:
        The bot as it is now; None if it was deleted.

    Raises:
        BotAlreadyRegistered: as for `create`.
    """
    before = get(vault, bot_id)
    if before is None:
        return None
    values: dict[str, Any] = dict(changes, updated_at=stored(now()))
    if token is not None:
        if claimed_telegram_id(token.token) != claimed_telegram_id(before.token):
            forget(bot_id)
        _check_unclaimed(vault, before.user_id, token, exclude_id=bot_id)
        values.update(
            token_encrypted=vault.encrypt(token.token),
            token_fingerprint=vault.fingerprint(token.token),
            telegram_id=token.telegram_id,
            username=token.username,
        )
    is_wish = token is not None or "active" in changes
    try:
        _set(bot_id, values, wishes=int(is_wish), tokens=int(token is not None))
    except peewee.IntegrityError as error:
        raise BotAlreadyRegistered from error
    if is_wish:
        doorbell.ring(Bell.WISH, [bot_id])
    _record_changes(before, changes, by, token=token is not None)
    return get(vault, bot_id)


def _set(bot_id: int, values: dict[str, Any], *, wishes: int, tokens: int) -> None:
    """Change columns of a bot.

    Args:
        values: by column, as the database stores them.
        wishes, tokens: added to the generations of the wish and of the token.
    """
    columns = ", ".join(f"{name} = ?" for name in values)
    execute(
        f"UPDATE bots SET {columns}, generation = generation + ?, "  # noqa: S608
        "token_generation = token_generation + ? WHERE id = ?",
        *values.values(),
        wishes,
        tokens,
        bot_id,
    )


def confirm(vault: Vault, bot_id: int, token: VerifiedToken) -> None:
    """Store Telegram's confirmation of a bot's token, with the Telegram bot.

    Does nothing if the bot has another token by now.

    Raises:
        BotAlreadyRegistered: another bot in the platform is this Telegram bot.
    """
    mine = (Bot.id == bot_id) & Bot.token_fingerprint.in_(vault.fingerprints(token.token))
    try:
        Bot.update(telegram_id=token.telegram_id, username=token.username).where(mine).execute()
    except peewee.IntegrityError as error:
        raise BotAlreadyRegistered from error


def delete(bot: BotRecord, *, by: Actor) -> None:
    """Delete a bot."""
    if Bot.delete().where(Bot.id == bot.id).execute():
        record_action(Action.BOT_DELETED, bot, by, title=bot.title, telegram_id=bot.telegram_id)
