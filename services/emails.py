"""Password resets and verified addresses, by links that are sent by e-mail."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from models.accounts import email_proofs, email_tokens
from models.accounts.address import network_of
from models.accounts.audit import Actor
from models.accounts.email_tokens import Purpose
from models.accounts.passwords import PasswordHasher, weaknesses
from models.engine.database import Database
from models.errors import TokenWorthless
from services.errors import MailBusy, MailOff, WeakPassword, WrongUid
from services.mail import Mail, Mailer
from services.sessions import SessionService
from services.throttle import MailThrottle

_SUBJECTS = {
    Purpose.RESET: "Reset your password",
    Purpose.VERIFICATION: "Confirm your e-mail address",
}
_TEXTS = {
    Purpose.RESET: """\
Hello {name},

somebody, hopefully you, asked for a new password of your account. Choose it here within an hour:

{link}

If it was not you, ignore this mail: your password stays as it is.
""",
    Purpose.VERIFICATION: """\
Hello {name},

please confirm within an hour that this is your e-mail address:

{link}

If you have no account here, ignore this mail.
""",
}


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of the frontend that links lead to; tokens go into the fragment.

    What is in a fragment is sent to no server, and so is in no log.
    """

    reset: str
    verification: str

    def link(self, issued: email_tokens.Issued, purpose: Purpose) -> str:
        """Make the link of a token."""
        if purpose is Purpose.RESET:
            return f"{self.reset}#uid={issued.user.id}&token={issued.token}"
        return f"{self.verification}#key={issued.token}"


class EmailService:
    """Sends links, and accepts the tokens of links.

    Args:
        db: the database.
        sessions: ends sessions.
        hasher: hashes new passwords.
        throttle: counts requests.
        mailer: sends mails; None where the operator has set up no mail.
        pages: of the frontend.
    """

    def __init__(
        self,
        *,
        db: Database,
        sessions: SessionService,
        hasher: PasswordHasher,
        throttle: MailThrottle,
        mailer: Mailer | None,
        pages: Pages,
    ) -> None:
        self._db = db
        self._sessions = sessions
        self._hasher = hasher
        self._throttle = throttle
        self.mailer = mailer
        self._pages = pages

    def check_on(self) -> None:
        """Check that this server sends mail.

        Raises:
            MailOff: it does not.
        """
        if self.mailer is None:
            raise MailOff

    async def send(self, address: str, *, purpose: Purpose, by: Actor) -> None:
        """Queue a link to an address, if an account has it.

        The answer, and the time it takes, is the same whether an account has it or not.

        Args:
            by: the IP address that the request comes from.

        Raises:
            MailOff: this server sends no mail.
            MailBusy: too many mails wait.
            TooFast: the caller must wait.
        """
        self.check_on()
        await self._throttle.mail(address, by.address)
        self._put(address, purpose)

    def send_verification(self, address: str) -> None:
        """Queue a link for an address that an account has just got; nothing if mail is off."""
        if self.mailer is not None and address:
            with suppress(MailBusy):  # the owner can ask for it again
                self._put(address, Purpose.VERIFICATION)

    def _put(self, address: str, purpose: Purpose) -> None:
        if self.mailer is not None:
            self.mailer.put(partial(self._make, address, purpose))

    async def _make(self, address: str, purpose: Purpose) -> Mail | None:
        issued = await self._db.write(email_tokens.issue, address, purpose=purpose)
        if issued is None:
            return None
        link = self._pages.link(issued, purpose)
        text = _TEXTS[purpose].format(name=issued.user.username, link=link)
        return Mail(issued.user.email, _SUBJECTS[purpose], text)

    async def reset_password(self, token: str, *, uid: str | None, new: str, by: Actor) -> None:
        """Replace the password of the account that a token was sent to; all its sessions end.

        Args:
            uid: the account's id, which must fit if it is sent.
            by: the IP address that the request comes from.

        Raises:
            MailOff: this server sends no mail.
            TokenWorthless: the token has expired, was used, or was never sent.
            WrongUid: the token is that of another account.
            WeakPassword: the new password is not accepted; the token can be used again.
            TooFast, HasherBusy: the caller must wait.
        """
        self.check_on()
        attempt = await self._throttle.token(by.address)
        user = await self._db.read(email_tokens.find, token, purpose=Purpose.RESET)
        if user is None:
            raise TokenWorthless
        if uid is not None and uid != str(user.id):
            raise WrongUid
        if problems := weaknesses(new, username=user.username, email=user.email):
            raise WeakPassword(problems)
        async with attempt.undone_when_busy():
            password_hash = await self._hasher.hash(new, source=network_of(by.address))
        reset = partial(email_proofs.reset_password, token)
        await self._sessions.end_by(user.id, reset, password_hash, by=by)

    async def verify(self, token: str, *, by: Actor) -> None:
        """Note that the owner of an account reads its address.

        Raises:
            MailOff: this server sends no mail.
            VerificationKeyWorthless: see `models.accounts.email_proofs.verify`.
            TooFast: the caller must wait.
        """
        self.check_on()
        await self._throttle.token(by.address)
        await self._db.write(email_proofs.verify, token, by=by)

    def start(self) -> None:
        """Start to send."""
        if self.mailer is not None:
            self.mailer.start()

    async def close(self) -> None:
        """Send what waits, and end."""
        if self.mailer is not None:
            await self.mailer.close()
