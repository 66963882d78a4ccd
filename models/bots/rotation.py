"""Rotation of the secret: re-encrypts everything that was encrypted with the old one."""

from __future__ import annotations

from models import installation
from models.bots.tables import Bot
from models.bots.vault import CHECK_SETTING, CHECK_TEXT, Vault


def is_done(vault: Vault) -> bool:
    """Return True if the database uses the vault's first secret, or is empty."""
    stored = installation.get(CHECK_SETTING)
    return stored is None or vault.is_current(stored)


def reseal(vault: Vault) -> int:
    """Encrypt every bot token with the vault's first secret, and renew the fingerprints.

    It is one transaction, so a crash leaves all of it or nothing. It is idempotent.

    Returns:
        The number of tokens.

    Raises:
        SecretMismatch: a token cannot be decrypted with any of the vault's secrets.
    """
    rows = list(Bot.select(Bot.id, Bot.token_encrypted).order_by(Bot.id))
    for row in rows:
        token = vault.decrypt(row.token_encrypted)
        Bot.update(
            token_encrypted=vault.encrypt(token), token_fingerprint=vault.fingerprint(token)
        ).where(Bot.id == row.id).execute()
    installation.put(CHECK_SETTING, vault.encrypt(CHECK_TEXT))
    return len(rows)
