"""What a promotion of a standby of PostgreSQL would lose."""

from __future__ import annotations

from dataclasses import dataclass

from models.engine import bulk


@dataclass(frozen=True, slots=True)
class Replication:
    """How commits reach the standbys.

    Args:
        standbys: the number of programs that receive the log now.
        names: `synchronous_standby_names`; empty if no commit waits for a standby.
        commit: `synchronous_commit` of this user's sessions.
    """

    standbys: int
    names: str
    commit: str

    @property
    def loses_nothing(self) -> bool:
        """True if what was committed is on the disk, and on a synchronous standby if there is one.

        With `local` a commit does not wait for standbys, with `off` for no disk.
        """
        if self.commit == "off":
            return False
        return self.standbys == 0 or (bool(self.names.strip()) and self.commit != "local")


def replication() -> Replication:
    """Ask PostgreSQL how commits reach its standbys."""
    [(standbys, names, commit)] = bulk.select(
        "SELECT (SELECT COUNT(*) FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup'), "
        "current_setting('synchronous_standby_names'), current_setting('synchronous_commit')"
    )
    return Replication(standbys, names, commit)
