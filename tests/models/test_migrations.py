"""Migrations: by hand, at start, at once, and for databases that are too new."""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.commands import Ended, botyard_command, only_line, run, run_fork
from support.server_process import ROOT

from models.engine import migration
from models.engine.connection import connect
from models.engine.migration import Migrations
from models.errors import SchemaMismatch, StorageUnavailable
from server.app import open_botyard
from server.cli import main
from server.config import Config
from server.installation_lock import InstallationLock

STEPS = sorted(file.stem for file in (ROOT / "models" / "migrations").glob("[0-9]*.py"))
NEWER = "999_from_the_future"
_REMEMBER = "INSERT INTO migratehistory (name, migrated_at) VALUES (?, '')"


async def migrate(*args: str) -> Ended:
    """`python migrate.py`."""
    return await run_fork(str(ROOT / "migrate.py"), *args)


def query(file: Path, sql: str, *values: str) -> list[Any]:
    """Ask an SQLite file."""
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        return database.execute(sql, values).fetchall()


def tables(file: Path) -> set[str]:
    """The tables of ours in an SQLite file."""
    rows = query(file, "SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name for (name,) in rows if not name.startswith("sqlite_")} - {"migratehistory"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the database will be."""
    return tmp_path / "botyard.db"


@pytest.fixture
def migrations(file: Path) -> Migrations:
    """The migrations of that database."""
    return Migrations(f"sqlite:///{file}")


# -- what they do


def test_up_makes_the_tables(migrations: Migrations, file: Path) -> None:
    assert migrations.up() == STEPS
    assert tables(file) >= {"users", "sessions", "bots", "settings"}


def test_a_second_up_does_nothing(migrations: Migrations) -> None:
    migrations.up()
    assert migrations.up() == []


def test_down_to_the_ground_leaves_no_table(migrations: Migrations, file: Path) -> None:
    migrations.up()
    assert [migrations.down() for _ in STEPS] == STEPS[::-1]
    assert tables(file) == set()


def test_up_after_down_makes_the_same_tables(migrations: Migrations, file: Path) -> None:
    migrations.up()
    before = query(file, "SELECT name, sql FROM sqlite_master ORDER BY name")
    for _ in STEPS:
        migrations.down()
    migrations.up()
    assert query(file, "SELECT name, sql FROM sqlite_master ORDER BY name") == before


def test_up_stops_at_the_step_it_is_told(migrations: Migrations) -> None:
    assert migrations.up(STEPS[0]) == STEPS[:1]
    assert migrations.status().todo == STEPS[1:]


def test_status_tells_what_is_done_left_and_unknown(migrations: Migrations, file: Path) -> None:
    migrations.up(STEPS[0])
    query(file, _REMEMBER, NEWER)
    status = migrations.status()
    assert (status.done[0], status.todo, status.unknown) == (STEPS[0], STEPS[1:], [NEWER])


def test_down_of_an_empty_database_is_refused(migrations: Migrations) -> None:
    with pytest.raises(SchemaMismatch, match="no migration has been run"):
        migrations.down()


def test_an_unknown_step_is_refused(migrations: Migrations) -> None:
    with pytest.raises(SchemaMismatch, match="no migration '777_x' is left to run"):
        migrations.up("777_x")


def test_an_empty_folder_of_steps_is_refused(
    migrations: Migrations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "steps").mkdir()
    monkeypatch.setattr(migration, "folder", lambda: tmp_path / "steps")
    with pytest.raises(SchemaMismatch, match="no migrations in"):
        migrations.up()


def test_rows_that_point_nowhere_are_told(migrations: Migrations, file: Path) -> None:
    migrations.up()
    query(file, "INSERT INTO sessions VALUES ('x', 77, '', '', '', '', '')")
    with pytest.raises(SchemaMismatch, match="rows point to rows that are gone"):
        migrations.up()


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable, match="cannot open the database"):
        Migrations(f"sqlite:///{tmp_path}/nowhere/x.db").up()


