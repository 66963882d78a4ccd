"""CPU time and memory of processes."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import psutil

from bench.processes import Process


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def cpu_seconds(pid: int) -> float:
    """CPU time, user and system, that a process and its children have used; seconds."""
    total = 0.0
    for process in _family(pid):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    ended = psutil.Process(pid).cpu_times()
    return total + ended.children_user + ended.children_system


def cpu_of(processes: Iterable[Process]) -> float:
    """The same of several processes, added up."""
    return sum(cpu_seconds(process.pid) for process in processes)


def rss_bytes(pid: int) -> int:
    """Resident memory of a process and its children."""
    total = 0
    for process in _family(pid):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total


def open_files(pid: int) -> int:
    """File handles, sockets among them, of a process."""
    return psutil.Process(pid).num_fds()
