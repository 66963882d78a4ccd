"""`botyard doctor`: checks everything an installation depends on, and changes nothing."""

from __future__ import annotations

import asyncio
import os
import resource
import shlex
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import aiosmtplib

from models.bots import bots
from models.bots.vault import Vault, check_secret_if_any
from models.engine import sqlite_file
from models.engine.migration import Migrations
from models.errors import SecretMismatch, StorageError
from runner.settings import FILES_A_BOT, FILES_BESIDE
from runner.telegram.connectivity import Connectivity, check_connectivity
from server import permissions, secret_file
from server.cli.base import run_in
from server.config import Config
from server.installation_lock import living_servers, processes_here, server_process
from server.maintenance.findings import Finding, Severity
from server.maintenance.machine import check_cluster, check_ports, servers
from server.maintenance.search import check_search
from server.setting_values import MIN_SECRET
from server.smtp import smtp_server
from services.mail import SmtpServer

CLOCK_OK, CLOCK_WRONG = 10.0, 120.0  # seconds


def examine(config: Config) -> Iterator[Finding]:
    """Check an installation, from its foundations upwards.

    Args:
        config: as loaded; the data folder is not made.
    """
    yield _folder(config)
    secret = _secret(config)
    yield secret
    database = _database(config)
    yield database
    if database.level is not Severity.WRONG or config.sqlite_file is not None:
        yield _server(config)
    active = 0
    if config.has_database() and database.level is not Severity.WRONG:
        migrations = _migrations(config)
        yield migrations
        if migrations.level is Severity.OK:
            if config.secret_key or (config.data_dir / secret_file.NAME).exists():
                yield _secret_fits(config)
            active = len(run_in(config, bots.wanted_generations))
            if config.sqlite_file is None:
                yield check_search(config)
                yield from check_cluster(config)
    found = asyncio.run(check_connectivity(config.telegram_api_url, proxy=config.telegram_proxy))
    yield _telegram(config, found)
    yield _clock(found)
    yield _open_files(active)
    yield from check_ports(active)
    if (smtp := smtp_server(config)) is not None:
        yield _smtp(smtp)


def _folder(config: Config) -> Finding:
    folder = config.data_dir.absolute()
    if not folder.is_dir():
        return Finding(
            "data folder", Severity.WARNING, f"{folder} does not exist",
            "the first start creates it. If this is not a new installation, set --data-dir or "
            "BOTYARD_DATA_DIR",
        )  # fmt: skip
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Finding(
            "data folder", Severity.WRONG, f"{folder} cannot be written by this user",
            f"run as the user that the server runs as, or: chown that user {folder}",
        )  # fmt: skip
    folders = [one for one in (folder, *config.folders) if one.is_dir()]
    return (
        _open_to_others("data folder", folders, "700")
        or _open_to_others("data folder", permissions.lock_parts(config), "600")
        or Finding("data folder", Severity.OK, str(folder))
    )


def _open_to_others(check: str, paths: Sequence[Path], mode: str) -> Finding | None:
    """Return a warning about files that other users can read; None if there are none."""
    found = [str(path) for path in dict.fromkeys(paths) if permissions.is_open(path)]
    if not found:
        return None
    return Finding(
        check, Severity.WARNING, f"open to other users: {', '.join(found)}",
        f"chmod {mode} {' '.join(map(shlex.quote, found))}",
    )  # fmt: skip


def _secret(config: Config) -> Finding:
    if config.secret_key:
        return Finding("secret", Severity.OK, "from BOTYARD_SECRET_KEY")
    path = config.data_dir.absolute() / secret_file.NAME
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        has_data = config.sqlite_file is not None and config.has_database()
        return Finding(
            "secret", Severity.WRONG if has_data else Severity.WARNING, f"{path} does not exist",
            "restore it from your backup" if has_data else "the first start creates it",
        )  # fmt: skip
    except (OSError, UnicodeDecodeError):
        text = ""
    if len(text) < MIN_SECRET:
        return Finding(
            "secret", Severity.WRONG, f"{path} cannot be read or is damaged",
            "restore it from your backup: the bots' tokens cannot be decrypted without it",
        )  # fmt: skip
    return _open_to_others("secret", permissions.secret_parts(config), "600") or Finding(
        "secret", Severity.OK, str(path)
    )


