"""The keys that people log in with: JSON Web Tokens (RFC 7519), each tied to a session."""

from __future__ import annotations

from dataclasses import dataclass

import jwt

from models.session import SessionRecord

ALGORITHM = "HS256"
MAX_LENGTH = 512  # characters; ours have about 200


class BadKey(Exception):
    """The text is not a key of ours, or it has expired."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a key says; whether the session still exists is for the database to tell."""

    user_id: int
    session_id: str


class KeyRing:
    """Makes and reads keys.

    Args:
        secret: what they are signed with, 32 bytes.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, session: SessionRecord) -> str:
        """The key of a session; it expires with it."""
        claims = {
            "sub": str(session.user_id),
            "sid": session.id,
            "iat": session.created_at,
            "exp": session.expires_at,
        }
        return jwt.encode(claims, self._secret, ALGORITHM)

    def read(self, key: str) -> Claims:
        """What a key says.

        Raises:
            BadKey: it was not signed by us, was changed, or has expired.
        """
        if len(key) > MAX_LENGTH:  # the header is parsed before the signature is checked
            raise BadKey
        try:
            claims = jwt.decode(
                key,
                self._secret,
                [ALGORITHM],
                options={"require": ["sub", "sid", "iat", "exp"], "verify_iat": False},
            )
            return Claims(int(claims["sub"]), str(claims["sid"]))
        except (jwt.InvalidTokenError, ValueError) as error:
            raise BadKey from error
