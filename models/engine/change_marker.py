"""How a change made beside a running server reaches it.

Whoever changes which bots may run in another way than through their locks (the command line,
which is a process of its own) renews the mark in the same transaction. The server reads it
once a second, by its primary key, and when it differs compares all that runs with all that
should run. Nothing is queued, so nothing is lost or done twice: a change while the server is
off, several at once, or one whose notice fails, all end in the same comparison.

The mark is a random text and not a number: two transactions that each count one further could
both write the same number.
"""

from __future__ import annotations

import secrets

from models import installation

_NAME = "bots_revision"


def current() -> str | None:
    """The mark as it is now; None before the first renewal."""
    return installation.get(_NAME)


def renew() -> None:
    """Make every server that reads the mark compare once this transaction is committed."""
    installation.put(_NAME, secrets.token_urlsafe(12))
