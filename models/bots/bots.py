"""Bots: the `bots` table and what is done with it, one function a transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import peewee

from models.accounts import audit
from models.accounts.audit import Action, Actor
from models.accounts.users import User, locked
from models.bots.vault import Vault
from models.engine.base import BaseModel, UTCDateTimeField, now
from models.errors import BotAlreadyRegistered, BotLimitReached


class Bot(BaseModel):
    """A Telegram bot of an account.

    `telegram_id` is empty until Telegram has confirmed the token: an unproved claim must not
    keep the true owner of a bot out, nor tell which bots are here. So it alone makes sure that
    a bot is in the platform once. `active` is what the owner wants; no failure changes it.
    """

    user = peewee.ForeignKeyField(User, backref="bots", on_delete="CASCADE")
    slot = peewee.SmallIntegerField()
    title = peewee.CharField(max_length=100, default="")
    active = peewee.BooleanField(default=True)
    token_encrypted = peewee.TextField()
    token_fingerprint = peewee.CharField(max_length=64)
    telegram_id = peewee.BigIntegerField(null=True, unique=True)
    username = peewee.CharField(max_length=64, default="")
    failure_reason = peewee.CharField(max_length=32, default="")
    failure_detail = peewee.CharField(max_length=500, default="")
    failed_at = UTCDateTimeField(null=True)
    update_offset = peewee.BigIntegerField(default=0)
    last_update_at = UTCDateTimeField(null=True)
    created_at = UTCDateTimeField()
    updated_at = UTCDateTimeField()

    class Meta:
        table_name = "bots"
        indexes = ((("user", "slot"), True),)


@dataclass(frozen=True, slots=True)
class LastError:
    """The last failure of a bot: a reason of the runner's, and a sentence for the owner."""

    reason: str
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BotRecord:
    """A bot as the rest of the program sees it, its token in the clear.

    Args:
        active: what its owner wants.
        suspended: its owner's account is switched off, so it does not run all the same.
    """

    id: int
    user_id: int
    owner: str
    suspended: bool
    title: str
    active: bool
    token: str = field(repr=False)
    telegram_id: int | None
    username: str
    failure: LastError | None
    last_update_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def wanted(self) -> bool:
        """Whether it is to run."""
        return self.active and not self.suspended


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """A token, with what getMe said of it; both are empty when Telegram was out of reach."""

    token: str = field(repr=False)
    telegram_id: int | None = None
    username: str = ""


def to_record(row: Bot, vault: Vault) -> BotRecord:
    """Turn a row into the plain data that leaves the database thread."""
    failure = None
    if row.failure_reason:
        failure = LastError(row.failure_reason, row.failure_detail, row.failed_at)
    return BotRecord(
        id=row.id,
        user_id=row.user_id,
        owner=row.user.username,
        suspended=row.user.disabled_at is not None,
        title=row.title,
        active=row.active,
        token=vault.decrypt(row.token_encrypted),
        telegram_id=row.telegram_id,
        username=row.username,
        failure=failure,
        last_update_at=row.last_update_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def rows() -> Any:
    """Bots, each with what its record needs of its account."""
    return Bot.select(Bot, User.id, User.username, User.disabled_at).join(User)


def _check_own(vault: Vault, user_id: int, token: str, *, exclude_id: int | None = None) -> None:
    """Refuse a bot that the account has already; that, it may be told without a proof."""
    known = Bot.token_fingerprint.in_(vault.fingerprints(token))
    same = known | (Bot.telegram_id == claimed_telegram_id(token))
    if Bot.select().where(Bot.user == user_id, same, Bot.id != (exclude_id or 0)).exists():
        raise BotAlreadyRegistered


def _check_unclaimed(
    vault: Vault, user_id: int, token: VerifiedToken, *, exclude_id: int | None = None
) -> None:
    """Refuse a bot that is here already, of other accounts only when Telegram has confirmed it.

    Else whoever makes tokens up could ask which bots are here. A token that is stored
    unconfirmed fails when it turns out to be another's; see `confirm`.
    """
    _check_own(vault, user_id, token.token, exclude_id=exclude_id)
    if token.telegram_id is not None:
        same = Bot.telegram_id == token.telegram_id
        if Bot.select().where(same, Bot.id != (exclude_id or 0)).exists():
            raise BotAlreadyRegistered


def claimed_telegram_id(token: str) -> int:
    """The Telegram id that a token says it belongs to: the number before its colon."""
    return int(token.partition(":")[0])


def _free_slot(user_id: int, limit: int) -> int:
    locked(user_id)  # makes counting and inserting one step
    taken = {slot for (slot,) in Bot.select(Bot.slot).where(Bot.user == user_id).tuples()}
    free = next((slot for slot in range(1, limit + 1) if slot not in taken), None)
    if free is None or len(taken) >= limit:
        raise BotLimitReached(limit)
    return free


def check_new(vault: Vault, user_id: int, token: str, *, limit: int) -> None:
    """Refuse what `create` would refuse anyway, before anybody asks Telegram.

    Raises:
        BotLimitReached: as for `create`.
        BotAlreadyRegistered: this very account has this Telegram bot.
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
    limit: int,
    by: Actor,
) -> BotRecord:
    """Add a bot to an account.

    Raises:
        BotLimitReached: the account has `limit` bots.
        BotAlreadyRegistered: this account has this Telegram bot, or, when Telegram has
            confirmed the token, another one.
        User.DoesNotExist: the account was deleted meanwhile.
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
            token_encrypted=vault.encrypt(token.token),
            token_fingerprint=fingerprint,
            telegram_id=token.telegram_id,
            username=token.username,
            created_at=moment,
            updated_at=moment,
        )
    except peewee.IntegrityError as error:  # lost a race that only PostgreSQL allows
        raise BotAlreadyRegistered from error
    record = to_record(row, vault)
    record_action(Action.BOT_CREATED, record, by, title=title, active=active)
    return record


