"""The database notes who committed what, and when, in the order of the commits."""

from __future__ import annotations

import math
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from support.postgresql import PostgreSQL

from chaos.database_log import OPTION, DatabaseLog, taken_of
from chaos.events import (
    History,
    Journaled,
    Kept,
    Published,
    Registered,
    Stepped,
    Stood,
    Unhandled,
    Written,
)
from chaos.process_checks import fenced_commits_end_before_the_takeover

TABLES = """
CREATE TABLE updates (bot_id int, update_id bigint, handled_at timestamp);
CREATE TABLE messages (
  id bigint, bot_id int, chat_id bigint, state text, telegram_id bigint, text text
);
CREATE TABLE processes (id bigint PRIMARY KEY, name text, session text, beat int);
"""
TALKS = """
CREATE TABLE scenario_versions (bot_id int, n int, restarts_before int);
CREATE TABLE conversations (bot_id int, chat_id bigint, version int, state bytea);
CREATE TABLE conversation_steps (
  bot_id int, chat_id bigint, update_id bigint, version int, steps bytea
);
INSERT INTO scenario_versions VALUES (1, 1, 0), (1, 2, 2), (99, 1, 0);
INSERT INTO conversations
VALUES (1, 5, 2, '{"state": "tock", "variables": {"count": 2, "text": "b"}}');
INSERT INTO updates VALUES (1, 8, now()), (1, 9, NULL);
INSERT INTO conversation_steps VALUES
  (1, 5, 8, 2, '{"steps": [
    {"state": "tick", "transition": "again", "to": "tick", "changed": {}}]}'),
  (1, 5, 7, 1, '{"steps": [
    {"state": "", "transition": "start", "to": "first", "changed": {"count": [null, 0]}},
    {"state": "first", "transition": "/a", "to": "tick",
     "changed": {"count": [0, 1], "text": [null, "a"]}}]}');
"""
TELEGRAM = {1: 7_000_000_001}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """A server that knows when commits were."""
    folder = Path(tempfile.mkdtemp(prefix="botyard-pg-"))
    made = PostgreSQL(folder, settings=(OPTION,))
    made.create()
    made.start()
    yield made
    made.stop("immediate")
    shutil.rmtree(folder)


@pytest.fixture
def noted(server: PostgreSQL) -> Iterator[DatabaseLog]:
    """A log of a database with the tables that it looks at, and two processes."""
    server.execute("CREATE DATABASE noted")
    with psycopg.connect(server.url("noted")) as connection:
        connection.execute(TABLES)
        connection.execute("INSERT INTO processes VALUES (1, 'a', 's1', 0), (2, 'b', 's2', 0)")
    log = DatabaseLog(server, "noted")
    log.install()
    yield log
    server.execute("DROP DATABASE noted WITH (FORCE)")


def session(server: PostgreSQL, name: str) -> psycopg.Connection:
    """A session of a process."""
    return psycopg.connect(server.url("noted"), application_name=name)


def test_stored_updates_and_commits_are_noted(server: PostgreSQL, noted: DatabaseLog) -> None:
    before = time.monotonic()
    with session(server, "s1") as connection:
        connection.execute("INSERT INTO updates VALUES (1, 5), (1, 6)")
    with session(server, "s2") as connection:
        connection.execute("UPDATE updates SET handled_at = now()")
    history = History(list(noted.read(TELEGRAM)))
    assert [(one.bot, one.update) for one in history.of(Journaled)] == [
        (7_000_000_001, 5),
        (7_000_000_001, 6),
    ]
    assert [one.session for one in history.of(Written)] == ["s1", "s2"]
    times = [one.at for one in history.of(Written)]
    assert before - 0.1 <= times[0] <= times[1] <= time.monotonic() + 0.1


def test_a_rollback_is_not_noted(server: PostgreSQL, noted: DatabaseLog) -> None:
    with session(server, "s1") as connection:
        connection.execute("INSERT INTO updates VALUES (1, 5)")
        connection.rollback()
    assert History(list(noted.read(TELEGRAM))).of(Written) == []


def test_the_history_is_read_in_the_order_of_its_rows(
    server: PostgreSQL, noted: DatabaseLog
) -> None:
    with session(server, "s1") as connection:
        connection.execute(
            "INSERT INTO messages VALUES (2, 1, 5, 'sent', NULL, 'b'), "
            "(1, 1, 5, 'received', 9, 'a'), (3, 99, 5, 'received', 9, 'of no known bot')"
        )
    first, second = noted.kept(TELEGRAM)
    assert first == Kept(first.at, TELEGRAM[1], 5, 1, "received", 9, "a")
    assert second == Kept(second.at, TELEGRAM[1], 5, 2, "sent", None, "b")


def test_rows_of_processes_have_a_life(server: PostgreSQL, noted: DatabaseLog) -> None:
    with session(server, "s2") as connection:
        connection.execute("DELETE FROM processes WHERE id = 1")
    with session(server, "s2") as connection:
        connection.execute("DELETE FROM processes WHERE id = 2")
    with session(server, "s1") as connection:
        connection.execute("INSERT INTO processes VALUES (3, 'a', 's1', 0)")
    rows = {row.id: row for row in noted.read(TELEGRAM) if isinstance(row, Registered)}
    assert [(rows[n].name, rows[n].taken_over) for n in (1, 2, 3)] == [
        ("a", True), ("b", False), ("a", False),
    ]  # fmt: skip
    assert rows[1].begin < rows[1].end < rows[3].begin < rows[3].end == math.inf


@pytest.mark.parametrize("fenced", [True, False])
def test_a_commit_without_the_fence_is_seen(
    server: PostgreSQL, noted: DatabaseLog, fenced: bool
) -> None:
    """A takeover waits for a fenced commit, and does not for another one."""
    writer, other = session(server, "s1"), session(server, "s2")
    if fenced:
        writer.execute("SELECT 1 FROM processes WHERE id = 1 FOR KEY SHARE")
    writer.execute("INSERT INTO updates VALUES (1, 5)")

    def take_over() -> None:
        other.execute("DELETE FROM processes WHERE id = 1")
        other.commit()

    taking = threading.Thread(target=take_over)
    taking.start()
    taking.join(0.3)
    assert taking.is_alive() is fenced
    writer.commit()
    taking.join()
    for connection in (writer, other):
        connection.close()
    wrong = fenced_commits_end_before_the_takeover(History(list(noted.read(TELEGRAM))))
    assert len(wrong) == (0 if fenced else 1)


def test_talks_are_read_with_what_each_update_changed(
    server: PostgreSQL, noted: DatabaseLog
) -> None:
    with session(server, "s1") as connection:
        connection.execute(TALKS)
    found = [replace(one, at=0.0) for one in noted.talks(TELEGRAM)]
    bot = TELEGRAM[1]
    assert found == [
        Published(0.0, bot, 1, restarts=False),
        Published(0.0, bot, 2, restarts=True),
        Stood(0.0, bot, 5, 2, "tock", 2, "b"),
        Unhandled(0.0, bot, 9),
        Stepped(0.0, bot, 5, 7, 1, "", "tick", None, 1, "a"),
        Stepped(0.0, bot, 5, 8, 2, "tick", "tick", None, None, None),
    ]


def test_what_a_publish_does_to_a_talk_is_no_step_of_its_update() -> None:
    moved = {"state": "tick", "transition": "restart", "to": "", "changed": {"count": [3, 0]}}
    began = {"state": "", "transition": "start", "to": "tock", "changed": {"count": [0, 1]}}
    assert taken_of([moved, began]) == ("", "tock", 0, 1, None)
