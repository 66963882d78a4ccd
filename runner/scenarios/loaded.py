"""The versions of scenarios in memory, of all bots."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from dialogs.scenarios import Scenario

MAX_VERSIONS = 4  # of a bot: the one that it runs, and those of older talks
MAX_SIZE = 128 * 2**20  # bytes of all scenarios in memory, by this reckoning:
PER_BYTE = 30  # bytes that a scenario takes for each of its document; between 14 and 27 were seen
OVERHEAD = 4096  # bytes that it takes besides


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version of a scenario that can be run.

    Args:
        restarts_before: talks of versions before this one begin anew.
        length: of its document, in bytes.
    """

    scenario: Scenario
    restarts_before: int
    length: int

    @property
    def size(self) -> int:
        """How many bytes of memory it takes, as they are reckoned."""
        return self.length * PER_BYTE + OVERHEAD


class ScenarioCache:
    """The versions that have been used lately; bounded for each bot and for all together.

    Args:
        limit: bytes of all versions, as `Loaded.size` reckons them.
    """

    def __init__(self, limit: int = MAX_SIZE) -> None:
        self._limit = limit
        self._size = 0
        # both in the order of their last use
        self._bots: OrderedDict[int, OrderedDict[int, Loaded]] = OrderedDict()

    def __len__(self) -> int:
        """The number of versions."""
        return sum(map(len, self._bots.values()))

    def get(self, bot_id: int, n: int) -> Loaded | None:
        """Return a version of a bot's scenario; None if it is not in memory."""
        versions = self._bots.get(bot_id)
        if versions is None or n not in versions:
            return None
        self._bots.move_to_end(bot_id)
        versions.move_to_end(n)
        return versions[n]

    def put(self, bot_id: int, n: int, loaded: Loaded) -> None:
        """Keep a version, and let go of those that have not been used for longest."""
        self._drop(bot_id, n)
        versions = self._bots.setdefault(bot_id, OrderedDict())
        self._bots.move_to_end(bot_id)
        versions[n] = loaded
        self._size += loaded.size
        if len(versions) > MAX_VERSIONS:
            self._drop(bot_id, _least_needed(versions, but=n))
        while self._size > max(self._limit, loaded.size):  # this one stays in any case
            idle = next(iter(self._bots))
            self._drop(idle, _least_needed(self._bots[idle], but=n if idle == bot_id else 0))

    def _drop(self, bot_id: int, n: int) -> None:
        versions = self._bots.get(bot_id)
        if versions is not None and n in versions:
            self._size -= versions.pop(n).size
            if not versions:
                del self._bots[bot_id]


def _least_needed(versions: OrderedDict[int, Loaded], *, but: int) -> int:
    """Return the version of a bot to let go of first: the latest is what it runs.

    Args:
        but: the one that was just read.
    """
    latest = max(versions)
    return next((n for n in versions if n not in {but, latest}), latest)
