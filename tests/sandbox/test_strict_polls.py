"""What two pollers do to each other, and what Telegram does about hasty ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from support.client import Clock
from support.sandbox_client import Api, until

from sandbox import Sandbox, SandboxBot, port_of, serve, stop
from sandbox.poll_rules import PollRules
from sandbox.updates import OTHER_POLL, Poll, UpdateQueue


@pytest.fixture
async def served() -> AsyncIterator[tuple[Sandbox, str]]:
    """A sandbox with the rules."""
    server, sandbox = await serve(port=0, sandbox=Sandbox(strict_polls=True))
    yield sandbox, f"http://127.0.0.1:{port_of(server)}"
    await stop(server, sandbox)


async def ids(api: Api, bot: SandboxBot, **params: int) -> list[int]:
    return [update["update_id"] for update in await api.result(bot, "getUpdates", **params)]


async def park(api: Api, sandbox: Sandbox, bot: SandboxBot) -> asyncio.Task[dict[str, object]]:
    """A long poll that the bot's next one has not reached yet."""
    begun = len(sandbox.calls(bot.id))
    poll = asyncio.create_task(api.call(bot, "getUpdates", timeout=30))
    await until(lambda: len(sandbox.calls(bot.id)) > begun and sandbox.polling(bot.id))
    return poll


