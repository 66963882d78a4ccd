"""Doorbells: notifications of PostgreSQL that tell other processes to look at some rows.

They carry ids only, and arrive when the transaction that rings them is committed. A bell that is
lost or comes twice does no harm, because whoever hears it reads the rows, and reads them now and
then without having heard it. With SQLite there is nobody to hear them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

import peewee

from models.engine import bulk
from models.engine.base import proxy

CHANNEL = "botyard"
IDS_A_BELL = 300  # PostgreSQL allows 8,000 bytes


class Bell(StrEnum):
    """What to look at."""

    WISH = "wish"  # bots whose owners wish something else
    RUNS = "runs"  # bots whose actual states have changed
    FREE = "free"  # bots that nobody runs; without ids
    BACKLOG = "backlog"  # bots with updates that are to be handled again
    OUTBOX = "outbox"  # bots with messages that people have written
    SCENARIO = "scenario"  # bots with another scenario, or with talks that were deleted
    WRITTEN = "written"  # new messages
    MESSAGES = "messages"  # messages whose states have changed
    CHATS = "chats"  # chats that have changed, each as its user, bot and chat id
    DELETED = "deleted"  # a user, followed by their bots that are gone
    SESSIONS = "sessions"  # users whose sessions have ended
    LISTENERS = "listeners"  # users whose events somebody reads, in another process
    CALLS = "calls"  # bots with calls of Telegram that another process wants made
    ANSWERS = "answers"  # such calls that have been answered
    WAKE = "wake"  # nothing: it ends the wait for bells


def ring(bell: Bell, ids: Iterable[int] = ()) -> None:
    """Ring a bell when the present transaction is committed."""
    if isinstance(proxy.obj, peewee.SqliteDatabase):
        return
    for payload in payloads(bell, ids):
        bulk.execute("SELECT pg_notify(?, ?)", CHANNEL, payload)


def payloads(bell: Bell, ids: Iterable[int] = ()) -> Iterator[str]:
    """Write a bell as the payloads of as many notifications as it needs."""
    numbers = [str(number) for number in ids]
    yield " ".join([bell, *numbers[:IDS_A_BELL]])
    for start in range(IDS_A_BELL, len(numbers), IDS_A_BELL):
        yield " ".join([bell, *numbers[start : start + IDS_A_BELL]])


def read(payload: str) -> tuple[Bell, list[int]] | None:
    """Read a payload; None if it is of another version of the program."""
    name, *ids = payload.split(" ")
    try:
        return Bell(name), [int(number) for number in ids]
    except ValueError:
        return None
