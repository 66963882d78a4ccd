"""Registration, login and logout."""

from __future__ import annotations

from tornado.web import url

from handlers.authentication import (
    check_origin,
    clear_session_cookie,
    has_session_cookie,
    set_session_cookies,
)
from handlers.rest_auth import RestAuthHandler
from handlers.schemas.accounts import (
    LoginAnswerSchema,
    LoginSchema,
    LogoutSchema,
    RegistrationSchema,
)
from handlers.schemas.common import shared
from models.accounts.audit import Actor
from models.accounts.principal import Principal, Via
from services.logins import Login as NewLogin


class LoginHandler(RestAuthHandler):
    """The base of registration and login."""

    public = frozenset({"POST"})

    @property
    def anonymous_actor(self) -> Actor:
        """The actor before anybody is logged in."""
        return Actor(address=self.address)

    @property
    def user_agent(self) -> str:
        """The header User-Agent of the request."""
        return self.request.headers.get("User-Agent", "")

    def answer_login(self, login: NewLogin, *, status: int) -> None:
        """Answer with the key of a new session, and make its account the caller."""
        self._principal = Principal(login.user, Via.SESSION, login.session.id)
        key = self.services.keys.make(login.session)
        set_session_cookies(self, login.session, key)
        body = {"key": key, "expires_at": login.session.expires_at, "user": login.user}
        self.answer(shared(LoginAnswerSchema).dump(body), status=status)


class Registration(LoginHandler):
    """New accounts."""

    async def post(self) -> None:
        """Create an account and log in.

        ---
        summary: Register
        tags: [Accounts]
        requestBody: {schema: RegistrationSchema}
        responses:
          201: {description: The account was created and logged in., schema: LoginAnswerSchema}
          403: {description: Registration is closed., codes: [registration_closed]}
          429:
            description: Too many registrations; see the header Retry-After.
            codes: [too_many_attempts, busy]
        """
        check_origin(self)
        self.services.logins.check_registration_open()  # before the fields are validated
        body = self.load(RegistrationSchema)
        login = await self.services.logins.register(
            username=body["username"],
            email=body["email"],
            password=body.get("password1") or body["password"],
            user_agent=self.user_agent,
            by=self.anonymous_actor,
        )
        self.answer_login(login, status=201)


class Login(LoginHandler):
    """Logging in."""

    async def post(self) -> None:
        """Log in with the user name or the e-mail address.

        ---
        summary: Log in
        tags: [Accounts]
        requestBody: {schema: LoginSchema}
        responses:
          200: {description: Logged in., schema: LoginAnswerSchema}
          400:
            description: The name or the password is wrong, or the account is disabled.
            codes: [invalid_credentials, account_disabled]
          429:
            description: Too many attempts; see the header Retry-After.
            codes: [too_many_attempts, busy]
        """
        check_origin(self)
        body = self.load(LoginSchema)
        login = await self.services.logins.log_in(
            username=body.get("username") or None,
            email=body.get("email") or None,
            password=body["password"],
            user_agent=self.user_agent,
            by=self.anonymous_actor,
        )
        self.answer_login(login, status=200)


class Logout(RestAuthHandler):
    """Logging out."""

    by_session = True
    key_optional = frozenset({"POST"})  # without a session there is nothing to end

    async def post(self) -> None:
        """End the current session; its key or cookie becomes invalid.

        Without a key the answer is the same, because there is no session to end.

        ---
        summary: Log out
        tags: [Accounts]
        responses:
          200: {description: Logged out., schema: DetailSchema}
        """
        self.load(LogoutSchema)
        if self._principal is not None:
            await self.services.sessions.log_out(self.principal, by=self.actor)
        if self._principal is not None or has_session_cookie(self):
            clear_session_cookie(self)
        self.answer({"detail": "Successfully logged out."})


routes = [
    url(r"/rest-auth/registration/?", Registration),
    url(r"/rest-auth/login/?", Login),
    url(r"/rest-auth/logout/?", Logout),
]
