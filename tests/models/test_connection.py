"""How soon connections to PostgreSQL are given up, and which hosts they may go to."""

from __future__ import annotations

import pytest
from support.postgresql import PostgreSQL, free_port

from models.cluster.fence import ProcessFence
from models.engine.base import proxy
from models.engine.connection import COMMAND, SERVER, Timeouts, connect
from models.engine.database import Database


def parameters_now() -> dict[str, str]:
    """What libpq was told."""
    found: dict[str, str] = proxy.obj.connection().info.get_parameters()
    return found


def shown(name: str) -> str:
    """A setting of the session."""
    return str(proxy.obj.execute_sql(f"SHOW {name}").fetchone()[0])


@pytest.mark.parametrize(
    ("fence", "timeouts"), [(ProcessFence(), SERVER), (None, COMMAND)], ids=["server", "command"]
)
async def test_a_server_gives_a_session_up_sooner_than_a_command(
    pg_url: str, fence: ProcessFence | None, timeouts: Timeouts
) -> None:
    db = Database(pg_url, fence=fence)
    await db.open()
    try:
        for read in (db.read, db.write):
            assert await read(shown, "idle_in_transaction_session_timeout") == f"{timeouts.idle}s"
            assert await read(shown, "tcp_user_timeout") == str(timeouts.unanswered * 1000)
            assert await read(shown, "tcp_keepalives_idle") == str(timeouts.keepalive[0])
            parameters = await read(parameters_now)
            assert parameters["tcp_user_timeout"] == str(timeouts.unanswered * 1000)
            assert parameters["connect_timeout"] == str(timeouts.connect)
            idle, interval, count = timeouts.keepalive
            assert parameters["keepalives_idle"] == str(idle)
            assert parameters["keepalives_interval"] == str(interval)
            assert parameters["keepalives_count"] == str(count)
    finally:
        await db.close()


def test_a_server_gives_up_before_others_take_its_bots_over() -> None:
    assert SERVER.unanswered < 5
    assert SERVER.idle < 5


def test_of_several_hosts_the_one_that_writes_is_used(postgresql: PostgreSQL) -> None:
    nobody = free_port()
    url = (
        f"postgresql://botyard@127.0.0.1:{nobody},127.0.0.1:{postgresql.port}/postgres"
        "?target_session_attrs=read-write"
    )
    database = connect(url, timeouts=SERVER)
    database.connect()
    try:
        assert database.connection().info.port == postgresql.port
    finally:
        database.close()
