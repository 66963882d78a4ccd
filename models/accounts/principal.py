"""The authenticated caller of a request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from models.accounts.audit import Actor
from models.accounts.users import UserRecord


class Via(StrEnum):
    """The means of authentication."""

    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Principal:
    """An account, and how it was authenticated.

    Args:
        session_id: the login session; None without one.
    """

    user: UserRecord
    via: Via
    session_id: str | None = None

    @property
    def login(self) -> str | int:
        """The key for counts per login: the session's id, or the account's without one."""
        return self.user.id if self.session_id is None else self.session_id

    def actor(self, address: str, *, staff: bool = False) -> Actor:
        """Return the actor for writes and the audit log.

        Args:
            address: the IP address of the request.
            staff: True if the account must still be staff when the write is carried out.
        """
        return Actor(
            self.user.username,
            self.user.id,
            address,
            session_id=self.session_id or "",
            staff=staff,
        )
