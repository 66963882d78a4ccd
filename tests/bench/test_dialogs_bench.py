"""The benchmark of dialogs: its large scenario, its table, a run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from bench.dense_scenario import STATES, dense_scenario
from bench.dialogs_table import dialogs_table
from bench.processes import ROOT
from dialogs.scenarios import validate


def test_the_large_scenario_is_valid_and_all_of_it_is_reached() -> None:
    scenario, problems = validate(dense_scenario())
    assert scenario is not None
    assert problems == []
    assert len(scenario.states) == STATES


def test_the_targets_stand_beside_the_figures() -> None:
    def echo(cpu: list[float]) -> dict[str, list[float]]:
        return {"cpu_ms": cpu, "cpu_ms_at_rate": cpu, "lost": [0.0, 1.0], "wrong": [0.0, 0.0]}

    table = dialogs_table(
        {
            "step_us": 7.25,
            "step_500_us": 15.0,
            "validate_500_ms": 99.6,
            "echo": {"none": echo([1.0, 2.0]), "echo.en": echo([1.2, 2.0])},
            "rss_kb": {"none": 50.2, "cat_or_bread.en": 58.9},
        }
    )
    cells = [[cell.strip() for cell in line.split("  ") if cell] for line in table.splitlines()]
    shown = {row[0]: [cell for cell in row[1:] if cell] for row in cells}
    assert shown["a step of cat_or_bread, us"] == ["7.2", "50 at most"]
    assert shown["validation of 500 states, ms"] == ["100", "100 at most"]
    ratio = "CPU per message, saturated, ms: copies of echo.en / no scenario*"
    assert shown[ratio] == ["1.10", "1.10 at most"]
    assert shown["messages not answered, or wrongly"] == ["2", "0"]
    assert shown["memory of a bot with a copy of cat_or_bread.en, KB"] == ["59", "60 at most"]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_small_run_measures_dialogs(tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    arguments = ["--quick", "--only", "dialogs", "--json", str(output)]
    run = subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=170,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:] + run.stdout[-3000:]
    measured = orjson.loads(output.read_bytes())["scenarios"]["dialogs"]
    assert {*measured["echo"]} == {"none", "echo.en"}
    for variant in measured["echo"].values():
        assert (variant["lost"], variant["wrong"]) == ([0], [0])
        assert variant["per_second"][0] > 0
    assert measured["step_us"] > 0
    assert "memory of a bot with a copy" in run.stdout
