"""Another secret: everything that was encrypted under the old one, encrypted under the new one."""

from __future__ import annotations

from models import installation
from models.bots.tables import Bot
from models.bots.vault import CHECK_SETTING, CHECK_TEXT, Vault


def is_done(vault: Vault) -> bool:
    """Whether the database is under the vault's first secret; an empty one is."""
    stored = installation.get(CHECK_SETTING)
    return stored is None or vault.is_current(stored)


def reseal(vault: Vault) -> int:
    """Encrypt every bot token under the vault's first secret, and renew the fingerprints.

    One transaction: a crash leaves all of it or nothing. Doing it again does no harm.

    Returns:
        How many tokens there are.

    Raises:
        SecretMismatch: one opens with none of the vault's secrets.
    """
    rows = list(Bot.select(Bot.id, Bot.token_encrypted).order_by(Bot.id))
    for row in rows:
        token = vault.decrypt(row.token_encrypted)
        Bot.update(
            token_encrypted=vault.encrypt(token), token_fingerprint=vault.fingerprint(token)
        ).where(Bot.id == row.id).execute()
    installation.put(CHECK_SETTING, vault.encrypt(CHECK_TEXT))
    return len(rows)
