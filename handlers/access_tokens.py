"""The keys of the API: JSON Web Tokens (RFC 7519), each tied to a session."""

from __future__ import annotations

import hmac
import re
import time
from dataclasses import dataclass
from hashlib import sha256

import jwt

from handlers.ids import ID
from models.accounts.sessions import SessionRecord

ALGORITHM = "HS256"
MAX_LENGTH = 512  # characters; ours have about 200
KEPT = 10_000  # keys whose signature need not be verified again


class InvalidAccessToken(Exception):
    """The text cannot be used as a key; the message is a sentence for its sender.

    The sentences tell mistakes apart and help nobody to forge a key: only a text that carries a
    signature of this server can be called expired.
    """


class Malformed(InvalidAccessToken):
    """The text is not a key at all, such as an error message that a script took for one."""

    def __init__(self) -> None:
        super().__init__(
            "This is not a key. Send the value of `key` from the response to login or registration."
        )


class Foreign(InvalidAccessToken):
    """The text looks like a key, but this server did not sign it."""

    def __init__(self) -> None:
        super().__init__("This is not a key of this server. Log in here to get one.")


class Expired(InvalidAccessToken):
    """The key was made here, and its time is over."""

    def __init__(self) -> None:
        super().__init__("This key has expired. Log in again.")


@dataclass(frozen=True, slots=True)
class Claims:
    """The content of a key; only the database knows if the session still exists."""

    user_id: int
    session_id: str
    expires_at: float  # seconds since 1970


class AccessTokens:
    """Makes and reads keys.

    Args:
        secret: signs new keys; 32 bytes.
        older: earlier secrets, whose keys are still accepted.
    """

    def __init__(self, secret: bytes, *older: bytes) -> None:
        self._secret = secret
        self._accepted = (secret, *older)
        self._verified: dict[str, Claims] = {}  # by key, the oldest first

    def xsrf_token(self, session: SessionRecord) -> str:
        """Return the XSRF token of a session: only a page that can read its cookie knows it.

        It is derived from the session, so a token that another site has planted does not fit.
        """
        return hmac.new(self._secret, f"xsrf {session.id}".encode(), sha256).hexdigest()

    def make(self, session: SessionRecord) -> str:
        """Make the key of a session; it expires with the session."""
        claims = {
            "sub": str(session.user_id),
            "sid": session.id,
            "iat": session.created_at,
            "exp": session.expires_at,
        }
        return jwt.encode(claims, self._secret, ALGORITHM)

    def read(self, key: str) -> Claims:
        """Verify and read a key.

        Raises:
            Malformed: it is not a JSON Web Token.
            Foreign: it has another signature, or was changed.
            Expired: it has expired.
        """
        claims = self._verified.get(key)
        if claims is None:
            claims = self._verify(key)
            if len(self._verified) >= KEPT:
                self._verified.pop(next(iter(self._verified)))
            self._verified[key] = claims
        if claims.expires_at <= time.time():
            raise Expired
        return claims

    def _verify(self, key: str) -> Claims:
        if len(key) > MAX_LENGTH:  # the header is parsed before the signature is checked
            raise Malformed
        for secret in self._accepted:
            try:
                return self._read(key, secret)
            except jwt.InvalidSignatureError:
                continue
            except jwt.ExpiredSignatureError as error:
                raise Expired from error
            except (jwt.DecodeError, ValueError) as error:
                raise Malformed from error
            except jwt.InvalidTokenError as error:
                raise Foreign from error
        raise Foreign

    @staticmethod
    def _read(key: str, secret: bytes) -> Claims:
        claims = jwt.decode(
            key,
            secret,
            [ALGORITHM],
            options={"require": ["sub", "sid", "iat", "exp"], "verify_iat": False},
        )
        user_id = str(claims["sub"])
        if not re.fullmatch(ID, user_id, re.ASCII):
            raise Foreign
        return Claims(int(user_id), str(claims["sid"]), float(claims["exp"]))
