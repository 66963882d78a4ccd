"""`make chaos`: real processes, PostgreSQL, the sandbox, lines between them, and faults.

    PYTHONPATH=tests python -m chaos --minutes=60 --seed=1
    PYTHONPATH=tests python -m chaos --processes=1      # with the faults that one survives
    PYTHONPATH=tests python -m chaos --check=build/chaos/1/events.jsonl

It prints what happened and what is wrong, keeps the log of a run that failed, and ends with 1 then.
Not as a test: a run takes minutes, and an operator may want to look at what it leaves.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from support.client import Client, register
from support.postgresql import PostgreSQL

from chaos.answer_checks import each_update_is_answered
from chaos.cluster import make_cluster
from chaos.database_log import OPTION, DatabaseLog
from chaos.events import EventLog, History, began, read
from chaos.faults import ALONE, KINDS, Injector
from chaos.load import Load
from chaos.recorder import Recorder
from chaos.report import report
from sandbox import Sandbox, port_of, serve, stop

DELAY = 0.08  # seconds of a call to Telegram and back
SETTLING = 120.0  # seconds until everything is answered, after the last fault


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--bots", type=int, default=12)
    parser.add_argument("--rate", type=float, default=20.0, help="messages a second")
    parser.add_argument("--faults", help=f"of {', '.join(KINDS)}; comma-separated")
    parser.add_argument("--folder", type=Path, help="where the log is kept; build/chaos/SEED")
    parser.add_argument("--check", type=Path, help="check the log of a run again")
    given = parser.parse_args()
    if given.faults is None:
        given.kinds = list(KINDS) if given.processes > 1 else ALONE
    else:
        given.kinds = [kind.strip() for kind in given.faults.split(",") if kind.strip()]
        if unknown := set(given.kinds) - KINDS.keys():
            parser.error(f"unknown faults: {', '.join(sorted(unknown))}")
    return given


@asynccontextmanager
async def private_postgresql() -> AsyncIterator[PostgreSQL]:
    """A server that may be stopped, durable, and that knows when commits were."""
    folder = Path(tempfile.mkdtemp(prefix="botyard-pg-"))  # short: a socket's path is limited
    server = PostgreSQL(folder, durable=True, settings=(OPTION,))
    await asyncio.to_thread(server.create)
    await asyncio.to_thread(server.start)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.stop, "immediate")
        shutil.rmtree(folder)


async def go_on(seconds: float, load: Load, injector: Injector) -> None:
    """Let everything go on at once for some time; what fails ends it all."""
    things = [
        load.talk(), load.switch(), load.switch(), load.renew(), load.delete(), load.write(),
        load.publish(),
    ]  # fmt: skip
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(thing) for thing in things]
        await injector.run(seconds)
        for task in tasks:
            task.cancel()


async def until_answered(history: History) -> None:
    """Wait until each message is answered, or so long that the checks may say that one is not."""
    deadline = time.monotonic() + SETTLING
    while each_update_is_answered(history) and time.monotonic() < deadline:
        await asyncio.sleep(0.5)


async def run(given: argparse.Namespace, folder: Path, log: EventLog) -> int:
    """One run; how many things are wrong."""
    server, telegram = await serve(sandbox=Sandbox(strict_polls=True, delay=DELAY))
    async with (
        private_postgresql() as postgresql,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
    ):
        url = f"http://127.0.0.1:{port_of(server)}"
        cluster = await make_cluster(given.processes, folder, postgresql, url, http)
        database = DatabaseLog(postgresql)
        try:
            await cluster.members[0].start(http)
            await asyncio.to_thread(database.install)
            await cluster.start_others()
            owner = await register(Client(http, cluster.members[0].url))
            recorder = Recorder(log, cluster.hosts)
            rng = random.Random(f"{given.seed} load")
            load = Load(telegram, recorder, log, owner, cluster.members, rng, given.rate)
            for _ in range(given.bots):
                await load.add_bot()
            # of its own: the same seed breaks the same things in the same order
            rng = random.Random(f"{given.seed} faults")
            injector = Injector(cluster, log, rng, given.kinds)
            async with cluster.supervised():
                await go_on(60 * given.minutes, load, injector)
                await cluster.until_ready()
                await load.settle()
                await until_answered(log.history)
            recorder.unfinished({bot.id: bot for bot in telegram.bots})
            log.history.end = time.monotonic()
            for event in await asyncio.to_thread(lambda: list(database.read(load.known))):
                log.add(event)
            for kept in await asyncio.to_thread(lambda: list(database.kept(load.known))):
                log.add(kept)
            for step in await asyncio.to_thread(lambda: list(database.talks(load.known))):
                log.add(step)
            recorder.delivered(telegram)  # after the rows, which may tell nothing newer
        finally:
            await cluster.close()
            await stop(server, telegram)
    failed = report(log.history, alone=given.processes == 1)
    for member in cluster.members:
        if member.ended:
            failed += 1
            print(f"FAILED {member.name} ended by itself: {member.ended}")
    return failed


def main() -> int:
    """Run, or check again."""
    given = arguments()
    if given.check is not None:
        with given.check.open() as lines:
            history = History(list(read(lines)))
        history.end = max(map(began, history.events))
        return int(report(history, alone=given.processes == 1) > 0)
    folder = given.folder or Path("build/chaos") / str(given.seed)
    folder = folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print(f"seed {given.seed}, {given.minutes:g} minutes, {given.processes} processes", flush=True)
    log = EventLog(folder / "events.jsonl")
    failed = 1
    try:
        failed = asyncio.run(run(given, folder, log))
    finally:
        log.close()
        if failed:
            print(f"the log is in {folder}")
        else:
            shutil.rmtree(folder)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
