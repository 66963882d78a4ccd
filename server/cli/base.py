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
from server.installation_lock import IN_USE, ServersRun
from server.permissions import private_files
from server.setting_values import ConfigError

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="print JSON for programs")


class Group(click.Group):
    """Commands that report expected failures as one line, not as a traceback."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with the whole first sentence of each, where Click cuts it."""
        commands = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(limit=200)) for name, command in commands]
            )

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            with private_files():
                return super().invoke(ctx)
        except SecretMismatch as error:
            raise click.ClickException(
                "The secret does not match this database. Restore the right BOTYARD_SECRET_KEY, or "
                "secret.key in the data folder."
            ) from error
        except IN_USE as error:
            which = "them all" if isinstance(error, ServersRun) else "it"
            raise click.ClickException(f"{error}: stop {which} first") from error
        except (ConfigError, StorageError) as error:
            raise click.ClickException(" ".join(str(error).split())) from error
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(where + (error.strerror or str(error))) from error


def flags(*names: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Add options for settings, with the settings' own descriptions and defaults.

    Click gets no default, so that a variable can set what the command line leaves out.
    """

    def add(command: Callable[..., T]) -> Callable[..., T]:
        for name in reversed(names):
            about = Config.__dataclass_fields__[name].metadata
            command = click.option(
                "--" + name.replace("_", "-"), name, metavar=about["form"], help=about["about"]
            )(command)
        return command

    return add


def echo_json(data: Any) -> None:
    """Print data as JSON."""
    click.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode())


def in_database(
    flags: dict[str, str | None],
    fn: Callable[..., T],
    *args: Any,
    **kwargs: Any,
) -> T:
    """Run one function of the data layer in a transaction, beside a server or without one.

    Nothing is made or migrated: the tables of an older version may be in use.

    Args:
        flags: flags that say where the database is.

    Raises:
        SchemaMismatch: the database is of another version.
    """
    config = existing(flags)
    Migrations(config.direct_address).check_current()
    return run_in(config, fn, *args, **kwargs)


def existing(flags: dict[str, str | None]) -> Config:
    """Load the settings of an installation; a mistyped folder must not become a new one.

    Args:
        flags: flags that say where it is.

    Raises:
        ClickException: there is no database.
    """
    config = Config.load(None, **flags)
    if not config.has_database():
        raise click.ClickException(
            f"no database at {config.sqlite_file}; set --data-dir or --database-url (or their "
            "variables), or make a new installation with botyard migrate up"
        )
    return config


def run_in(config: Config, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Run one function of the data layer in a transaction; the database must be migrated.

    Args:
        config: the settings that name the database.
    """

    async def run() -> T:
        db = Database(config.direct_address)
        try:
            await db.open()
            return await db.write(fn, *args, **kwargs)
        finally:
            await db.close()

    return asyncio.run(run())
