"""Telegram's flood limits, counted by a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from click.testing import CliRunner
from support.sandbox_client import Api

from sandbox import Sandbox, SandboxBot, port_of, serve, stop
from server.cli import main

GROUP = -7
SUPERGROUP = -(10**12) - 7
TEXT = {"text": "x"}


class HandClock:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 12345.678

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    """The clock of the sandbox."""
    return HandClock()


@pytest.fixture
async def served(clock: HandClock) -> AsyncIterator[tuple[Sandbox, str]]:
    """A sandbox with limits, and its address."""
    server, sandbox = await serve(sandbox=Sandbox(limits=True, clock=clock))
    yield sandbox, f"http://127.0.0.1:{port_of(server)}"
    await stop(server, sandbox)


@pytest.fixture
def bot(sandbox: Sandbox) -> SandboxBot:
    """A bot with 40 private chats from 1 on, and two groups."""
    bot = sandbox.add_bot(username="first_bot")
    for chat_id in [*range(1, 41), GROUP, SUPERGROUP]:
        sandbox.send_message(bot.id, text="hi", chat_id=chat_id)
    return bot


async def wait_of(api: Api, bot: SandboxBot, method: str = "sendMessage", **params: Any) -> int:
    """Call a method; gives `retry_after`, 0 when it is carried out."""
    answer = await api.call(bot, method, **params)
    if answer["ok"]:
        return 0
    assert answer["error_code"] == 429, answer
    seconds = answer["parameters"]["retry_after"]
    assert answer["description"] == f"Too Many Requests: retry after {seconds}"
    return int(seconds)


async def waits(api: Api, bot: SandboxBot, chat_ids: Any) -> list[int]:
    """Send a message into each chat; gives every `retry_after`."""
    return [await wait_of(api, bot, chat_id=chat_id, **TEXT) for chat_id in chat_ids]


async def test_a_bot_sends_30_messages_at_once_and_30_a_second(
    api: Api, sandbox: Sandbox, bot: SandboxBot, clock: HandClock
) -> None:
    assert await waits(api, bot, range(1, 33)) == [0] * 30 + [1, 1]
    for _ in range(3):
        clock.now += 0.401
        assert await waits(api, bot, range(21, 34)) == [0] * 12 + [1]
    clock.now += 60
    assert await waits(api, bot, range(1, 32)) == [0] * 30 + [1]
    assert sandbox.refusals(bot.id) == 6


async def test_a_chat_takes_20_messages_at_once_and_one_a_second(
    api: Api, bot: SandboxBot, clock: HandClock
) -> None:
    assert await waits(api, bot, [1] * 21) == [0] * 20 + [1]
    clock.now += 0.999
    assert await waits(api, bot, [1]) == [1]
    clock.now += 0.001
    assert await waits(api, bot, [1, 1]) == [0, 1]
    assert await waits(api, bot, [2]) == [0]


@pytest.mark.parametrize("chat_id", [GROUP, SUPERGROUP])
async def test_a_group_takes_20_messages_a_minute(
    api: Api, bot: SandboxBot, clock: HandClock, chat_id: int
) -> None:
    assert await waits(api, bot, [chat_id] * 21) == [0] * 20 + [3]
    clock.now += 1.5
    assert await waits(api, bot, [chat_id]) == [2]
    for _ in range(40):  # one token every three seconds, and not a fraction is lost
        clock.now += 3
        assert await waits(api, bot, [chat_id]) == [0]
    clock.now += 1.4
    assert await waits(api, bot, [chat_id]) == [1]


async def test_a_refusal_takes_no_token_and_sends_nothing(
    api: Api, sandbox: Sandbox, bot: SandboxBot, clock: HandClock
) -> None:
    assert await waits(api, bot, [1] * 100) == [0] * 20 + [1] * 80
    assert await waits(api, bot, range(2, 13)) == [0] * 10 + [1], "30 of the bot, not 110"
    assert len(sandbox.sent(bot.id)) == 30
    clock.now += 1
    assert await waits(api, bot, [1]) == [0]


async def test_a_message_that_is_refused_for_another_reason_takes_no_token(
    api: Api, bot: SandboxBot
) -> None:
    for _ in range(25):
        assert await api.refusal(bot, "sendMessage", chat_id=1) == (
            "Bad Request: message text is empty"
        )
    assert await waits(api, bot, [1] * 21) == [0] * 20 + [1]


async def test_edits_count(api: Api, bot: SandboxBot) -> None:
    message_id = (await api.result(bot, "sendMessage", chat_id=1, **TEXT))["message_id"]
    target = {"chat_id": 1, "message_id": message_id}
    edits = [await wait_of(api, bot, "editMessageText", **target, text=f"{n}") for n in range(20)]
    assert edits == [0] * 19 + [1]


async def test_an_album_counts_its_items_and_goes_as_a_whole(
    api: Api, sandbox: Sandbox, bot: SandboxBot, clock: HandClock
) -> None:
    album = [{"type": "photo", "media": f"https://example.org/{n}.jpg"} for n in range(10)]
    params: dict[str, Any] = {"chat_id": 1, "media": album}
    assert await wait_of(api, bot, "sendMediaGroup", **params) == 0
    assert await waits(api, bot, [1]) == [0]
    assert await wait_of(api, bot, "sendMediaGroup", **params) == 1
    assert len(sandbox.sent(bot.id)) == 11
    assert await waits(api, bot, [1] * 10) == [0] * 9 + [1]
    assert await wait_of(api, bot, "sendMediaGroup", **params) == 10
    clock.now += 10
    assert await wait_of(api, bot, "sendMediaGroup", **params) == 0


async def test_calls_that_send_nothing_do_not_count(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    message_id = (await api.result(bot, "sendMessage", chat_id=1, **TEXT))["message_id"]
    await api.result(bot, "deleteMessage", chat_id=1, message_id=message_id)
    update = sandbox.press_button(bot.id, chat_id=1, message_id=1, data="y")
    query = {"callback_query_id": update["callback_query"]["id"]}
    for _ in range(40):
        await api.result(bot, "sendChatAction", chat_id=1, action="typing")
        await api.result(bot, "answerCallbackQuery", **query)
        await api.result(bot, "getUpdates")
    assert await waits(api, bot, [1] * 20) == [0] * 19 + [1]


async def test_each_bot_has_its_own_limits(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    other = sandbox.add_bot()
    sandbox.send_message(other.id, text="hi", chat_id=1)
    assert await waits(api, bot, [1] * 21) == [0] * 20 + [1]
    assert await waits(api, other, [1] * 20) == [0] * 20
    assert (sandbox.refusals(bot.id), sandbox.refusals(other.id)) == (1, 0)


async def test_a_fault_is_no_refusal_of_the_limits(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.inject(kind="status", status=429, retry_after=5)
    assert await waits(api, bot, [1]) == [5]
    assert sandbox.refusals(bot.id) == 0


async def test_the_limits_are_switched_and_read_over_the_control_api(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    assert await waits(api, bot, [1] * 21) == [0] * 20 + [1]
    assert (await api.control("GET", "/bots/first_bot"))[1]["refusals"] == 1
    assert await api.control("POST", "/limits", limits=False) == (200, {"limits": False})
    assert await waits(api, bot, [1] * 40) == [0] * 40
    sandbox.send_message(sandbox.add_bot(username="late_bot").id, text="hi")
    late = sandbox.find("late_bot")
    assert await waits(api, late, [1001] * 40) == [0] * 40
    assert await api.control("GET", "/limits") == (200, {"limits": False})
    await api.control("POST", "/limits", limits=True)
    assert await waits(api, late, [1001] * 21) == [0] * 20 + [1]


async def test_both_kinds_of_limits_hold(
    api: Api, sandbox: Sandbox, bot: SandboxBot, clock: HandClock
) -> None:
    sandbox.set_flood_limit(bot.id, per_second=5)
    assert await waits(api, bot, [1] * 6) == [0] * 5 + [1]
    clock.now += 1
    assert await waits(api, bot, [1] * 6) == [0] * 5 + [1]
    sandbox.set_flood_limit(bot.id, per_second=None)
    assert await waits(api, bot, [1] * 13) == [0] * 11 + [1] * 2


def test_the_limits_are_off_by_default() -> None:
    assert not Sandbox().limits


def test_the_command_has_the_flag() -> None:
    assert "--limits" in CliRunner().invoke(main, ["sandbox", "--help"]).output
