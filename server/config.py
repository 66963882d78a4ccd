"""What an operator can set: the only place that reads the environment."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import stat
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PREFIX = "BOTYARD_"
MIN_SECRET = 32  # characters
_SECRETS = ("secret_key", "metrics_token")  # never shown
SECRET_FILE = "secret.key"  # noqa: S105 - its name
_LOGIN = re.compile(r"(?<=://).*@")  # in an address: user:password@host


class ConfigError(Exception):
    """A setting is not right; the text names it, its value and what it takes."""


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise ValueError("a number from 0 to 65535")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 32767:
        raise ValueError("a whole number from 1 to 32767")
    return int(text)


def _flag(text: str) -> bool:
    values = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if text.lower() not in values:
        raise ValueError("yes or no")
    return values[text.lower()]


def _registration(text: str) -> bool:
    if text not in ("open", "closed"):
        raise ValueError("open or closed")
    return text == "open"


def _choice(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(" or ".join(words))
        return text

    return parse


def _host(text: str) -> str:
    if not text.strip():
        raise ValueError("a host name or address")
    return text


def _is_address(text: str, *schemes: str) -> bool:
    """Whether a text is an address of one of these schemes, with a host and a possible port."""
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is no number
        return False


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not _is_address(text, *schemes):
            raise ValueError(" or ".join(f"{scheme}://host..." for scheme in schemes))
        return text.rstrip("/")

    return parse


def _database_url(text: str) -> str:
    if re.match(r"sqlite:///.", text):
        return text
    if re.match(r"postgres(ql)?://.+/.+", text) and _is_address(text, "postgres", "postgresql"):
        return text
    raise ValueError("sqlite:///path or postgresql://user:password@host/name")


def _origins(text: str) -> frozenset[str]:
    # Browsers send them in lower case (RFC 6454, section 4).
    parts = (part.strip().lower().removesuffix("/") for part in text.split(","))
    origins = frozenset(part for part in parts if part)
    for origin in origins:
        if not _is_address(origin, "http", "https") or re.search(r"[@?#]|://.*/", origin):
            shown = _LOGIN.sub("***@", origin)
            raise ValueError(f"origins such as https://panel.example.org, and {shown!r} is none")
    return origins


def _secret(text: str) -> str:
    if any(len(part) < MIN_SECRET for part in _parts(text)):
        raise ValueError(f"secrets, with commas between, of at least {MIN_SECRET} characters")
    return text


def _metrics_token(text: str) -> str:
    # what may stand behind "Bearer" (RFC 6750, section 2.1)
    if not re.fullmatch(r"[A-Za-z0-9._~+/-]{16,}=*", text):
        raise ValueError("16 or more of the characters A-Z a-z 0-9 . _ ~ + / -")
    return text


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _setting(default: Any, parse: Callable[[str], Any], about: str, **options: Any) -> Any:
    metadata = {"parse": parse, "about": about, "shown": options.pop("shown", None)}
    return field(default=default, metadata=metadata, **options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of one server. Each is the variable BOTYARD_ and its name in capitals."""

    host: str = _setting("127.0.0.1", _host, "address to listen on")
    port: int = _setting(8000, _port, "port to listen on")
    data_dir: Path = _setting(Path("data"), Path, "folder of the SQLite file and secret.key")
    database_url: str = _setting(
        "",
        _database_url,
        "sqlite:///path or postgresql://...",
        repr=False,
        shown="SQLite in the data folder",
    )
    secret_key: str = _setting(
        "",
        _secret,
        "signs keys, encrypts bot tokens",
        repr=False,
        shown="from secret.key, made at the first start",
    )
    telegram_api_url: str = _setting(
        "https://api.telegram.org", _url("http", "https"), "Bot API server, or the sandbox"
    )
    telegram_proxy: str | None = _setting(
        None, _url("http", "socks5"), "http:// or socks5:// proxy to Telegram", repr=False
    )
    max_bots_per_user: int = _setting(5, _positive, "bots an account may have")
    cors_origins: frozenset[str] = _setting(
        frozenset(), _origins, "comma-separated origins of the frontend"
    )
    session_days: int = _setting(14, _positive, "days a login lasts")
    journal_days: int = _setting(7, _positive, "days that handled updates are kept")
    audit_days: int = _setting(365, _positive, "days that the audit log is kept")
    registration: bool = _setting(
        True, _registration, "open, or closed to all but the operator", shown="open"
    )
    behind_proxy: bool = _setting(False, _flag, "trust X-Forwarded-For and -Proto", shown="no")
    metrics_token: str | None = _setting(
        None, _metrics_token, "what /metrics asks for, as a bearer token", repr=False
    )
    log_level: str = _setting(
        "info", _choice("debug", "info", "warning", "error"), "least level that is logged"
    )
    log_format: str = _setting("human", _choice("human", "json"), "human or json lines")

    @classmethod
    def load(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        only: Collection[str] | None = None,
        **flags: str | None,
    ) -> Config:
        """Read the settings.

        Args:
            environ: the environment; that of the process when left out.
            only: the settings that may come from the environment; all when left out.
            flags: settings of the command line by field name; None means "not given".

        Raises:
            ConfigError: a value is not right, or the variable's name is unknown.
        """
        environ = os.environ if environ is None else environ
        known = {setting.name: setting for setting in fields(cls)}
        variables = {PREFIX + name.upper() for name in known}
        for variable in environ:
            if variable.startswith(PREFIX) and variable not in variables:
                raise ConfigError(f"{variable}: there is no such setting")
        values: dict[str, Any] = {}
        for name, setting in known.items():
            variable, text = PREFIX + name.upper(), environ.get(PREFIX + name.upper())
            if only is not None and name not in only:
                text = None
            if flags.get(name) is not None:
                variable, text = "--" + name.replace("_", "-"), flags[name]
            if text is None or text == "":
                continue
            try:
                values[name] = setting.metadata["parse"](text)
            except ValueError as error:
                shown = "the value" if name in _SECRETS else repr(_LOGIN.sub("***@", text))
                raise ConfigError(f"{variable}: {shown} will not do; it takes {error}") from None
        return cls(**values)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets: the first is for all that is new, the others are still accepted."""
        return _parts(self.secret_key)

    @property
    def database_address(self) -> str:
        """Where the database is."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'botyard.db'}"

    @property
    def folders(self) -> tuple[Path, ...]:
        """The data folder, and that of the SQLite file when it is another one."""
        file = self.sqlite_file
        beside = {file.absolute().parent} if file is not None else set()
        return tuple({self.data_dir.absolute(), *beside})

    @property
    def sqlite_file(self) -> Path | None:
        """The database's file; None for PostgreSQL."""
        url = self.database_address
        return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:") else None

    def has_database(self) -> bool:
        """Whether there is one; of PostgreSQL, which is asked later, that is taken for granted."""
        return self.sqlite_file is None or self.sqlite_file.is_file()

    def with_data_dir(self) -> Config:
        """The same settings with everything that lives in the data folder filled in.

        Makes the folder, and the secret at the first start.

        Raises:
            ConfigError: the folder cannot be used, or secret.key is damaged.
        """
        folder = self.data_dir.absolute()
        try:
            if folder.exists() and not folder.is_dir():
                raise ConfigError(f"{PREFIX}DATA_DIR: {folder} is a file; it takes a folder")
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            secret = self.secret_key or _secrets_from(folder / SECRET_FILE)
        except OSError as error:
            raise ConfigError(
                f"{PREFIX}DATA_DIR: {folder} cannot be used: {error.strerror}"
            ) from error
        values = {setting.name: getattr(self, setting.name) for setting in fields(self)}
        values["secret_key"] = secret
        values["database_url"] = self.database_address
        return type(self)(**values)


