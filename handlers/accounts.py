"""Accounts: register, log in and out, one's own data, password, sessions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tornado.web import url

from handlers import errors
from handlers.authentication import (
    check_origin,
    clear_session_cookie,
    set_session_cookies,
)
from handlers.base import ApiHandler
from handlers.errors import Code
from handlers.schemas import (
    EmptySchema,
    LoginAnswerSchema,
    LoginSchema,
    PasswordChangeSchema,
    RegistrationSchema,
    SessionSchema,
    UserSchema,
)
from models import audit
from models import session as sessions
from models import user as users
from models.audit import Action, Actor
from models.errors import AccountDisabled
from models.password import weaknesses
from models.session import Identity, SessionRecord
from models.user import Credentials, UserRecord, fold


class AccountHandler(ApiHandler):
    """What the handlers of accounts share."""

    @property
    def himself(self) -> Actor:
        """Whoever the account turns out to be, for the audit log."""
        return Actor(address=self.request.remote_ip or "")

    def session_options(self) -> dict[str, Any]:
        """What a new session notes."""
        return {
            "lifetime": self.services.settings.session_lifetime,
            "user_agent": self.request.headers.get("User-Agent", ""),
            "by": self.himself,
        }

    def answer_login(self, user: UserRecord, session: SessionRecord, *, status: int) -> None:
        """Answer with the key of a new session."""
        self.identity = Identity(user, session)
        key = self.services.keys.make(session)
        set_session_cookies(self, session, key)
        body = {"key": key, "expires_at": session.expires_at, "user": user}
        self.answer(LoginAnswerSchema().dump(body), status=status)

    @staticmethod
    def check_rate(wait: int | None) -> None:
        """Refuse who has to wait.

        Args:
            wait: for how many seconds; None for not at all.

        Raises:
            TooManyRequests: he has to.
        """
        if wait is not None:
            raise errors.TooManyRequests(f"Too many attempts. Try again in {wait} s.", seconds=wait)

    async def check_password(self, name: str, password: str, found: Credentials | None) -> bool:
        """Whether a password is right; counts the try.

        Args:
            name: whom the try is counted for.
            password: what was entered.
            found: the account, None when there is none, which takes as long to find out.

        Raises:
            TooManyRequests: too many tries.
        """
        address = self.request.remote_ip or ""
        self.check_rate(self.services.throttle.attempt(name, address))
        password_hash = found.password_hash if found else None
        fits = await self.services.hasher.check(password, password_hash)
        if fits:
            self.services.throttle.succeeded(name, address)
        return fits


class Registration(AccountHandler):
    """New accounts."""

    public = frozenset({"POST"})
    accepts_forms = True

    async def post(self) -> None:
        """Make an account.

        ---
        summary: Register
        tags: [Accounts]
        requestBody:
          content:
            application/json: {schema: RegistrationSchema}
            application/x-www-form-urlencoded: {schema: RegistrationSchema}
        responses:
          201: {description: The account is there and logged in., schema: LoginAnswerSchema}
          403: {description: Registration is closed., codes: [registration_closed]}
          429:
            description: Too many registrations; see the header Retry-After.
            codes: [too_many_attempts, busy]
        """
        check_origin(self)
        if not self.services.settings.registration_open:
            raise errors.Forbidden(
                "Registration is closed here; ask the operator for an account.",
                code=Code.REGISTRATION_CLOSED,
            )
        body = self.load(RegistrationSchema)
        password = body.get("password1") or body["password"]
        self.check_rate(self.services.throttle.registration(self.request.remote_ip or ""))
        user, session = await self.services.db.write(
            sessions.register,
            username=body["username"],
            email=body["email"],
            password_hash=await self.services.hasher.hash(password),
            **self.session_options(),
        )
        self.answer_login(user, session, status=201)


class Login(AccountHandler):
    """Logging in."""

    public = frozenset({"POST"})
    accepts_forms = True

    async def post(self) -> None:
        """Log in with the user name or the e-mail address.

        ---
        summary: Log in
        tags: [Accounts]
        requestBody:
          content:
            application/json: {schema: LoginSchema}
            application/x-www-form-urlencoded: {schema: LoginSchema}
        responses:
          200: {description: Logged in., schema: LoginAnswerSchema}
          400: {description: The name or the password is wrong., codes: [invalid_credentials]}
          403: {description: The account is switched off., codes: [account_disabled]}
          429: {description: Too many attempts; see the header Retry-After.}
        """
        check_origin(self)
        body = self.load(LoginSchema)
        username, email = body.get("username") or None, body.get("email") or None
        found = await self.services.db.read(users.find_credentials, username=username, email=email)
        name = fold(username or email or "")
        if not await self.check_password(name, body["password"], found) or found is None:
            if found is not None:
                await self._note_failure(found.user)
            raise errors.invalid_credentials()
        try:
            session = await self.services.db.write(
                sessions.create,
                found.user.id,
                password_hash=found.password_hash,
                **self.session_options(),
            )
        except AccountDisabled:
            await self._note_failure(found.user, reason=Code.ACCOUNT_DISABLED)
            raise
        self.answer_login(found.user, session, status=200)

    async def _note_failure(self, user: UserRecord, *, reason: str = "") -> None:
        await self.services.db.write(
            audit.note_failed_login,
            self.himself,
            user_id=user.id,
            username=user.username,
            reason=reason,
        )


class Logout(AccountHandler):
    """Logging out."""

    accepts_forms = True

    async def post(self) -> None:
        """End the session of this very key or cookie; it is worth nothing afterwards.

        ---
        summary: Log out
        tags: [Accounts]
        responses:
          200: {description: Logged out., schema: DetailSchema}
        """
        self.load(EmptySchema)
        me = self.me
        await self.write_as_caller(
            sessions.delete, me.session.id, user=me.user, action=Action.LOGOUT
        )
        self.services.manager.events.end_session(me.user.id, me.session.id)
        clear_session_cookie(self)
        self.answer({"detail": "Successfully logged out."})


class Me(AccountHandler):
    """One's own account."""

    def get(self) -> None:
        """Show the account.

        ---
        summary: Your account
        tags: [Accounts]
        responses:
          200: {description: The account., schema: UserSchema}
        """
        self.answer(UserSchema().dump(self.me.user))

    async def put(self) -> None:
        """Change the account, all of it.

        ---
        summary: Replace your account's data
        tags: [Accounts]
        requestBody: {schema: UserSchema}
        responses:
          200: {description: The account as it is now., schema: UserSchema}
        """
        blank = {"email": "", "first_name": "", "last_name": ""}
        await self._change(blank | self.load(UserSchema))

    async def patch(self) -> None:
        """Change some of the account.

        ---
        summary: Change your account's data
        tags: [Accounts]
        requestBody: {schema: UserSchema, partial: true}
        responses:
          200: {description: The account as it is now., schema: UserSchema}
        """
        await self._change(self.load(UserSchema, partial=True))

    async def _change(self, changes: dict[str, Any]) -> None:
        user = await self.write_as_caller(users.update, self.me.user.id, changes)
        self.answer(UserSchema().dump(user))

    async def delete(self) -> None:
        """Stop and delete the account's bots, and delete the account.

        ---
        summary: Delete your account
        tags: [Accounts]
        responses:
          204: {description: The account and its bots are gone.}
        """
        await self.services.bots.delete_account(self.me.user.id, by=self.actor)
        self.services.manager.events.end_sessions(self.me.user.id, keep=None)
        clear_session_cookie(self)
        self.set_status(204)


