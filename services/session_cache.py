"""A cache of live sessions, so that a reading request needs no query for its key.

Ending a session drops it here at once; a change by another process (the command line) is detected
with the change marker within a second. Requests that write always check their session in the
transaction of the write, regardless of the cache.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from models.accounts.sessions import SessionRecord
from models.accounts.users import UserRecord

SIZE = 10_000  # sessions
TRUSTED = 4.0  # seconds that the cache is valid after the last successful check for changes

Found = tuple[UserRecord, SessionRecord]


class SessionCache:
    """The sessions with their accounts, as they were last read.

    Args:
        clock: returns monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, Found] = OrderedDict()  # by session id, the oldest first
        self._trusted_until = 0.0
        self.epoch = 0  # changes whenever something is dropped

    def find(self, session_id: str, user_id: int) -> Found | None:
        """Return a session with its account; None if it must be read from the database."""
        found = self._kept.get(session_id)
        if found is None or found[0].id != user_id or self._clock() >= self._trusted_until:
            return None
        return found

    def put(self, found: Found, *, epoch: int) -> None:
        """Keep a session.

        Args:
            epoch: the value of `epoch` before the session was read; if it has changed, the session
                may have ended in the meantime, and is not kept.
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
        """Extend the validity of the cache, because nothing has changed.

        Args:
            since: the clock's time before the check for changes.
        """
        self._trusted_until = since + TRUSTED
