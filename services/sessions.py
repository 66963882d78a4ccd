"""Login sessions: find, list and end them. The server ends sessions only here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from models.accounts import sessions
from models.accounts.audit import Action, Actor
from models.accounts.principal import Principal
from models.accounts.sessions import SessionRecord, authorized
from models.accounts.users import UserRecord
from models.engine import change_marker
from models.engine.base import now
from models.engine.database import Database
from models.engine.doorbell import Bell
from runner.live.hub import EventHub
from services.errors import SessionNotFound
from services.session_cache import SessionCache

T = TypeVar("T")

TOUCH_AFTER = timedelta(minutes=1)  # precision of the time of a session's last use


class SessionService:
    """Finds and ends sessions; ending a session also ends its live streams.

    Args:
        db: the database.
        events: the live streams.
    """

    def __init__(self, *, db: Database, events: EventHub) -> None:
        self._db = db
        self._events = events
        self._cache = SessionCache()
        self._mark: str | None = None

    async def find(self, session_id: str, user_id: int) -> tuple[UserRecord, SessionRecord] | None:
        """Find a live session with its account, and record that it was used.

        Returns:
            None if the session has ended or the account is disabled.
        """
        found, epoch = self._cache.find(session_id, user_id), self._cache.epoch
        if found is None:
            found = await self._db.read(sessions.find, session_id, user_id)
            if found is None:
                return None
            self._cache.put(found, epoch=epoch)
        user, session = found
        moment = now()
        if session.expires_at <= moment:
            return None
        if moment - session.last_used_at > TOUCH_AFTER:
            await self._db.write(sessions.touch, session_id)
            self._cache.put((user, replace(session, last_used_at=moment)), epoch=epoch)
        return user, session

    def forget(self, user_id: int) -> None:
        """Drop the cached sessions of an account that has changed."""
        self._cache.drop(user_id)

    async def watch(self) -> None:
        """Detect changes made by the command line; called once a second.

        Raises:
            StorageError: the database did not answer; the cache soon becomes invalid.
        """
        began = time.monotonic()
        mark = await self._db.read(change_marker.current)
        if mark != self._mark:
            self._mark = mark
            self._cache.clear()
        self._cache.trust(began)

    def look_at(self, user_ids: list[int]) -> None:
        """Learn that sessions of accounts have ended in another process."""
        for user_id in user_ids:
            self._cache.drop(user_id)
            self._events.check_sessions(user_id)

    async def is_live(self, principal: Principal) -> bool:
        """Return True while the caller's session is live and the account enabled."""
        session_id, user_id = principal.session_id or "", principal.user.id
        return await self._db.read(sessions.find, session_id, user_id) is not None

    async def list_for(self, user_id: int) -> list[SessionRecord]:
        """List the live sessions of an account, the latest login first."""
        return await self._db.read(sessions.list_for, user_id)

    async def log_out(self, principal: Principal, *, by: Actor) -> None:
        """End the caller's own session, if they have one."""
        if principal.session_id is not None:
            await self._end(principal.user, principal.session_id, Action.LOGOUT, by=by)

    async def end(self, user: UserRecord, session_id: str, *, by: Actor) -> None:
        """End one session of an account.

        Raises:
            SessionNotFound: the account has no such session.
        """
        if not await self._end(user, session_id, Action.SESSION_ENDED, by=by):
            raise SessionNotFound

    async def _end(self, user: UserRecord, session_id: str, action: Action, *, by: Actor) -> bool:
        ended = await self._db.write(
            authorized, by, sessions.delete, session_id, user=user, action=action
        )
        self._cache.drop(user.id)
        self._events.end_session(user.id, session_id)
        await self._db.ring(Bell.SESSIONS, [user.id])
        return ended

    async def end_by(
        self, user_id: int, write: Callable[..., T], *args: Any, by: Actor, keep: str | None = None
    ) -> T:
        """Run a write that ends the sessions of an account, then end their live streams.

        Args:
            write: the writing function; it gets `args` and the keyword argument `by`.
            keep: the session that stays valid; None for none.
        """
        result = await self._db.write(authorized, by, write, *args)
        self._cache.drop(user_id)
        self._events.end_sessions(user_id, keep=keep)
        await self._db.ring(Bell.SESSIONS, [user_id])
        return result
