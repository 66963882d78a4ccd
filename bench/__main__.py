"""`python -m bench`: runs the scenarios, prints one table, writes the figures as JSON."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from http.client import HTTPException
from pathlib import Path
from types import FrameType
from typing import Any

import orjson

from bench import processes
from bench.api_table import API_NOTES, api_table
from bench.databases import PostgreSQL
from bench.dialogs_table import DIALOGS_NOTES, dialogs_table
from bench.history_table import HISTORY_NOTES, history_tables
from bench.peers import launch
from bench.report import NOTES, table, warnings
from bench.scenarios import (
    api,
    boot,
    dialogs,
    echo,
    failover,
    history,
    lanes,
    relayed,
    servers,
    stall,
    start,
    switching,
)
from bench.servers_table import SERVERS_NOTES, servers_tables
from bench.stage import QUICK, Sizes, Stage

_LIMIT = 600  # seconds that a scenario may take
_SCENARIOS: dict[str, Callable[[Stage], dict[str, Any]]] = {
    "echo": echo.run,
    "start": start.run,
    "boot": boot.run,
    "switching": switching.run,
    "stall": stall.run,
    "lanes": lanes.run,
    "dialogs": dialogs.run,
    "history": history.run,
    "api": api.run,
    "servers_echo": servers.run_echo,
    "servers_idle": servers.run_idle,
    "servers_switching": relayed.run,
    "servers_failover": failover.run,
}
_SERVERS = [name for name in _SCENARIOS if name.startswith("servers_")]  # need PostgreSQL
_ALL_SERVERS = "servers"
_CHOICES = [
    peer
    for peer in launch.TITLES
    if peer not in {launch.BOTYARD_POSTGRESQL, *launch.BEFORE.values()}
]
_PACKAGES = ["python-telegram-bot", "httpx", "aiogram", "aiohttp", "tornado", "uvloop", "orjson"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: two minutes or so")
    parser.add_argument("--rounds", type=int, help="how often each program is measured")
    parser.add_argument("--many", type=int, help="bots of the boot and stall scenarios (1000)")
    parser.add_argument(
        "--only",
        action="append",
        choices=[*_SCENARIOS, _ALL_SERVERS],
        help=f"a scenario, or {_ALL_SERVERS} for all of {', '.join(_SERVERS)}; may be repeated",
    )
    parser.add_argument(
        "--peer", action="append", choices=_CHOICES, help="a program; may be repeated"
    )
    parser.add_argument(
        "--postgresql",
        metavar="URL",
        help="measure Botyard on PostgreSQL, too: an address of a role that may create databases",
    )
    parser.add_argument(
        "--before",
        metavar="PATH",
        type=_checkout,
        help="measure Botyard of another commit, too: a checkout, such as a git worktree",
    )
    parser.add_argument(
        "--killed", type=int, help="bots of the process that the failover scenario kills (2500)"
    )
    parser.add_argument("--messages", type=int, help="of the history scenario (1000000)")
    parser.add_argument("--json", type=Path, default=processes.ROOT / "bench" / "results.json")
    arguments = parser.parse_args()
    if {_ALL_SERVERS, *_SERVERS} & {*(arguments.only or [])} and not arguments.postgresql:
        parser.error(f"{_ALL_SERVERS} needs --postgresql")
    return arguments


def _checkout(text: str) -> Path:
    path = Path(text).resolve()
    if not (path / "server" / "__main__.py").is_file():
        raise argparse.ArgumentTypeError(f"{text} is no checkout of Botyard")
    return path


def _names(arguments: argparse.Namespace) -> list[str]:
    """The scenarios to run."""
    every = [name for name in _SCENARIOS if arguments.postgresql or name not in _SERVERS]
    asked: list[str] = arguments.only or every
    if _ALL_SERVERS in asked:
        asked = [*asked, *_SERVERS]
    return [name for name in _SCENARIOS if name in asked]


def _peers(arguments: argparse.Namespace) -> list[str]:
    peers: list[str] = arguments.peer or (launch.QUICK if arguments.quick else launch.DEFAULT)
    if arguments.postgresql:
        peers = [*peers, launch.BOTYARD_POSTGRESQL]
    if arguments.before:
        peers = [*peers, *(launch.BEFORE[peer] for peer in peers if peer in launch.BEFORE)]
    return peers


def _machine() -> dict[str, Any]:
    versions = {}
    for name in _PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "pinned": processes.PINNED,
        "versions": versions,
    }


def _headline(sizes: Sizes, machine: dict[str, Any]) -> str:
    cores = (
        f"load and stand-in on core {processes.LOAD_CORE}, the program on {processes.TESTED_CORE}"
        if processes.PINNED
        else "load and program share the core"
    )
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"Python {machine['python']}; {versions}\n{cores}; {sizes.talking} bots, {sizes.chats} "
        f"chats and 2 messages in flight each; {sizes.rounds} rounds"
    )


class _TooLong(Exception):
    """A scenario was cut."""


def _too_long(_: int, __: FrameType | None) -> None:
    raise _TooLong(f"it took longer than {_LIMIT} s")


def _end(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)  # leaves every `with`, and so ends every process


def _run(stage: Stage, names: list[str], results: dict[str, Any]) -> None:
    """Run scenarios one after another; one that fails does not keep the others from running."""
    for name in names:
        signal.alarm(_LIMIT)
        try:
            results["scenarios"][name] = _SCENARIOS[name](stage)
        except (RuntimeError, OSError, HTTPException, processes.Timeout, _TooLong) as error:
            results["failures"][name] = str(error)
            stage.say(f"{name} failed: {error}")
        finally:
            signal.alarm(0)


def _tables(results: dict[str, Any]) -> Iterator[str]:
    """The tables of what was measured, each with its notes."""
    measured = set(results["scenarios"])
    if measured - {"api", "dialogs", "history", *_SERVERS}:
        yield from [table(results), NOTES, *warnings(results)]
    if "api" in measured:
        yield from [api_table(results["scenarios"]["api"]), API_NOTES]
    if "dialogs" in measured:
        yield from [dialogs_table(results["scenarios"]["dialogs"]), DIALOGS_NOTES]
    if "history" in measured:
        yield from history_tables(results["scenarios"]["history"], results["sizes"])
        yield HISTORY_NOTES
    if measured & {*_SERVERS}:
        yield from [*servers_tables(results["scenarios"], results["sizes"]), SERVERS_NOTES]


def main() -> int:
    """Run what was asked for.

    Returns:
        0; 1 when a scenario could not be measured.
    """
    arguments = _arguments()
    signal.signal(signal.SIGALRM, _too_long)
    signal.signal(signal.SIGTERM, _end)
    sizes = QUICK if arguments.quick else Sizes()
    asked = {name: getattr(arguments, name) for name in ("rounds", "many", "killed", "messages")}
    sizes = replace(sizes, **{name: number for name, number in asked.items() if number})
    results: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": _machine(),
        "sizes": asdict(sizes),
        "peers": _peers(arguments),
        "scenarios": {},
        "failures": {},
    }
    with (
        tempfile.TemporaryDirectory(prefix="botyard-bench-") as folder,
        processes.stand_in(Path(folder)) as telegram,
    ):
        on = PostgreSQL(arguments.postgresql) if arguments.postgresql else None
        peers, before = results["peers"], arguments.before
        with Stage(telegram, Path(folder), sizes, peers, on, before) as stage:
            _run(stage, _names(arguments), results)
        results["seconds"] = time.monotonic() - stage.began
    arguments.json.write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2) + b"\n")
    print(_headline(sizes, results["machine"]), *_tables(results), sep="\n\n")
    for name, cause in results["failures"].items():
        print(f"\n{name} was not measured: {cause}")
    return 1 if results["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
