"""Idempotency keys: a request that is repeated does not write its messages twice."""

from __future__ import annotations

import peewee

from models.accounts.users import User
from models.bots.tables import Bot
from models.engine.base import BaseModel, UTCDateTimeField


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
