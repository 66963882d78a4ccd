"""What people see while messages come: rows on a live stream, and answers beside uploads."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import orjson

from bench.botyard import Botyard
from bench.figures import spread
from bench.installations import with_bots
from bench.processes import LOAD_CORE, Process, wait_for
from bench.stage import Stage

MB = 1024 * 1024
_UPLOADED = 120.0  # seconds within which the uploads of a round are done
_ACCOUNT_MB = 500  # that an account may store
_WINDOW = ("answered", "p50_ms", "p99_ms")


def live(stage: Stage) -> dict[str, Any]:
    """Measure the time from an update in an answer to getUpdates to its row at a reader.

    Returns:
        `row_ms`: count, p50, p99, max; `missing`: rows that never came, `resets`: how often the
        reader was told that events were missed.
    """
    sizes, telegram = stage.sizes, stage.telegram
    output = stage.folder / "events.json"
    stage.say(f"history: a live stream under {sizes.busy_rate:.0f} messages/s")
    with with_bots(stage, sizes.live_bots) as botyard:
        telegram.wait_polled(sizes.live_bots, botyard.process)
        botyard.log_in()
        with _beside(stage, botyard, "event_reader", str(output)) as reader:
            _wait_open(output.with_suffix(".open"), reader)
            telegram.ask(
                "load", mode="rate", bots=sizes.live_bots, chats=sizes.chats, rate=sizes.busy_rate
            )
            time.sleep(sizes.warm_up)
            telegram.ask("begin")
            time.sleep(2 * sizes.window)
            handed = dict(telegram.ask("handed")["handed"])
            unanswered = telegram.drain()
            time.sleep(1)  # the last rows come after the last answers
            reader.check()
    wait_for("what the reader noted", output.exists, timeout=5)
    found = orjson.loads(output.read_bytes())
    came: dict[int, int] = dict(found["came"])
    times = [came[number] - moment for number, moment in handed.items() if number in came]
    if not times or unanswered:
        raise RuntimeError(f"{len(times)} rows came, {unanswered} messages were not answered")
    missing = len(handed) - len(times)
    return {"row_ms": spread(times, 1e6), "missing": missing, "resets": found["resets"]}


def _wait_open(mark: Path, reader: Process) -> None:
    def is_open() -> bool:
        reader.check()
        return mark.exists()

    wait_for("the live stream", is_open, timeout=20)


def uploads(stage: Stage) -> dict[str, Any]:
    """Measure the time from a message to its answer without and with uploads, in turns.

    Returns:
        `alone`, `beside`: lists with one value a round of `answered`, `p50_ms` and `p99_ms`;
        `upload_s`: count, p50, p99, max.
    """
    sizes, telegram = stage.sizes, stage.telegram
    bots, rate = sizes.live_bots, sizes.switching_rate
    rounds = max(1, min(sizes.rounds, _ACCOUNT_MB // (sizes.uploads * sizes.upload_mb)))
    found: dict[str, Any] = {way: {name: [] for name in _WINDOW} for way in ("alone", "beside")}
    taken: list[float] = []
    with with_bots(stage, bots) as botyard:
        telegram.wait_polled(bots, botyard.process)
        botyard.log_in()
        telegram.ask("load", mode="rate", bots=bots, chats=sizes.chats, rate=rate)
        time.sleep(sizes.warm_up)
        for number in range(rounds):
            stage.say(f"history: answers alone and beside uploads, round {number + 1}")
            telegram.ask("begin")
            time.sleep(sizes.window)
            _add(found["alone"], telegram.ask("window"))
            telegram.ask("begin")
            taken += _upload(stage, botyard, number * sizes.uploads)
            _add(found["beside"], telegram.ask("window"))
        if unanswered := telegram.drain():
            raise RuntimeError(f"{unanswered} messages were not answered")
    return {**found, "upload_s": spread(taken)}


def _add(found: dict[str, list[float]], window: dict[str, Any]) -> None:
    """Keep what the stand-in tells of a round's window."""
    if not window["answered"]:
        raise RuntimeError("no message was answered while that was measured")
    for name in _WINDOW:
        found[name].append(window[name])


def _upload(stage: Stage, botyard: Botyard, after: int) -> list[float]:
    """Upload a file to each of the bots after one; how many seconds each took."""
    sizes, output = stage.sizes, stage.folder / f"uploads-{after}.json"
    targets = [str(after + number + 1) for number in range(sizes.uploads)]
    arguments = [str(sizes.upload_mb * MB), str(output), *targets]
    with _beside(stage, botyard, "uploader", *arguments) as uploader:
        uploader.wait(_UPLOADED)
        if not output.exists():
            uploader.check()
    times: list[float] = orjson.loads(output.read_bytes())
    return times


def _beside(stage: Stage, botyard: Botyard, module: str, *arguments: str) -> Process:
    """Start a program of the benchmark that uses the account of the bots."""
    return Process(
        ["-m", f"bench.{module}", str(botyard.port), *arguments],
        core=LOAD_CORE,
        log=stage.folder / f"{module}.log",
        environ={"BENCH_AUTHORIZATION": botyard.authorization},
    )
