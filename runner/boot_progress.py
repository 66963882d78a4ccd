"""How far the start of many bots is: at boot, and when bots of another process are taken over."""

from __future__ import annotations

from collections.abc import Iterable


class BootProgress:
    """Knows which bots are still to be started, and which are still to be tried.

    Attributes:
        ready: True once every bot that was wanted at boot has been tried. It stays so: a server
            that takes bots over is asked for more than before, not less.
    """

    def __init__(self) -> None:
        self._untried: set[int] | None = None  # None before they are known
        self._queued: set[int] = set()
        self.ready = False

    def _look(self) -> None:
        self.ready = self.ready or (self._untried is not None and not self._untried)

    @property
    def queued(self) -> int:
        """The number of bots that have not been started yet."""
        return len(self._queued)

    def add(self, bot_ids: list[int], queued: Iterable[int]) -> None:
        """Learn of bots that are to be started.

        Args:
            queued: those of them that do not run yet.
        """
        self._untried = {*(self._untried or ()), *bot_ids}
        self._queued.update(queued)
        self._look()

    def begun(self, bot_ids: Iterable[int]) -> None:
        """Record that bots need not be started any longer."""
        self._queued.difference_update(bot_ids)

    def tried(self, bot_id: int) -> None:
        """Record that a bot has been tried or need not be."""
        if self._untried:
            self._untried.discard(bot_id)
            self._look()

    def forget_all(self) -> None:
        """Forget the bots that are not started yet: others run them."""
        self._queued.clear()
        self._untried = set()
        self._look()
