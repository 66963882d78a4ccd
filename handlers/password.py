"""A new password, by whoever knows the old one."""

from __future__ import annotations

from tornado.web import url

from handlers import errors
from handlers.auth import AccountHandler
from handlers.schemas.common import PasswordChangeSchema
from models.accounts import sessions, users
from models.accounts.passwords import weaknesses
from models.accounts.users import Credentials
from models.errors import PasswordChanged


class PasswordChange(AccountHandler):
    """One's own password."""

    by_session = True
    accepts_forms = True

    async def post(self) -> None:
        """Change the password; every other session of the account ends.

        ---
        summary: Change the password
        tags: [Accounts]
        requestBody:
          content:
            application/json: {schema: PasswordChangeSchema}
            application/x-www-form-urlencoded: {schema: PasswordChangeSchema}
        responses:
          200: {description: Changed., schema: DetailSchema}
          429:
            description: Too many attempts; see the header Retry-After.
            codes: [too_many_attempts, busy]
        """
        me, body = self.principal, self.load(PasswordChangeSchema)
        new = body["new_password1"]
        if found := weaknesses(new, username=me.user.username, email=me.user.email):
            raise errors.invalid({"new_password1": found})
        checked = await self.services.db.read(users.credentials, me.user.id)
        await self._store(await self._hash(new, body["old_password"], checked), checked)
        self.services.manager.events.end_sessions(me.user.id, keep=me.session_id)
        self.answer({"detail": "New password has been saved."})

    async def _hash(self, new: str, old: str, checked: Credentials | None) -> str:
        """The hash of a new password, for whoever knows the old one."""
        attempt = self.services.throttle.password_change(self.principal.login)
        if not await self.check_password(attempt, old, checked, known=True):
            raise errors.invalid({"old_password": ["This is not your password."]})
        with attempt.undone_when_busy():
            source = self.source(checked, known=True)
            return await self.services.hasher.hash(new, source=source, known=True)

    async def _store(self, password_hash: str, checked: Credentials | None) -> None:
        """Store a new password in the place of the one that was checked, and of no other."""
        me = self.principal
        try:
            await self.write_as_caller(
                sessions.change_password,
                me.user,
                password_hash,
                checked_hash=checked.password_hash if checked else "",
                keep=me.session_id,
            )
        except PasswordChanged:
            sentence = "The password was changed while this was under way; this was the old one."
            raise errors.invalid({"old_password": [sentence]}) from None


routes = [
    url(r"/rest-auth/password/change/?", PasswordChange),
]