def _secrets_from(path: Path) -> str:
    """The installation's secret, and with commas between those that it has replaced."""
    current = _secret_from(path)
    older = _older(path)
    return ",".join([current, *(secret for secret in older if secret != current)])


def stored_secrets(folder: Path) -> tuple[str, ...]:
    """The secrets in a data folder as they are there; nothing is made or mended."""
    path = folder / SECRET_FILE
    return (path.read_text(encoding="utf-8").strip(), *_older(path))


def _older(path: Path) -> list[str]:
    old = path.with_name(path.name + ".old")
    lines = old.read_text(encoding="utf-8", errors="replace").split() if old.exists() else []
    return [line for line in lines if len(line) >= MIN_SECRET]


def replace_secret(folder: Path) -> None:
    """Make a new secret; the one until now, and older ones, are in secret.key.old from then on.

    A crash on the way leaves the secret until now in force, or the new one with it beside.
    """
    path = folder / SECRET_FILE
    older = dict.fromkeys([_secret_from(path), *_older(path)])
    _write_privately(path.with_name(path.name + ".old"), "\n".join(older) + "\n")
    _write_secret(path)


def _secret_from(path: Path) -> str:
    """The installation's secret; made when there is none."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # two servers may start at once in an empty folder
        if not path.exists():
            _write_secret(path)
    finally:
        os.close(folder)
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        secret = ""
    if len(secret) < MIN_SECRET:
        raise ConfigError(
            f"{path} is damaged: restore it from your backup. Without it the bots' tokens "
            "cannot be read; only if there are none yet may you delete it."
        )
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        path.chmod(0o600)
    return secret


def _write_secret(path: Path) -> None:
    """Make a secret."""
    _write_privately(path, secrets.token_urlsafe(48) + "\n")


def _write_privately(path: Path, text: str) -> None:
    """Write a file for its user alone; a crash on the way leaves no half of it under its name."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
