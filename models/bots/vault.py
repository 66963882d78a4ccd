"""Encryption with the secret key: bot tokens at rest, and the keys derived from it."""

from __future__ import annotations

import base64
import hmac
import re
from functools import lru_cache
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from models import installation
from models.errors import SecretMismatch

# "<id of the bot>:<secret part>", https://core.telegram.org/bots/api#authorizing-your-bot.
# The length of the secret part is not documented, so the pattern is lenient.
TOKEN_PATTERN = re.compile(r"([1-9][0-9]{2,18}):[A-Za-z0-9_-]{30,80}", re.ASCII)
MASKED_TOKEN_PATTERN = re.compile(r"[0-9]{3,19}:[A-Za-z0-9_-]{3}…[A-Za-z0-9_-]{4}", re.ASCII)
CHECK_SETTING = "secret_check"
CHECK_TEXT = "botyard"
OPENED = 4096  # tokens that are kept as they were opened


def mask(token: str) -> str:
    """Return the form in which a token is shown: `123456789:AAE…x4kQ`."""
    bot_id, _, secret = token.partition(":")
    return f"{bot_id}:{secret[:3]}…{secret[-4:]}"


def is_masked(text: str) -> bool:
    """Return True if a text has the form that `mask` returns."""
    return MASKED_TOKEN_PATTERN.fullmatch(text) is not None


class Vault:
    """Encrypts and fingerprints tokens, and derives keys, with the installation's secret.

    Args:
        secret: any text with enough entropy; used for all new data.
        older: earlier secrets; data encrypted with them can still be read.
    """

    def __init__(self, secret: str, *older: str) -> None:
        self._secrets = [text.encode() for text in (secret, *older)]
        purpose = "bot token encryption"
        keys = [Fernet(base64.urlsafe_b64encode(key)) for key in self.derive_all(purpose)]
        self._current = keys[0]
        self._fernet = MultiFernet(keys)
        self._fingerprint_keys = self.derive_all("bot token fingerprint")
        # To open a token costs more than to read its row; each list shows it, masked.
        self._open = lru_cache(maxsize=OPENED)(self._decrypt)

    def derive(self, purpose: str) -> bytes:
        """Return the first key of `derive_all`."""
        return self.derive_all(purpose)[0]

    def derive_all(self, purpose: str) -> list[bytes]:
        """Derive a 32-byte key for a purpose (HKDF, RFC 5869) from each secret, newest first."""
        return [
            HKDF(algorithm=SHA256(), length=32, salt=b"botyard", info=purpose.encode()).derive(key)
            for key in self._secrets
        ]

    def is_current(self, stored: str) -> bool:
        """Return True if a stored value is encrypted with the newest secret."""
        try:
            self._current.decrypt(stored)
        except InvalidToken:
            return False
        return True

    def encrypt(self, token: str) -> str:
        """Encrypt a token for storage."""
        return self._fernet.encrypt(token.encode()).decode()

    def decrypt(self, stored: str) -> str:
        """Decrypt a stored token.

        Raises:
            SecretMismatch: the token was encrypted with another secret.
        """
        return self._open(stored)

    def _decrypt(self, stored: str) -> str:
        try:
            return self._fernet.decrypt(stored).decode()
        except InvalidToken as error:
            raise SecretMismatch("a stored bot token does not open with this secret") from error

    def fingerprint(self, token: str) -> str:
        """Return a fingerprint to compare tokens without storing them (keyed HMAC-SHA-256)."""
        return self.fingerprints(token)[0]

    def fingerprints(self, token: str) -> list[str]:
        """Return the fingerprints of a token with each secret, newest first."""
        return [hmac.new(key, token.encode(), sha256).hexdigest() for key in self._fingerprint_keys]


def check_secret(vault: Vault) -> None:
    """Check that the database uses this secret; a new database is bound to it.

    Raises:
        SecretMismatch: the database uses another secret.
    """
    if installation.get(CHECK_SETTING) is None:
        installation.put(CHECK_SETTING, vault.encrypt(CHECK_TEXT))
    check_secret_if_any(vault)


def check_secret_if_any(vault: Vault) -> None:
    """Check that the database uses this secret; leave a new database unchanged.

    Raises:
        SecretMismatch: as for `check_secret`.
    """
    stored = installation.get(CHECK_SETTING)
    if stored is not None and vault.decrypt(stored) != CHECK_TEXT:
        raise SecretMismatch("the secret does not fit the database")