async def test_a_poll_that_finds_updates_leaves_the_parked_one_alone(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    parked = await park(api, sandbox, bot)
    second = asyncio.create_task(ids(api, bot, timeout=30, limit=100))
    update = sandbox.send_message(bot.id, text="hi")["update_id"]
    answer = await parked
    assert answer["ok"]
    assert await second == [update]
    assert await ids(api, bot, timeout=30) == [update]


async def test_two_polls_at_once_both_get_what_is_there(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    update = sandbox.send_message(bot.id, text="hi")["update_id"]
    both = await asyncio.gather(ids(api, bot, timeout=30), ids(api, bot, timeout=30))
    assert both == [[update], [update]]


async def test_a_poll_that_does_not_wait_ends_no_other(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    parked = await park(api, sandbox, bot)
    assert await ids(api, bot, timeout=0, offset=1) == []
    assert not parked.done()
    sandbox.drop_polls()
    with pytest.raises(Exception, match="disconnected"):
        await parked


async def test_a_second_conflict_within_three_seconds_is_held_back(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    first = await park(api, sandbox, bot)
    second = await park(api, sandbox, bot)
    assert (await first)["description"] == OTHER_POLL
    began = time.monotonic()
    third = await park(api, sandbox, bot)
    assert (await second)["error_code"] == 409
    assert 2.9 < time.monotonic() - began < 10
    assert sandbox.polling(bot.id), "what was held back was parked no more"
    update = sandbox.send_message(bot.id, text="hi")["update_id"]
    assert (await third)["result"][0]["update_id"] == update  # type: ignore[index]


async def test_a_client_that_goes_away_does_not_wait_for_its_conflict(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    polls = [await park(api, sandbox, bot) for _ in range(3)]
    polls[1].cancel()
    await until(lambda: sandbox.calls(bot.id)[1].status == 0)
    sandbox.drop_polls()
    await asyncio.gather(*polls, return_exceptions=True)


async def test_a_webhook_refuses_polls_and_counts_as_a_conflict(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    await api.result(bot, "setWebhook", url="https://example.org/")
    refusal = await api.refusal(bot, "getUpdates", timeout=0)
    assert refusal.startswith("Conflict: can't use getUpdates method while webhook is active; ")
    began = time.monotonic()
    assert (await api.call(bot, "getUpdates", timeout=0))["error_code"] == 409
    assert time.monotonic() - began > 2.9


async def test_the_same_offset_again_waits_for_three_seconds(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    assert await ids(api, bot, timeout=0) == []
    again = asyncio.create_task(ids(api, bot, timeout=0))
    await until(lambda: sandbox.polling(bot.id))
    update = sandbox.send_message(bot.id, text="hi")["update_id"]
    assert await again == [update]


def test_hasty_polls_get_one_update_and_three_seconds() -> None:
    clock = Clock()
    rules = PollRules(strict=True, clock=clock)
    asked = {"offset": 7, "limit": 100, "timeout": 0}
    assert rules.slow_down(**asked) == (100, 0)
    clock.now += 0.4
    assert rules.slow_down(**asked) == (1, 3)
    clock.now += 0.6
    assert rules.slow_down(**asked) == (100, 3)
    assert rules.slow_down(**asked | {"offset": 8}) == (100, 0), "another offset"
    assert rules.slow_down(**asked | {"offset": 8, "timeout": 50}) == (1, 50)
    clock.now += 3.1
    assert rules.slow_down(**asked | {"offset": 8}) == (100, 0)


def test_a_conflict_every_three_seconds_is_answered_at_once() -> None:
    clock = Clock()
    rules = PollRules(strict=True, clock=clock)
    assert rules.conflict("x").held == 0
    clock.now += 2.9
    assert rules.conflict("x").held == 3
    clock.now += 0.1
    assert rules.conflict("x").held == 0


def test_without_the_rules_nothing_is_held_back() -> None:
    rules = PollRules(strict=False, clock=Clock())
    assert [rules.conflict("x").held for _ in range(3)] == [0, 0, 0]
    assert {rules.slow_down(offset=1, limit=9, timeout=0) for _ in range(3)} == {(9, 0)}


@pytest.fixture
def queue() -> UpdateQueue:
    """Updates 100 to 102."""
    made = UpdateQueue(first_id=100, rules=PollRules(strict=True, clock=Clock()))
    for text in "abc":
        made.push("message", {"text": text})
    return made


@pytest.mark.parametrize(
    ("offset", "left"),
    [
        (99, [100, 101, 102]),
        (101, [101, 102]),
        (103, []),
        (113, []),
        (114, [100, 101, 102]),  # too far ahead to be valid
        (2**31, [100, 101, 102]),
        (-1, [102]),
        (-9, [100, 101, 102]),
    ],
)
def test_an_offset_forgets_what_is_below_it(
    queue: UpdateQueue, offset: int, left: list[int]
) -> None:
    forgotten: list[int] = []
    queue.on_forget = forgotten.extend
    found = queue.poll(offset=offset, limit=100, timeout=0)
    assert not isinstance(found, Poll)
    assert [update["update_id"] for update in found] == left
    assert forgotten == sorted({100, 101, 102} - set(left))


async def test_a_poll_ahead_of_the_queue_forgets_what_comes_below_it(queue: UpdateQueue) -> None:
    poll = queue.poll(offset=104, limit=100, timeout=50)
    assert isinstance(poll, Poll)
    queue.push("message", {"text": "103, below the offset"})
    assert (poll.over, queue.result(poll)) == (True, [])


async def test_a_call_names_the_program_and_the_address_it_called(
    api: Api, bot: SandboxBot, sandbox: Sandbox
) -> None:
    headers = {"User-Agent": "Botyard (one)", "Host": "telegram-of-one"}
    async with api.session.get(api.url(bot, "getMe"), headers=headers) as response:
        assert response.status == 200
    _, (call,) = await api.control("GET", f"/bots/{bot.id}/calls")
    assert (call["source"], call["host"]) == ("Botyard (one)", "telegram-of-one")


async def test_calls_are_told_when_they_begin_and_end(
    api: Api, bot: SandboxBot, sandbox: Sandbox
) -> None:
    told: list[tuple[str, int | None]] = []
    bot.journal.on_call = lambda call: told.append((call.method, call.status))
    await api.result(bot, "getMe")
    assert told == [("getMe", None), ("getMe", 200)]


async def test_a_delay_lies_on_both_ways(api: Api, bot: SandboxBot, sandbox: Sandbox) -> None:
    sandbox.send_message(bot.id, text="hi", chat_id=7)
    sandbox.delay = 0.2
    began = time.monotonic()
    await api.result(bot, "getMe")
    assert (await api.call(bot, "sendMessage", chat_id=8, text="x"))["error_code"] == 400
    assert time.monotonic() - began >= 0.4


async def test_what_was_sent_before_the_client_went_away_is_carried_out(
    api: Api, bot: SandboxBot, sandbox: Sandbox
) -> None:
    sandbox.send_message(bot.id, text="hi", chat_id=7)
    sandbox.delay = 0.2
    call = asyncio.create_task(api.call(bot, "sendMessage", chat_id=7, text="x"))
    await until(lambda: sandbox.calls(bot.id))
    call.cancel()
    await until(lambda: sandbox.sent(bot.id))
    await until(lambda: sandbox.calls(bot.id)[0].status == 0)
    assert sandbox.calls(bot.id)[0].carried_out
    await api.refusal(bot, "sendMessage", chat_id=8, text="x")
    assert not sandbox.calls(bot.id)[1].carried_out
