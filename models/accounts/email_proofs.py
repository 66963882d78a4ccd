"""What a token that was sent by e-mail is good for: a new password, a verified address."""

from __future__ import annotations

from models.accounts import audit, email_tokens, sessions
from models.accounts.audit import Action, Actor
from models.accounts.email_tokens import Purpose
from models.accounts.users import User
from models.engine.base import now
from models.errors import TokenWorthless, VerificationKeyWorthless


def reset_password(token: str, password_hash: str, *, by: Actor) -> None:
    """Use a token up for a new password; every session of the account ends.

    Raises:
        TokenWorthless: it has expired, was used, or was never sent.
    """
    user = email_tokens.take(token, purpose=Purpose.RESET)
    if user is None:
        raise TokenWorthless
    sessions.change_password(
        user, password_hash, checked_hash=None, keep=None, action=Action.PASSWORD_RESET, by=by
    )


def verify(token: str, *, by: Actor) -> None:
    """Use a token up to note that the account's owner reads its address.

    Raises:
        VerificationKeyWorthless: it has expired, was used, or was sent to an earlier address.
    """
    user = email_tokens.take(token, purpose=Purpose.VERIFICATION)
    if user is None:
        raise VerificationKeyWorthless
    User.update(email_verified_at=now()).where(User.id == user.id).execute()
    audit.record(Action.EMAIL_VERIFIED, by, user_id=user.id, username=user.username)
