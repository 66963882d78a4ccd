"""`botyard rotate-secret`: another secret, the same bots and sessions, whatever happens."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import signal
import stat
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.client import BOTS, QUICK, Client, register
from support.commands import Ended, botyard_command, run_fork
from support.server_process import ROOT, serving

from models.accounts import users
from models.accounts.audit import OPERATOR
from models.bots import bots, rotation
from models.bots.records import VerifiedToken
from models.bots.vault import Vault, check_secret
from models.engine.migration import Migrations
from sandbox import Sandbox
from server.app import open_botyard
from server.cli.base import run_in
from server.config import Config
from server.maintenance.secret_rotation import rotate

NEW, OLD = "n" * 40, "o" * 40


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder."""
    return tmp_path / "data"


async def command(data: Path, *args: str, **env: str) -> Ended:
    """`botyard ...` on the folder."""
    return await botyard_command(*args, BOTYARD_DATA_DIR=str(data), **env)


async def fill(
    data: Path, telegram: Sandbox, http: aiohttp.ClientSession, **env: str
) -> tuple[Client, dict[str, Any], str]:
    """Run a server once: an account that is logged in, its bot, the bot's token."""
    bot = telegram.add_bot()
    async with serving(data, telegram.url, **env) as server:  # type: ignore[attr-defined]
        ann = await register(Client(http, server.url), "ann")
        made = await ann.add_bot(bot)
        await server.end(signal.SIGTERM)
    return ann, made, bot.token


def tokens(data: Path, *, older: bool = True) -> list[str]:
    """The tokens as the folder's secrets open them.

    Args:
        older: whether secret.key.old counts.
    """
    config = Config.load({}, data_dir=str(data)).with_data_dir()
    vault = Vault(*config.secrets[: None if older else 1])
    run_in(config, check_secret, vault)
    wanted = list(run_in(config, bots.wanted_generations))
    found = run_in(config, bots.get_several, vault, wanted)
    return [found[bot_id].token for bot_id in wanted]


