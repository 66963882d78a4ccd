"""Owners' changes of bots: written first, then carried out, under the bot's lock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from models.accounts.audit import Actor
from models.accounts.sessions import authorized
from models.bots import bots, takeover
from models.bots.records import BotRecord
from models.bots.vault import Vault
from models.engine.database import Database
from models.engine.doorbell import Bell
from models.errors import StorageError, StorageUnavailable
from models.messaging import dead_updates, updates
from runner.errors import BotGone
from runner.live.events import EventKind
from runner.runner import Runner
from runner.settings import RunnerTuning
from runner.states import STABLE, BotStatus
from runner.telegram.verification import Verification, verify
from runner.updates.incoming import IncomingUpdate
from services.media_removal import discard_contents

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A bot after a change; `is_stable` is False while it is still starting or stopping."""

    bot: BotRecord
    status: BotStatus
    is_stable: bool


class BotService:
    """Creates, changes and deletes bots.

    Args:
        db: the database.
        vault: encrypts and decrypts tokens.
        runner: runs the bots.
        settings: timeouts.
        max_bots: the maximum number of bots of an account.
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
        self, user_id: int, *, token: str, title: str, active: bool, history: bool, by: Actor
    ) -> Outcome:
        """Add a bot, and start it if `active` is True.

        Raises:
            BotLimitReached: the account has the maximum number of bots.
            BotAlreadyRegistered: this Telegram bot is already registered.
            TokenRejected: Telegram does not accept the token.
        """
        await self._db.read(bots.check_new, self._vault, user_id, token, limit=self._max_bots)
        verified = await self._verify(token)
        dead = await self._runner.claims.dead(verified.token)
        began = asyncio.get_running_loop().time()
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
            history=history,
            limit=self._max_bots,
        )
        return await self._carry_out(record, verified, began=began)

    async def update(self, record: BotRecord, changes: dict[str, Any], *, by: Actor) -> Outcome:
        """Change a bot, and start, stop or restart it according to `active` and `token`.

        Args:
            changes: any of token, title, active, history.

        Raises:
            BotAlreadyRegistered: the new token's Telegram bot is already registered.
            TokenRejected: Telegram does not accept the new token.
            BotGone: the bot was deleted in the meantime.
        """
        changes = dict(changes)
        token = changes.pop("token", record.token)
        verified, dead = None, None
        if token != record.token:
            verified = await self._verify(token)
            dead = await self._runner.claims.dead(verified.token, exclude_id=record.id)
        began = asyncio.get_running_loop().time()
        async with self._manager.lock(record.id):
            stored = await self._write(record.id, changes, verified, dead, by)
            is_wish = stored.generation != record.generation  # or follows one
            if is_wish:
                unreachable = verified.unreachable if verified else None
                stored = await self._runner.wishes.carry_out(stored, unreachable=unreachable)
        return await self._outcome(stored, began=began if is_wish else None)

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
        """Stop a bot, then delete it."""
        async with self._manager.lock(record.id):
            await self._runner.wishes.stop(record)
            try:
                await discard_contents(self._db, [record.id], by=by)
                await self._write_wish(authorized, by, bots.delete, record)
            except StorageError:
                if await self._runner.wishes.carry_out_stored(record) is None:
                    await self._deleted(record)  # all the same: only the answer was lost
                raise
            await self._deleted(record)

    async def _deleted(self, record: BotRecord) -> None:
        """Forget a bot that was deleted, and tell its owner; its lock must be held."""
        await self._manager.forget(record.id)
        self._runner.events.publish(record.user_id, EventKind.DELETED, record.id)

    async def retry_dead_update(self, bot: BotRecord, update_id: int, *, by: Actor) -> bool:
        """Queue a dead update for its handler again.

        Returns:
            False if there is no such update.
        """
        revived = await self._db.write(authorized, by, dead_updates.revive, bot, update_id)
        if revived is None:
            return False
        if (run := self._manager.run(bot.id)) is not None:
            run.processor.enqueue(IncomingUpdate.from_stored(revived))
        else:
            await self._db.ring(Bell.BACKLOG, [bot.id])
        return True

    async def _verify(self, token: str) -> Verification:
        return await verify(self._runner.transport, token, timeout=self._settings.verify_timeout)

    async def _carry_out(
        self, created: BotRecord, verified: Verification, *, began: float
    ) -> Outcome:
        async with self._manager.lock(created.id):
            record = await self._runner.wishes.carry_out_stored(
                created, unreachable=verified.unreachable
            )
        if record is None:
            raise BotGone
        return await self._outcome(record, began=began)

    async def _outcome(self, written: BotRecord, *, began: float | None) -> Outcome:
        """Wait until a bot is as it should be, and show it.

        Args:
            began: when the wish was written; None if its row cannot have changed since then,
                because there was no wish.
        """
        is_stable = await self._runner.wishes.wait_until_stable(written, began=began)
        try:
            if began is not None:
                shown = await self._runner.views.view(written.id)
            else:
                shown = next(iter(await self._runner.views.pair([written])), None)
            if is_stable and shown is not None and shown[1].state not in STABLE:
                async with self._manager.lock(written.id):  # a newer wish is being carried out
                    shown = await self._runner.views.view(written.id)
        except StorageError:  # the change is stored: its answer must not say otherwise
            return Outcome(written, self._runner.views.last_known(written), is_stable)
        if shown is None:
            raise BotGone
        record, status = shown
        return Outcome(record, status, is_stable and status.state in STABLE)
