"""The metrics of /metrics, made from the plain numbers of all parts at each scrape."""

from __future__ import annotations

import asyncio
import platform
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from handlers.dependencies import Services
from handlers.metrics.cluster import cluster_metrics
from handlers.metrics.families import counter, gauge, histogram
from handlers.metrics.messages import media_metrics, message_metrics
from models.bots import runs
from models.cluster import processes
from models.cluster.processes import Ownerships
from models.errors import StorageError
from models.messaging import media, messages, updates
from runner.states import BotState

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
PATIENCE = 3.0  # seconds to wait for the database; Prometheus itself waits for 10 s


@dataclass(frozen=True, slots=True)
class _Stored:
    """The counts from the database: bots, updates, messages that are to be sent, and files."""

    states: dict[str, int]
    updates: updates.Counts
    waiting: list[messages.Waiting]
    media: media.Totals
    owned: Ownerships | None  # None with SQLite


def _stored(process_id: int | None, *, is_alone: bool) -> _Stored:
    owned = None if is_alone else processes.count(process_id or 0)
    waiting, files = messages.waiting(), media.totals()
    return _Stored(runs.count_states(), updates.totals(), waiting, files, owned)


class MetricsCollector(Collector):
    """The metrics of one application.

    Args:
        services: their numbers are shown.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._stored: _Stored | None = None
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    async def text(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        stored = await self._read_stored()
        self._stored = stored  # no await from here on: scrapes may run concurrently
        return generate_latest(self._registry)

    async def _read_stored(self) -> _Stored | None:
        cluster = self._services.processes.cluster
        process_id = cluster.membership.process_id if cluster else None
        try:
            async with asyncio.timeout(PATIENCE):
                await self._services.runner.statuses.flush()
                return await self._services.db.read(_stored, process_id, is_alone=cluster is None)
        except (StorageError, TimeoutError):
            return None

    def collect(self) -> Iterator[Metric]:
        """Yield the families, for `generate_latest`."""
        yield from self._build()
        yield from self._requests()
        yield from self._bots()
        yield from self._updates()
        yield from self._messages()
        yield from self._telegram()
        yield from self._database()
        if (cluster := self._services.processes.cluster) is not None:
            yield from cluster_metrics(cluster, self._stored.owned if self._stored else None)
        yield gauge("botyard_tasks", "Tasks of the event loop.", {(): len(asyncio.all_tasks())})
        yield histogram(
            "botyard_loop_lag_seconds",
            "Event loop lag: delay of timers.",
            {(): self._services.loop_lag},
        )

    def _build(self) -> Iterator[Metric]:
        settings = self._services.settings
        build = {
            "version": settings.version,
            "commit": settings.commit,
            "python": platform.python_version(),
        }
        family = GaugeMetricFamily(
            "botyard_build_info", "Version of the server; always 1.", labels=list(build)
        )
        family.add_metric(list(build.values()), 1)
        yield family

    def _requests(self) -> Iterator[Metric]:
        requests = self._services.requests
        yield counter(
            "botyard_http_requests",
            "Requests answered.",
            {
                (route, method, str(status)): count
                for (route, method, status), count in requests.answered.items()
            },
            "route", "method", "status",
        )  # fmt: skip
        yield histogram(
            "botyard_http_request_duration_seconds",
            "Time from a request to its answer; streams are left out.",
            {(route,): seconds for route, seconds in requests.seconds.items()},
            "route",
        )

    def _bots(self) -> Iterator[Metric]:
        # Without the database, only the bots that run here are known, not those that are off.
        states = self._stored.states if self._stored else self._services.runner.states()
        known = [state for state in BotState if self._stored or state is not BotState.STOPPED]
        counts = {(str(state),): states.get(state, 0) for state in known}
        yield gauge("botyard_bots", "Bots by state.", counts, "state")
        seconds = self._services.runner.wishes.seconds
        yield histogram(
            "botyard_command_seconds",
            "Time from the write of a switch until the bot is on or off.",
            {(where,): measured for where, measured in seconds.items()},
            "where",
        )

    def _updates(self) -> Iterator[Metric]:
        journal = self._services.runner.journal
        counts = journal.counts
        for name, about, count in (
            ("updates_received", "Updates stored for the first time.", counts.received),
            ("updates_handled", "Updates handled successfully.", counts.handled),
            ("updates_dead", "Updates whose handlers failed for good.", counts.dead),
            ("updates_dropped", "Dead updates deleted to make room for others.", counts.dropped),
            ("updates_discarded", "Updates ignored: they have no usable id.", counts.discarded),
            ("update_failures", "Failed attempts to handle updates.", counts.failed),
        ):
            yield counter(f"botyard_{name}", about, {(): count})
        stored = self._stored and {
            ("waiting",): self._stored.updates.pending,
            ("dead",): self._stored.updates.dead,
        }
        yield gauge("botyard_journal_updates", "Unhandled updates stored.", stored or {}, "state")
        unwritten = {(kind,): count for kind, count in journal.unwritten.items()}
        about = "Batches and marks in memory, not yet in the database."
        yield gauge("botyard_journal_unwritten", about, unwritten, "kind")

    def _messages(self) -> Iterator[Metric]:
        runner, stored = self._services.runner, self._stored
        received = runner.journal.counts.messages
        waiting = stored.waiting if stored else None
        yield from message_metrics(runner.messages.outcomes, waiting, received)
        yield from media_metrics(stored.media if stored else None)

    def _telegram(self) -> Iterator[Metric]:
        calls: Counter[tuple[str, ...]] = Counter()
        for (method, status), count in self._services.runner.transport.calls.items():
            calls[method, _outcome(status)] += count
        about = "Calls of the Bot API."
        yield counter("botyard_telegram_calls", about, calls, "method", "outcome")

    def _database(self) -> Iterator[Metric]:
        db = self._services.db
        up = {(): int(self._stored is not None)}
        yield gauge("botyard_database_up", "1 if the database answered this scrape.", up)
        yield counter("botyard_database_failures", "Failed database calls.", {(): db.failures})
        queued = {(kind,): count for kind, count in db.queued.items()}
        yield gauge("botyard_database_queue", "Calls waiting for a thread.", queued, "kind")
        about = "Time from the end of a transaction's work until it is on the disk."
        yield histogram("botyard_database_commit_seconds", about, {(): db.commits})


def _outcome(status: int) -> str:
    """Return the outcome of a call as one of a few labels: a proxy may send any status."""
    if status == 0:
        return "no_answer"
    if status == 429:
        return "rate_limited"
    if status < 300:
        return "ok"
    return "failed" if status >= 500 else "refused"
