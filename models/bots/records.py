"""Bots as plain data, which may leave the database threads."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import peewee

from models.accounts.users import User
from models.bots.tables import Bot, Run
from models.bots.vault import Vault


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The actual state of a bot, as stored; see `models.bots.tables.Run`.

    Args:
        state, reason: values of the runner's enumerations.
        attempts: failed starts in a row.
    """

    generation: int
    state: str
    reason: str | None
    detail: str | None
    since: datetime
    attempts: int = 0
    next_attempt_at: datetime | None = None
    last_poll_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BotRecord:
    """A bot as the rest of the program sees it, with its decrypted token.

    Args:
        active: True if its owner wants it to run.
        suspended: True if its owner's account is disabled, so that it does not run.
        generation: the generation of its owner's last wish.
        token_generation: the generation of its token.
        run: its actual state; None if it has never run.
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
    generation: int
    token_generation: int
    last_update_at: datetime | None
    created_at: datetime
    updated_at: datetime
    run: RunRecord | None = None

    @property
    def wanted(self) -> bool:
        """True if it should run."""
        return self.active and not self.suspended


class Writer(NamedTuple):
    """A bot with the token of its run; once it has another token, that run may not write."""

    bot_id: int
    token_generation: int


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """A token with id and user name from getMe; both are empty if Telegram was unreachable."""

    token: str = field(repr=False)
    telegram_id: int | None = None
    username: str = ""


def claimed_telegram_id(token: str) -> int:
    """Return the Telegram id that a token claims: the number before its colon."""
    return int(token.partition(":")[0])


_RUN_COLUMNS = (
    Run.generation,
    Run.state,
    Run.reason,
    Run.detail,
    Run.since,
    Run.attempts,
    Run.next_attempt_at,
    Run.last_poll_at,
)


def rows() -> Any:
    """Select bots with the columns of their accounts and runs that their records need."""
    return (
        Bot.select(Bot, User.id, User.username, User.disabled_at, Run.bot, *_RUN_COLUMNS)
        .join(User)
        .switch(Bot)
        .join(Run, peewee.JOIN.LEFT_OUTER, on=(Run.bot == Bot.id), attr="run")
    )


def to_record(row: Bot, vault: Vault) -> BotRecord:
    """Convert a row from `rows` into a record."""
    run = getattr(row, "run", None)
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
        generation=row.generation,
        token_generation=row.token_generation,
        last_update_at=row.last_update_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        run=None if run is None else _to_run(run),
    )


def _to_run(row: Run) -> RunRecord:
    return RunRecord(
        row.generation,
        row.state,
        row.reason,
        row.detail,
        row.since,
        row.attempts,
        row.next_attempt_at,
        row.last_poll_at,
    )
