"""The caller's own account and its sessions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tornado.web import url

from handlers.authentication import clear_session_cookie
from handlers.rest_auth import RestAuthHandler
from handlers.schemas.accounts import SessionSchema, UserSchema
from handlers.schemas.common import optional_fields, shared


class Me(RestAuthHandler):
    """The caller's account."""

    def get(self) -> None:
        """Show the account.

        ---
        summary: Your account
        tags: [Accounts]
        responses:
          200: {description: The account., schema: UserSchema}
        """
        self.answer(shared(UserSchema).dump(self.principal.user))

    async def put(self) -> None:
        """Change the account. The user name is required; other omitted fields keep their values.

        ---
        summary: Change your account's data, the user name required
        tags: [Accounts]
        requestBody: {schema: UserSchema}
        responses:
          200: {description: The account as it is now., schema: UserSchema}
          429: {description: Too many new names or addresses., codes: [too_many_attempts]}
        """
        await self._change(self.load(UserSchema, partial=optional_fields(UserSchema)))

    async def patch(self) -> None:
        """Change the given fields of the account.

        ---
        summary: Change your account's data
        tags: [Accounts]
        requestBody: {schema: UserSchema, partial: true}
        responses:
          200: {description: The account as it is now., schema: UserSchema}
          429: {description: Too many new names or addresses., codes: [too_many_attempts]}
        """
        await self._change(self.load(UserSchema, partial=True))

    async def _change(self, changes: dict[str, Any]) -> None:
        user = await self.services.accounts.update(self.principal.user, changes, by=self.actor)
        self.answer(shared(UserSchema).dump(user))

    async def delete(self) -> None:
        """Stop and delete the account's bots, and delete the account.

        ---
        summary: Delete your account
        tags: [Accounts]
        responses:
          204: {description: The account and its bots were deleted.}
        """
        await self.services.accounts.delete(self.principal.user.id, by=self.actor)
        clear_session_cookie(self)
        self.set_status(204)


class Sessions(RestAuthHandler):
    """The sessions of the caller's account."""

    by_session = True

    async def get(self) -> None:
        """List the login sessions of the account.

        ---
        summary: Your sessions
        tags: [Accounts]
        responses:
          200: {description: "The sessions, the latest first.", schema: SessionSchema, many: true}
        """
        current = self.principal.session_id
        records = await self.services.sessions.list_for(self.principal.user.id)
        rows = [asdict(session) | {"current": session.id == current} for session in records]
        self.answer(shared(SessionSchema).dump(rows, many=True))


class OneSession(RestAuthHandler):
    """One session."""

    by_session = True

    async def delete(self, session_id: str) -> None:
        """End a session; its key becomes invalid.

        ---
        summary: End a session
        tags: [Accounts]
        parameters:
          - {name: session_id, in: path, required: true, schema: {type: string}}
        responses:
          204: {description: Ended.}
        """
        await self.services.sessions.end(self.principal.user, session_id, by=self.actor)
        self.set_status(204)


routes = [
    url(r"/rest-auth/user/?", Me),
    url(r"/rest-auth/sessions/?", Sessions),
    url(r"/rest-auth/sessions/([A-Za-z0-9_-]+)/?", OneSession),
]
