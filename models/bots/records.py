"""Bots as plain data, which is what leaves the database's threads."""

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
    """What is true of a bot, as stored; see `models.bots.tables.Run`.

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
    """A bot as the rest of the program sees it, its token in the clear.

    Args:
        active: what its owner wants.
        suspended: True if its owner's account is disabled, so that it does not run.
        generation: of its owner's last wish.
        token_generation: of its token.
        run: what is true of it; None if it has never run.
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
    """A bot with the token that it runs with; with another token, it may not write any more."""

    bot_id: int
    token_generation: int


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """A token with what getMe told of it; both are empty if Telegram could not be reached."""

    token: str = field(repr=False)
    telegram_id: int | None = None
    username: str = ""


def claimed_telegram_id(token: str) -> int:
    """The Telegram id that a token says it belongs to: the number before its colon."""
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
    """Select bots, each with what its record needs of its account and of its run."""
    return (
        Bot.select(Bot, User.id, User.username, User.disabled_at, Run.bot, *_RUN_COLUMNS)
        .join(User)
        .switch(Bot)
        .join(Run, peewee.JOIN.LEFT_OUTER, on=(Run.bot == Bot.id), attr="run")
    )


def to_record(row: Bot, vault: Vault) -> BotRecord:
    """Make the record of a row that `rows` has selected."""
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
