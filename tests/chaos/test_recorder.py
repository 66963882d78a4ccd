"""What the sandbox sees is written down, with the process that it came from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from support.client import until
from support.sandbox_client import Api
from support.tcp_proxy import TcpProxy

from chaos.events import Answered, Delivered, EventLog, Forgotten, Polled
from chaos.recorder import Recorder
from sandbox import Sandbox, SandboxBot, port_of, serve, stop


@pytest.fixture
async def telegram() -> AsyncIterator[tuple[Sandbox, int]]:
    """A sandbox and its port."""
    server, sandbox = await serve()
    yield sandbox, port_of(server)
    await stop(server, sandbox)


@pytest.fixture
async def line(telegram: tuple[Sandbox, int]) -> AsyncIterator[TcpProxy]:
    """The line of process "a" to it."""
    proxy = TcpProxy("127.0.0.1", telegram[1])
    await proxy.open()
    yield proxy
    await proxy.close()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    """What is written down."""
    made = EventLog(tmp_path / "events")
    yield made
    made.close()


@pytest.fixture
def bot(telegram: tuple[Sandbox, int], line: TcpProxy, log: EventLog) -> SandboxBot:
    """A bot that is listened to, with one message of a user."""
    made = telegram[0].add_bot()
    Recorder(log, {f"127.0.0.1:{line.port}": "a"}).listen(made)
    telegram[0].send_message(made.id, text="1", chat_id=5)
    return made


@pytest.fixture
async def api(line: TcpProxy) -> AsyncIterator[Api]:
    """Calls of the process."""
    async with aiohttp.ClientSession() as session:
        yield Api(session, f"http://127.0.0.1:{line.port}")


async def test_polls_answers_and_what_is_forgotten(
    api: Api, bot: SandboxBot, log: EventLog
) -> None:
    (update,) = await api.result(bot, "getUpdates", timeout=9)
    await api.result(bot, "sendMessage", chat_id=5, text="1")
    await api.refusal(bot, "sendMessage", chat_id=6, text="nobody is there")
    await api.result(bot, "getUpdates", offset=update["update_id"] + 1)
    (first, second), (answer,) = log.history.of(Polled), log.history.of(Answered)
    assert (first.process, first.offset, first.status) == ("a", 0, 200)
    assert second.offset == update["update_id"] + 1
    assert (answer.process, answer.chat, answer.text) == ("a", 5, "1")
    assert first.begin <= first.end <= answer.begin <= answer.end <= second.begin
    (forgotten,) = log.history.of(Forgotten)
    assert forgotten.updates == (update["update_id"],)


async def test_messages_that_the_sandbox_has(
    api: Api, bot: SandboxBot, log: EventLog, telegram: tuple[Sandbox, int]
) -> None:
    sent = await api.result(bot, "sendMessage", chat_id=5, text="1")
    Recorder(log, {}).delivered(telegram[0])
    (one,) = log.history.of(Delivered)
    assert (one.bot, one.chat, one.telegram) == (bot.id, 5, sent["message_id"])


async def test_an_answer_that_its_process_did_not_learn_of_counts(
    api: Api, bot: SandboxBot, log: EventLog, telegram: tuple[Sandbox, int], line: TcpProxy
) -> None:
    telegram[0].delay = 0.2
    call = asyncio.create_task(api.call(bot, "sendMessage", chat_id=5, text="1"))
    await until(lambda: telegram[0].calls(bot.id))
    line.cut()
    with pytest.raises(aiohttp.ClientError):
        await call
    await until(lambda: log.history.of(Answered))
    assert telegram[0].calls(bot.id)[0].status == 0