def test_no_bot_gets_the_id_of_a_deleted_one_though_its_table_was_made_anew(
    migrations: Migrations, file: Path
) -> None:
    migrations.up(STEPS[STEPS.index("006_runs") - 1])
    query(
        file,
        "INSERT INTO users (username, username_key, email, first_name, last_name, password_hash, "
        "is_staff, created_at, updated_at) VALUES ('ann', 'ann', '', '', '', '', 0, '', '')",
    )

    def insert(slot: int, **columns: str) -> int:
        """Add a bot; its id."""
        names, values = ", ".join(columns), ", ".join(columns.values())
        ((bot_id,),) = query(
            file,
            "INSERT INTO bots (user_id, slot, title, active, token_encrypted, token_fingerprint, "
            f"username, created_at, updated_at, update_offset, {names}) "
            f"VALUES (1, {slot}, '', 0, '', 'bot {slot}', '', '', '', 0, {values}) RETURNING id",
        )
        return int(bot_id)

    assert [insert(slot, failure_reason="''", failure_detail="''") for slot in (1, 2)] == [1, 2]
    query(file, "DELETE FROM bots WHERE id = 2")
    migrations.up()
    assert insert(2, generation="1", token_generation="1") == 3


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_chats_that_refuse_messages_are_kept_up_and_down(
    kind: str, file: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{file}" if kind == "sqlite" else request.getfixturevalue("pg_url")
    migrations, moment = Migrations(url), "2026-01-02 03:04:05"
    outbox = STEPS.index("008_outbox")
    migrations.up(STEPS[outbox - 1])

    def ask(sql: str) -> list[Any]:
        database = connect(url)
        with database.connection_context():
            cursor = database.execute_sql(sql)
            return list(cursor.fetchall()) if cursor.description else []

    ask(
        "INSERT INTO users (username, username_key, email, first_name, last_name, password_hash, "
        "is_staff, created_at, updated_at) "
        f"VALUES ('ann', 'ann', '', '', '', '', FALSE, '{moment}', '{moment}')"
    )
    ask(
        "INSERT INTO bots (user_id, slot, title, active, token_encrypted, token_fingerprint, "
        "username, created_at, updated_at, update_offset, generation, token_generation) "
        f"VALUES (1, 1, '', FALSE, '', '', '', '{moment}', '{moment}', 0, 1, 1)"
    )
    ask(f"INSERT INTO blocked_chats VALUES (1, 7, '{moment}'), (1, -100, '{moment}')")
    migrations.up(STEPS[outbox])
    rows = ask("SELECT chat_id, first_seen_at = blocked_at FROM chats ORDER BY chat_id")
    assert rows == [(-100, True), (7, True)]
    ask(f"INSERT INTO chats (bot_id, chat_id, first_seen_at) VALUES (1, 8, '{moment}')")
    assert migrations.down() == STEPS[outbox]
    kept = ask("SELECT chat_id, blocked_at FROM blocked_chats ORDER BY chat_id")
    assert [(chat, str(blocked_at)) for chat, blocked_at in kept] == [(-100, moment), (7, moment)]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_only_postgresql_has_tables_of_limits(
    kind: str, file: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{file}" if kind == "sqlite" else request.getfixturevalue("pg_url")
    migrations, step = Migrations(url), "010_throttle"
    limits = {"throttle_windows", "rate_buckets"}

    def made() -> set[str]:
        database = connect(url)
        with database.connection_context():
            return limits & set(database.get_tables())

    for _ in range(2):
        migrations.up(step)
        assert made() == (limits if kind == "postgresql" else set())
        assert migrations.down() == step
        assert made() == set()


# -- by hand


async def test_migrate_py_goes_up_and_down_and_tells_where_it_is(tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path))
    assert (await migrate("up", STEPS[0], *data)).out == f"done: {STEPS[0]}\n"
    status = [f"done    {STEPS[0]}", *(f"pending {step}" for step in STEPS[1:])]
    assert (await migrate("status", *data)).out.splitlines() == status
    assert (await migrate("up", *data)).out.splitlines() == [f"done: {s}" for s in STEPS[1:]]
    assert (await migrate("up", *data)).out == "nothing to do\n"
    down = await migrate("down", *data)
    assert down.out == f"undone: {STEPS[-1]}\n"
    step = (ROOT / "models" / "migrations" / f"{STEPS[-1]}.py").read_text()
    assert step.partition("def rollback")[2].split('"""')[1] in down.err
    last = (await migrate("status", *data)).out.splitlines()[-1]
    assert last == f"pending {STEPS[-1]}"


async def test_down_refuses_while_a_server_runs(tmp_path: Path) -> None:
    data = ("--data-dir", str(tmp_path))
    await migrate("up", *data)
    elsewhere = f"sqlite:///{tmp_path / 'botyard.db'}"
    with InstallationLock(Config.load({}, data_dir=str(tmp_path))).folders():
        for place in (data, ("--database-url", elsewhere, "--data-dir", str(tmp_path / "other"))):
            (tmp_path / "other").mkdir(exist_ok=True)
            line = only_line(await migrate("down", *place))
            assert re.fullmatch(r"Error: a server runs on .* \(process \d+\): stop it first", line)
    assert (await migrate("down", *data)).code == 0


async def test_create_writes_an_empty_step_after_the_last(tmp_path: Path) -> None:
    for name in ("models", "server"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "migrate.py", tmp_path)
    create = (str(tmp_path / "migrate.py"), "create", "add_shops")
    ended = await run(sys.executable, *create, "--data-dir", str(tmp_path / "d"))
    name = f"{len(STEPS) + 1:03}_add_shops"
    assert ended.out == f"written: {name}\n", ended.err
    text = (tmp_path / "models" / "migrations" / f"{name}.py").read_text()
    assert re.search(r"^def migrate\(", text, re.MULTILINE)
    assert re.search(r"^def rollback\(", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (("up", "777_x"), "Error: no migration '777_x' is left to run"),
        (("create", "../x"), "Error: '../x': use lower case letters, digits and underscores"),
        (
            ("up", "--database-url", "x"),
            "Error: --database-url: invalid value 'x'; expected sqlite:///path or "
            "postgresql://user:password@host/name",
        ),
    ],
)
async def test_what_cannot_be_done_by_hand_is_one_line(
    tmp_path: Path, args: tuple[str, ...], line: str
) -> None:
    assert only_line(await migrate(*args, "--data-dir", str(tmp_path))) == line


