"""Checks of `botyard doctor` for many bots and several servers: the machine, and the standbys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from models.engine.replication import replication
from models.errors import StorageError
from server.cli.base import run_in
from server.config import Config
from server.maintenance.findings import Finding, Severity

PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
CLOCK_SOURCE = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
PORTS_A_BOT = 1.25  # a long poll, and some of the bots send at the moment


def check_ports(active: int) -> Iterator[Finding]:
    """Check that there are enough ports for the connections to Telegram, which has one address.

    Args:
        active: the bots that should run; after a failure of others this machine may have them all.
    """
    with suppress(OSError, ValueError):
        first, last = map(int, PORTS.read_text().split())
        ports = last - first + 1
        text = f"{ports} for connections to Telegram, {active} active bots"
        if ports >= PORTS_A_BOT * active:
            yield Finding("ports", Severity.OK, text)
            return
        yield Finding(
            "ports", Severity.WARNING, text,
            "sysctl net.ipv4.ip_local_port_range='1024 65535', or run fewer bots on this machine",
        )  # fmt: skip


def check_cluster(config: Config) -> Iterator[Finding]:
    """Check what several servers on a PostgreSQL database rely on."""
    yield _lease_clock()
    with suppress(OSError):
        yield _clock_source(CLOCK_SOURCE.read_text().strip())
    yield _replication(config)


def servers(names: list[str], *, here: str) -> Finding:
    """Tell which servers run on a PostgreSQL database.

    Args:
        names: those that live.
        here: their processes that share this data folder; empty for none.
    """
    run = "1 server runs" if len(names) == 1 else f"{len(names)} servers run"
    text = f"{run} on this database: {', '.join(names)}"
    if here:
        text += f" (with this data folder: {here})"
    twice = sorted({name for name in names if names.count(name) > 1})
    if not twice:
        return Finding("server", Severity.OK, text)
    return Finding(
        "server", Severity.WARNING, f"{text}; several have the name {', '.join(twice)}",
        "give each its own --process-name (BOTYARD_PROCESS_NAME)",
    )  # fmt: skip


def _lease_clock() -> Finding:
    if hasattr(time, "CLOCK_BOOTTIME"):
        return Finding("lease clock", Severity.OK, "goes on while the machine is suspended")
    return Finding(
        "lease clock", Severity.WARNING, "stands still while the machine is suspended",
        "run the server on Linux, or never suspend this machine: a reply may be sent twice",
    )  # fmt: skip


def _clock_source(name: str) -> Finding:
    if name != "kvm-clock":
        return Finding("clock source", Severity.OK, name)
    return Finding(
        "clock source", Severity.WARNING,
        "kvm-clock stands still while the virtual machine is paused, for a snapshot or a migration",
        "boot with clocksource=tsc, if the host has it; else a reply may be sent twice after a "
        "pause of more than 4 s",
    )  # fmt: skip


def _replication(config: Config) -> Finding:
    name = "replication"
    try:
        found = run_in(config, replication)
    except StorageError as error:
        return Finding(name, Severity.WRONG, str(error), "fix the database first")
    if found.loses_nothing:
        waits = "none" if found.standbys == 0 else f"{found.standbys}, commits wait for them"
        return Finding(name, Severity.OK, f"standbys: {waits}")
    if found.commit in ("off", "local"):
        return Finding(
            name, Severity.WARNING,
            f"synchronous_commit is {found.commit}: a crash loses messages that Telegram has "
            "already forgotten",
            "set it to on in PostgreSQL, or for Botyard's role",
        )  # fmt: skip
    return Finding(
        name, Severity.WARNING,
        f"asynchronous standbys: {found.standbys}; if one is promoted, messages are lost that "
        "Telegram has already forgotten",
        "set synchronous_standby_names; with Patroni, synchronous_mode: true",
    )  # fmt: skip