def record_action(action: Action, bot: BotRecord, by: Actor, **details: Any) -> None:
    """Add an entry about a bot to the audit log."""
    audit.record(action, by, user_id=bot.user_id, username=bot.owner, bot_id=bot.id, **details)


def _record_changes(before: BotRecord, changes: dict[str, Any], by: Actor, *, token: bool) -> None:
    fields = ["title"] if changes.get("title", before.title) != before.title else []
    if token:
        fields.append("token")
    if fields:
        record_action(Action.BOT_CHANGED, before, by, fields=sorted(fields))
    if changes.get("active", before.active) != before.active:
        switched = Action.BOT_SWITCHED_ON if changes["active"] else Action.BOT_SWITCHED_OFF
        record_action(switched, before, by)


def get(vault: Vault, bot_id: int, *, user_id: int | None = None) -> BotRecord | None:
    """One bot, of one account when `user_id` is given; None when there is none."""
    query = rows().where(Bot.id == bot_id)
    if user_id is not None:
        query = query.where(Bot.user == user_id)
    row = query.first()
    return to_record(row, vault) if row else None


def list_for(vault: Vault, user_id: int) -> list[BotRecord]:
    """An account's bots, oldest first."""
    return [to_record(row, vault) for row in rows().where(Bot.user == user_id).order_by(Bot.id)]


def count() -> int:
    """How many bots there are."""
    return int(Bot.select().count())


def wanted(vault: Vault) -> list[BotRecord]:
    """Every bot that is to run: switched on, of an account that is not switched off."""
    query = rows().where(Bot.active, User.disabled_at.is_null()).order_by(Bot.id)
    return [to_record(row, vault) for row in query]


def wanted_ids() -> frozenset[int]:
    """The ids of `wanted`."""
    query = Bot.select(Bot.id).join(User).where(Bot.active, User.disabled_at.is_null())
    return frozenset(bot_id for (bot_id,) in query.tuples())


def ids_of(user_id: int) -> list[int]:
    """The ids of an account's bots."""
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
        changes: any of title, active.
        token: a new token, None to leave the old one.
        forget: called with the bot's id when the token makes it another Telegram bot.

    Returns:
        The bot as it is now; None when it is gone.

    Raises:
        BotAlreadyRegistered: as for `create`.
    """
    values = dict(changes, updated_at=now())
    stored = get(vault, bot_id)
    if stored is None:
        return None
    if token is not None:
        if claimed_telegram_id(token.token) != claimed_telegram_id(stored.token):
            forget(bot_id)
        fingerprint = vault.fingerprint(token.token)
        _check_unclaimed(vault, stored.user_id, token, exclude_id=bot_id)
        values.update(
            token_encrypted=vault.encrypt(token.token),
            token_fingerprint=fingerprint,
            telegram_id=token.telegram_id,
            username=token.username,
            failure_reason="",
            failure_detail="",
            failed_at=None,
        )
    try:
        Bot.update(values).where(Bot.id == bot_id).execute()
    except peewee.IntegrityError as error:
        raise BotAlreadyRegistered from error
    _record_changes(stored, changes, by, token=token is not None)
    return get(vault, bot_id)


def confirm(vault: Vault, bot_id: int, token: VerifiedToken) -> None:
    """Note that Telegram knows a bot's token, and as whom; clears its last failure.

    Does nothing when the bot has another token by now.

    Raises:
        BotAlreadyRegistered: another bot in the platform is this Telegram bot.
    """
    mine = (Bot.id == bot_id) & Bot.token_fingerprint.in_(vault.fingerprints(token.token))
    try:
        Bot.update(
            telegram_id=token.telegram_id,
            username=token.username,
            failure_reason="",
            failure_detail="",
            failed_at=None,
        ).where(mine).execute()
    except peewee.IntegrityError as error:
        raise BotAlreadyRegistered from error


def save_failure(bot_id: int, failure: LastError) -> None:
    """Store a bot's last failure."""
    Bot.update(
        failure_reason=failure.reason, failure_detail=failure.detail[:500], failed_at=failure.at
    ).where(Bot.id == bot_id).execute()


def delete(bot: BotRecord, *, by: Actor) -> None:
    """Remove a bot."""
    if Bot.delete().where(Bot.id == bot.id).execute():
        record_action(Action.BOT_DELETED, bot, by, title=bot.title, telegram_id=bot.telegram_id)
