"""A run ends with 0 when all is well, and tells what is wrong when it is not."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from support.server_process import ROOT

from chaos.events import Event, EventLog, Injected, Polled


async def chaos(*arguments: str) -> tuple[int, str]:
    """`python -m chaos`; its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chaos", *arguments,
        cwd=ROOT, env={**os.environ, "PYTHONPATH": "tests"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_a_log_with_a_lost_message_fails(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    events: list[Event] = [Injected(1.0, 7, 1, 5, "1"), Polled(1.0, 2.0, 7, "a", 0, 200)]
    for event in events:
        log.add(event)
    log.close()
    code, output = await chaos(f"--check={tmp_path / 'events.jsonl'}")
    assert code == 1
    assert "FAILED 1 each update is answered: 1" in output
    assert "ok     2 repeats overlap a fault" in output


async def test_an_unknown_fault_is_refused() -> None:
    code, output = await chaos("--faults=kill,flood")
    assert code == 2
    assert "unknown faults: flood" in output


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_one_process_survives_what_one_can_survive(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    code, output = await chaos(
        "--processes=1", "--minutes=0.5", "--seed=3", "--rate=10", f"--folder={folder}"
    )
    print(output)
    assert code == 0, output
    assert not folder.exists(), "only the log of a run that failed is kept"
