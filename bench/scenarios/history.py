"""A long history: reading it, news of it on a live stream, answers beside uploads."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.botyard import Botyard, serving
from bench.figures import spread
from bench.history_fill import PER_CHAT, Words, fill, username, wait_indexed
from bench.installations import SQLITE, copy_of, prepare
from bench.processes import Client
from bench.scenarios import history_live
from bench.stage import Stage

PATH = "/api/v1/telegram_data/1/"
COMMON = 50  # the most frequent words
_RARE = 8  # letters of a rare word at least: shorter ones are parts of others
_INDEXING = 400.0  # seconds until the index is up to date


def run(stage: Stage) -> dict[str, Any]:
    """Measure a long history in SQLite, and what is told and answered while messages come.

    Returns:
        `reads`: by request, in ms (count, p50, p99, max); `chats`, `bytes` a message on disk,
        `indexed_per_second`; `live` and `uploads` as of `bench.scenarios.history_live`.
    """
    return {
        **_long_history(stage),
        "live": history_live.live(stage),
        "uploads": history_live.uploads(stage),
    }


def _long_history(stage: Stage) -> dict[str, Any]:
    sizes = stage.sizes
    data = copy_of(prepare(stage, 1, SQLITE, active=False), stage.folder / "history-data")
    database = data / "botyard.db"
    empty = database.stat().st_size
    words = Words(random.Random(3))
    stage.say(f"history: storing {sizes.messages} messages")
    chats = fill(database, sizes.messages, words)
    stage.say("history: bringing the index of the search up to date")
    with serving(stage, data, 1) as botyard:
        botyard.wait_answers("/readyz")
        began = time.monotonic()
        wait_indexed(database, sizes.messages, botyard.process, timeout=_INDEXING)
        seconds = time.monotonic() - began
    with serving(stage, data, 1) as botyard:
        botyard.wait_answers("/readyz")
        botyard.log_in()
        stage.say("history: reading it over one connection")
        reads = _reads(botyard, sizes.messages // PER_CHAT, words, sizes.reads)
    return {
        "reads": reads,
        "chats": chats,
        "bytes": (_size(database) - empty) / sizes.messages,
        "indexed_per_second": sizes.messages / seconds,
    }


def _size(database: Path) -> int:
    """The size of a database whose server has ended."""
    return sum(file.stat().st_size for file in database.parent.glob("botyard.db*"))


def _reads(botyard: Botyard, chats: int, words: Words, times: int) -> dict[str, dict[str, float]]:
    rng, every = words.rng, words.words
    rare = [word for word in every[len(every) // 2 :] if len(word) >= _RARE]
    searches: dict[str, Callable[[], str]] = {
        "common": lambda: " ".join(rng.sample(every[:COMMON], 2)),
        "rare": lambda: rng.choice(rare),
        "absent": lambda: "нетакого" + rng.choice(every),
        "short": lambda: rng.choice(every)[:2],
    }
    asked: dict[str, Callable[[], str]] = {
        "newest": lambda: "chats/",
        "chat": lambda: f"chats/{rng.randrange(chats) + 1}/messages/",
        **{
            f"search_{name}": lambda text=text: "messages/?" + urlencode({"q": text()})
            for name, text in searches.items()
        },
        "names": lambda: "chats/?" + urlencode({"q": username(rng.randrange(chats) + 1)}),
    }
    client = Client(botyard.port, headers={"Authorization": botyard.authorization})
    taken: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(times):  # in turns, so that what disturbs the machine disturbs all
        for name, path in asked.items():
            taken[name].append(_ask(client, path()))
    client.close()
    taken["search"] = [time for name in searches for time in taken[f"search_{name}"]]
    return {name: spread(times, 0.001) for name, times in taken.items()}


def _ask(client: Client, path: str) -> float:
    """The seconds that a request took.

    Raises:
        RuntimeError: it was refused.
    """
    began = time.perf_counter()
    status, answer = client.call("GET", PATH + path)
    seconds = time.perf_counter() - began
    if status != 200:
        raise RuntimeError(f"Botyard answered {status} to {path}: {answer}")
    return seconds
