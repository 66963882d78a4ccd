"""Writes down, inside PostgreSQL, what the processes commit.

Triggers make rows; a row's own transaction gives its commit's time (`track_commit_timestamp`). So
commits of all processes and deletions of their rows have one clock, and the order of the locks
that they took: a commit that waited for another one has a later time.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from typing import Any, LiteralString

import psycopg
from support.postgresql import PostgreSQL

from chaos.events import (
    Event,
    Journaled,
    Kept,
    Published,
    Registered,
    Stepped,
    Stood,
    Unhandled,
    Written,
)

OPTION = "track_commit_timestamp=on"

_TABLES = """
CREATE TABLE chaos_stored (bot_id bigint, update_id bigint);
CREATE TABLE chaos_written (session text);
CREATE TABLE chaos_processes (what text, id bigint, name text, session text, by text);

CREATE FUNCTION chaos_store() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO chaos_stored SELECT bot_id, update_id FROM changed;
  INSERT INTO chaos_written VALUES (current_setting('application_name'));
  RETURN NULL;
END $$;
CREATE TRIGGER chaos_store AFTER INSERT ON updates REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION chaos_store();

CREATE FUNCTION chaos_mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO chaos_written VALUES (current_setting('application_name'));
  RETURN NULL;
END $$;
CREATE TRIGGER chaos_mark AFTER UPDATE ON updates
  FOR EACH STATEMENT EXECUTE FUNCTION chaos_mark();
"""
_PROCESSES = """
CREATE FUNCTION chaos_process() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE row processes; BEGIN
  IF TG_OP = 'INSERT' THEN row := NEW; ELSE row := OLD; END IF;
  INSERT INTO chaos_processes
  VALUES (TG_OP, row.id, row.name, row.session, current_setting('application_name'));
  RETURN NULL;
END $$;
CREATE TRIGGER chaos_process AFTER INSERT OR DELETE ON processes
  FOR EACH ROW EXECUTE FUNCTION chaos_process();
INSERT INTO chaos_processes SELECT 'INSERT', id, name, session, session FROM processes;
"""
_TALKS: dict[type[Published | Stood | Unhandled], LiteralString] = {
    Published: "SELECT bot_id, n, restarts_before = n FROM scenario_versions ORDER BY bot_id, n",
    Stood: (
        "SELECT bot_id, chat_id, version, talk->>'state', (talk->'variables'->>'count')::int, "
        "talk->'variables'->>'text' FROM (SELECT bot_id, chat_id, version, "
        "convert_from(state, 'UTF8')::jsonb AS talk FROM conversations) AS talks"
    ),
    Unhandled: "SELECT bot_id, update_id FROM updates WHERE handled_at IS NULL",
}
_MOVES = ("restart", "new version", "version gone")  # what a publish did to a talk
_STEPS = (
    "SELECT bot_id, chat_id, update_id, version, convert_from(steps, 'UTF8') "
    "FROM conversation_steps ORDER BY bot_id, chat_id, update_id"
)
_COMMIT = "extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8"


class DatabaseLog:
    """The triggers, and what they have noted."""

    def __init__(self, postgresql: PostgreSQL, database: str = "postgres") -> None:
        self._url = postgresql.url(database)

    def install(self) -> None:
        """Make the triggers, once the tables of Botyard are there."""
        with psycopg.connect(self._url) as connection:
            connection.execute(_TABLES)
            if self._has_processes(connection):
                connection.execute(_PROCESSES)

    @staticmethod
    def _has_processes(connection: psycopg.Connection) -> bool:
        found = connection.execute("SELECT to_regclass('processes')").fetchone()
        return found is not None and found[0] is not None

    def read(self, bots: Mapping[int, int]) -> Iterator[Event]:
        """Read everything that was noted.

        Args:
            bots: Telegram's ids of the bots, by their ids here.
        """
        to_monotonic = time.monotonic() - time.time()
        with psycopg.connect(self._url) as connection:
            stored = connection.execute(f"SELECT {_COMMIT}, bot_id, update_id FROM chaos_stored")
            for at, bot, update in stored:
                if bot in bots:  # else it was made by a request that the end of the run cut off
                    yield Journaled(at + to_monotonic, bots[bot], update)
            for at, session in connection.execute(f"SELECT {_COMMIT}, session FROM chaos_written"):
                yield Written(at + to_monotonic, session)
            noted = connection.execute(
                f"SELECT {_COMMIT}, what, id, name, session, by FROM chaos_processes ORDER BY 1"
            ).fetchall()
        yield from _rows([(at + to_monotonic, *rest) for at, *rest in noted])

    def kept(self, bots: Mapping[int, int]) -> Iterator[Kept]:
        """Read the history as it is now, in the order of its rows.

        Args:
            bots: as for `read`.
        """
        with psycopg.connect(self._url) as connection:
            rows = connection.execute(
                "SELECT bot_id, chat_id, id, state, telegram_id, text FROM messages ORDER BY id"
            )
            for bot, *rest in rows:
                if bot in bots:
                    yield Kept(time.monotonic(), bots[bot], *rest)

    def talks(self, bots: Mapping[int, int]) -> Iterator[Event]:
        """Read the versions of scenarios, the talks with their logs, and what is not handled.

        Args:
            bots: as for `read`.
        """
        now = time.monotonic()
        with psycopg.connect(self._url) as connection:
            for kind, query in _TALKS.items():
                for bot, *rest in connection.execute(query):
                    if bot in bots:
                        yield kind(now, bots[bot], *rest)
            for bot, chat, update, version, logged in connection.execute(_STEPS):
                if bot in bots:
                    taken = taken_of(json.loads(logged)["steps"])
                    yield Stepped(now, bots[bot], chat, update, version, *taken)


def taken_of(steps: list[dict[str, Any]]) -> tuple[Any, ...]:
    """What the steps of one update have changed; see `Stepped`."""
    steps = [step for step in steps if step["transition"] not in _MOVES]  # before the update
    if not steps:
        return "", "", None, None, None
    changes = [step["changed"] for step in steps]
    counts = [change["count"] for change in changes if "count" in change]
    texts = [change["text"] for change in changes if "text" in change]
    before, count = (counts[0][0], counts[-1][1]) if counts else (None, None)
    return steps[0]["state"], steps[-1]["to"], before, count, texts[-1][1] if texts else None


def _rows(noted: list[tuple[Any, ...]]) -> Iterator[Registered]:
    """The lives of rows, from what was noted of their beginning and end."""
    names = {session: name for _, _, _, name, session, _ in noted}
    begun: dict[int, tuple[Any, ...]] = {}
    for at, what, number, name, session, by in noted:
        if what == "INSERT":
            begun[number] = (at, name, session)
            continue
        begin, *_ = begun.pop(number)
        taken_over = names.get(by) != name
        yield Registered(begin, at, number, name, session, taken_over)
    for number, (begin, name, session) in begun.items():
        yield Registered(begin, math.inf, number, name, session, taken_over=False)