def test_the_program_has_the_same_commands(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["migrate", "up", "--data-dir", str(tmp_path)])
    assert result.output.splitlines() == [f"done: {step}" for step in STEPS]


# -- at once, and too new


async def test_processes_that_migrate_at_once_run_each_step_once(tmp_path: Path) -> None:
    both = await asyncio.gather(*(migrate("up", "--data-dir", str(tmp_path)) for _ in range(3)))
    assert [ended.code for ended in both] == [0, 0, 0]
    lines = [line for ended in both for line in ended.out.splitlines()]
    assert sorted(lines) == [f"done: {step}" for step in STEPS] + 2 * ["nothing to do"]
    history = query(tmp_path / "botyard.db", "SELECT name FROM migratehistory ORDER BY name")
    assert history == [(step,) for step in STEPS]


async def test_a_server_brings_its_database_up(config: Config) -> None:
    await (await open_botyard(config)).close()
    assert Migrations(config.database_url).status().done == STEPS


async def test_a_server_refuses_a_database_of_a_newer_version(tmp_path: Path) -> None:
    Migrations(f"sqlite:///{tmp_path}/botyard.db").up()
    query(tmp_path / "botyard.db", _REMEMBER, NEWER)
    ended = await botyard_command("serve", "--port", "0", "--data-dir", str(tmp_path))
    assert only_line(ended) == (
        f"Error: the database has migrations that this version does not know ({NEWER}): "
        "install the newer version again"
    )


def test_the_lock_is_taken_by_one_at_a_time(migrations: Migrations, file: Path) -> None:
    with (
        migrations._router(),
        open(f"{file}.lock") as lock_file,
        pytest.raises(BlockingIOError),
    ):
        _try_lock(lock_file.fileno())


def _try_lock(descriptor: int) -> None:
    import fcntl  # noqa: PLC0415 - for this alone

    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
