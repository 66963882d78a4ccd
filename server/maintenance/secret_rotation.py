"""`botyard rotate-secret`: replaces the secret, step by step.

1. secret.key.old becomes what secret.key is (and the older ones that it had).
2. secret.key becomes the new one, by a rename.
3. One transaction encrypts every token under the new one.

Secrets in secret.key.old are accepted beside that in secret.key, for reading tokens as well as
for sessions. So a crash after any step leaves an installation that works, and the next call
goes on with step 3 where it was not done: it must not make yet another secret then.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.bots import rotation
from models.bots.vault import Vault, check_secret
from models.engine.migration import Migrations
from server import secret_file
from server.cli.base import run_in
from server.config import Config
from server.installation_lock import InstallationLock


class OneSecretOnly(Exception):
    """The secret comes from the environment, and there is no new one beside it."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """The result of a rotation.

    Args:
        tokens: the number of tokens under the new secret.
        resumed: True if an earlier call had been interrupted.
    """

    tokens: int
    resumed: bool = False


def rotate(config: Config) -> Rotated:
    """Rotate the secret of an installation whose server does not run.

    Args:
        config: as loaded, without what comes from the data folder.

    Raises:
        FolderInUse, DatabaseInUse: the server runs; it has the old secret in memory, and would
            go on using it.
        OneSecretOnly: BOTYARD_SECRET_KEY has one secret.
        SecretMismatch: the secrets are not those of the database.
    """
    filled = config.with_data_dir()
    with InstallationLock(filled).held():
        Migrations(filled.direct_address).up()
        vault = Vault(*filled.secrets)
        run_in(filled, check_secret, vault)
        if config.secret_key:
            if len(filled.secrets) == 1:
                raise OneSecretOnly
            return Rotated(run_in(filled, rotation.reseal, vault))
        if not run_in(filled, rotation.is_done, vault):
            return Rotated(run_in(filled, rotation.reseal, vault), resumed=True)
        secret_file.replace(filled.data_dir)
        renewed = config.with_data_dir()
        return Rotated(run_in(renewed, rotation.reseal, Vault(*renewed.secrets)))
