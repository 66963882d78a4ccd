"""Accounts: show, change, delete and disable them, and read their audit log."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from models.accounts import administration, audit, users
from models.accounts.administration import Account
from models.accounts.audit import Actor, EntryRecord
from models.accounts.sessions import authorized
from models.accounts.users import UserRecord
from models.bots import bots
from models.bots.vault import Vault
from models.engine.database import Database
from models.engine.pagination import Page
from models.errors import StorageError
from runner.runner import Runner
from services.emails import EmailService
from services.errors import OwnAccount
from services.media_removal import discard_contents
from services.sessions import SessionService
from services.throttle import LoginThrottle


class AccountService:
    """Reads, changes and deletes accounts.

    Args:
        db: the database.
        vault: decrypts the tokens of the bots that are stopped.
        runner: runs the bots.
        sessions: ends sessions.
        throttle: limits changes of names.
        emails: sends the link that verifies an address.
    """

    def __init__(
        self,
        *,
        db: Database,
        vault: Vault,
        runner: Runner,
        sessions: SessionService,
        throttle: LoginThrottle,
        emails: EmailService,
    ) -> None:
        self._db = db
        self._vault = vault
        self._runner = runner
        self._manager = runner.manager
        self._sessions = sessions
        self._throttle = throttle
        self._emails = emails

    async def find(self, user_id: int) -> Account | None:
        """Find an account; None if there is none."""
        return await self._db.read(administration.account, user_id)

    async def page(self, **query: Any) -> Page[Account]:
        """Read one page of all accounts; see `models.accounts.administration.accounts_page`."""
        return await self._db.read(administration.accounts_page, **query)

    async def audit_log(self, viewer: UserRecord, **query: Any) -> Page[EntryRecord]:
        """Read one page of the audit log; see `models.accounts.audit.entries`.

        Args:
            viewer: staff see every entry; others see those about their own account, without the
                addresses of other people.
        """
        if viewer.is_staff:
            return await self._db.read(audit.entries, **query)
        page = await self._db.read(audit.entries, viewer_id=viewer.id, **query)
        return page.map(lambda rows: [_without_address(row, viewer.id) for row in rows])

    async def update(self, user: UserRecord, changes: dict[str, Any], *, by: Actor) -> UserRecord:
        """Change the fields of an account that its owner may change.

        Args:
            changes: any of username, email, first_name, last_name.

        Raises:
            TooFast: too many new names or e-mail addresses.
            UsernameTaken, EmailTaken: another account has this name or e-mail address.
        """
        new_name = changes.get("username", user.username) != user.username
        if new_name or changes.get("email", "") not in ("", user.email):
            await self._throttle.new_name(user.id, by.address)
        updated = await self._db.write(authorized, by, users.update, user.id, changes)
        self._sessions.forget(user.id)
        if updated.email != user.email:
            self._emails.send_verification(updated.email)
        return updated

    async def delete(self, user_id: int, *, by: Actor) -> None:
        """Stop the bots of an account, then remove it with its bots and sessions."""
        records = await self._db.read(bots.list_for, self._vault, user_id)
        for record in records:
            async with self._manager.lock(record.id):
                await self._runner.wishes.stop(record)
        # a bot may be added or switched on in the meantime: the write returns those it deleted
        try:
            await discard_contents(self._db, [record.id for record in records], by=by)
            removed = await self._sessions.end_by(user_id, users.delete, user_id, by=by)
        except StorageError:
            for record in records:
                async with self._manager.lock(record.id):
                    await self._runner.wishes.carry_out_stored(record)
            raise
        for bot_id in removed:
            async with self._manager.lock(bot_id):
                await self._manager.forget(bot_id)

    async def administer(
        self, user_id: int, changes: dict[str, bool], *, by: Actor
    ) -> Account | None:
        """Change the fields of an account that only staff may change.

        Disabling an account ends its sessions and stops its bots.

        Args:
            changes: any of is_staff, disabled.

        Returns:
            The account as it is now; None if there is none.

        Raises:
            OwnAccount: staff cannot disable or demote themselves.
        """
        disables = changes.get("disabled", False)
        if user_id == by.user_id and (disables or not changes.get("is_staff", True)):
            raise OwnAccount
        if disables:
            account = await self._sessions.end_by(
                user_id, administration.change, user_id, changes, by=by
            )
        else:
            account = await self._db.write(authorized, by, administration.change, user_id, changes)
            self._sessions.forget(user_id)
        if "disabled" in changes:
            bot_ids = await self._db.read(bots.ids_of, user_id)
            for bot_id in bot_ids:
                await self._runner.reconciler.reconcile(bot_id)
            if disables:
                for bot_id in bot_ids:
                    await self._runner.wishes.wait_until_off(bot_id)
        return account


def _without_address(entry: EntryRecord, viewer_id: int) -> EntryRecord:
    return entry if entry.actor_id == viewer_id else replace(entry, address="")
