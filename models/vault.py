"""What the secret key protects: bot tokens at rest, and the keys derived from it."""

from __future__ import annotations

import base64
import hmac
import re
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from models import setting
from models.errors import SecretMismatch

# "<id of the bot>:<secret part>", https://core.telegram.org/bots/api#authorizing-your-bot.
# The length of the secret part is nowhere promised, so the pattern leaves room.
TOKEN_PATTERN = re.compile(r"([1-9][0-9]{2,18}):[A-Za-z0-9_-]{30,80}", re.ASCII)
MASKED_TOKEN_PATTERN = re.compile(r"[0-9]{3,19}:[A-Za-z0-9_-]{3}…[A-Za-z0-9_-]{4}", re.ASCII)
_CHECK_SETTING = "secret_check"
_CHECK_TEXT = b"botyard"


def mask(token: str) -> str:
    """The form in which a token is shown: `123456789:AAE…x4kQ`."""
    bot_id, _, secret = token.partition(":")
    return f"{bot_id}:{secret[:3]}…{secret[-4:]}"


def is_masked(text: str) -> bool:
    """Whether a text has the form that `mask` gives."""
    return MASKED_TOKEN_PATTERN.fullmatch(text) is not None


class Vault:
    """Encrypts, fingerprints and derives, all from one secret.

    Args:
        secret: the installation's secret key, any text of enough entropy.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        key = base64.urlsafe_b64encode(self.derive("bot token encryption"))
        self._fernet = MultiFernet([Fernet(key)])
        self._fingerprint_key = self.derive("bot token fingerprint")

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose (HKDF, RFC 5869)."""
        kdf = HKDF(algorithm=SHA256(), length=32, salt=b"botyard", info=purpose.encode())
        return kdf.derive(self._secret)

    def encrypt(self, token: str) -> str:
        """A token as it is stored."""
        return self._fernet.encrypt(token.encode()).decode()

    def decrypt(self, stored: str) -> str:
        """A token from what is stored.

        Raises:
            SecretMismatch: it was encrypted under another secret.
        """
        try:
            return self._fernet.decrypt(stored).decode()
        except InvalidToken as error:
            raise SecretMismatch("a stored bot token does not open with this secret") from error

    def fingerprint(self, token: str) -> str:
        """What tells two tokens apart without storing them (HMAC-SHA-256, keyed)."""
        return hmac.new(self._fingerprint_key, token.encode(), sha256).hexdigest()


def check_secret(vault: Vault) -> None:
    """Make sure that the database belongs to this secret; a new database takes it on.

    Raises:
        SecretMismatch: the database was filled under another secret.
    """
    stored = setting.get(_CHECK_SETTING)
    if stored is None:
        setting.put(_CHECK_SETTING, vault.encrypt(_CHECK_TEXT.decode()))
    elif vault.decrypt(stored).encode() != _CHECK_TEXT:
        raise SecretMismatch("the secret does not fit the database")
