"""The networks of earlier logins: attempts by strangers do not block logins from these."""

from __future__ import annotations

from datetime import timedelta

import peewee

from models.accounts.address import network_of
from models.accounts.users import User
from models.engine.base import BaseModel, UTCDateTimeField, now

KEPT = 50  # the latest networks of an account
KEPT_FOR = timedelta(days=180)


class KnownNetwork(BaseModel):
    """A network, as returned by `network_of`, from which an account has been logged in to."""

    user = peewee.ForeignKeyField(User, on_delete="CASCADE", index=False)
    network = peewee.CharField(max_length=64)
    last_login_at = UTCDateTimeField()

    class Meta:
        table_name = "known_networks"
        primary_key = peewee.CompositeKey("user", "network")


def remember(user_id: int, address: str) -> None:
    """Record a login from an address, and delete old networks."""
    moment = now()
    network = network_of(address)
    KnownNetwork.insert(user=user_id, network=network, last_login_at=moment).on_conflict(
        conflict_target=[KnownNetwork.user, KnownNetwork.network],
        update={KnownNetwork.last_login_at: moment},
    ).execute()
    mine = KnownNetwork.select(KnownNetwork.network, KnownNetwork.last_login_at).where(
        KnownNetwork.user == user_id
    )
    latest_first = list(mine.order_by(KnownNetwork.last_login_at.desc()))
    young = {row.network for row in latest_first[:KEPT] if row.last_login_at > moment - KEPT_FOR}
    if len(young) < len(latest_first):
        _forget(user_id, keep=young)


def knows(user_id: int, address: str) -> bool:
    """Return True if an account has been logged in to from the network of an address."""
    query = KnownNetwork.select().where(
        KnownNetwork.user == user_id, KnownNetwork.network == network_of(address)
    )
    return bool(query.exists())


def forget_all_but(user_id: int, address: str) -> None:
    """Delete an account's networks, because a thief of the password may have used them.

    Args:
        address: the address whose network is kept; empty for none.
    """
    _forget(user_id, keep={network_of(address)} if address else set())


def _forget(user_id: int, *, keep: set[str]) -> None:
    mine = KnownNetwork.user == user_id
    KnownNetwork.delete().where(mine, KnownNetwork.network.not_in(list(keep))).execute()
