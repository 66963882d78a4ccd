"""Proxies in front of several servers: deploy/nginx-servers.conf and deploy/haproxy.cfg.

Beside a real server there is one that answers everything with 503, as a server does that has lost
its database, and one that is gone.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from support.client import BOTS, Client, register
from support.postgresql import free_port
from support.proxies import (
    NGINX,
    haproxy_file,
    make_pem,
    nginx_files,
    proxied,
    see_events_at_once,
    tool,
)

from handlers.schemas.common import ProblemSchema
from sandbox import Sandbox
from server.app import Botyard
from server.config import Config

PROXIES = ["nginx", "haproxy"]


@pytest.fixture
def config(config: Config) -> Config:
    """A server that believes its proxy."""
    return replace(config, behind_proxy=True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate of panel.example.org."""
    return make_pem(tmp_path_factory.mktemp("certificate"))


class Ailing:
    """A server that answers 503, and counts what it is asked by method and path."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split(" ", 2)
        self.asked[method, path] += 1
        writer.write(b"HTTP/1.1 503 Ailing\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@pytest.fixture
async def ailing() -> AsyncIterator[Ailing]:
    """One, listening."""
    ailing = Ailing()
    server = await asyncio.start_server(ailing.answer, "127.0.0.1", 0)
    ailing.port = server.sockets[0].getsockname()[1]
    async with server:
        yield ailing


@pytest.mark.parametrize("proxy", PROXIES)
async def test_a_client_does_not_see_that_servers_are_gone_or_ailing(
    proxy: str, botyard: Botyard, tmp_path: Path, certificate: Path, ailing: Ailing
) -> None:
    servers = [
        f"127.0.0.1:{free_port()}",
        f"127.0.0.1:{ailing.port}",
        botyard.url.removeprefix("http://"),
    ]
    async with aiohttp.ClientSession() as direct:
        ann = await register(Client(direct, botyard.url))
    async with proxied(proxy, tmp_path, certificate, servers) as (http, url):
        client = Client(http, url, ann.key, user=ann.user)
        statuses = Counter([(await client.get(BOTS)).status for _ in range(30)])
        assert statuses == {200: 30}


@pytest.mark.parametrize("proxy", PROXIES)
async def test_what_may_have_had_an_effect_is_not_repeated(
    proxy: str, tmp_path: Path, certificate: Path, ailing: Ailing
) -> None:
    servers = [f"127.0.0.1:{ailing.port}"] * 3
    async with proxied(proxy, tmp_path, certificate, servers) as (http, url):
        client = Client(http, url)
        for _ in range(3):
            await client.post(BOTS, {})
            await client.patch(f"{BOTS}1/", {})
        assert ailing.asked["POST", BOTS] <= 3
        assert ailing.asked["PATCH", f"{BOTS}1/"] <= 3


@pytest.mark.parametrize("proxy", PROXIES)
async def test_servers_learn_who_asks_and_clients_see_events_and_no_metrics(
    proxy: str, botyard: Botyard, telegram: Sandbox, tmp_path: Path, certificate: Path
) -> None:
    servers = [botyard.url.removeprefix("http://")] * 3
    async with proxied(proxy, tmp_path, certificate, servers) as (http, url):
        client = await register(Client(http, url))
        forged = {"X-Real-IP": "203.0.113.9", "X-Forwarded-For": "203.0.113.9"}
        body = {"username": client.user["username"], "password": "correct horse battery"}
        answer = await client.post("/rest-auth/login/", body, headers=forged)
        cookies = answer.headers.getall("Set-Cookie")
        assert any("session" in cookie and "Secure" in cookie for cookie in cookies)
        assert answer.headers["Strict-Transport-Security"]
        sessions = (await client.get("/rest-auth/sessions/")).text
        assert "127.0.0.1" in sessions
        assert "203.0.113.9" not in sessions
        for path in ("/metrics", "/metrics/"):
            assert (await client.get(path)).status == 404
        await see_events_at_once(client, telegram)


@pytest.mark.parametrize("proxy", PROXIES)
async def test_without_any_server_clients_get_an_error_of_the_api(
    proxy: str, tmp_path: Path, certificate: Path
) -> None:
    servers = [f"127.0.0.1:{free_port()}" for _ in range(3)]
    async with proxied(proxy, tmp_path, certificate, servers) as (http, url):
        client = Client(http, url)
        for number in range(20):  # until it takes none of them for alive
            answer = await (client.post(BOTS, {}) if number % 2 else client.get(BOTS))
            assert answer.status == 503, answer.text
            assert answer.headers.getall("Content-Type") == ["application/problem+json"]
            assert answer.headers["Retry-After"] == "5"
            assert answer.headers["Strict-Transport-Security"]
            assert set(answer.json) == set(ProblemSchema().fields) - {"errors", "incident"}
            assert (answer.json["status"], answer.json["code"]) == (503, "server_unavailable")
            assert answer.json["request_id"] == answer.headers["X-Request-ID"]


async def test_nginx_gives_no_server_up_for_a_few_answers_of_503(
    tmp_path: Path, certificate: Path, ailing: Ailing
) -> None:
    """As when Telegram does not answer: with the other paths nothing is wrong."""
    servers = [f"127.0.0.1:{ailing.port}"] * 3
    async with proxied("nginx", tmp_path, certificate, servers) as (http, url):
        client = Client(http, url)
        for _ in range(4):
            answer = await client.delete(f"{BOTS}1/")
            assert (answer.status, answer.text) == (503, ""), "the answer of a server"


async def test_haproxy_sends_nothing_to_a_server_that_is_not_ready(
    botyard: Botyard, tmp_path: Path, certificate: Path, ailing: Ailing
) -> None:
    servers = [f"127.0.0.1:{ailing.port}"] * 2 + [botyard.url.removeprefix("http://")]
    async with proxied("haproxy", tmp_path, certificate, servers) as (http, url):
        while ailing.asked["GET", "/readyz/"] < 6:  # two checks of each of the two, and more
            await asyncio.sleep(0.05)
        client = Client(http, url)
        for _ in range(10):
            assert (await client.post(BOTS, {})).status == 401
    assert ailing.asked["POST", BOTS] == 0


def test_haproxy_finds_no_fault_with_its_file(tmp_path: Path, certificate: Path) -> None:
    haproxy = tool("haproxy")
    servers = [f"127.0.0.1:{number}" for number in (8001, 8002, 8003)]
    whole = haproxy_file(tmp_path, certificate, servers, http=free_port(), https=free_port())
    done = subprocess.run(
        [haproxy, "-c", "-q", "-f", str(whole)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_nginx_finds_no_fault_with_its_file(tmp_path: Path, certificate: Path) -> None:
    nginx = tool("nginx")
    whole = nginx_files(
        NGINX.read_text(), tmp_path, certificate, http=free_port(), https=free_port(), changes={}
    )
    done = subprocess.run(
        [nginx, "-t", "-q", "-p", str(tmp_path), "-c", str(whole)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
