"""Injected faults do what they say, to whom they say, as often as they say."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from support.sandbox_client import Api, until

from sandbox import InvalidValue, Sandbox, SandboxBot, UnknownFault


async def test_a_status_is_answered_in_telegrams_form(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.inject(kind="status", status=502)
    answer = await api.call(bot, "getMe")
    assert answer == {"ok": False, "error_code": 502, "description": "Bad Gateway"}


async def test_flood_control_carries_retry_after(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.inject(kind="status", status=429, retry_after=3)
    answer = await api.call(bot, "getMe")
    assert answer["description"] == "Too Many Requests: retry after 3"
    assert answer["parameters"] == {"retry_after": 3}


async def test_an_answer_is_sent_as_it_is(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    url = f"{api.base}/bot{bot.token}/getMe"
    for fields, status in (({}, 200), ({"status": 503}, 503)):
        fault = sandbox.inject(kind="answer", body='["odd"', **fields)
        async with api.session.post(url) as response:
            assert (response.status, await response.text()) == (status, '["odd"')
        sandbox.clear(fault.id)


@pytest.mark.parametrize("fields", [{}, {"body": "", "status": 100}, {"body": "", "status": 600}])
def test_an_answer_needs_a_body_and_a_status_of_http(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        Sandbox().inject(kind="answer", **fields)


async def test_a_fault_ends_after_its_times(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    fault = sandbox.inject(kind="status", status=500, times=1)
    assert not (await api.call(bot, "getMe"))["ok"]
    assert (await api.call(bot, "getMe"))["ok"]
    assert fault.hits == 1


async def test_a_fault_spares_other_bots(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    sandbox.inject(kind="status", status=500, bot_id=bot.id)
    assert (await api.call(sandbox.add_bot(), "getMe"))["ok"]


async def test_a_fault_spares_other_methods(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    sandbox.inject(kind="status", status=500, method="getupdates")
    assert (await api.call(bot, "getMe"))["ok"]
    assert not (await api.call(bot, "getUpdates"))["ok"]


async def test_a_fault_can_name_one_token(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    sandbox.inject(kind="status", status=500, token=bot.token)
    assert (await api.call(bot, "getMe"))["error_code"] == 500
    sandbox.new_token(bot.id)
    assert (await api.call(bot, "getMe"))["ok"]


async def test_a_drop_closes_the_connection(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    sandbox.inject(kind="drop")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await api.call(bot, "getMe")


async def test_a_held_poll_can_be_dropped(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    poll = asyncio.create_task(api.call(bot, "getUpdates", timeout=30))
    await until(lambda: sandbox.polling(bot.id))
    assert sandbox.drop_polls(bot.id) == 1
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await poll
    assert not sandbox.polling(bot.id)


async def test_a_held_request_goes_on_when_the_hold_is_cleared(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    hold = sandbox.inject(kind="hold", method="getMe")
    held = asyncio.create_task(api.result(bot, "getMe"))
    await until(lambda: hold.hits)
    assert sandbox.calls(bot.id)[0].status is None
    sandbox.clear(hold.id)
    assert (await held)["id"] == bot.id
    assert sandbox.calls(bot.id)[0].status == 200


async def test_a_held_request_whose_client_went_away_is_over(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    hold = sandbox.inject(kind="hold")
    held = asyncio.create_task(api.call(bot, "sendMessage", chat_id=1, text="x"))
    await until(lambda: hold.hits)
    held.cancel()
    await until(lambda: sandbox.calls(bot.id)[0].status == 0)


async def test_a_delay_answers_later(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    sandbox.inject(kind="delay", seconds=0.2)
    await api.result(bot, "getMe")
    (call,) = sandbox.calls(bot.id)
    assert call.ended is not None
    assert call.ended - call.started >= 0.19


async def test_a_download_can_fail_too(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    sandbox.inject(kind="status", status=500, method="file")
    async with api.session.get(f"{api.base}/file/bot{bot.token}/documents/x") as response:
        assert response.status == 500


def test_clearing_an_unknown_fault_is_refused() -> None:
    with pytest.raises(UnknownFault):
        Sandbox().clear(3)


def test_a_delay_without_seconds_is_refused() -> None:
    with pytest.raises(InvalidValue, match="seconds"):
        Sandbox().inject(kind="delay")


async def test_a_fault_can_name_one_chat(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    for chat_id in (7, 8):
        sandbox.send_message(bot.id, text="hi", chat_id=chat_id)
    sandbox.inject(kind="status", status=429, retry_after=2, chat_id=7)
    refused = await api.call(bot, "sendMessage", chat_id="7", text="x")
    assert refused["parameters"] == {"retry_after": 2}
    assert await api.result(bot, "sendMessage", chat_id=8, text="x")
    assert await api.result(bot, "getMe")


async def test_the_fault_of_one_chat_is_injected_over_http(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.send_message(bot.id, text="hi", chat_id=7)
    _, fault = await api.control("POST", "/faults", kind="lose", chat_id=7, times=1)
    assert (fault["kind"], fault["chat_id"]) == ("lose", 7)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await api.call(bot, "sendMessage", chat_id=7, text="x")


async def test_a_lost_call_is_carried_out(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    sandbox.send_message(bot.id, text="hi", chat_id=7)
    sandbox.inject(kind="lose", method="sendMessage", bot_id=bot.id, chat_id=7, times=1)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await api.call(bot, "sendMessage", chat_id=7, text="one")
    assert [sent.message["text"] for sent in sandbox.sent(bot.id)] == ["one"]
    assert sandbox.calls(bot.id)[0].status == 0
    await api.result(bot, "sendMessage", chat_id=7, text="two")
    assert [sent.message["message_id"] for sent in sandbox.sent(bot.id)] == [2, 3]


async def test_a_dropped_call_is_not_carried_out(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.send_message(bot.id, text="hi", chat_id=7)
    sandbox.inject(kind="drop")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await api.call(bot, "sendMessage", chat_id=7, text="one")
    assert sandbox.sent(bot.id) == []


async def test_the_answer_of_a_refused_call_is_lost_too(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.inject(kind="lose")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await api.call(bot, "sendMessage", chat_id=7, text="one")
    assert sandbox.calls(bot.id)[0].status == 0
    sandbox.inject(kind="status", status=500)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await api.call(bot, "getMe")


async def test_a_lost_poll_leaves_its_updates(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    sandbox.inject(kind="lose", method="getUpdates", times=1)
    poll = asyncio.create_task(api.call(bot, "getUpdates", timeout=30))
    await until(lambda: sandbox.polling(bot.id))
    sandbox.send_message(bot.id, text="hi")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await poll
    assert len(await api.result(bot, "getUpdates")) == 1


async def test_a_download_can_be_lost(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    update = sandbox.send_document(bot.id, data=b"x")
    file_id = update["message"]["document"]["file_id"]
    sandbox.inject(kind="lose", method="file")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await api.download(bot, file_id)
