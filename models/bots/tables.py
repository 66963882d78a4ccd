"""The tables of bots: `bots`, what their owners want, and `runs`, what is true."""

from __future__ import annotations

import peewee

from models.accounts.users import User
from models.engine.base import BaseModel, UTCDateTimeField


class Bot(BaseModel):
    """A Telegram bot of an account.

    `telegram_id` is empty until Telegram has confirmed the token: an unproved claim must not
    keep the true owner of a bot out, nor tell which bots are here. So it alone makes sure that
    a bot is in the platform once. `active` is what the owner wants; no failure changes it.

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
    created_at = UTCDateTimeField()
    updated_at = UTCDateTimeField()

    class Meta:
        table_name = "bots"
        indexes = ((("user", "slot"), True),)


class Run(BaseModel):
    """What is true of a bot, as the process that runs it has written.

    `generation` is that of the wish it has acted on. A bot that has never run has no row.
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
