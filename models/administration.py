"""What operators do with accounts: see them with their bots, switch them off and on."""

from __future__ import annotations

from dataclasses import dataclass

import peewee

from models import revision
from models.base import now
from models.bot import Bot
from models.session import Session
from models.user import User, UserRecord, record


@dataclass(frozen=True, slots=True)
class Account:
    """An account as operators see it.

    Args:
        bots: how many it has.
        active_bots: how many of them are switched on.
    """

    user: UserRecord
    bots: int
    active_bots: int


def accounts() -> list[Account]:
    """Every account, oldest first."""
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


def set_disabled(user_id: int, disabled: bool) -> UserRecord:
    """Switch an account off, which ends its sessions and stops its bots, or on again.

    What its bots' `active` says stays as it is: it is what they return to.

    Raises:
        User.DoesNotExist: the account is gone.
    """
    user = User.get_by_id(user_id)
    if disabled == (user.disabled_at is not None):
        return record(user)
    moment = now()
    user.disabled_at = moment if disabled else None
    user.updated_at = moment
    user.save(only=[User.disabled_at, User.updated_at])
    if disabled:
        Session.delete().where(Session.user == user_id).execute()
    revision.renew()
    return record(user)
