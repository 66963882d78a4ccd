"""The benchmark of several servers: its tables, its options, what the stand-in tells, a run."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest
from support.stand_in import ask

from bench.processes import ROOT
from bench.servers_table import servers_tables
from bench.telegram_state import token_of

SIZES = {"rate": 100.0, "many": 1000, "killed": 2500}


def rows(table: str) -> list[list[str]]:
    """The cells of a table that are not empty, without the rule."""
    lines = [line.split("  ") for line in table.splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    return [cells[0], *cells[2:]]


def echo(cpu: list[float], per_second: list[float]) -> dict[str, list[float]]:
    """What the scenario of that name tells of a variant."""
    rest = ["cpu_ms_at_rate", "p50_ms", "p99_ms", "core_share", "standin_share", "lost", "wrong"]
    return {"cpu_ms": cpu, "per_second": per_second} | {name: [1.0] * len(cpu) for name in rest}


def test_two_processes_are_compared_with_one_and_one_with_before() -> None:
    found = {
        "servers_echo": {
            "before": echo([0.5, 0.4, 0.4], [2000.0] * 3),
            "one": echo([0.5, 0.5, 0.4], [1000.0] * 3),
            "two": echo([0.55, 0.5, 0.6], [1000.0] * 3),
        },
        "servers_idle": {
            "before": {"percent": [2.0, 3.0]},
            "one": {"percent": [2.5, 3.5]},
            "two": {"percent": [4.0, 4.0]},
        },
    }
    (table,) = servers_tables(found, SIZES)
    head, cpu, per_second, *_, idle = rows(table)
    assert head == [
        "before", "1 process", "2 processes", "two / one", "target", "one / before", "target"
    ]  # fmt: skip
    assert cpu == [
        "CPU per message, saturated, ms", "0.400", "0.500", "0.550",
        "1.100", "1.15 at most", "1.000", "1.03 at most",
    ]  # fmt: skip
    assert per_second == [
        "messages per second, saturated", "2000", "1000", "1000", "1.000", "0.500", "0.97 at least"
    ]  # fmt: skip
    assert idle == [
        "idle with 1000 bots, percent of a core*", "2.50", "3.00", "4.00",
        "+1.00", "+1 at most", "+0.50", "+1 at most",
    ]  # fmt: skip


def test_without_an_earlier_commit_nothing_is_compared_with_it() -> None:
    found = {"servers_idle": {"one": {"percent": [2.0]}, "two": {"percent": [2.5]}}}
    (table,) = servers_tables(found, SIZES)
    assert rows(table)[1] == [
        "idle with 1000 bots, percent of a core*", "2.00", "2.50", "+0.50", "+1 at most"
    ]  # fmt: skip


def test_switches_and_failover_have_a_table_of_their_own() -> None:
    taken = {"count": 3, "p50": 5.0, "p99": 9.0, "max": 9.0}
    through = {"off_ms": taken, "on_ms": taken}
    rounds = {name: [1.0, 2.0, 7.5] for name in ("detected", "p50", "last", "start", "cores")}
    found = {
        "servers_switching": {"itself": through, "another": through, "moved": 0},
        "servers_failover": rounds,
    }
    (table,) = servers_tables(found, SIZES)
    assert ["switching off through another process, p99, ms", "9.0", "50 at most"] in rows(table)
    assert rows(table)[-1] == ["kill -9 with 2500 bots: the slowest round, s", "7.50", "10 at most"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--only", "servers"], "servers needs --postgresql"),
        (["--only", "servers_idle"], "servers needs --postgresql"),
        (["--before", "bench"], "bench is no checkout of Botyard"),
    ],
)
def test_what_cannot_be_measured_is_refused_at_once(arguments: list[str], complaint: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert run.returncode == 2
    assert complaint in run.stderr


async def test_the_stand_in_tells_which_bots_were_polled_since(stand_in: str) -> None:
    await ask(stand_in, f"bot{token_of(0)}/getUpdates", timeout=0)
    after = time.monotonic_ns()
    assert await ask(stand_in, "control/polled", bots=[0, 1], after=after) == {
        "count": 0, "first_s": None, "p50_s": None, "last_s": None
    }  # fmt: skip
    for _ in range(2):  # the first one counts
        await ask(stand_in, f"bot{token_of(1)}/getUpdates", timeout=0)
    polled = await ask(stand_in, "control/polled", bots=[0, 1], after=after)
    assert polled["count"] == 1
    assert 0 < polled["first_s"] == polled["last_s"] < 60


async def test_the_stand_in_handles_calls_late_if_it_is_told_to(stand_in: str) -> None:
    await ask(stand_in, "control/delay", seconds=0.05)
    began = time.monotonic()
    answer = await ask(stand_in, f"bot{token_of(0)}/getMe")
    assert answer["ok"] is True
    assert time.monotonic() - began >= 0.05


async def test_a_late_call_of_a_program_that_was_killed_is_not_handled(stand_in: str) -> None:
    await ask(stand_in, "control/delay", seconds=0.2)
    after = time.monotonic_ns()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await ask(stand_in, f"bot{token_of(0)}/getUpdates", timeout=0)
    await ask(stand_in, f"bot{token_of(1)}/getUpdates", timeout=0)  # comes later, so ends later
    polled = await ask(stand_in, "control/polled", bots=[0, 1], after=after)
    assert polled["count"] == 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_small_run_measures_everything(pg_url: str, tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    run = subprocess.run(
        [
            sys.executable, "-m", "bench", "--quick", "--many", "10", "--killed", "4",
            "--only", "servers", "--postgresql", pg_url, "--before", str(ROOT),
            "--json", str(output),
        ],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:] + run.stdout[-3000:]
    found = orjson.loads(output.read_bytes())["scenarios"]
    assert found["servers_echo"]["two"]["lost"] == [0]
    assert {*found["servers_idle"]} == {"before", "one", "two"}
    assert found["servers_switching"]["another"]["off_ms"]["count"] == 12
    assert 0 < found["servers_failover"]["last"][0] < 60
    assert "two / one" in run.stdout
