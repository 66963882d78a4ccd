"""What talks need from the database: scenarios, and where talks stand that are not in memory."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor

import orjson

from dialogs.scenarios import Scenario, read_scenario
from models.dialogs import conversations, scenarios
from models.dialogs.scenarios import Present
from models.engine.database import Database
from models.messaging.effects import Talk, TalkKey
from runner.scenarios.loaded import Loaded, ScenarioCache

MAX_QUICK = 16_384  # bytes of a scenario that is always read within milliseconds
MAX_CACHED = 32 * 2**20  # bytes of all talks in memory, as JSON
OVERHEAD = 512  # bytes that are reckoned for a talk besides
# Seconds for which a talk is in memory without a step: far fewer than after which it is deleted.
MAX_AGE = 86_400.0


Key = tuple[Hashable, ...]


class TalkCache:
    """Where the talks stand that have been going on lately, of all bots; bounded.

    Their keys begin with the number of the memory that they belong to, see `TalkMemory`.

    Args:
        limit: bytes of the talks as JSON, with an overhead for each.
        clock: returns seconds.
    """

    def __init__(
        self, limit: int = MAX_CACHED, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._size = 0
        self._complete: set[Hashable] = set()  # memories that have all talks of their bot
        self._talks: OrderedDict[Key, tuple[bytes, float]] = OrderedDict()

    def __len__(self) -> int:
        """The number of talks."""
        return len(self._talks)

    def get(self, key: Key) -> bytes | None:
        """Return a talk as JSON; None if it is not in memory."""
        found = self._talks.get(key)
        if found is None:
            return None
        if self._clock() - found[1] > MAX_AGE:
            self.lose_overview(key[0])
            return None
        return found[0]

    def has_all(self, memory: Hashable) -> bool:
        """Tell whether a talk of a memory that is not here is nowhere, or under way."""
        return memory in self._complete

    def keep_all(self, memory: Hashable) -> None:
        """Note that a memory gets all talks of its bot."""
        self._complete.add(memory)

    def lose_overview(self, memory: Hashable) -> None:
        """Note that a memory may not have all talks of its bot any more."""
        self._complete.discard(memory)

    def drop(self, key: Key) -> None:
        """Let go of a talk, if it is in memory."""
        found = self._talks.pop(key, None)
        if found is not None:
            self._size -= len(found[0]) + OVERHEAD

    def put(self, key: Key, talk: bytes) -> None:
        """Keep a talk, and let go of those that have been waiting for longest.

        Args:
            talk: as JSON: objects would take five times as much, and many are never needed again.
        """
        self.drop(key)
        self._talks[key] = talk, self._clock()
        self._size += len(talk) + OVERHEAD
        while self._size > self._limit:
            oldest, (gone, _) = self._talks.popitem(last=False)
            self.lose_overview(oldest[0])
            self._size -= len(gone) + OVERHEAD


class TalkStore:
    """Reads scenarios and talks.

    Args:
        db: the database.

    Attributes:
        cache: the talks in memory.
        scenarios: the versions of scenarios in memory.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self.cache = TalkCache()
        self.scenarios = ScenarioCache()
        self._reading: dict[tuple[int, int], asyncio.Future[Loaded | None]] = {}
        # of its own: no talk waits for the scenarios that owners validate
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="botyard-scenarios")

    async def scenario(self, bot_id: int, n: int) -> Loaded | None:
        """Return a version of a bot's scenario, and keep it; None if there is none of this number.

        All that wait for a version share one reading of it, and its failure.
        """
        key = bot_id, n
        while (reading := self._reading.get(key)) is not None:
            await asyncio.wait({reading})
            if not reading.cancelled():
                try:
                    return reading.result()
                finally:
                    del reading  # an error would hold this frame, and the frame it
        if (loaded := self.scenarios.get(bot_id, n)) is not None:
            return loaded
        reading = self._reading[key] = asyncio.get_running_loop().create_future()
        try:
            loaded = await self._read(bot_id, n)
        except Exception as error:
            reading.set_exception(error)
            reading.exception()  # nobody else may be waiting
            raise
        except BaseException:
            reading.cancel()  # one of the others reads it then
            raise
        else:
            reading.set_result(loaded)
            return loaded
        finally:
            del self._reading[key], reading

    async def _read(self, bot_id: int, n: int) -> Loaded | None:
        row = await self._db.read(scenarios.find, bot_id, n)
        if row is None:
            return None

        def load() -> Scenario:
            return read_scenario(orjson.loads(row.document)).at(n)

        length = len(row.document)
        if length <= MAX_QUICK:
            scenario = load()
        else:
            loop = asyncio.get_running_loop()
            scenario = await loop.run_in_executor(self._threads, load)
        loaded = Loaded(scenario, row.restarts_before, length)
        self.scenarios.put(bot_id, loaded)
        return loaded

    async def talk(self, bot_id: int, key: TalkKey) -> Talk | None:
        """Read where a talk stands; None for a new one."""
        return await self._db.read(conversations.find, bot_id, key)

    async def talks(self, bot_id: int, *, limit: int) -> list[Talk]:
        """Read where talks of a bot stand, `limit` of them at most."""
        return await self._db.read(conversations.some, bot_id, limit=limit)

    async def present(self, bot_ids: list[int]) -> dict[int, Present]:
        """Read what bots are to run, by bot."""
        return await self._db.read(scenarios.present, bot_ids)
