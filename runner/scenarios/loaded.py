"""The versions of scenarios in memory, of all bots."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from dialogs.scenarios import Scenario

MAX_VERSIONS = 4  # of a bot: the one that it runs, and those of older talks
MAX_SIZE = 128 * 2**20  # bytes of all scenarios in memory, by this reckoning:
PER_BYTE = 25  # bytes that a scenario takes for each of its document; between 6 and 22 were seen
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
    def n(self) -> int:
        """The number of the version."""
        return self.scenario.version

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
        # both in the order of their last use; few are quickly found in a tuple, which is small
        self._bots: OrderedDict[int, tuple[Loaded, ...]] = OrderedDict()

    def __len__(self) -> int:
        """The number of versions."""
        return sum(map(len, self._bots.values()))

    def get(self, bot_id: int, n: int) -> Loaded | None:
        """Return a version of a bot's scenario; None if it is not in memory."""
        versions = self._bots.get(bot_id, ())
        for loaded in versions:
            if loaded.n == n:
                if loaded is not versions[-1]:
                    self._bots[bot_id] = (*_but(versions, n), loaded)
                self._bots.move_to_end(bot_id)
                return loaded
        return None

    def put(self, bot_id: int, loaded: Loaded) -> None:
        """Keep a version, and let go of those that have not been used for longest."""
        self._drop(bot_id, loaded.n)
        versions = self._bots[bot_id] = (*self._bots.get(bot_id, ()), loaded)
        self._bots.move_to_end(bot_id)
        self._size += loaded.size
        if len(versions) > MAX_VERSIONS:
            self._drop(bot_id, _least_needed(versions, but=loaded.n))
        while self._size > max(self._limit, loaded.size):  # this one stays in any case
            idle = next(iter(self._bots))
            but = loaded.n if idle == bot_id else 0
            self._drop(idle, _least_needed(self._bots[idle], but=but))

    def _drop(self, bot_id: int, n: int) -> None:
        before = self._bots.get(bot_id, ())
        after = _but(before, n)
        self._size -= sum(one.size for one in before) - sum(one.size for one in after)
        if after:
            self._bots[bot_id] = after
        else:
            self._bots.pop(bot_id, None)


def _but(versions: tuple[Loaded, ...], n: int) -> tuple[Loaded, ...]:
    return tuple(one for one in versions if one.n != n)


def _least_needed(versions: tuple[Loaded, ...], *, but: int) -> int:
    """Return the version of a bot to let go of first: the latest is what it runs.

    Args:
        but: the one that was just read.
    """
    latest = max(one.n for one in versions)
    return next((one.n for one in versions if one.n not in {but, latest}), latest)
