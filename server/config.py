"""The operator's settings; the only module that reads the environment."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from models.engine import sqlite_file
from server import secret_file
from server import setting_values as read
from server.setting_values import PREFIX, ConfigError

_SECRETS = ("secret_key", "metrics_token")  # never shown


def _setting(
    default: Any,
    parse: Callable[[str], Any],
    about: str,
    *,
    form: str,
    shown: str | None = None,
    secret: bool = False,
) -> Any:
    """Declare a setting.

    Args:
        parse: reads its text.
        about: the help of its flag.
        form: what stands for the value in that help.
        shown: the default in that help, if it is not simply the value.
        secret: leave it out of the config's repr, because it contains a secret.
    """
    text = shown or str(default or "none")
    metadata = {"parse": parse, "about": f"{about} [default: {text}]", "form": form}
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings of one server. The variable of each is BOTYARD_ and its name in capitals."""

    host: str = _setting("127.0.0.1", read.host, "address to listen on", form="HOST")
    port: int = _setting(8000, read.port, "port to listen on", form="PORT")
    data_dir: Path = _setting(
        Path("data"),
        read.folder,
        "folder of the SQLite file and secret.key",
        form="FOLDER",
        shown="./data",
    )
    process_name: str = _setting(
        "",
        read.name,
        "name of this server among several on one PostgreSQL database",
        form="NAME",
        shown="the machine's name and the port",
    )
    database_url: str = _setting(
        "",
        read.database_url,
        "sqlite:///path or postgresql://user:password@host/name",
        form="URL",
        shown="SQLite in the data folder",
        secret=True,
    )
    database_direct_url: str = _setting(
        "",
        read.postgresql_url,
        "PostgreSQL without the pooler that is in the other URL",
        form="URL",
        shown="the same as the other URL",
        secret=True,
    )
    secret_key: str = _setting(
        "",
        read.secret,
        "signs keys, encrypts bot tokens",
        form="SECRETS",
        shown="from secret.key, made at the first start",
        secret=True,
    )
    telegram_api_url: str = _setting(
        "https://api.telegram.org",
        read.url("http", "https"),
        "Bot API server, or the sandbox",
        form="URL",
    )
    telegram_proxy: str | None = _setting(
        None,
        read.url("http", "socks5"),
        "http:// or socks5:// proxy to Telegram",
        form="URL",
        secret=True,
    )
    max_bots_per_user: int = _setting(
        5, read.positive, "maximum number of bots per account", form="NUMBER"
    )
    account_rate: int = _setting(20, read.positive, "requests a second and account", form="NUMBER")
    cors_origins: frozenset[str] = _setting(
        frozenset(), read.origins, "comma-separated origins of the frontend", form="ORIGINS"
    )
    allowed_hosts: frozenset[str] = _setting(
        frozenset(),
        read.hosts,
        "comma-separated names that clients may use for this server",
        form="NAMES",
        shown="its own on loopback without a proxy, else any",
    )
    session_days: int = _setting(14, read.positive, "days until a login expires", form="DAYS")
    history_days: int = _setting(365, read.days, "days to keep messages", form="DAYS")
    audit_days: int = _setting(365, read.positive, "days to keep the audit log", form="DAYS")
    media_total: int = _setting(5000, read.megabytes, "MB of all uploaded files", form="MB")
    registration: bool = _setting(
        True,
        read.registration,
        "who may create accounts: everybody, or only the operator",
        form="[open|closed]",
        shown="open",
    )
    behind_proxy: bool = _setting(
        False, read.flag, "trust X-Forwarded-For and -Proto", form="[yes|no]", shown="no"
    )
    metrics_token: str | None = _setting(
        None,
        read.metrics_token,
        "bearer token that /metrics requires",
        form="TOKEN",
        secret=True,
    )
    smtp_url: str | None = _setting(
        None,
        read.smtp_url,
        "smtp://user:password@host?from=address, to send mail",
        form="URL",
        secret=True,
    )
    password_reset_url: str | None = _setting(
        None, read.page, "the frontend's page for a new password", form="URL"
    )
    email_verification_url: str | None = _setting(
        None, read.page, "the frontend's page that verifies an address", form="URL"
    )
    log_level: str = _setting(
        "info",
        read.choice("debug", "info", "warning", "error"),
        "minimum log level",
        form="[debug|info|warning|error]",
    )
    log_format: str = _setting(
        "human",
        read.choice("human", "json"),
        "lines for people or JSON objects",
        form="[human|json]",
    )

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
            ConfigError: a value is not valid, or the variable's name is unknown.
        """
        environ = os.environ if environ is None else environ
        known = {setting.name: setting for setting in fields(cls)}
        variables = {PREFIX + name.upper() for name in known}
        for variable in environ:
            if variable.startswith(PREFIX) and variable not in variables:
                raise ConfigError(f"{variable}: unknown setting")
        if flags.get("database_url") and not flags.get("database_direct_url"):
            environ = {**environ, PREFIX + "DATABASE_DIRECT_URL": ""}  # it is of another database
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
                raise read.invalid(variable, text, error, hidden=name in _SECRETS) from None
        return cls(**values)

    @property
    def shown_name(self) -> str:
        """The name of this server among several."""
        return self.process_name or f"{platform.node() or 'localhost'}:{self.port}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets: the first encrypts and signs, the others are still accepted."""
        return read.parts(self.secret_key)

    @property
    def local_only(self) -> bool:
        """True if only this machine's programs reach the server, and no proxy lets others in."""
        if self.behind_proxy:
            return False
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:  # a name
            return False

    @property
    def hosts(self) -> frozenset[str] | None:
        """Names that clients may use for this server; None for any.

        By default they are checked where only this machine can be the client: its browsers
        could be led here by a page whose name was given this machine's address.
        """
        if self.allowed_hosts:
            return self.allowed_hosts
        if not self.local_only:
            return None
        own = f"[{self.host}]" if ":" in self.host else self.host
        return frozenset({"localhost", "127.0.0.1", "[::1]", own})

    @property
    def database_address(self) -> str:
        """The URL of the database."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'botyard.db'}"

    @property
    def direct_address(self) -> str:
        """The URL of the database for what needs a session, which a pooler does not keep."""
        if self.sqlite_file is not None:
            return self.database_address
        return self.database_direct_url or self.database_address

    @property
    def is_pooled(self) -> bool:
        """True if there is a pooler between the server and PostgreSQL."""
        return self.direct_address != self.database_address

    @property
    def folders(self) -> tuple[Path, ...]:
        """The data folder, and that of the SQLite file when it is another one."""
        file = self.sqlite_file
        beside = {file.parent} if file is not None else set()
        return tuple({self.data_dir.absolute(), *beside})

    @property
    def sqlite_file(self) -> Path | None:
        """The database's file, without symlinks; None for PostgreSQL."""
        return sqlite_file.of(self.database_address)

    def has_database(self) -> bool:
        """Return True if the SQLite file exists; a PostgreSQL database is assumed to exist."""
        return self.sqlite_file is None or self.sqlite_file.is_file()

    def with_data_dir(self) -> Config:
        """Return the same settings, completed with those that come from the data folder.

        Makes the folder, and the secret at the first start.

        Raises:
            ConfigError: the folder cannot be used, secret.key is damaged, or a setting is missing
                that another one needs.
        """
        self._check_mail()
        folder = self.data_dir.absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            secret = self.secret_key or ",".join(secret_file.read_or_make(folder))
        except OSError as error:
            raise ConfigError(
                f"the data folder {folder} cannot be used: {error.strerror}; set --data-dir or "
                f"{PREFIX}DATA_DIR"
            ) from error
        values = {setting.name: getattr(self, setting.name) for setting in fields(self)}
        values["secret_key"] = secret
        values["database_url"] = self.database_address
        return type(self)(**values)

    def _check_mail(self) -> None:
        for name in ("password_reset_url", "email_verification_url"):
            if self.smtp_url and not getattr(self, name):
                raise ConfigError(
                    f"{PREFIX}SMTP_URL needs {PREFIX}{name.upper()}: links in mails lead there"
                )
