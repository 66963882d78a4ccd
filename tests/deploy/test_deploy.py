"""What an operator copies from deploy/: the unit, the proxies' files, the Dockerfile.

Where systemd-analyze, nginx or caddy are installed, they read (and run) the files, too.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from support.client import DEADLINE, Client, register
from support.postgresql import free_port
from support.proxies import (
    make_certificate,
    nginx_files,
    running,
    see_events_at_once,
    site,
    tool,
)
from support.server_process import ROOT, serving

from sandbox import Sandbox
from server.app import Botyard
from server.config import Config
from server.setting_values import PREFIX

DEPLOY = ROOT / "deploy"
BINARY = "botyard-linux-x86_64"
VARIABLES = {PREFIX + name.upper() for name in Config.__dataclass_fields__}


@pytest.fixture(scope="module", params=["botyard.service", "botyard@.service"])
def file(request: pytest.FixtureRequest) -> Path:
    """A unit: of the only server, or of one of several."""
    return DEPLOY / str(request.param)


@pytest.fixture(scope="module")
def unit(file: Path) -> dict[str, list[str]]:
    """The settings of the unit."""
    settings: dict[str, list[str]] = {}
    for line in file.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            settings.setdefault(name, []).append(value)
    return settings


# -- systemd


def test_the_unit_runs_as_a_user_of_its_own_and_writes_to_two_folders_only(
    unit: dict[str, list[str]],
) -> None:
    assert unit["User"] == ["botyard"]
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["StateDirectory"] == ["botyard"]
    assert unit["CacheDirectory"] in (["botyard"], ["botyard/%i"])
    assert "ReadWritePaths" not in unit
    assert unit["NoNewPrivileges"] == ["yes"]
    assert unit["CapabilityBoundingSet"] == [""]


def test_the_unit_unpacks_the_file_where_no_cleaner_comes(unit: dict[str, list[str]]) -> None:
    assert f"TMPDIR=/var/cache/{unit['CacheDirectory'][0]}" in " ".join(unit["Environment"]).split()


def test_the_unit_signals_once_and_waits_until_requests_are_done(
    unit: dict[str, list[str]],
) -> None:
    assert unit["KillMode"] == ["mixed"]
    assert int(unit["TimeoutStopSec"][0]) >= 30


def test_the_unit_uses_settings_that_exist(unit: dict[str, list[str]]) -> None:
    named = set(re.findall(rf"{PREFIX}\w+", " ".join(unit["Environment"])))
    assert named
    assert named <= VARIABLES


def test_systemd_finds_no_fault_with_the_unit(tmp_path: Path, file: Path) -> None:
    analyze = tool("systemd-analyze")
    text = file.read_text()
    assert re.search(r"^ExecStart=/usr/local/bin/botyard serve\b", text, re.MULTILINE)
    here = tmp_path / file.name.replace("@", "@8001")
    here.write_text(text.replace("/usr/local/bin/botyard", shutil.which("true") or "/bin/true"))
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(here)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_rates_the_unit_as_well_locked_in(file: Path) -> None:
    done = subprocess.run(
        [tool("systemd-analyze"), "security", "--offline=true", "--threshold=20",
         str(file)], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_units_differ_only_in_what_an_instance_needs() -> None:
    one, several = (
        {line for line in (DEPLOY / name).read_text().splitlines() if not line.startswith("#")}
        for name in ("botyard.service", "botyard@.service")
    )
    assert {line.partition("=")[0] for line in one ^ several} == {
        "Description", "ExecStart", "EnvironmentFile", "CacheDirectory", "Environment",
    }  # fmt: skip


async def test_an_instance_serves_with_the_flags_of_its_unit(
    tmp_path: Path, telegram: Sandbox
) -> None:
    [line] = re.findall(
        r"^ExecStart=/usr/local/bin/botyard serve (.*)$",
        (DEPLOY / "botyard@.service").read_text(), re.MULTILINE,
    )  # fmt: skip
    flags = dict(flag.split("=", 1) for flag in line.split())
    assert flags == {"--port": "%i", "--process-name": "%H:%i"}
    config = Config.load({}, port="8001", process_name="panel-1.example.org:8001")
    assert config.shown_name == "panel-1.example.org:8001"


async def test_signals_that_come_until_the_very_end_change_no_exit_code(
    tmp_path: Path, telegram: Sandbox
) -> None:
    async with serving(tmp_path, telegram.url) as server:  # type: ignore[attr-defined]
        async with asyncio.timeout(DEADLINE):
            while server.process.returncode is None:
                with suppress(ProcessLookupError):
                    os.kill(server.process.pid, signal.SIGTERM)
                await asyncio.sleep(0.001)
        assert server.process.returncode == 0


# -- proxies


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate of panel.example.org."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def config(config: Config) -> Config:
    """A server that believes its proxy."""
    values = {name: getattr(config, name) for name in Config.__dataclass_fields__}
    return Config(**values | {"behind_proxy": True})


async def test_nginx_passes_events_on_at_once_and_tells_who_asks(
    botyard: Botyard, telegram: Sandbox, tmp_path: Path, certificate: Path
) -> None:
    plain, tls = free_port(), free_port()
    server = {"server 127.0.0.1:8000;": f"server {botyard.url.removeprefix('http://')};"}
    text = (DEPLOY / "nginx.conf").read_text()
    whole = nginx_files(text, tmp_path, certificate, http=plain, https=tls, changes=server)
    connector = site(certificate)
    async with (
        running(tool("nginx"), "-p", str(tmp_path), "-c", str(whole), port=tls),
        aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http,
    ):
        client = await register(Client(http, f"https://panel.example.org:{tls}"))
        await see_events_at_once(client, telegram)
        forged = {"X-Real-IP": "203.0.113.9", "X-Forwarded-For": "203.0.113.9"}
        body = {"username": client.user["username"], "password": "correct horse battery"}
        answer = await client.post("/rest-auth/login/", body, headers=forged)
        cookies = answer.headers.getall("Set-Cookie")
        assert any("session" in cookie and "Secure" in cookie for cookie in cookies)
        sessions = (await client.get("/rest-auth/sessions/")).text
        assert "127.0.0.1" in sessions
        assert "203.0.113.9" not in sessions
        assert answer.headers["Strict-Transport-Security"]
        assert (await client.get("/metrics")).status == 404
        to_https = await Client(http, f"http://panel.example.org:{plain}").get("/swagger/")
        assert to_https.status == 301
        assert to_https.headers["Location"] == "https://panel.example.org/swagger/"


async def test_caddy_passes_events_on_at_once(
    botyard: Botyard, telegram: Sandbox, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    caddy, port = tool("caddy"), free_port()
    text = (DEPLOY / "Caddyfile").read_text()
    text = text.replace("panel.example.org {", f"http://127.0.0.1:{port} {{")
    text = text.replace("127.0.0.1:8000", botyard.url.removeprefix("http://"))
    (tmp_path / "Caddyfile").write_text("{\n\tadmin off\n}\n" + text)
    command = (caddy, "run", "--adapter", "caddyfile", "--config", str(tmp_path / "Caddyfile"))
    async with running(*command, port=port):
        client = await register(Client(http, f"http://127.0.0.1:{port}"))
        await see_events_at_once(client, telegram)
        assert (await client.get("/metrics")).status == 404


def test_caddy_finds_no_fault_with_its_file(tmp_path: Path) -> None:
    command = [tool("caddy"), "validate", "--adapter", "caddyfile", "--config"]
    done = subprocess.run(
        [*command, str(DEPLOY / "Caddyfile")],
        capture_output=True, text=True, check=False, env=os.environ | {"HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '"level":"warn"' not in done.stderr


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_a_proxy_hides_the_metrics_and_replaces_the_address(name: str) -> None:
    text = (DEPLOY / name).read_text()
    assert "X-Real-IP" in text
    assert "/metrics" in text
    assert "127.0.0.1:8000" in text
    assert text.count("{") == text.count("}")


# -- a container


def test_the_dockerfile_packs_what_is_built_and_runs_as_nobody_special() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    steps = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(steps) <= 12
    assert f"COPY --chmod=755 {BINARY} " in text
    assert BINARY in (ROOT / "packaging" / "build.sh").read_text()
    assert re.search(r"^USER (?!root|0)", text, re.MULTILINE)
    assert set(re.findall(rf"{PREFIX}\w+", text)) <= VARIABLES
