"""Proxies in front of servers, as an operator copies them from deploy/."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from sandbox import Sandbox
from support.client import DEADLINE, Client
from support.postgresql import free_port
from support.server_process import ROOT

DEPLOY = ROOT / "deploy"
NGINX, HAPROXY = DEPLOY / "nginx-servers.conf", DEPLOY / "haproxy.cfg"


def tool(name: str) -> str:
    """Where a program is; skips the test when it is nowhere."""
    found = shutil.which(name, path=os.pathsep.join([*os.get_exec_path(), "/usr/sbin", "/sbin"]))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def make_certificate(folder: Path) -> Path:
    """Make a certificate of panel.example.org in a folder, as certbot would lay it."""
    subprocess.run(
        [tool("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=panel.example.org",
         "-addext", "subjectAltName=DNS:panel.example.org",
         "-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder


def make_pem(folder: Path) -> Path:
    """Make a certificate, and a file with its key, too, as HAProxy wants it."""
    make_certificate(folder)
    both = (folder / "fullchain.pem").read_text() + (folder / "privkey.pem").read_text()
    (folder / "both.pem").write_text(both)
    return folder


def site(folder: Path) -> aiohttp.TCPConnector:
    """A connector that trusts the certificate, and takes every name for this machine."""
    trusted = ssl.create_default_context(cafile=str(folder / "fullchain.pem"))
    return aiohttp.TCPConnector(ssl=trusted, resolver=_Local())


def nginx_files(
    text: str, folder: Path, certificate: Path, *, http: int, https: int, changes: dict[str, str]
) -> Path:
    """Write a whole configuration around that of a site, for ports that anybody may use.

    Args:
        text: of the site.
        changes: what else is replaced in it, each once.
    """
    text = re.sub(r" *listen \[::\].*\n", "", text)  # there may be no IPv6 here
    everything = {
        "listen 80;": f"listen 127.0.0.1:{http};",
        "listen 443 ": f"listen 127.0.0.1:{https} ",
        "/etc/letsencrypt/live/panel.example.org": str(certificate),
    }
    for old, new in (everything | changes).items():
        assert old in text
        text = text.replace(old, new)
    (folder / "site.conf").write_text(text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = [f"{kind}_temp_path {folder}/{kind};" for kind in kinds]
    whole = folder / "nginx.conf"
    whole.write_text(
        f"pid {folder}/pid; error_log {folder}/error.log; daemon off; events {{}}\n"
        f"http {{ access_log off; {' '.join(paths)} include {folder}/site.conf; }}\n"
    )
    return whole


@asynccontextmanager
async def running(*command: str, port: int) -> AsyncIterator[None]:
    """A proxy that listens on a port."""
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)

    async def listens() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    try:
        async with asyncio.timeout(DEADLINE):
            while not await listens():
                assert process.returncode is None, "the proxy ended"
                await asyncio.sleep(0.02)
        yield
    finally:
        process.terminate()
        await process.wait()


async def see_events_at_once(client: Client, telegram: Sandbox) -> None:
    """A change of a bot must arrive while the stream is still open."""
    bot = telegram.add_bot()
    headers = {"Authorization": f"Bearer {client.key}"}
    async with client.http.get(f"{client.url}/api/v1/events/", headers=headers) as stream:
        assert stream.status == 200
        assert stream.content_type == "text/event-stream"
        made = await client.add_bot(bot)
        async with asyncio.timeout(DEADLINE):
            while f'"id":{made["id"]}' not in (await stream.content.readline()).decode():
                pass


class _Local(aiohttp.abc.AbstractResolver):
    """Every name is this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: int = 0
    ) -> list[aiohttp.abc.ResolveResult]:
        """The one address."""
        return [
            {
                "hostname": host,
                "host": "127.0.0.1",
                "port": port,
                "family": 2,
                "proto": 0,
                "flags": 0,
            }
        ]

    async def close(self) -> None:
        """Nothing is held."""


@asynccontextmanager
async def proxied(
    proxy: str, folder: Path, certificate: Path, servers: list[str]
) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """A proxy in front of three servers; a client's session, and the address of the site."""
    plain, tls = free_port(), free_port()
    if proxy == "nginx":
        listed = [f"10.0.0.{number}:8000" for number in (1, 2, 3)]
        changes = dict(zip(listed, servers, strict=True))
        whole = nginx_files(
            NGINX.read_text(), folder, certificate, http=plain, https=tls, changes=changes
        )
        command = [tool("nginx"), "-p", str(folder), "-c", str(whole)]
    else:
        whole = haproxy_file(folder, certificate, servers, http=plain, https=tls)
        command = [tool("haproxy"), "-db", "-f", str(whole)]
    async with (
        running(*command, port=tls),
        aiohttp.ClientSession(
            connector=site(certificate), cookie_jar=aiohttp.DummyCookieJar()
        ) as http,
    ):
        yield http, f"https://panel.example.org:{tls}"


def haproxy_file(
    folder: Path, certificate: Path, servers: list[str], *, http: int, https: int
) -> Path:
    """deploy/haproxy.cfg with other addresses."""
    text = HAPROXY.read_text()
    for old, new in (
        ("bind :80\n", f"bind 127.0.0.1:{http}\n"),
        ("bind :443 ", f"bind 127.0.0.1:{https} "),
        ("/etc/haproxy/panel.example.org.pem", str(certificate / "both.pem")),
        *((f"10.0.0.{number}:8000", server) for number, server in enumerate(servers, 1)),
    ):
        assert old in text
        text = text.replace(old, new)
    whole = folder / "haproxy.cfg"
    whole.write_text(text)
    return whole
