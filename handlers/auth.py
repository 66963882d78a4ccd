"""Accounts: register, log in and out, one's own data, sessions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tornado.web import url

from handlers import errors
from handlers.authentication import check_origin, clear_session_cookie, set_session_cookies
from handlers.base import ApiHandler
from handlers.errors import Code
from handlers.schemas.common import (
    EmptySchema,
    LoginAnswerSchema,
    LoginSchema,
    RegistrationSchema,
    SessionSchema,
    UserSchema,
)
from models.accounts import audit, sessions, users
from models.accounts.address import network_of
from models.accounts.audit import Action, Actor
from models.accounts.sessions import SessionRecord
from models.accounts.users import Credentials, UserRecord
from models.errors import AccountDisabled
from services.throttle import Attempt


class AccountHandler(ApiHandler):
    """What the handlers of accounts share."""

    @property
    def anonymous_actor(self) -> Actor:
        """Whoever the account turns out to be, for the audit log."""
        return Actor(address=self.request.remote_ip or "")

    def session_options(self) -> dict[str, Any]:
        """What a new session notes."""
        return {
            "lifetime": self.services.settings.session_lifetime,
            "user_agent": self.request.headers.get("User-Agent", ""),
            "by": self.anonymous_actor,
        }

    def answer_login(self, user: UserRecord, session: SessionRecord, *, status: int) -> None:
        """Answer with the key of a new session."""
        key = self.services.keys.make(session)
        set_session_cookies(self, session, key)
        body = {"key": key, "expires_at": session.expires_at, "user": user}
        self.answer(LoginAnswerSchema().dump(body), status=status)

    def source(self, credentials: Credentials | None, *, known: bool) -> str:
        """What the request counts as among those who wait for the hasher."""
        return (
            str(credentials.user.id)
            if known and credentials is not None
            else network_of(self.address)
        )

    async def check_password(
        self, attempt: Attempt, password: str, credentials: Credentials | None, *, known: bool
    ) -> bool:
        """Whether a password is right, and the attempt not in vain.

        Args:
            attempt: where it is counted; a full queue is not.
            password: what was entered.
            credentials: the account, None when there is none, which takes as long to find out.
            known: whether whoever enters it has proved before that the account is theirs.

        Raises:
            HasherBusy: too many passwords wait to be checked.
        """
        password_hash = credentials.password_hash if credentials else None
        with attempt.undone_when_busy():
            fits = await self.services.hasher.check(
                password, password_hash, source=self.source(credentials, known=known), known=known
            )
        if not fits or attempt.in_vain:
            return False
        attempt.succeeded()
        return True


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
        with self.services.throttle.registration(self.address).undone_when_busy():
            password_hash = await self.services.hasher.hash(
                password, source=network_of(self.address)
            )
        user, session = await self.services.db.write(
            sessions.register,
            username=body["username"],
            email=body["email"],
            password_hash=password_hash,
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
          429:
            description: Too many attempts; see the header Retry-After.
            codes: [too_many_attempts, busy]
        """
        check_origin(self)
        body = self.load(LoginSchema)
        username, email = body.get("username") or None, body.get("email") or None
        credentials = await self._find(username, email, body["password"])
        try:
            session = await self.services.db.write(
                sessions.create,
                credentials.user.id,
                password_hash=credentials.password_hash,
                **self.session_options(),
            )
        except AccountDisabled:
            await self._note_failure(credentials, reason=Code.ACCOUNT_DISABLED)
            raise
        self.answer_login(credentials.user, session, status=200)

    async def _find(self, username: str | None, email: str | None, password: str) -> Credentials:
        """The account of a name or an e-mail address, and of the password.

        Raises:
            TooManyRequests: too many attempts.
            BadRequest: there is none.
        """
        throttle = self.services.throttle
        throttle.check_address(self.address)
        credentials, known = await self.services.db.read(
            sessions.find_for_login, username=username, email=email, address=self.address
        )
        user_id, name = (credentials.user.id if credentials else None), username or email or ""
        attempt = throttle.login(name, self.address, user_id=user_id, known=known)
        fits = await self.check_password(attempt, password, credentials, known=known)
        if not fits or credentials is None:
            reason = Code.TOO_MANY_ATTEMPTS if attempt.in_vain else ""
            await self._note_failure(credentials, reason=reason)
            raise errors.invalid_credentials()
        return credentials

    async def _note_failure(self, credentials: Credentials | None, *, reason: str = "") -> None:
        await self.services.db.write(
            audit.note_failed_login,
            self.anonymous_actor,
            user_id=credentials.user.id if credentials else None,
            username=credentials.user.username if credentials else "",
            reason=reason,
        )


class Logout(AccountHandler):
    """Logging out."""

    by_session = True
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
        me = self.principal
        await self.write_as_caller(
            sessions.delete, me.session_id or "", user=me.user, action=Action.LOGOUT
        )
        self.services.manager.events.end_session(me.user.id, me.session_id or "")
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
        self.answer(UserSchema().dump(self.principal.user))

    async def put(self) -> None:
        """Change the account, all of it.

        ---
        summary: Replace your account's data
        tags: [Accounts]
        requestBody: {schema: UserSchema}
        responses:
          200: {description: The account as it is now., schema: UserSchema}
          429: {description: Too many new names or addresses., codes: [too_many_attempts]}
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
          429: {description: Too many new names or addresses., codes: [too_many_attempts]}
        """
        await self._change(self.load(UserSchema, partial=True))

    async def _change(self, changes: dict[str, Any]) -> None:
        me = self.principal.user
        if changes.get("username", me.username) != me.username or (
            changes.get("email", "") not in ("", me.email)
        ):
            self.services.throttle.new_name(me.id, self.address)
        user = await self.write_as_caller(users.update, me.id, changes)
        self.answer(UserSchema().dump(user))

    async def delete(self) -> None:
        """Stop and delete the account's bots, and delete the account.

        ---
        summary: Delete your account
        tags: [Accounts]
        responses:
          204: {description: The account and its bots are gone.}
        """
        await self.services.bots.delete_account(self.principal.user.id, by=self.actor)
        self.services.manager.events.end_sessions(self.principal.user.id, keep=None)
        clear_session_cookie(self)
        self.set_status(204)


class Sessions(AccountHandler):
    """Where an account is logged in."""

    by_session = True

    async def get(self) -> None:
        """List where the account is logged in.

        ---
        summary: Your sessions
        tags: [Accounts]
        responses:
          200: {description: "The sessions, the latest first.", schema: SessionSchema, many: true}
        """
        me = self.principal
        listed = await self.services.db.read(sessions.list_for, me.user.id)
        rows = [asdict(session) | {"current": session.id == me.session_id} for session in listed]
        self.answer(SessionSchema(many=True).dump(rows))


class OneSession(AccountHandler):
    """One login."""

    by_session = True

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
            sessions.delete, session_id, user=self.principal.user, action=Action.SESSION_ENDED
        )
        if not ended:
            raise errors.NotFound("You have no such session.")
        self.services.manager.events.end_session(self.principal.user.id, session_id)
        self.set_status(204)


routes = [
    url(r"/rest-auth/registration/?", Registration),
    url(r"/rest-auth/login/?", Login),
    url(r"/rest-auth/logout/?", Logout),
    url(r"/rest-auth/user/?", Me),
    url(r"/rest-auth/sessions/?", Sessions),
    url(r"/rest-auth/sessions/([A-Za-z0-9_-]+)/?", OneSession),
]
