"""The command line: `botyard`, `python -m server`.

The server is imported only by commands that serve: the others start in half the time.
"""

from __future__ import annotations

import logging
import tempfile
from typing import Any

import click

from server import log, secret_file, version
from server.cli import copy_database
from server.cli.base import Group
from server.cli.base import flags as _flags
from server.cli.maintenance import backup, doctor, restore, rotate_secret
from server.cli.migrate import main as migrate_group
from server.cli.user import user
from server.config import Config
from server.installation_lock import IN_USE

PORT = click.IntRange(0, 65535)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=version.show,
    help="show the version, the commit and the main libraries' versions",
)  # fmt: skip
def main() -> None:
    """The backend of a panel for Telegram bots.

    Every setting is an environment variable (BOTYARD_PORT, ...); a flag wins over it.
    """


@main.command()
@_flags(
    "host", "port", "process_name", "data_dir", "database_url", "database_direct_url",
    "telegram_api_url", "telegram_proxy",
)  # fmt: skip
@_flags("max_bots_per_user", "account_rate", "cors_origins", "allowed_hosts", "session_days")
@_flags("history_days", "media_total", "registration")
@_flags("smtp_url", "password_reset_url", "email_verification_url")
@_flags("behind_proxy", "audit_days", "log_level", "log_format")
def serve(**flags: str | None) -> None:
    """Migrate the database and serve until SIGTERM or Ctrl-C."""
    from server import lifecycle  # noqa: PLC0415

    config = Config.load(None, **flags)
    level = log.set_up(config.log_level, config.log_format)
    try:
        with secret_file.withdrawn_if_wrong(config.data_dir.absolute()):
            lifecycle.run(lifecycle.serve(config.with_data_dir(), level=level))
    except IN_USE as error:
        raise click.ClickException(_in_use(error, config)) from error


def _in_use(error: Exception, config: Config) -> str:
    if config.sqlite_file is None:
        return f"{error}; to run several servers, give each its own --port or --process-name"
    return f"{error}; only one server can run, because two would poll the same bots"


main.add_command(migrate_group, "migrate")
main.add_command(copy_database.command)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="address to listen on")
@click.option("--port", type=PORT, default=8081, show_default=True, help="port to listen on")
@click.option("--limits", is_flag=True, help="answer 429 beyond Telegram's flood limits")
@click.option(
    "--strict-polls", is_flag=True, help="delay repeated polls and conflicts as Telegram does"
)
@click.option(
    "--delay",
    type=click.FloatRange(0, 60),
    default=0.0,
    show_default=True,
    help="seconds that each call takes on the way",
)
def sandbox(host: str, port: int, **options: Any) -> None:
    """Run a local Telegram Bot API, to try bots without Telegram."""
    from server import lifecycle  # noqa: PLC0415

    log.set_up()
    lifecycle.run(_serve_sandbox(host, port, **options))


async def _serve_sandbox(host: str, port: int, **options: Any) -> None:
    from sandbox import Sandbox  # noqa: PLC0415
    from sandbox.app import serve as serve_sandbox  # noqa: PLC0415
    from server import lifecycle  # noqa: PLC0415
    from server.listening import listening_on  # noqa: PLC0415

    ending = lifecycle.ending_event()
    with listening_on(host, port, setting="--port"):
        server, _ = await serve_sandbox(host, port, sandbox=Sandbox(**options))
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
    """Run a server and a sandbox together, for a first try.

    Prints the commands that make a bot answer. All data is deleted at the end.
    """
    from server import lifecycle  # noqa: PLC0415
    from server.cli.demo import demo as run_demo  # noqa: PLC0415

    log.set_up("warning")
    with tempfile.TemporaryDirectory(prefix="botyard-demo-") as folder:
        url = f"http://127.0.0.1:{sandbox_port}"
        # not the environment's database and secret: they may belong to a real installation
        config = Config.load(
            None, only=("host", "port"), **flags, data_dir=folder, telegram_api_url=url
        )
        lifecycle.run(run_demo(config.with_data_dir(), sandbox_port=sandbox_port))


for command in (user, backup, restore, rotate_secret, doctor):
    main.add_command(command)
