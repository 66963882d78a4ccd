"""Registration, login and change of passwords. Every attempt at a password is counted here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from models.accounts import audit, sessions, users
from models.accounts.address import network_of
from models.accounts.audit import Actor
from models.accounts.passwords import PasswordHasher, weaknesses
from models.accounts.principal import Principal
from models.accounts.sessions import SessionRecord
from models.accounts.users import Credentials, UserRecord
from models.engine.database import Database
from models.errors import AccountDisabled, PasswordChanged
from services.emails import EmailService
from services.errors import (
    InvalidCredentials,
    PasswordReplaced,
    RegistrationClosed,
    WeakPassword,
    WrongPassword,
)
from services.sessions import SessionService
from services.throttle import Attempt, LoginThrottle

# reasons in the audit log
_DISABLED, _THROTTLED = "account_disabled", "too_many_attempts"


@dataclass(frozen=True, slots=True)
class Login:
    """An account with its new session."""

    user: UserRecord
    session: SessionRecord


class LoginService:
    """Registers accounts, logs them in, changes their passwords.

    Args:
        db: the database.
        sessions: ends sessions.
        hasher: hashes and checks passwords.
        throttle: limits attempts.
        lifetime: the lifetime of a session.
        registration_open: True if self-registration is enabled.
        emails: sends the link that verifies an address.
    """

    def __init__(
        self,
        *,
        db: Database,
        sessions: SessionService,
        hasher: PasswordHasher,
        throttle: LoginThrottle,
        lifetime: timedelta,
        registration_open: bool,
        emails: EmailService,
    ) -> None:
        self._db = db
        self._sessions = sessions
        self.hasher = hasher
        self._throttle = throttle
        self._lifetime = lifetime
        self._registration_open = registration_open
        self._emails = emails

    def check_registration_open(self) -> None:
        """Check that self-registration is enabled.

        Raises:
            RegistrationClosed: only the operator adds accounts.
        """
        if not self._registration_open:
            raise RegistrationClosed

    async def register(
        self, *, username: str, email: str, password: str, user_agent: str, by: Actor
    ) -> Login:
        """Create an account and log in.

        Args:
            by: the actor, with the address of the request.

        Raises:
            RegistrationClosed: only the operator adds accounts.
            TooFast, HasherBusy: the caller must wait.
            UsernameTaken, EmailTaken: another account has this name or e-mail address.
        """
        self.check_registration_open()
        attempt = await self._throttle.registration(by.address)
        async with attempt.undone_when_busy():
            password_hash = await self.hasher.hash(password, source=network_of(by.address))
        user, session = await self._db.write(
            sessions.register,
            username=username,
            email=email,
            password_hash=password_hash,
            lifetime=self._lifetime,
            user_agent=user_agent,
            by=by,
        )
        self._emails.send_verification(user.email)
        return Login(user, session)

    async def log_in(
        self, *, username: str | None, email: str | None, password: str, user_agent: str, by: Actor
    ) -> Login:
        """Create a session for the account with a name or an e-mail address.

        Args:
            by: the actor, with the address of the request.

        Raises:
            InvalidCredentials: there is no such account, or it has another password.
            TooFast, HasherBusy: the caller must wait.
            AccountDisabled: the password is right, and the account disabled.
        """
        credentials = await self._authenticate(username, email, password, by)
        try:
            session = await self._db.write(
                sessions.create,
                credentials.user.id,
                password_hash=credentials.password_hash,
                lifetime=self._lifetime,
                user_agent=user_agent,
                by=by,
            )
        except AccountDisabled:
            await self._record_failure(credentials, by, reason=_DISABLED)
            raise
        except PasswordChanged:
            raise InvalidCredentials from None
        self._sessions.forget(credentials.user.id)  # the oldest session may have been ended
        return Login(credentials.user, session)

    async def _authenticate(
        self, username: str | None, email: str | None, password: str, by: Actor
    ) -> Credentials:
        await self._throttle.check_address(by.address)
        credentials, known = await self._db.read(
            sessions.find_for_login, username=username, email=email, address=by.address
        )
        user_id, name = (credentials.user.id if credentials else None), username or email or ""
        attempt = await self._throttle.login(name, by.address, user_id=user_id, known=known)
        source = str(user_id) if known else network_of(by.address)
        fits = await self._check_password(attempt, password, credentials, source, known=known)
        if not fits or credentials is None:
            await self._record_failure(
                credentials, by, reason=_THROTTLED if attempt.in_vain else ""
            )
            raise InvalidCredentials
        return credentials

    async def _check_password(
        self,
        attempt: Attempt,
        password: str,
        credentials: Credentials | None,
        source: str,
        *,
        known: bool,
    ) -> bool:
        """Return True if a password is right and the attempt may succeed.

        Args:
            attempt: the counted attempt; it is uncounted if the queue of the hasher is full.
            credentials: the account; None if there is none, which takes as long.
            source, known: see `PasswordHasher.hash`.

        Raises:
            HasherBusy: too many passwords wait to be checked.
        """
        password_hash = credentials.password_hash if credentials else None
        async with attempt.undone_when_busy():
            fits = await self.hasher.check(password, password_hash, source=source, known=known)
        if not fits or attempt.in_vain:
            return False
        await attempt.succeeded()
        return True

    async def _record_failure(
        self, credentials: Credentials | None, by: Actor, *, reason: str
    ) -> None:
        await self._db.write(
            audit.record_failed_login,
            by,
            user_id=credentials.user.id if credentials else None,
            username=credentials.user.username if credentials else "",
            reason=reason,
        )

    async def change_password(self, principal: Principal, *, old: str, new: str, by: Actor) -> None:
        """Replace the caller's password; every other session of the account ends.

        Raises:
            WeakPassword: the new one is not accepted.
            WrongPassword: the old one is wrong.
            PasswordReplaced: the account got another password while the old one was checked.
            TooFast, HasherBusy: the caller must wait.
        """
        user = principal.user
        if problems := weaknesses(new, username=user.username, email=user.email):
            raise WeakPassword(problems)
        checked = await self._db.read(users.credentials, user.id)
        source = str(user.id)
        attempt = await self._throttle.password_change(principal.login)
        if not await self._check_password(attempt, old, checked, source, known=True):
            raise WrongPassword
        async with attempt.undone_when_busy():
            password_hash = await self.hasher.hash(new, source=source, known=True)
        change = partial(
            sessions.change_password,
            checked_hash=checked.password_hash if checked else "",
            keep=principal.session_id,
        )
        try:
            await self._sessions.end_by(
                user.id, change, user, password_hash, by=by, keep=principal.session_id
            )
        except PasswordChanged:
            raise PasswordReplaced from None

    def close(self) -> None:
        """Stop the hashing thread."""
        self.hasher.close()
