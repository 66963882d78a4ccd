"""Does the same thing many times at once beside other processes that do it: a program for tests.

A command of its own per process, because what races is two connections. Prints `ready`, waits
for a line, then prints what became of each try: the name of the error, or `ok`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable

from models.accounts import users
from models.accounts.audit import OPERATOR
from models.bots import bots
from models.bots.records import VerifiedToken
from models.bots.vault import Vault
from models.engine.database import Database
from models.errors import RuleBroken
from services.errors import TooFast
from services.throttle import LoginThrottle
from services.windows import SharedWindows


async def outcome(work: Awaitable[object]) -> str:
    """What became of it."""
    try:
        await work
    except (RuleBroken, TooFast) as error:
        return type(error).__name__
    return "ok"


def bot(db: Database, user_id: str, token: str, *, confirmed: bool = True) -> Awaitable[object]:
    """Add a bot to an account that may have five."""
    return db.write(
        bots.create,
        Vault("x" * 40),
        int(user_id),
        token=VerifiedToken(token, bots.claimed_telegram_id(token) if confirmed else None),
        title="",
        active=False,
        limit=5,
        by=OPERATOR,
    )


def unconfirmed(db: Database, user_id: str, token: str) -> Awaitable[object]:
    """Add a bot whose token Telegram has not confirmed."""
    return bot(db, user_id, token, confirmed=False)


def user(db: Database, name: str) -> Awaitable[object]:
    """Add an account."""
    return db.write(
        users.create, username=name, email=f"{name}@example.org", password_hash="x", by=OPERATOR
    )


def login(db: Database, name: str, address: str) -> Awaitable[object]:
    """Count a login with a name that nobody has."""
    throttle = LoginThrottle(SharedWindows(db, secret=b"x" * 32))
    return throttle.login(name, address, user_id=None, known=False)


async def main(url: str, what: str, *tries: str) -> None:
    """Do it.

    Args:
        tries: arguments of each, with commas between.
    """
    db = Database(url)
    await db.open()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    work = {"bot": bot, "unconfirmed": unconfirmed, "user": user, "login": login}[what]
    print(*await asyncio.gather(*(outcome(work(db, *each.split(","))) for each in tries)))
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
