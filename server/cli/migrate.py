"""`botyard migrate`: migrations by hand."""

from __future__ import annotations

from contextlib import nullcontext

import click

from models.engine.migration import Migrations
from server.cli.base import Group, echo_json, existing, flags, json_option
from server.config import Config
from server.installation_lock import IN_USE, InstallationLock, ServersRun

_place = flags("data_dir", "database_url")


def _made(flags: dict[str, str | None]) -> Config:
    """Load the settings; make an installation if there is none."""
    config = Config.load(None, **flags)
    return config if config.has_database() else config.with_data_dir()


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Migrate the database.

    `serve` runs `up` by itself; `down` refuses while a server runs on the same folder.
    """


@main.command()
@click.argument("to", required=False)
@_place
def up(to: str | None, **flags: str | None) -> None:
    """Run pending migrations, up to TO if given."""
    done = _run_steps(_made(flags), to)
    click.echo("\n".join(f"done: {name}" for name in done) or "nothing to do")


def _run_steps(config: Config, to: str | None) -> list[str]:
    """Run pending migrations, unless a server of an older version uses the tables.

    A server holds the installation's lock; a new database has none yet.
    """
    migrations = Migrations(config.direct_address)
    status = migrations.status()
    in_use = status.done and status.todo
    try:
        with InstallationLock(config, shared=True).held() if in_use else nullcontext():
            return migrations.up(to)
    except IN_USE as error:
        which = "them all" if isinstance(error, ServersRun) else "it"
        raise click.ClickException(
            f"{error}; stop {which} first, because the database must be migrated to this version"
        ) from error


@main.command()
@_place
def down(**flags: str | None) -> None:
    """Undo the latest migration. The dropped data is lost."""
    config = existing(flags)
    with InstallationLock(config).held():
        migrations = Migrations(config.direct_address)
        about = migrations.dropped_by_down()
        click.echo(f"undone: {migrations.down()}")
    click.echo(about, err=True)


@main.command()
@json_option
@_place
def status(as_json: bool, **flags: str | None) -> None:
    """List the migrations that are done and pending."""
    found = Migrations(existing(flags).direct_address).status()
    if as_json:
        echo_json({"done": found.done, "left": found.todo, "unknown": found.unknown})
        return
    for label, names in (("done", found.done), ("pending", found.todo), ("unknown", found.unknown)):
        for name in names:
            click.echo(f"{label:<8}{name}")


@main.command()
@click.argument("name")
@_place
def create(name: str, **flags: str | None) -> None:
    """Write an empty migration into models/migrations."""
    try:
        click.echo(f"written: {Migrations(_made(flags).direct_address).create(name)}")
    except ValueError as error:
        raise click.ClickException(str(error)) from error