class PasswordChange(AccountHandler):
    """One's own password."""

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
          429: {description: Too many attempts; see the header Retry-After.}
        """
        me, db = self.me, self.services.db
        body = self.load(PasswordChangeSchema)
        new = body["new_password1"]
        if found := weaknesses(new, username=me.user.username, email=me.user.email):
            raise errors.invalid({"new_password1": found})
        known = await db.read(users.credentials, me.user.id)
        if not await self.check_password(fold(me.user.username), body["old_password"], known):
            raise errors.invalid({"old_password": ["This is not your password."]})
        password_hash = await self.services.hasher.hash(new)
        await self.write_as_caller(
            sessions.change_password, me.user, password_hash, keep=me.session.id
        )
        self.services.manager.events.end_sessions(me.user.id, keep=me.session.id)
        self.answer({"detail": "New password has been saved."})


class Sessions(AccountHandler):
    """Where an account is logged in."""

    async def get(self) -> None:
        """List where the account is logged in.

        ---
        summary: Your sessions
        tags: [Accounts]
        responses:
          200: {description: "The sessions, the latest first.", schema: SessionSchema, many: true}
        """
        me = self.me
        listed = await self.services.db.read(sessions.listing, me.user.id)
        rows = [asdict(session) | {"current": session.id == me.session.id} for session in listed]
        self.answer(SessionSchema(many=True).dump(rows))


class OneSession(AccountHandler):
    """One login."""

    async def delete(self, session_id: str) -> None:
        """Log one device out; its key is worth nothing afterwards.

        ---
        summary: End a session
        tags: [Accounts]
        parameters:
          - {name: session_id, in: path, required: true, schema: {type: string}}
        responses:
          204: {description: Ended.}
        """
        ended = await self.write_as_caller(
            sessions.delete, session_id, user=self.me.user, action=Action.SESSION_ENDED
        )
        if not ended:
            raise errors.NotFound("You have no such session.")
        self.services.manager.events.end_session(self.me.user.id, session_id)
        self.set_status(204)


routes = [
    url(r"/rest-auth/registration/?", Registration),
    url(r"/rest-auth/login/?", Login),
    url(r"/rest-auth/logout/?", Logout),
    url(r"/rest-auth/user/?", Me),
    url(r"/rest-auth/password/change/?", PasswordChange),
    url(r"/rest-auth/sessions/?", Sessions),
    url(r"/rest-auth/sessions/([A-Za-z0-9_-]+)/?", OneSession),
]
