"""Which bots the start of the process still has to deal with."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from models.bots.bots import BotRecord


class Boot:
    """The bots that were active when the process began, until each has been tried once.

    Attributes:
        queued: those that were not begun yet, by id.
    """

    def __init__(self) -> None:
        self.queued: set[int] = set()
        self._begun = False
        self._over = False
        self._untried: set[int] = set()
        self._touched: set[int] = set()

    def awaits(self, bot: BotRecord) -> bool:
        """Say whether a bot is still to be started, also before the list of those is read."""
        return bot.id in self.queued or (bot.wanted and not self._begun)

    def queue(self, bot_ids: Iterable[int]) -> None:
        """These are to be started."""
        self._begun = True
        self.queued = set(bot_ids)
        self._untried = set(self.queued)

    def touch(self, bot_id: int) -> None:
        """Somebody may be about to change a bot: what was read of it may be true no longer."""
        if not self._over:
            self._touched.add(bot_id)

    def is_touched(self, bot_id: int) -> bool:
        """Whether a bot has to be read again before it is begun."""
        return bot_id in self._touched

    def end(self) -> None:
        """All were begun."""
        self._over = True
        self._touched.clear()

    def is_through(self, tried: Callable[[int], bool]) -> bool:
        """Whether every bot has been tried once.

        Args:
            tried: whether one has been, or need not be.
        """
        while self._over and self._untried:
            bot_id = next(iter(self._untried))
            if not tried(bot_id):
                return False
            self._untried.discard(bot_id)
        return self._over
