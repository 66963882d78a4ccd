"""`botyard doctor` where many bots or several servers run: ports, clocks, standbys."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.client import DEADLINE
from support.commands import botyard_command
from support.postgresql import PostgreSQL, binary

from models.engine.migration import Migrations
from models.engine.replication import Replication
from sandbox import Sandbox
from server.config import Config
from server.maintenance import machine
from server.maintenance.findings import Finding, Severity


@pytest.fixture
def ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the ports that the kernel hands out."""
    file = tmp_path / "ip_local_port_range"
    monkeypatch.setattr(machine, "PORTS", file)

    def write(text: str) -> None:
        file.write_text(text)

    return write


@pytest.mark.parametrize(
    ("active", "level"), [(0, Severity.OK), (22_000, Severity.OK), (23_000, Severity.WARNING)]
)
def test_ports_for_fewer_bots_than_there_are_get_a_warning(
    ports: Callable[[str], None], active: int, level: Severity
) -> None:
    ports("32768\t60999\n")
    [found] = machine.check_ports(active)
    assert found.level is level
    assert found.text == f"28232 for connections to Telegram, {active} active bots"
    assert ("ip_local_port_range" in found.advice) is (level is Severity.WARNING)


def test_where_nobody_knows_the_ports_nothing_is_said(ports: Callable[[str], None]) -> None:
    assert list(machine.check_ports(10**6)) == []  # there is no such file
    ports("strange")
    assert list(machine.check_ports(10**6)) == []


def cluster(config: Config) -> dict[str, Finding]:
    """What is found, by the name of the check."""
    return {found.check: found for found in machine.check_cluster(config)}


@pytest.mark.parametrize(
    ("source", "level"), [("tsc", Severity.OK), ("kvm-clock", Severity.WARNING)]
)
def test_a_clock_that_a_pause_of_the_machine_stops_gets_a_warning(
    source: str, level: Severity, pg_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "CLOCK_SOURCE", tmp_path / "source")
    (tmp_path / "source").write_text(f"{source}\n")
    found = cluster(Config.load({}, database_url=pg_url))
    assert found["clock source"].level is level
    assert found["lease clock"].level is Severity.OK  # this is Linux


def test_a_system_without_the_clock_of_leases_gets_a_warning(
    pg_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")
    found = cluster(Config.load({}, database_url=pg_url))
    assert found["lease clock"].level is Severity.WARNING


@contextmanager
def standby(server: PostgreSQL, folder: Path) -> Iterator[None]:
    """Something that receives the server's log, as a standby does."""
    folder.mkdir()
    process = subprocess.Popen(
        [binary("pg_receivewal"), "-D", str(folder), "-h", "127.0.0.1", "-p", str(server.port),
         "-U", "botyard", "--synchronous"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def test_asynchronous_replication_gets_a_warning(
    own_postgresql: PostgreSQL, tmp_path: Path
) -> None:
    config = Config.load({}, database_url=own_postgresql.url())

    def until(text: str) -> Finding:
        deadline = time.monotonic() + DEADLINE
        while text not in (found := cluster(config)["replication"]).text:
            assert time.monotonic() < deadline, found
        return found

    assert until("standbys: none").level is Severity.OK
    with standby(own_postgresql, tmp_path / "wal"):
        found = until("asynchronous standbys: 1")
        assert found.level is Severity.WARNING
        assert "synchronous_mode: true" in found.advice
        own_postgresql.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        own_postgresql.execute("SELECT pg_reload_conf()")
        assert until("standbys: 1, commits wait for them").level is Severity.OK
        own_postgresql.execute("ALTER ROLE botyard SET synchronous_commit = local")
        found = until("synchronous_commit is local")
        assert found.level is Severity.WARNING
        assert "on" in found.advice


@pytest.mark.parametrize(
    ("standbys", "names", "commit", "loses_nothing"),
    [
        (0, "", "on", True), (0, "", "off", False), (1, "", "on", False), (1, " ", "on", False),
        (1, "*", "on", True), (1, "*", "remote_apply", True), (1, "*", "local", False),
        (0, "", "local", True),
    ],
)  # fmt: skip
def test_what_a_promotion_loses(
    standbys: int, names: str, commit: str, *, loses_nothing: bool
) -> None:
    assert Replication(standbys, names, commit).loses_nothing is loses_nothing


async def test_doctor_asks_postgresql_and_the_machine(
    tmp_path: Path, telegram: Sandbox, pg_url: str
) -> None:
    Migrations(pg_url).up()
    ended = await botyard_command(
        "doctor", "--json", BOTYARD_DATA_DIR=str(tmp_path), BOTYARD_DATABASE_URL=pg_url,
        BOTYARD_TELEGRAM_API_URL=telegram.url,  # type: ignore[attr-defined]
    )  # fmt: skip
    found = [finding["check"] for finding in json.loads(ended.out)["checks"]]
    wanted = {"lease clock", "clock source", "replication", "open files", "ports"}
    assert wanted <= set(found), ended.out
