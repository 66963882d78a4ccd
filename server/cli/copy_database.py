"""`botyard copy-database`: from SQLite to PostgreSQL, or back."""

from __future__ import annotations

import sys

import click

from models.engine.copy import copy_database
from server.config import Config


class _Bars:
    """A progress bar a table, on a terminal; nothing elsewhere."""

    def __call__(self, table: str, done: int, total: int) -> None:
        if not sys.stderr.isatty():
            return
        filled = 30 if not total else 30 * done // total
        bar = "#" * filled + "." * (30 - filled)
        click.echo(f"\r{table:<20} [{bar}] {done}/{total}", err=True, nl=done >= total)


@click.command("copy-database")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
def command(source: str, target: str) -> None:
    """Copy an installation's database FROM one URL TO another.

    Stop the server first: what it writes meanwhile is not copied. The target must be empty; it
    gets all or nothing. The secret stays the same: keep secret.key, or BOTYARD_SECRET_KEY.
    """
    urls = [Config.load({}, database_url=url).database_url for url in (source, target)]
    if urls[0] == urls[1]:
        raise click.ClickException("FROM and TO are the same database")
    counts = copy_database(urls[0], urls[1], progress=_Bars())
    width = max(map(len, counts))
    for table, count in counts.items():
        click.echo(f"{table:<{width}}  {count:>10}")
    click.echo("copied; now start the server with BOTYARD_DATABASE_URL set to the new one")
