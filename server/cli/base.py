"""Shared by the commands: settings as flags, one-line failures, JSON, the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import click
import orjson

from models.engine.database import Database
from models.engine.migration import Migrations
from models.errors import SecretMismatch, StorageError
from server.config import Config
from server.installation_lock import IN_USE
from server.permissions import private_files
from server.setting_values import ConfigError

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="print JSON for programs")


class Group(click.Group):
    """Commands that report expected failures as one line, not as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            with private_files():
                return super().invoke(ctx)
        except SecretMismatch as error:
            raise click.ClickException(
                "BOTYARD_SECRET_KEY (or secret.key in the data folder) is not the secret that this "
                "database was filled under: put the right one back."
            ) from error
        except IN_USE as error:
            raise click.ClickException(f"{error}: stop it first") from error
        except (ConfigError, StorageError) as error:
            raise click.ClickException(" ".join(str(error).split())) from error
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(where + (error.strerror or str(error))) from error


def flags(*names: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Add options for settings, with the settings' own descriptions."""

    def add(command: Callable[..., T]) -> Callable[..., T]:
        for name in reversed(names):
            about = Config.__dataclass_fields__[name].metadata["about"]
            command = click.option("--" + name.replace("_", "-"), name, help=about)(command)
        return command

    return add


def echo_json(data: Any) -> None:
    """Print data as JSON."""
    click.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode())


def in_database(
    flags: dict[str, str | None],
    fn: Callable[..., T],
    *args: Any,
    new: bool = False,
    **kwargs: Any,
) -> T:
    """Run one function of the data layer in a transaction, beside a server or without one.

    Nothing is migrated but a new database: the tables of an older version may be in use.

    Args:
        flags: flags that say where the database is.
        new: make an installation if there is none.

    Raises:
        SchemaMismatch: the database is of another version.
    """
    config = Config.load(None, **flags)
    if not config.has_database():
        if not new:
            raise click.ClickException(  # a mistyped folder must not become a new installation
                f"there is no database {config.sqlite_file}; --data-dir, --database-url or their "
                "variables say where it is"
            )
        config = config.with_data_dir()
    migrations = Migrations(config.database_address)
    if new and not migrations.status().done:
        migrations.up()
    migrations.check_current()
    return run_in(config, fn, *args, **kwargs)


def run_in(config: Config, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run one function of the data layer in a transaction; the database must be migrated.

    Args:
        config: the settings that name the database.
    """

    async def run() -> T:
        db = Database(config.database_address)
        try:
            await db.open()
            return await db.write(fn, *args, **kwargs)
        finally:
            await db.close()

    return asyncio.run(run())
