"""Migrations by hand: `python migrate.py up | down | status | create NAME`."""

from __future__ import annotations

import click
import orjson

from models.errors import StorageError
from models.migration import Migrations
from server.config import Config, ConfigError

_url = click.option("--database-url", help="sqlite:///path or postgresql://...")
_folder = click.option("--data-dir", help="folder of the SQLite file")


def _migrations(data_dir: str | None, database_url: str | None) -> Migrations:
    config = Config.load(data_dir=data_dir, database_url=database_url)
    return Migrations(config.with_data_dir().database_url)


class _Group(click.Group):
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (ConfigError, StorageError, ValueError) as error:
            raise click.ClickException(" ".join(str(error).split())) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Bring the database's tables from one version to another.

    `serve` runs `up` by itself; stop the server before `down`.
    """


@main.command()
@click.argument("to", required=False)
@_folder
@_url
def up(to: str | None, data_dir: str | None, database_url: str | None) -> None:
    """Run the steps that are left, up to TO when it is given."""
    done = _migrations(data_dir, database_url).up(to)
    click.echo("\n".join(f"done: {name}" for name in done) or "nothing to do")


@main.command()
@_folder
@_url
def down(data_dir: str | None, database_url: str | None) -> None:
    """Undo the latest step. What it says it drops is lost."""
    click.echo(f"undone: {_migrations(data_dir, database_url).down()}")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="print JSON for programs")
@_folder
@_url
def status(as_json: bool, data_dir: str | None, database_url: str | None) -> None:
    """List the steps that are done and left."""
    found = _migrations(data_dir, database_url).status()
    if as_json:
        steps = {"done": found.done, "left": found.todo, "unknown": found.unknown}
        click.echo(orjson.dumps(steps, option=orjson.OPT_INDENT_2).decode())
        return
    for label, names in (("done", found.done), ("left", found.todo), ("unknown", found.unknown)):
        for name in names:
            click.echo(f"{label:<8}{name}")


@main.command()
@click.argument("name")
@_folder
@_url
def create(name: str, data_dir: str | None, database_url: str | None) -> None:
    """Write an empty step into models/migrations."""
    click.echo(f"written: {_migrations(data_dir, database_url).create(name)}")


if __name__ == "__main__":
    main()
