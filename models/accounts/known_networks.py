"""Where an account has been logged in to: failures of strangers do not hold up who comes back."""

from __future__ import annotations

from datetime import timedelta

import peewee

from models.accounts.address import network_of
from models.accounts.users import User
from models.engine.base import BaseModel, UTCDateTimeField, now

KEPT = 50  # networks of an account, the latest ones
KEPT_FOR = timedelta(days=180)


class KnownNetwork(BaseModel):
    """A network, as `network_of` has it, that somebody with the password has logged in from."""

    user = peewee.ForeignKeyField(User, on_delete="CASCADE", index=False)
    network = peewee.CharField(max_length=64)
    last_login_at = UTCDateTimeField()

    class Meta:
        table_name = "known_networks"
        primary_key = peewee.CompositeKey("user", "network")


def remember(user_id: int, address: str) -> None:
    """Note that an account was logged in to from an address, and forget what is old."""
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
    """Whether an account has been logged in to from an address, or from its network."""
    query = KnownNetwork.select().where(
        KnownNetwork.user == user_id, KnownNetwork.network == network_of(address)
    )
    return bool(query.exists())


def forget_all_but(user_id: int, address: str) -> None:
    """Forget where an account was logged in to: whoever it was may have stolen the password.

    Args:
        address: of which this is not so; empty for none.
    """
    _forget(user_id, keep={network_of(address)} if address else set())


def _forget(user_id: int, *, keep: set[str]) -> None:
    mine = KnownNetwork.user == user_id
    KnownNetwork.delete().where(mine, KnownNetwork.network.not_in(list(keep))).execute()
