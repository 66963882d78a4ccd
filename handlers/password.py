"""The change of a password, for callers who know the current one."""

from __future__ import annotations

from tornado.web import url

from handlers.rest_auth import RestAuthHandler
from handlers.schemas.accounts import PasswordChangeSchema


class PasswordChange(RestAuthHandler):
    """The caller's password."""

    by_session = True

    async def post(self) -> None:
        """Change the password; every other session of the account ends.

        ---
        summary: Change the password
        tags: [Accounts]
        requestBody: {schema: PasswordChangeSchema}
        responses:
          200: {description: Changed., schema: DetailSchema}
          429:
            description: Too many attempts; see the header Retry-After.
            codes: [too_many_attempts, busy]
        """
        body = self.load(PasswordChangeSchema)
        await self.services.logins.change_password(
            self.principal, old=body["old_password"], new=body["new_password1"], by=self.actor
        )
        self.answer({"detail": "New password has been saved."})


routes = [
    url(r"/rest-auth/password/change/?", PasswordChange),
]
