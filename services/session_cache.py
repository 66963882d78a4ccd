"""Live sessions in memory, so that a request that reads needs no reading for its key.

What ends a session drops it here at once; what another process does (the command line) is noticed
by the change marker within a second. Requests that write check their session in the transaction of
the write, whatever is kept here.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from models.accounts.sessions import SessionRecord
from models.accounts.users import UserRecord

SIZE = 10_000  # sessions
TRUSTED = 4.0  # seconds that what is kept counts after the last word of the database

Found = tuple[UserRecord, SessionRecord]


class SessionCache:
    """Sessions with their accounts, as they were last read.

    Args:
        clock: seconds that only ever go forward.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, Found] = OrderedDict()  # by session id, the oldest first
        self._trusted_until = 0.0
        self.epoch = 0  # changes whenever something is dropped

    def find(self, session_id: str, user_id: int) -> Found | None:
        """Return a session with its account; None if the database has to be asked."""
        found = self._kept.get(session_id)
        if found is None or found[0].id != user_id or self._clock() >= self._trusted_until:
            return None
        return found

    def put(self, found: Found, *, epoch: int) -> None:
        """Keep a session.

        Args:
            epoch: of before it was read; if it has changed, the session may have been ended
                meanwhile, and is not kept.
        """
        if epoch != self.epoch:
            return
        self._kept[found[1].id] = found
        if len(self._kept) > SIZE:
            self._kept.popitem(last=False)

    def drop(self, user_id: int) -> None:
        """Drop the sessions of an account: they, or the account, have changed."""
        self.epoch += 1
        for session_id in [key for key, (user, _) in self._kept.items() if user.id == user_id]:
            del self._kept[session_id]

    def clear(self) -> None:
        """Drop all sessions."""
        self.epoch += 1
        self._kept.clear()

    def trust(self, since: float) -> None:
        """Let what is kept count for a while.

        Args:
            since: by the clock, before the database was asked if anything had changed.
        """
        self._trusted_until = since + TRUSTED