async def test_bots_and_sessions_go_on_under_the_new_secret(
    data: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    ann, made, _ = await fill(data, telegram, http)
    ended = await command(data, "rotate-secret")
    assert (ended.code, ended.out) == (0, "bot tokens encrypted with the new secret: 1\n"), (
        ended.err
    )
    async with serving(data, telegram.url) as server:  # type: ignore[attr-defined]
        ann.url = server.url
        await ann.until_state(made, "running")


async def test_the_new_secret_alone_opens_every_token(
    data: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    _, _, token = await fill(data, telegram, http)
    old = (data / "secret.key").read_text()
    await command(data, "rotate-secret")
    assert (data / "secret.key").read_text() != old
    assert (data / "secret.key.old").read_text() == old
    assert await asyncio.to_thread(tokens, data, older=False) == [token]


async def test_without_the_old_secret_sessions_end_and_bots_run(
    data: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    ann, _, _ = await fill(data, telegram, http)
    await command(data, "rotate-secret")
    (data / "secret.key.old").unlink()
    async with serving(data, telegram.url) as server:  # type: ignore[attr-defined]
        ann.url = server.url
        assert (await ann.get(BOTS)).json["code"] == "invalid_key"


async def test_a_bot_is_still_known_as_the_same_one(
    data: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    """The fingerprints are keyed, so they change with the secret."""
    _, _, token = await fill(data, telegram, http)
    await command(data, "rotate-secret")
    async with serving(data, telegram.url) as server:  # type: ignore[attr-defined]
        bob = await register(Client(http, server.url), "bob")
        answer = await bob.post(BOTS, {"token": token})
    assert (answer.status, answer.json["code"]) == (409, "bot_already_registered")


async def test_sessions_outlive_two_rotations(
    data: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    ann, _, _ = await fill(data, telegram, http)
    for _ in range(2):
        assert (await command(data, "rotate-secret")).code == 0
    async with serving(data, telegram.url) as server:  # type: ignore[attr-defined]
        ann.url = server.url
        assert (await ann.get(BOTS)).status == 200


async def test_both_files_are_for_their_user_alone(data: Path) -> None:
    await command(data, "migrate", "up")
    assert (await command(data, "rotate-secret")).code == 0
    for name in ("secret.key", "secret.key.old"):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600


async def test_no_secret_is_printed(data: Path) -> None:
    await command(data, "migrate", "up")
    ended = await command(data, "rotate-secret")
    for name in ("secret.key", "secret.key.old"):
        assert (data / name).read_text().strip() not in ended.out + ended.err


async def test_rotating_is_refused_while_a_server_runs(data: Path, telegram: Sandbox) -> None:
    async with serving(data, telegram.url):  # type: ignore[attr-defined]
        before = (data / "secret.key").read_text()
        ended = await command(data, "rotate-secret")
    assert ended.code == 1
    assert ended.err.startswith(f"Error: a server runs on {data} (process ")
    assert (data / "secret.key").read_text() == before
    assert not (data / "secret.key.old").exists()


# -- a secret from the environment


async def test_with_one_secret_in_the_environment_it_is_told_what_to_do(data: Path) -> None:
    await command(data, "migrate", "up", BOTYARD_SECRET_KEY=OLD)
    ended = await command(data, "rotate-secret", BOTYARD_SECRET_KEY=OLD)
    assert ended.code == 2
    assert "BOTYARD_SECRET_KEY=new,old" in ended.err
    assert not list(data.glob("secret.key*"))


async def test_a_server_takes_a_new_secret_beside_the_old_one(
    data: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    ann, made, token = await fill(data, telegram, http, BOTYARD_SECRET_KEY=OLD)
    both = {"BOTYARD_SECRET_KEY": f"{NEW},{OLD}"}
    async with serving(data, telegram.url, **both) as server:  # type: ignore[attr-defined]
        ann.url = server.url
        await ann.until_state(made, "running")
        taken = await ann.post(BOTS, {"token": token})
        assert taken.json["code"] == "bot_already_registered"


async def test_the_new_secret_of_the_environment_is_enough_after_rotating(
    data: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    _, made, _ = await fill(data, telegram, http, BOTYARD_SECRET_KEY=OLD)
    ended = await command(data, "rotate-secret", BOTYARD_SECRET_KEY=f"{NEW},{OLD}")
    assert (ended.code, ended.out) == (0, "bot tokens encrypted with the new secret: 1\n"), (
        ended.err
    )
    async with serving(data, telegram.url, BOTYARD_SECRET_KEY=NEW) as server:  # type: ignore[attr-defined]
        body = {"username": "ann", "password": "correct horse battery"}
        login = await Client(http, server.url).post("/rest-auth/login/", body)
        ann = Client(http, server.url, login.json["key"])
        await ann.until_state(made, "running")


async def test_secrets_that_are_not_the_databases_change_nothing(
    data: Path, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    await fill(data, telegram, http, BOTYARD_SECRET_KEY=OLD)
    ended = await command(data, "rotate-secret", BOTYARD_SECRET_KEY=f"{NEW},{'x' * 40}")
    assert (ended.code, "Restore the right BOTYARD_SECRET_KEY" in ended.err) == (1, True)
    again = await command(data, "rotate-secret", BOTYARD_SECRET_KEY=f"{NEW},{OLD}")
    assert again.code == 0


# -- killed on the way


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A folder with five bots, and their tokens."""
    folder = tmp_path_factory.mktemp("prepared") / "data"
    config = Config.load({}, data_dir=str(folder)).with_data_dir()
    Migrations(config.database_url).up()
    vault = Vault(*config.secrets)
    made = [f"{n}0000:{secrets.token_hex(18)}" for n in range(1, 6)]

    def fill_in() -> None:
        check_secret(vault)
        ann = users.create(username="ann", email="", password_hash="x", by=OPERATOR)
        for token in made:
            bots.create(
                vault, ann.id, token=VerifiedToken(token), title="", active=True, limit=5,
                by=OPERATOR,
            )  # fmt: skip

    run_in(config, fill_in)
    return folder, made


@pytest.mark.timeout(180)
async def test_killed_at_any_step_it_leaves_what_works_and_can_be_finished(
    prepared: tuple[Path, list[str]], tmp_path: Path
) -> None:
    folder, made = prepared
    old = (folder / "secret.key").read_text()
    died = 0
    while True:
        data = tmp_path / f"killed{died + 1}"
        shutil.copytree(folder, data)
        program = str(ROOT / "tests" / "programs" / "killed_rotation.py")
        ended = await run_fork(program, str(data), str(died + 1))
        assert ended.code in (0, 9), ended.err
        assert await asyncio.to_thread(tokens, data) == made, f"after step {died + 1}"
        if ended.code == 0:
            break
        died += 1
        done = await asyncio.to_thread(rotate, Config.load({}, data_dir=str(data)))
        assert done.tokens == 5
        assert (data / "secret.key").read_text() != old
        assert old.strip() in (data / "secret.key.old").read_text()
        assert await asyncio.to_thread(tokens, data, older=False) == made, f"after step {died}"
    assert died >= 8, "files and statements"


async def test_an_interrupted_rotation_is_finished_and_not_begun_again(
    prepared: tuple[Path, list[str]], tmp_path: Path
) -> None:
    """A third secret would push the one that the tokens are under out."""
    data = tmp_path / "data"
    shutil.copytree(prepared[0], data)
    (data / "secret.key").rename(data / "secret.key.old")
    (data / "secret.key").write_text(NEW)
    ended = await command(data, "rotate-secret")
    assert ended.out.startswith("completed an earlier rotation (")
    assert (data / "secret.key").read_text() == NEW


def test_an_empty_database_has_nothing_left_to_rotate(data: Path) -> None:
    config = Config.load({}, data_dir=str(data)).with_data_dir()
    Migrations(config.database_url).up()
    assert run_in(config, rotation.is_done, Vault(NEW))


async def test_it_works_on_either_database(
    config: Config, telegram: Sandbox, http: aiohttp.ClientSession
) -> None:
    first = await open_botyard(config, runner=QUICK)
    try:
        ann = await register(Client(http, first.url), "ann")
        made = await ann.add_bot(telegram.add_bot())
    finally:
        await first.close()
    ended = await command(
        config.data_dir, "rotate-secret", BOTYARD_DATABASE_URL=config.database_url
    )  # fmt: skip
    assert ended.code == 0, ended.err
    flags = {"database_url": config.database_url, "telegram_api_url": config.telegram_api_url}
    renewed = Config.load({}, port="0", data_dir=str(config.data_dir), **flags).with_data_dir()
    assert renewed.secrets[1:] == config.secrets
    second = await open_botyard(renewed, runner=QUICK)
    try:
        ann.url = second.url
        await ann.until_state(made, "running")
    finally:
        await second.close()
