"""secret.key in the data folder: the secret that signs access tokens and encrypts bot tokens.

Beside it, secret.key.old has the secrets that it replaced; those are still accepted.
"""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from models.engine.sqlite_file import sync_folder
from models.errors import SecretMismatch
from server.setting_values import MIN_SECRET, ConfigError

NAME = "secret.key"
OLD_NAME = NAME + ".old"


def read_or_make(folder: Path) -> tuple[str, ...]:
    """Return the secret and those that it replaced; make one if there is none.

    Raises:
        ConfigError: the file is damaged.
        OSError: the folder cannot be used.
    """
    current = _read_or_make(folder / NAME)
    older = _older(folder)
    return (current, *(secret for secret in older if secret != current))


def read(folder: Path) -> tuple[str, ...]:
    """Return the secrets as they are; nothing is made, checked or repaired."""
    return ((folder / NAME).read_text(encoding="utf-8").strip(), *_older(folder))


@contextmanager
def withdrawn_if_wrong(folder: Path) -> Iterator[None]:
    """Remove a secret that is made in this block if the database turns out to have another one.

    Left behind, it would look like the right one: to people, and to the next start.

    Raises:
        ConfigError: that is so; the text says where the right one is.
    """
    path = folder / NAME
    was_there = path.exists()
    try:
        yield
    except SecretMismatch as error:
        if was_there or not path.exists():
            raise
        path.unlink()
        raise ConfigError(
            f"there is no {path}, and the database has a secret already: copy it from the first "
            "server (or restore it from your copy), or set BOTYARD_SECRET_KEY to it"
        ) from error


def replace(folder: Path) -> None:
    """Make a new secret; the present one and older ones are in secret.key.old from then on.

    A crash in between leaves the present secret in force, or the new one with it beside.
    """
    older = dict.fromkeys([_read_or_make(folder / NAME), *_older(folder)])
    _write(folder / OLD_NAME, "\n".join(older) + "\n")
    _write(folder / NAME, _new_secret())


def _older(folder: Path) -> list[str]:
    old = folder / OLD_NAME
    lines = old.read_text(encoding="utf-8", errors="replace").split() if old.exists() else []
    return [line for line in lines if len(line) >= MIN_SECRET]


def _read_or_make(path: Path) -> str:
    if not path.exists():
        _make(path)
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        secret = ""
    if len(secret) < MIN_SECRET:
        raise ConfigError(
            f"{path} is damaged: restore it from your backup; without it the bots' tokens cannot "
            "be decrypted. Delete it only if no bots have been added yet."
        )
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        path.chmod(0o600)
    return secret


def _make(path: Path) -> None:
    """Make the secret, unless another server that starts at the same moment is faster."""
    with _draft(path, _new_secret()) as draft, suppress(FileExistsError):
        os.link(draft, path)  # unlike a rename it replaces nothing, so there is nothing to lock


def _new_secret() -> str:
    return secrets.token_urlsafe(48) + "\n"


def _write(path: Path, text: str) -> None:
    with _draft(path, text) as draft:
        draft.replace(path)


@contextmanager
def _draft(path: Path, text: str) -> Iterator[Path]:
    """Write a file for its user alone beside the one it will be: no crash leaves half of that."""
    descriptor, name = tempfile.mkstemp(prefix=path.name + ".", suffix=".new", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)
