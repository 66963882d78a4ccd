"""Servers whose writers and readers go through PgBouncer, and whose links do not."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from support.client import BOTS, DEADLINE, Client, register, until
from support.commands import botyard_command
from support.ensemble import SECRET, Ensemble
from support.postgresql import free_port

from sandbox import Sandbox

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")

if PGBOUNCER is None:
    pytest.skip("pgbouncer is not installed", allow_module_level=True)


@pytest.fixture
async def pooled_url(pg_url: str) -> AsyncIterator[str]:
    """The database through PgBouncer in transaction mode, set up as docs/scaling.md says."""
    parts = urlsplit(pg_url)
    name, port = parts.path[1:], free_port()
    folder = Path(tempfile.mkdtemp(prefix="botyard-pgbouncer-"))  # which any user may enter
    folder.chmod(0o755)
    (folder / "users").write_text('"botyard" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n{name} = host=127.0.0.1 port={parts.port} dbname={name}\n[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {folder / 'users'}\nlogfile = {folder / 'log'}\n"
        "pool_mode = transaction\ndefault_pool_size = 3\n"
    )
    user = []
    if os.geteuid() == 0:
        account = pwd.getpwnam("nobody")
        shutil.chown(folder, account.pw_uid, account.pw_gid)
        user = ["-u", "nobody"]
    process = await asyncio.create_subprocess_exec(
        str(PGBOUNCER), "-q", *user, str(folder / "pgbouncer.ini")
    )
    url = f"postgresql://botyard@127.0.0.1:{port}/{name}"

    def answers() -> bool:
        try:
            psycopg.connect(url, prepare_threshold=None).close()
        except psycopg.OperationalError:
            assert process.returncode is None, (folder / "log").read_text()
            return False
        return True

    await until(answers, "PgBouncer")
    yield url
    process.terminate()
    await process.wait()
    shutil.rmtree(folder)


async def test_servers_work_through_a_pooler(
    ensemble: Ensemble, telegram: Sandbox, pg_url: str, pooled_url: str
) -> None:
    env = {"BOTYARD_DATABASE_URL": pooled_url, "BOTYARD_DATABASE_DIRECT_URL": pg_url}
    await ensemble.start("one", "two", **env)
    ann = await register(Client(ensemble.http, ensemble.servers["one"].url))
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    for number in range(10):  # more than psycopg runs before it prepares a statement
        telegram.send_message(bot.id, text=f"hello {number}", chat_id=number + 1)
    await telegram.wait_sent(bot.id, count=10, timeout=DEADLINE)

    elsewhere = ensemble.through(ann, "two")
    for active, state in ((False, "stopped"), (True, "running")):
        answer = await elsewhere.patch(f"{BOTS}{made['id']}/", {"active": active})
        assert (answer.status, answer.json["status"]["state"]) == (200, state), answer.text

    data = str(ensemble.folder / "data")
    env |= {"BOTYARD_SECRET_KEY": SECRET, "BOTYARD_DATA_DIR": data}
    ended = await botyard_command("rotate-secret", **env)
    assert ended.code != 0
    assert ended.err == "Error: 2 servers run (one, two): stop them all first\n"

    owner = await ensemble.owner_of(made["id"])
    assert owner is not None
    await ensemble.servers[owner].end(signal.SIGKILL)
    telegram.send_message(bot.id, text="anybody?", chat_id=99)
    await until(
        lambda: any(sent.message["text"] == "anybody?" for sent in telegram.sent(bot.id)),
        "the answer of the other server",
    )
