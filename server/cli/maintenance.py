"""`botyard backup`, `restore`, `rotate-secret`, `doctor`."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import asdict
from pathlib import Path

import click

from models.engine import sqlite_file
from server import secret_file
from server.cli.base import echo_json, existing, flags, json_option
from server.config import Config
from server.installation_lock import InstallationLock
from server.maintenance import backup as backups
from server.maintenance import secret_rotation
from server.maintenance.findings import Severity

_place = flags("data_dir", "database_url")
_NOT_INCLUDED = (
    "The backup does NOT contain the secret (secret.key or BOTYARD_SECRET_KEY), which is needed to "
    "decrypt the bots' tokens. Keep a copy of it in a different place."
)


class WhatToDo(click.ClickException):
    """The command does not apply to this installation; the text names the one that does."""

    exit_code = 2


def _sqlite_file(config: Config, instead: str) -> Path:
    file = sqlite_file.of(config.database_address)
    if file is None:
        raise WhatToDo(f"the database is PostgreSQL; use this command instead: {instead}")
    return file


def _without_password(url: str) -> str:
    # not urlsplit: there may be several hosts with ports
    place, _, query = url.partition("://")[2].partition("?")
    authority, _, name = place.partition("/")
    login, at, hosts = authority.rpartition("@")
    attributes = re.search(r"\btarget_session_attrs=[\w-]+", query)
    asked = f"?{attributes[0]}" if attributes else ""
    return f"postgresql://{login.partition(':')[0]}{at}{hosts}/{name}{asked}"


def _postgresql(command: str, config: Config, file: Path) -> str:
    address = shlex.quote(_without_password(config.direct_address))
    return f"{command.format(file=shlex.quote(str(file)))} --dbname={address}"


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_place
def backup(file: Path, **flags: str | None) -> None:
    """Copy the database into FILE, while the server runs or not.

    FILE is checked, and replaced only by a good copy. The secret is not in it.
    """
    config = Config.load(None, **flags)
    dump = _postgresql("pg_dump --format=custom --file={file}", config, file)
    database = _sqlite_file(config, dump)
    sqlite_file.check_name(database)
    try:
        backups.back_up(database, file)
    except backups.BadBackup as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{database} is backed up to {file}, and the copy is healthy")
    click.echo(_NOT_INCLUDED, err=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_place
def restore(file: Path, **flags: str | None) -> None:
    """Put the database in FILE back; the server must not run.

    The database that was there stays beside, under another name. The secret is not in FILE.
    """
    config = Config.load(None, **flags)
    load = _postgresql("pg_restore --clean --if-exists {file}", config, file)
    database = _sqlite_file(config, load)
    folder = config.data_dir.absolute()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        lock = InstallationLock(config)
        with lock.folders():  # no other restore may run
            for name in sqlite_file.names_left(database):
                name.unlink()
        with lock.held():
            kept = backups.restore(file, database)
    except backups.BadBackup as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{file} is restored to {database}; the next start migrates it")
    if kept is not None:
        click.echo(f"the database that was there is {kept}")
    click.echo(_NOT_INCLUDED, err=True)


@click.command("rotate-secret")
@_place
def rotate_secret(**flags: str | None) -> None:
    """Replace secret.key, and encrypt every bot token anew; the server must not run.

    Sessions go on. The old secret is kept in secret.key.old, and accepted while that is there.
    """
    config = existing(flags)
    try:
        with secret_file.withdrawn_if_wrong(config.data_dir.absolute()):
            done = secret_rotation.rotate(config)
    except secret_rotation.OneSecretOnly as error:
        raise WhatToDo(
            "the secret is in BOTYARD_SECRET_KEY: set BOTYARD_SECRET_KEY=new,old, then run this "
            "command again"
        ) from error
    if done.resumed:
        click.echo(
            "completed an earlier rotation (interrupted, or from a restored backup); no new secret "
            "was created. Run this command again to create one."
        )
    which = "current" if done.resumed else "new"
    click.echo(f"bot tokens encrypted with the {which} secret: {done.tokens}")
    where = "BOTYARD_SECRET_KEY" if config.secret_key else "secret.key.old"
    click.echo(
        f"The old secret in {where} keeps users logged in. Remove it after {config.session_days} "
        "days, or now if it was stolen (all users must then log in again).",
        err=True,
    )
    click.echo("Backups made until now need the old secret: keep it with them.", err=True)


@click.command()
@json_option
@flags("data_dir", "database_url", "telegram_api_url", "telegram_proxy")
def doctor(as_json: bool, **flags: str | None) -> None:
    """Check the server's data, settings and connections, and suggest fixes.

    Exits with 1 if anything is wrong. Changes nothing. Run it as the server's user, with the
    server's settings.
    """
    from server.maintenance import doctor as doctors  # noqa: PLC0415 - imports what speaks to Telegram

    findings = []
    for finding in doctors.examine(Config.load(None, **flags)):
        findings.append(finding)
        if not as_json:
            advice = f" -> {finding.advice}" if finding.advice else ""
            click.echo(f"{finding.level:<8}{finding.check}: {finding.text}{advice}")
    wrong = any(finding.level is Severity.WRONG for finding in findings)
    if as_json:
        echo_json({"ok": not wrong, "checks": [asdict(finding) for finding in findings]})
    sys.exit(wrong)
