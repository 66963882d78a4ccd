"""The benchmark of the history: what it stores, its tables, what the stand-in tells, a run."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.stand_in import ask

from bench.history_fill import Words, fill
from bench.history_table import history_tables
from bench.processes import ROOT
from bench.telegram_state import token_of
from models.engine.migration import Migrations

SIZES = {
    "messages": 1_000_000, "busy_rate": 500.0, "switching_rate": 200.0, "upload_mb": 20,
}  # fmt: skip
KINDS = (
    "newest", "chat", "search", "search_common", "search_rare", "search_absent", "search_short",
    "names",
)  # fmt: skip


def found(*, alone: list[float], beside: list[float]) -> dict[str, Any]:
    """What the scenario tells."""
    taken = {"count": 3, "p50": 5.0, "p99": 9.0, "max": 9.0}
    return {
        "reads": dict.fromkeys(KINDS, taken),
        "chats": 99_999,
        "bytes": 389.4,
        "indexed_per_second": 15_000.0,
        "live": {"row_ms": taken, "missing": 0, "resets": 0},
        "uploads": {
            "alone": {"p50_ms": [2.0, 2.0, 9.0], "p99_ms": alone},
            "beside": {"p50_ms": [3.0, 3.0, 9.0], "p99_ms": beside},
            "upload_s": taken,
        },
    }


def rows(table: str) -> list[list[str]]:
    """The cells of a table that are not empty, without the rule."""
    lines = [line.split("  ") for line in table.splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    return [cells[0], *cells[2:]]


def test_the_targets_stand_beside_the_figures() -> None:
    tables = history_tables(found(alone=[10.0, 90.0, 5.0], beside=[35.0, 95.0, 31.0]), SIZES)
    times, others = map(rows, tables)
    assert times[0] == [
        "1,000,000 messages in 99,999 chats, SQLite", "p50, ms", "p99, ms", "target of p99"
    ]  # fmt: skip
    assert times[1:4] == [
        ["newest chats", "5.0", "9.0", "30 at most"],
        ["one chat's page", "5.0", "9.0", "20 at most"],
        ["search, all of the following", "5.0", "9.0", "150 at most"],
    ]
    assert times[-3][-1] == "300 at most"
    assert times[-1] == ["message to answer at 200/s, beside uploads of 20 MB*", "3.0", "35.0"]
    more = ["answers' p99 beside uploads, more than alone, ms*", "+25.0", "+50 at most"]
    assert others[1] == more
    assert ["bytes a message on disk", "389", "600 at most"] in others


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with one account and its bot."""
    path = tmp_path / "botyard.db"
    Migrations(f"sqlite:///{path}").up()
    moment = "2026-01-01 00:00:00.000000"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO users (username, username_key, password_hash, is_staff, email, "
            "first_name, last_name, created_at, updated_at) "
            "VALUES ('a', 'a', 'x', 0, '', '', '', ?, ?)",
            (moment, moment),
        )
        connection.execute(
            "INSERT INTO bots (user_id, slot, title, active, token_encrypted, token_fingerprint, "
            "username, generation, token_generation, update_offset, created_at, updated_at) "
            "VALUES (1, 0, '', 0, '', 'f', '', 1, 1, 0, ?, ?)",
            (moment, moment),
        )
    return path


def test_a_filled_history_has_both_directions_and_its_chats(database: Path) -> None:
    chats = fill(database, 500, Words(random.Random(1)))
    with closing(sqlite3.connect(database)) as connection:
        states = dict(connection.execute("SELECT state, COUNT(*) FROM messages GROUP BY state"))
        (wrong,) = connection.execute(
            "SELECT COUNT(*) FROM chats WHERE last_message_id <> "
            "(SELECT MAX(id) FROM messages WHERE messages.chat_id = chats.chat_id)"
        ).fetchone()
        (stored,) = connection.execute("SELECT COUNT(*) FROM chats").fetchone()
    assert states == {"received": 250, "sent": 250}
    assert wrong == 0
    assert 40 < stored == chats <= 50


async def test_the_stand_in_tells_when_it_handed_messages_out_first(stand_in: str) -> None:
    path = f"bot{token_of(0)}/getUpdates"
    await ask(stand_in, "control/inject", bot=0, messages=1)
    assert await ask(stand_in, "control/handed") == {"handed": []}
    (update,) = (await ask(stand_in, path))["result"]
    ((number, first),) = (await ask(stand_in, "control/handed"))["handed"]
    assert number == update["message"]["message_id"]
    await ask(stand_in, path)  # not confirmed, so it is handed out once more
    assert await ask(stand_in, "control/handed") == {"handed": [[number, first]]}
    await ask(stand_in, "control/begin")
    waiting = asyncio.create_task(ask(stand_in, path, offset=update["update_id"] + 1, timeout=9))

    async def polled() -> bool:
        return bool((await ask(stand_in, "control/state"))["parked"])

    async with asyncio.timeout(5):
        while not await polled():
            await asyncio.sleep(0)
    await ask(stand_in, "control/inject", bot=0, messages=1)
    (later,) = (await waiting)["result"]
    ((number, second),) = (await ask(stand_in, "control/handed"))["handed"]
    assert number == later["message"]["message_id"]
    assert second > first


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_small_run_measures_everything(tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    run = subprocess.run(
        [
            sys.executable, "-m", "bench", "--quick", "--messages", "2000", "--only", "history",
            "--json", str(output),
        ],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:] + run.stdout[-3000:]
    measured = orjson.loads(output.read_bytes())["scenarios"]["history"]
    assert {*measured["reads"]} == {*KINDS}
    assert measured["reads"]["chat"]["count"] == 40
    assert measured["reads"]["search"]["count"] == 4 * 40
    assert 100 < measured["bytes"] < 1000
    assert measured["live"]["row_ms"]["count"] > 500
    assert (measured["live"]["missing"], measured["live"]["resets"]) == (0, 0)
    assert measured["uploads"]["upload_s"]["count"] == 2
    assert measured["uploads"]["beside"]["answered"][0] > 0
    assert "2,000 messages in" in run.stdout
