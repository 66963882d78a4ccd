"""The periodic tasks of a server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from handlers.dependencies import Services
from runner.change_watcher import ChangeWatcher
from runner.cluster import reachability, relay
from runner.cluster.cluster import Cluster
from runner.settings import RunnerTuning
from server.config import Config
from server.periodic import PeriodicTask
from server.services import limits_routine
from services.retention import Janitor
from services.search_indexer import SearchIndexer

POLLS_EVERY = 60.0  # seconds between two times that last polls are stored
SEARCH_EVERY = 1.0  # seconds between two times that the index of the search is brought up to date


def make_routines(
    config: Config,
    runner: RunnerTuning,
    services: Services,
    boot: asyncio.Task[None],
    *,
    cluster: Cluster | None,
) -> list[PeriodicTask]:
    """Make the periodic tasks of a server.

    Args:
        boot: the start of all bots; reconciliation begins after it.
        cluster: keeps this process in line with others; None if there can be none.
    """

    def once(work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """Let one of several processes do it."""

        async def do() -> None:
            if cluster is None or cluster.is_first():
                await work()

        return do

    janitor = Janitor(
        services.db,
        runner,
        keep=timedelta(days=config.history_days),
        keep_audit=timedelta(days=config.audit_days),
    )
    watch = ChangeWatcher(services.db, services.runner.reconciler)
    routines = [
        PeriodicTask(
            "watch",
            watch.poll,
            every=runner.watch_interval,
            failed="cannot reconcile the bots with the database",
            after=boot,
        ),
        PeriodicTask(
            "sessions",
            services.sessions.watch,
            every=runner.watch_interval,
            failed="changes of sessions were not looked for",
        ),
        PeriodicTask(
            "polls",
            services.runner.save_polls,
            every=POLLS_EVERY,
            failed="the times of the last polls were not stored",
            after=boot,
        ),
        PeriodicTask(
            "expiry",
            once(services.runner.expire_messages),
            every=POLLS_EVERY,
            failed="messages that have waited too long were not given up",
        ),
        PeriodicTask(
            "janitor", once(janitor.sweep), every=runner.prune_interval, failed="pruning failed"
        ),
    ]
    if config.sqlite_file is not None:
        routines.append(_search_routine(services))
    if cluster is not None:
        routines += [limits_routine(services.limits), *_cluster_routines(cluster)]
    return routines


def _search_routine(services: Services) -> PeriodicTask:
    return PeriodicTask(
        "search",
        SearchIndexer(services.db).follow,
        every=SEARCH_EVERY,
        failed="new messages were not added to the index of the search",
    )


def _cluster_routines(cluster: Cluster) -> list[PeriodicTask]:
    return [
        PeriodicTask(
            "reachability",
            cluster.signs.reachability.look,
            every=reachability.LOOK,
            failed="it was not looked whether Telegram answers",
        ),
        PeriodicTask(
            "listeners",
            cluster.relay.tell_listeners,
            every=relay.TELL,
            failed="the other servers were not told who reads events here",
        ),
        PeriodicTask(
            "watched",
            cluster.relay.save_polls,
            every=relay.SAVE,
            failed="the last polls of bots that are watched elsewhere were not stored",
        ),
    ]
