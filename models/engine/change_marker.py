"""The change marker: tells a running server of changes made by other processes.

A process (the command line) that changes bots without holding their locks, or changes accounts,
renews the mark in the same transaction. The server reads it once a second, by its primary key; when
it differs, the server reconciles all bots and drops its cached sessions.
Nothing is queued, so nothing is lost or done twice: a change while the server is off, several at
once, or a failed read all end in the same reconciliation.

The mark is a random text and not a number: two transactions that each count one further could
both write the same number.
"""

from __future__ import annotations

import secrets

from models import installation

_NAME = "bots_revision"


def current() -> str | None:
    """Return the current mark; None before the first renewal."""
    return installation.get(_NAME)


def renew() -> None:
    """Make every server that reads the mark reconcile once this transaction is committed."""
    installation.put(_NAME, secrets.token_urlsafe(12))
