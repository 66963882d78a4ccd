"""The command line: `botyard`, `python -m server`."""

from __future__ import annotations

import asyncio
import getpass
import logging
import sys
import tempfile
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import click

import migrate
from models import session as sessions
from models import user as users
from models.database import Database
from models.errors import EmailTaken, SecretMismatch, StorageError, UsernameTaken
from models.migration import Migrations
from models.password import hash_password, weaknesses
from models.user import Credentials, UserRecord
from server import copying, lifecycle, log, version
from server.app import listening_on
from server.config import Config, ConfigError
from server.demo import demo as run_demo

T = TypeVar("T")
PORT = click.IntRange(0, 65535)


class Group(click.Group):
    """Commands whose foreseeable failures are one line, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except SecretMismatch as error:
            raise click.ClickException(
                "BOTYARD_SECRET_KEY (or secret.key in the data folder) is not the secret that this "
                "database was filled under: put the right one back."
            ) from error
        except (ConfigError, StorageError) as error:
            raise click.ClickException(" ".join(str(error).split())) from error
        except OSError as error:
            raise click.ClickException(error.strerror or str(error)) from error


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=version.show,
    help="show the version, the commit and the main libraries' versions",
)  # fmt: skip
def main() -> None:
    """The backend of a panel for Telegram bots.

    Every setting is an environment variable (BOTYARD_PORT, ...); a flag wins over it.
    """


def _flags(*names: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Options of the names of settings, with the settings' own descriptions."""

    def add(command: Callable[..., T]) -> Callable[..., T]:
        for name in reversed(names):
            about = Config.__dataclass_fields__[name].metadata["about"]
            command = click.option("--" + name.replace("_", "-"), name, help=about)(command)
        return command

    return add


@main.command()
@_flags("host", "port", "data_dir", "database_url", "telegram_api_url", "telegram_proxy")
@_flags("max_bots_per_user", "cors_origins", "session_days", "journal_days", "registration")
@_flags("behind_proxy", "log_level", "log_format")
def serve(**flags: str | None) -> None:
    """Migrate the database and serve until SIGTERM or Ctrl-C."""
    config = Config.load(None, **flags)
    level = log.set_up(config.log_level, config.log_format)
    lifecycle.run(lifecycle.serve(config.with_data_dir(), level=level))


main.add_command(migrate.main, "migrate")
main.add_command(copying.command)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="address to listen on")
@click.option("--port", type=PORT, default=8081, show_default=True, help="port to listen on")
def sandbox(host: str, port: int) -> None:
    """Run a local Telegram Bot API, to try bots without Telegram."""
    log.set_up()
    lifecycle.run(_serve_sandbox(host, port))


async def _serve_sandbox(host: str, port: int) -> None:
    from sandbox.app import serve as serve_sandbox  # noqa: PLC0415 - only this command needs it

    ending = lifecycle.ending_event()
    with listening_on(host, port, setting="--port"):
        server, _ = await serve_sandbox(host, port)
    logging.getLogger("botyard.sandbox").info("a Bot API on http://%s:%d", host, port)
    await ending.wait()
    server.stop()
    await server.close_all_connections()


@main.command()
@_flags("port")
@click.option(
    "--sandbox-port", type=PORT, default=8081, show_default=True, help="port of the sandbox"
)
def demo(sandbox_port: int, **flags: str | None) -> None:
    """Run the server and a sandbox together, and say how to see a bot answer.

    What is entered is gone when it ends.
    """
    log.set_up("warning")
    with tempfile.TemporaryDirectory(prefix="botyard-demo-") as folder:
        url = f"http://127.0.0.1:{sandbox_port}"
        # not the environment's database and secret: those may be in earnest
        config = Config.load(
            None, only=("host", "port"), **flags, data_dir=folder, telegram_api_url=url
        )
        lifecycle.run(run_demo(config.with_data_dir(), sandbox_port=sandbox_port))


@main.group()
def user() -> None:
    """Manage accounts."""


_password_option = click.option(
    "--password-stdin", is_flag=True, help="read the password from standard input"
)


@user.command("create")
@click.argument("username")
@click.option("--email", default="", help="e-mail address")
@_password_option
@_flags("data_dir", "database_url")
def create_user(username: str, email: str, password_stdin: bool, **flags: str | None) -> None:
    """Add an account."""
    _check_fields(username=username, email=email)
    password_hash = hash_password(_new_password(password_stdin, username=username, email=email))
    try:
        made = _in_database(
            flags, users.create, username=username, email=email, password_hash=password_hash
        )
    except UsernameTaken:
        raise click.ClickException(f"there is a user {username!r} already") from None
    except EmailTaken:
        raise click.ClickException(f"a user with the address {email!r} exists already") from None
    click.echo(f"user {made.username} has the id {made.id}")


@user.command("set-password")
@click.argument("username")
@_password_option
@_flags("data_dir", "database_url")
def set_password(username: str, password_stdin: bool, **flags: str | None) -> None:
    """Give an account a new password and end its sessions."""
    found: Credentials | None = _in_database(
        flags, users.find_credentials, username=username, email=None
    )
    if found is None:
        raise click.ClickException(f"there is no user {username!r}")
    password = _new_password(password_stdin, username=username, email=found.user.email)
    password_hash = hash_password(password)
    _in_database(flags, sessions.change_password, found.user.id, password_hash, keep=None)
    click.echo(f"the password of {found.user.username} is changed, the sessions are ended")


@user.command("list")
@_flags("data_dir", "database_url")
def list_users(**flags: str | None) -> None:
    """List the accounts."""
    listed: list[UserRecord] = _in_database(flags, users.listing)
    click.echo(f"{'id':>6}  {'username':<24}  {'email':<32}  since")
    for row in listed:
        since = f"{row.created_at:%Y-%m-%d %H:%M}"
        click.echo(f"{row.id:>6}  {row.username:<24}  {row.email or '-':<32}  {since}")


def _check_fields(**fields: str) -> None:
    from handlers.schemas import UserSchema  # noqa: PLC0415 - the rules are the API's

    for name, sentences in UserSchema(only=list(fields)).validate(fields).items():
        raise click.ClickException(f"{fields[name]!r}: {' '.join(sentences)}")


def _new_password(from_stdin: bool, *, username: str, email: str) -> str:
    if from_stdin:
        try:
            password = sys.stdin.buffer.readline().decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise click.ClickException("the password must come as UTF-8") from None
    else:
        try:
            with warnings.catch_warnings(action="ignore", category=getpass.GetPassWarning):
                password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        except click.Abort:
            hint = "no password was given; without a terminal, use --password-stdin"
            raise click.ClickException(hint) from None
    if found := weaknesses(password, username=username, email=email):
        raise click.ClickException(" ".join(found))
    return password


def _in_database(
    flags: dict[str, str | None], fn: Callable[..., T], *args: Any, **kwargs: Any
) -> T:
    """Run one function of the data layer as a transaction of its own."""
    config = Config.load(None, **flags).with_data_dir()
    Migrations(config.database_url).up()

    async def run() -> T:
        db = Database(config.database_url)
        await db.open()
        try:
            return await db.write(fn, *args, **kwargs)
        finally:
            await db.close()

    return asyncio.run(run())
