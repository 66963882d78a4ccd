"""Bots as plain data, which may leave the database threads."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, cast

from models.bots.vault import Vault
from models.engine.bulk import loaded, select


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
        owner_id: the process that runs it, of several; None for none.
        history: True if what people write to it is kept.
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
    owner_id: int | None = None
    history: bool = True

    @property
    def wanted(self) -> bool:
        """True if it should run."""
        return self.active and not self.suspended


class Writer(NamedTuple):
    """A bot with the token of its run, and the process that runs it; 0 for the only one.

    Once the bot has another token or owner, that run may not write.
    """

    bot_id: int
    token_generation: int
    owner_id: int = 0


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """A token with id and user name from getMe; both are empty if Telegram was unreachable."""

    token: str = field(repr=False)
    telegram_id: int | None = None
    username: str = ""


def claimed_telegram_id(token: str) -> int:
    """Return the Telegram id that a token claims: the number before its colon."""
    return int(token.partition(":")[0])


_COLUMNS = (
    "bots.id, bots.user_id, users.username, users.disabled_at, bots.title, bots.active, "
    "bots.token_encrypted, bots.telegram_id, bots.username, bots.generation, "
    "bots.token_generation, bots.last_update_at, bots.created_at, bots.updated_at, "
    "runs.generation, runs.state, runs.reason, runs.detail, runs.since, runs.attempts, "
    "runs.next_attempt_at, runs.last_poll_at, bots.owner_id, bots.history"
)
_TABLES = "bots JOIN users ON users.id = bots.user_id LEFT JOIN runs ON runs.bot_id = bots.id"


def find(vault: Vault, condition: str, *parameters: Any) -> list[BotRecord]:
    """Read bots, oldest first.

    Args:
        vault: opens the stored tokens.
        condition: SQL on the columns of `bots`, with a question mark for each parameter.
    """
    sql = f"SELECT {_COLUMNS} FROM {_TABLES} WHERE {condition} ORDER BY bots.id"  # noqa: S608
    return [_record(row, vault) for row in select(sql, *parameters)]


def _record(row: tuple[Any, ...], vault: Vault) -> BotRecord:
    """Make a record of the columns of _COLUMNS."""
    bot_id, user_id, owner, disabled_at, title, active, token, *row_left = row
    telegram_id, username, generation, token_generation, *row_left = row_left
    last_update_at, created_at, updated_at, *run, owner_id, history = row_left
    return BotRecord(
        id=bot_id,
        user_id=user_id,
        owner=owner,
        suspended=disabled_at is not None,
        title=title,
        active=bool(active),
        token=vault.decrypt(token),
        telegram_id=telegram_id,
        username=username,
        generation=generation,
        token_generation=token_generation,
        last_update_at=loaded(last_update_at),
        created_at=cast(datetime, loaded(created_at)),
        updated_at=cast(datetime, loaded(updated_at)),
        run=_run(run) if run[0] is not None else None,
        owner_id=owner_id,
        history=bool(history),
    )


def _run(row: list[Any]) -> RunRecord:
    generation, state, reason, detail, since, attempts, next_attempt_at, last_poll_at = row
    return RunRecord(
        generation,
        state,
        reason,
        detail,
        cast(datetime, loaded(since)),
        attempts,
        loaded(next_attempt_at),
        loaded(last_poll_at),
    )
