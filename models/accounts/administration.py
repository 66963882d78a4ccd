"""Administration of accounts by operators: list them with their bots, disable and enable them."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import peewee

from models.accounts import audit
from models.accounts.audit import Action, Actor
from models.accounts.sessions import Session
from models.accounts.users import User, UserRecord, fold, locked, record
from models.bots import runs
from models.bots.records import BotRecord, find
from models.bots.tables import Bot
from models.bots.vault import Vault
from models.engine import change_marker, doorbell
from models.engine.base import now
from models.engine.doorbell import Bell
from models.engine.pagination import Page, cut


@dataclass(frozen=True, slots=True)
class Account:
    """An account as operators see it.

    Args:
        bots: the number of its bots.
        active_bots: the number of its active bots.
    """

    user: UserRecord
    bots: int
    active_bots: int


def accounts() -> list[Account]:
    """Return all accounts, oldest first."""
    return _counted(list(User.select().order_by(User.id)))


def _counted(rows: list[User]) -> list[Account]:
    active = peewee.fn.SUM(peewee.Case(None, [(Bot.active, 1)], 0))
    query = (
        Bot.select(Bot.user, peewee.fn.COUNT(Bot.id), active)
        .where(Bot.user.in_([row.id for row in rows]))
        .group_by(Bot.user)
    )
    counts = {user_id: (bots, int(on)) for user_id, bots, on in query.tuples()}
    return [Account(record(row), *counts.get(row.id, (0, 0))) for row in rows]


def accounts_page(
    *,
    page: int,
    page_size: int,
    is_staff: bool | None = None,
    disabled: bool | None = None,
    search: str = "",
) -> Page[Account]:
    """Return a page of accounts, oldest first.

    Args:
        is_staff, disabled: only accounts with this value; None for all.
        search: text in the user name or the e-mail address, in any case.
    """
    query = User.select().order_by(User.id)
    if is_staff is not None:
        query = query.where(User.is_staff == is_staff)
    if disabled is not None:
        query = query.where(User.disabled_at.is_null(not disabled))
    if search:
        part = fold(search)
        query = query.where(User.username_key.contains(part) | User.email_key.contains(part))
    return cut(query, page=page, page_size=page_size).map(_counted)


def account(user_id: int) -> Account | None:
    """Return an account; None if there is none."""
    return next(iter(_counted(list(User.select().where(User.id == user_id)))), None)


def bots_page(
    vault: Vault,
    *,
    page: int,
    page_size: int,
    user: int | None = None,
    active: bool | None = None,
    state: str | None = None,
    search: str = "",
) -> Page[BotRecord]:
    """Return a page of the bots of all accounts, oldest first.

    Args:
        user: only bots of this account.
        active: only bots with this value; None for all.
        state: only bots that are shown in this state.
        search: text in the title or the bot's user name, in any case.
    """
    query = runs.joined(Bot.id).order_by(Bot.id)
    if user is not None:
        query = query.where(Bot.user == user)
    if active is not None:
        query = query.where(Bot.active == active)
    if state is not None:
        query = query.where(runs.state_expression() == state)
    if search:
        part = search.lower()
        # also the unchanged text: PostgreSQL with the locale C lowercases ASCII letters only
        matches = (
            peewee.fn.LOWER(field).contains(part) | field.contains(search)
            for field in (Bot.title, Bot.username)
        )
        query = query.where(reduce(operator.or_, matches))
    page_of_ids = cut(query.tuples(), page=page, page_size=page_size)
    return page_of_ids.map(partial(_with_ids, vault))


def _with_ids(vault: Vault, ids: list[tuple[int]]) -> list[BotRecord]:
    marks = ", ".join("?" * len(ids))
    return find(vault, f"bots.id IN ({marks})", *(bot_id for (bot_id,) in ids)) if ids else []


def change(user_id: int, changes: dict[str, bool], *, by: Actor) -> Account | None:
    """Change the fields of an account that only operators may change.

    Disabling it ends its sessions and stops its bots. Their `active` is not changed, so that they
    run again when the account is enabled.

    Args:
        changes: any of is_staff, disabled.

    Returns:
        The account as it is now; None if it was deleted.
    """
    try:
        user = locked(user_id)
    except User.DoesNotExist:
        return None
    values: dict[str, Any] = {}
    if changes.get("is_staff", user.is_staff) != user.is_staff:
        values["is_staff"] = changes["is_staff"]
        action = Action.STAFF_GIVEN if changes["is_staff"] else Action.STAFF_TAKEN
        audit.record(action, by, user_id=user_id, username=user.username)
    if changes.get("disabled", user.disabled_at is not None) != (user.disabled_at is not None):
        values["disabled_at"] = now() if changes["disabled"] else None
        Session.delete().where(Session.user == user_id).execute()
        action = Action.DISABLED if changes["disabled"] else Action.ENABLED
        audit.record(action, by, user_id=user_id, username=user.username)
        Bot.update(generation=Bot.generation + 1).where(Bot.user == user_id).execute()
        bot_ids = Bot.select(Bot.id).where(Bot.user == user_id).tuples()
        doorbell.ring(Bell.WISH, [bot_id for (bot_id,) in bot_ids])
    if values:
        change_marker.renew()
        User.update(values, updated_at=now()).where(User.id == user_id).execute()
    return account(user_id)
