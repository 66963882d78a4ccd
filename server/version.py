"""The exact version: its number, its commit, and the main libraries."""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import subprocess
from functools import cache
from pathlib import Path

import click

from server import __version__

LIBRARIES = {"Tornado": "tornado", "python-telegram-bot": "python-telegram-bot", "Peewee": "peewee"}
_ROOT = Path(__file__).parent.parent


@cache
def commit() -> str:
    """The commit, with "-dirty" behind it when files differ from it; "unknown" without git.

    The one-file binary contains it; a checkout asks git.
    """
    baked = importlib.resources.files("server") / "commit.txt"
    if baked.is_file():
        return baked.read_text(encoding="utf-8").strip()
    if not (_ROOT / ".git").exists():  # installed inside some other project's checkout
        return "unknown"
    describe = ["git", "-C", str(_ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(describe, capture_output=True, text=True, timeout=5, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()


def text() -> str:
    """The lines of `botyard --version`."""
    libraries = [
        f"{name} {importlib.metadata.version(package)}" for name, package in LIBRARIES.items()
    ]
    return f"botyard {__version__}, commit {commit()}\n{', '.join(libraries)}"


def show(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Print the version and exit; the callback of --version."""
    if wanted and not context.resilient_parsing:
        click.echo(text())
        context.exit()
