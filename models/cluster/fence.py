"""The fence of this process: what it writes for its bots is refused once it was declared dead."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from models.cluster import processes
from models.errors import ProcessLost


class ProcessFence:
    """The identity under which this process writes; see `models.engine.database.Fence`.

    Attributes:
        process_id: the row of the process; None while it has none.
        session: the name of its sessions, by which others can end them.
        on_lost: called when a write was refused.
        refused: the number of writes that were refused.
    """

    def __init__(self) -> None:
        self.process_id: int | None = None
        self.session = f"botyard-{secrets.token_hex(6)}"
        self.on_lost: Callable[[], None] | None = None
        self.refused = 0

    def identity(self) -> int:
        """Return the process that a write is for.

        Raises:
            ProcessLost: it was declared dead, and has not begun anew yet.
        """
        if self.process_id is None:
            raise ProcessLost("this process was declared dead")
        return self.process_id

    def check(self, process_id: int) -> str:
        """Return the query that checks, in a transaction, that a process still lives."""
        return processes.fence(process_id, self.session)

    def lost(self, process_id: int) -> None:
        """Learn that a write was refused.

        Args:
            process_id: for whom it was; it may be an earlier identity of this process.
        """
        self.refused += 1
        if self.on_lost is not None and process_id == self.process_id:
            self.on_lost()
