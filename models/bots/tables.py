"""The tables of bots: `bots` with their owners' wishes, and `runs` with the actual states."""

from __future__ import annotations

import peewee

from models.accounts.users import User
from models.engine.base import BaseModel, UTCDateTimeField


class Bot(BaseModel):
    """A Telegram bot of an account.

    `telegram_id` is empty until Telegram has confirmed the token: an unproved claim must not
    block the real owner of a bot, nor reveal which bots are registered. So this column alone makes
    a Telegram bot unique. `active` is the owner's wish; no failure changes it.

    `scenario_version` is the scenario that it runs; 0 if it has none, and repeats what people say.

    `history` is False if its owner does not want to keep what people write to it.

    Every wish (a switch, a new token, an account that is disabled or enabled) adds one to
    `generation`; a new token also adds one to `token_generation`.
    """

    user = peewee.ForeignKeyField(User, backref="bots", on_delete="CASCADE")
    slot = peewee.SmallIntegerField()
    title = peewee.CharField(max_length=100, default="")
    active = peewee.BooleanField(default=True)
    token_encrypted = peewee.TextField()
    token_fingerprint = peewee.CharField(max_length=64)
    telegram_id = peewee.BigIntegerField(null=True, unique=True)
    username = peewee.CharField(max_length=64, default="")
    generation = peewee.IntegerField(default=1)
    token_generation = peewee.IntegerField(default=1)
    update_offset = peewee.BigIntegerField(default=0)
    last_update_at = UTCDateTimeField(null=True)
    history = peewee.BooleanField(default=True)
    scenario_version = peewee.IntegerField(default=0)
    created_at = UTCDateTimeField()
    updated_at = UTCDateTimeField()

    class Meta:
        table_name = "bots"
        indexes = ((("user", "slot"), True),)


class Run(BaseModel):
    """The actual state of a bot, written by the process that runs it.

    `generation` is that of the wish that was carried out. A bot that has never run has no row.
    """

    bot = peewee.ForeignKeyField(
        Bot, on_delete="CASCADE", primary_key=True, index=False, backref="runs"
    )
    generation = peewee.IntegerField()
    state = peewee.CharField(max_length=16)
    reason = peewee.CharField(max_length=32, null=True)
    detail = peewee.CharField(max_length=500, null=True)
    since = UTCDateTimeField()
    attempts = peewee.IntegerField()
    next_attempt_at = UTCDateTimeField(null=True)
    last_poll_at = UTCDateTimeField(null=True)
    version = peewee.BigIntegerField()

    class Meta:
        table_name = "runs"