def _guarded(check: str, advice: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(check, Severity.OK, look())
    except (StorageError, sqlite3.Error, OSError) as error:
        return Finding(check, Severity.WRONG, " ".join(str(error).split()), advice)


def _database(config: Config) -> Finding:
    file = config.sqlite_file
    if file is None:
        advice = "check that PostgreSQL runs and that BOTYARD_DATABASE_URL is right"
        return _guarded("database", advice, lambda: _ask_postgresql(config))
    if not file.exists():
        return Finding(
            "database", Severity.WARNING, f"{file} does not exist",
            "the first start creates it. If this is not a new installation, restore your backup",
        )  # fmt: skip
    if not os.access(file, os.R_OK | os.W_OK):
        return Finding(
            "database", Severity.WRONG, f"{file} cannot be written by this user",
            f"run as the user that the server runs as, or: chown that user {file}",
        )  # fmt: skip
    advice = "stop the server, botyard restore FILE"
    if file.stat().st_nlink > 1:
        advice = "stop the server, then follow the message"
    found = _guarded("database", advice, lambda: _ask_sqlite(file))
    if found.level is not Severity.OK:
        return found
    return _open_to_others("database", permissions.database_parts(config), "600") or found


def _ask_postgresql(config: Config) -> str:
    run_in(config, lambda: None)
    return "PostgreSQL answers"


def _ask_sqlite(file: Path) -> str:
    sqlite_file.check_name(file)  # by the wrong one it may look healthy, and be empty
    if file.stat().st_size == 0:  # which SQLite takes for a new one
        raise sqlite3.DatabaseError(f"{file} is empty (0 bytes)")
    with sqlite_file.read_only(file) as database:
        (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(f"{file} is damaged: {verdict}")
    return f"{file}, {file.stat().st_size / 1e6:.1f} MB, healthy"


def _server(config: Config) -> Finding:
    try:
        if names := living_servers(config):
            return servers(names, here=processes_here(config))
        process = server_process(config)
    except StorageError as error:
        return Finding("server", Severity.WRONG, str(error), "fix the database first")
    text = "does not run" if process is None else f"runs on this installation ({process})"
    return Finding("server", Severity.OK, text)


def _migrations(config: Config) -> Finding:
    try:
        status = Migrations(config.direct_address).status()
    except StorageError as error:
        return Finding("migrations", Severity.WRONG, str(error), "fix the database first")
    if status.unknown:
        return Finding(
            "migrations", Severity.WRONG,
            f"the database is of a newer version ({', '.join(status.unknown)})",
            "install that version again",
        )  # fmt: skip
    if status.todo:
        return Finding(
            "migrations", Severity.WARNING, f"pending: {', '.join(status.todo)}",
            "the next start runs them: botyard backup FILE before it",
        )  # fmt: skip
    return Finding("migrations", Severity.OK, f"all {len(status.done)} are done")


def _secret_fits(config: Config) -> Finding:
    name = "secret fits database"
    try:
        secrets = config.secrets if config.secret_key else secret_file.read(config.data_dir)
        run_in(config, check_secret_if_any, Vault(*secrets))
    except SecretMismatch:
        return Finding(
            name, Severity.WRONG, "the secret does not match this database",
            "restore the right secret.key (or BOTYARD_SECRET_KEY)",
        )  # fmt: skip
    except (OSError, StorageError) as error:
        return Finding(name, Severity.WRONG, str(error), "fix the database and the secret first")
    return Finding(name, Severity.OK, "matches the stored tokens")


def _telegram(config: Config, found: Connectivity) -> Finding:
    way = f"{config.telegram_api_url}{' through the proxy' if config.telegram_proxy else ''}"
    if found.error is None:
        return Finding("telegram", Severity.OK, f"{way} answers")
    return Finding(
        "telegram", Severity.WRONG, f"{way}: {found.error}",
        "check the network and the firewall; where Telegram is blocked, set BOTYARD_TELEGRAM_PROXY",
    )  # fmt: skip


def _smtp(server: SmtpServer) -> Finding:
    name, where = "mail", f"{server.host}:{server.port}"
    try:
        asyncio.run(server.check())
    except (aiosmtplib.SMTPException, OSError) as error:
        return Finding(
            name, Severity.WRONG, f"{where}: {' '.join(str(error).split())}",
            "see the network and the firewall, and whether BOTYARD_SMTP_URL is right",
        )  # fmt: skip
    return Finding(name, Severity.OK, f"{where} answers{' to the login' * bool(server.username)}")


def _clock(found: Connectivity) -> Finding:
    if found.date is None:
        return Finding(
            "clock", Severity.WARNING, "there is nothing to compare it with",
            "check that the time is synchronized: timedatectl",
        )  # fmt: skip
    off = abs((datetime.now(UTC) - found.date).total_seconds())
    if off <= CLOCK_OK:
        return Finding("clock", Severity.OK, "agrees with Telegram's")
    level = Severity.WARNING if off < CLOCK_WRONG else Severity.WRONG
    return Finding(
        "clock", level, f"differs from Telegram's by {off:.0f} s",
        "synchronize the time: timedatectl set-ntp true",
    )  # fmt: skip


def _open_files(active: int) -> Finding:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)  # the server takes all it may have
    needed = FILES_BESIDE + FILES_A_BOT * active
    unlimited = most == resource.RLIM_INFINITY
    text = f"{'no limit' if unlimited else most} here, {needed} needed for {active} active bots"
    if unlimited or most >= needed:
        return Finding("open files", Severity.OK, text)
    return Finding(
        "open files", Severity.WRONG, text,
        f"LimitNOFILE={4 * needed} in the systemd unit, or as root ulimit -n before the start",
    )  # fmt: skip
