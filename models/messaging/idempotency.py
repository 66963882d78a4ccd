"""Idempotency keys: a request that is repeated does not write its messages twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import peewee

from models.accounts.users import User
from models.bots.tables import Bot
from models.engine.base import BaseModel, UTCDateTimeField, now
from models.errors import KeyReused

LIFETIME = timedelta(hours=24)


class IdempotencyKey(BaseModel):
    """The key of a request, with the messages that it wrote."""

    bot = peewee.ForeignKeyField(Bot, on_delete="CASCADE", index=False)
    user = peewee.ForeignKeyField(User, on_delete="CASCADE", index=False)
    key = peewee.CharField(max_length=255)
    body_hash = peewee.CharField(max_length=64)
    first_id = peewee.BigIntegerField()
    last_id = peewee.BigIntegerField()
    created_at = UTCDateTimeField(index=True)

    class Meta:
        table_name = "idempotency_keys"
        primary_key = peewee.CompositeKey("bot", "user", "key")


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The key of a request.

    Args:
        user_id: the account that has sent it.
        key: the header Idempotency-Key.
        body_hash: a hash of what it asks for.
    """

    user_id: int
    key: str
    body_hash: str


def written(bot_id: int, key: RequestKey) -> tuple[int, int] | None:
    """Return the first and the last message that a request has written; None if it is new.

    Raises:
        KeyReused: the key was used for another request.
    """
    row = IdempotencyKey.get_or_none(
        IdempotencyKey.bot == bot_id,
        IdempotencyKey.user == key.user_id,
        IdempotencyKey.key == key.key,
        IdempotencyKey.created_at > now() - LIFETIME,
    )
    if row is None:
        return None
    if row.body_hash != key.body_hash:
        raise KeyReused
    return row.first_id, row.last_id


def store(bot_id: int, key: RequestKey, *, first_id: int, last_id: int) -> None:
    """Remember what a request has written."""
    mine = (
        IdempotencyKey.bot == bot_id,
        IdempotencyKey.user == key.user_id,
        IdempotencyKey.key == key.key,
    )
    IdempotencyKey.delete().where(*mine).execute()  # one that has expired
    IdempotencyKey.insert(
        bot=bot_id,
        user=key.user_id,
        key=key.key,
        body_hash=key.body_hash,
        first_id=first_id,
        last_id=last_id,
        created_at=now(),
    ).execute()


def delete_expired() -> None:
    """Delete the keys that are no longer valid."""
    IdempotencyKey.delete().where(IdempotencyKey.created_at <= now() - LIFETIME).execute()
