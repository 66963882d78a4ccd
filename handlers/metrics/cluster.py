"""The metrics of several servers on one PostgreSQL database; with SQLite there are none of them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric

from handlers.metrics.families import counter, gauge, histogram
from models.cluster.processes import Ownerships
from runner.cluster.cluster import Cluster


def cluster_metrics(cluster: Cluster, owned: Ownerships | None) -> Iterator[Metric]:
    """Yield the families.

    Args:
        cluster: this process among others.
        owned: how many bots should run; None if the database does not answer.
    """
    membership, counts = cluster.membership, cluster.claimer.counts
    identity = membership.link.identity
    yield gauge(
        "botyard_process_info",
        "Name of this server among several; always 1.",
        {(identity.name, identity.version): 1},
        "process", "version",
    )  # fmt: skip
    about = "Servers on this database; each of them shows the same."
    yield gauge("botyard_processes", about, {(): len(membership.peers.seen)})
    about = "Bots that should run and that this server runs."
    yield gauge("botyard_bots_owned", about, {(): owned.mine} if owned else {})
    about = "Bots that should run and that no server runs; each server shows the same."
    yield gauge("botyard_bots_unowned", about, {(): owned.unowned} if owned else {})
    about = "Time since the last heartbeat of this server that the database has answered."
    yield gauge("botyard_lease_age_seconds", about, {(): membership.gate.lease.age})
    about = "Time from the claim of bots until all of them were polled or had failed."
    yield histogram("botyard_takeover_seconds", about, {(): counts.takeovers})
    for name, about, count in (
        ("lease_lost", "Times that others have declared this server dead.", membership.lost),
        ("gate_shut_seconds", "Time without calls of Telegram, for want of a heartbeat.",
         membership.gate.shut_seconds),
        ("fenced_writes", "Writes refused because this server had been declared dead.",
         membership.fenced_writes),
        ("takeovers", "Servers that this one has found dead.", membership.peers.takeovers),
        ("claims", "Bots that this server has claimed.", counts.claimed),
        ("releases", "Bots that this server has given away.", counts.released),
        ("doorbells", "Notifications of other servers, and its own, that it has heard.",
         membership.link.heard),
    ):  # fmt: skip
        yield counter(f"botyard_{name}", about, {(): count})
