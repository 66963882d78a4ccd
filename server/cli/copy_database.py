"""`botyard copy-database`: from SQLite to PostgreSQL, or back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from models.engine.copy import copy_database
from server import setting_values


@contextmanager
def _bar(table: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a table's progress on a terminal, and nothing elsewhere."""
    with click.progressbar(
        length=total,
        label=f"{table:<20}",
        show_pos=True,
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
    ) as bar:
        yield bar.update


def _url(argument: str, text: str) -> str:
    try:
        return setting_values.database_url(text)
    except ValueError as error:
        raise setting_values.invalid(argument, text, error) from None


@click.command("copy-database")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
def command(source: str, target: str) -> None:
    """Copy an installation's database FROM one URL TO another.

    Stop the server first: what it writes meanwhile is not copied. The target must be empty; it
    gets all or nothing. The secret stays the same: keep secret.key, or BOTYARD_SECRET_KEY.
    """
    source, target = _url("FROM", source), _url("TO", target)
    if source == target:
        raise click.ClickException("FROM and TO are the same database")
    counts = copy_database(source, target, progress=_bar)
    width = max(map(len, counts))
    for table, count in counts.items():
        click.echo(f"{table:<{width}}  {count:>10}")
    click.echo("copied; now start the server with BOTYARD_DATABASE_URL set to the new one")
