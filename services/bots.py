"""What an owner does with a bot: written first, then carried out, under the bot's lock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from models.accounts.audit import Actor
from models.accounts.sessions import authorized
from models.bots import bots, takeover
from models.bots.records import BotRecord
from models.bots.vault import Vault
from models.engine.database import Database
from models.errors import StorageError, StorageUnavailable
from models.messaging import dead_updates, updates
from runner.errors import BotGone
from runner.live.hub import EventKind
from runner.runner import Runner
from runner.settings import RunnerTuning
from runner.states import STABLE, BotStatus
from runner.telegram.verification import Verification, verify

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A bot after a change, and whether the change is through (not still starting)."""

    bot: BotRecord
    status: BotStatus
    is_stable: bool


class BotService:
    """Creates, changes and deletes bots.

    Args:
        db: the database.
        vault: seals and opens tokens.
        runner: runs the bots.
        settings: times.
        max_bots: how many bots an account may have.
    """

    def __init__(
        self,
        *,
        db: Database,
        vault: Vault,
        runner: Runner,
        settings: RunnerTuning,
        max_bots: int,
    ) -> None:
        self._db = db
        self._vault = vault
        self._runner = runner
        self._manager = runner.manager
        self._settings = settings
        self._max_bots = max_bots

    async def create(
        self, user_id: int, *, token: str, title: str, active: bool, by: Actor
    ) -> Outcome:
        """Add a bot, and start it when it is to be active.

        Raises:
            BotLimitReached, BotAlreadyRegistered: as the words say.
            TokenRejected: Telegram does not know the token.
        """
        await self._db.read(bots.check_new, self._vault, user_id, token, limit=self._max_bots)
        verified = await self._verify(token)
        dead = await self._runner.claims.dead(verified.token)
        record = await self._write_wish(
            authorized,
            by,
            takeover.taking_over,
            dead,
            bots.create,
            self._vault,
            user_id,
            token=verified.token,
            title=title,
            active=active,
            limit=self._max_bots,
        )
        return await self._carry_out(record, verified)

    async def update(self, record: BotRecord, changes: dict[str, Any], *, by: Actor) -> Outcome:
        """Change a bot, and start, stop or restart it as its `active` and `token` say.

        Args:
            changes: any of token, title, active.

        Raises:
            BotAlreadyRegistered, TokenRejected, BotGone: as the words say.
        """
        changes = dict(changes)
        token = changes.pop("token", record.token)
        verified, dead = None, None
        if token != record.token:
            verified = await self._verify(token)
            dead = await self._runner.claims.dead(verified.token, exclude_id=record.id)
        async with self._manager.lock(record.id):
            stored = await self._write(record.id, changes, verified, dead, by)
            is_wish = stored.generation != record.generation  # or follows one
            if is_wish:
                await self._apply(stored, verified)
        return await self._outcome(stored, is_changed=is_wish)

    async def _write(
        self,
        bot_id: int,
        changes: dict[str, Any],
        verified: Verification | None,
        dead: BotRecord | None,
        by: Actor,
    ) -> BotRecord:
        stored: BotRecord | None = await self._write_wish(
            authorized,
            by,
            takeover.taking_over,
            dead,
            bots.update,
            self._vault,
            bot_id,
            changes,
            token=verified.token if verified else None,
            forget=updates.forget,
        )
        if stored is None:
            raise BotGone
        return stored

    async def _write_wish(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._db.write(fn, *args, **kwargs)
        except StorageUnavailable:
            self._runner.reconciler.doubt()  # it may have been stored all the same
            raise

    async def delete(self, record: BotRecord, *, by: Actor) -> None:
        """Stop a bot, then remove it."""
        async with self._manager.lock(record.id):
            await self._manager.stop(record.id)
            try:
                await self._write_wish(authorized, by, bots.delete, record)
            except StorageError:
                await self._resume_locked(record)
                raise
            await self._manager.forget(record.id)
        self._runner.events.publish(record.user_id, EventKind.DELETED, record.id)

    async def retry_dead_update(self, bot: BotRecord, update_id: int, *, by: Actor) -> bool:
        """Let a dead update wait for its handler again.

        Returns:
            Whether there is such an update.
        """
        revived = await self._db.write(authorized, by, dead_updates.revive, bot, update_id)
        if revived is not None:
            self._manager.enqueue(bot.id, revived)
        return revived is not None

    async def _resume_locked(self, known: BotRecord) -> None:
        """Let a bot go on as it is stored: the change that it was stopped for failed."""
        record = await self._read_again(known)
        if record is not None:
            await self._apply(record, None)

    async def _read_again(self, known: BotRecord) -> BotRecord | None:
        """A bot as it is stored now, None when it is gone; as it was known, if nobody can tell."""
        try:
            return await self._db.read(bots.get, self._vault, known.id)
        except StorageError:
            return known

    async def _verify(self, token: str) -> Verification:
        return await verify(self._runner.transport, token, timeout=self._settings.verify_timeout)

    async def _carry_out(self, made: BotRecord, verified: Verification) -> Outcome:
        async with self._manager.lock(made.id):
            record = await self._read_again(made)
            if record is None:
                raise BotGone
            await self._apply(record, verified)
        return await self._outcome(record)

    async def _apply(self, record: BotRecord, verified: Verification | None) -> None:
        unreachable = verified.unreachable if verified else None
        await self._manager.apply(record, unreachable=unreachable)

    async def _outcome(self, written: BotRecord, *, is_changed: bool = True) -> Outcome:
        """Wait until a bot is as it should be, and show it.

        Args:
            is_changed: False if its row cannot have changed since it was written.
        """
        is_stable = await self._manager.wait_until_stable(written.id)
        try:
            if is_changed:
                shown = await self._runner.views.view(written.id)
            else:
                shown = next(iter(await self._runner.views.pair([written])), None)
        except StorageError:  # the change is stored: its answer must not say otherwise
            return Outcome(written, self._runner.views.last_known(written), is_stable)
        if shown is None:
            raise BotGone
        record, status = shown
        return Outcome(record, status, is_stable and status.state in STABLE)
