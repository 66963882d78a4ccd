"""getUpdates: offsets, long polls, conflicts, and clients that go away."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest
from support.sandbox_client import Api, until

from sandbox import Sandbox, SandboxBot


async def ids(api: Api, bot: SandboxBot, **params: int) -> list[int]:
    return [update["update_id"] for update in await api.result(bot, "getUpdates", **params)]


async def test_a_long_poll_ends_with_the_update(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    poll = asyncio.create_task(ids(api, bot, timeout=30))
    await until(lambda: sandbox.polling(bot.id))
    update = sandbox.send_message(bot.id, text="hi")
    assert await poll == [update["update_id"]]


async def test_a_long_poll_ends_empty_at_its_timeout(api: Api, bot: SandboxBot) -> None:
    assert await ids(api, bot, timeout=1) == []


async def test_update_ids_grow_by_one(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    first = sandbox.send_message(bot.id, text="one")["update_id"]
    sandbox.send_message(bot.id, text="two", chat_id=5)
    assert await ids(api, bot) == [first, first + 1]


async def test_an_offset_confirms_everything_below_it(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    first = sandbox.send_message(bot.id, text="one")["update_id"]
    sandbox.send_message(bot.id, text="two")
    assert await ids(api, bot, offset=first + 1) == [first + 1]
    assert (sandbox.pending(bot.id), sandbox.confirmed_offset(bot.id)) == (1, first + 1)


async def test_what_is_not_confirmed_comes_again(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.send_message(bot.id, text="one")
    assert await ids(api, bot) == await ids(api, bot) != []


async def test_a_negative_offset_keeps_the_last_ones(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    *_, last = [sandbox.send_message(bot.id, text="hi")["update_id"] for _ in range(5)]
    assert await ids(api, bot, offset=-2) == [last - 1, last]
    assert sandbox.pending(bot.id) == 2


@pytest.mark.parametrize(("limit", "given"), [(1, 1), (100, 100), (0, 100), (101, 100)])
async def test_a_limit_bounds_a_batch(
    api: Api, sandbox: Sandbox, bot: SandboxBot, limit: int, given: int
) -> None:
    for _ in range(101):
        sandbox.send_message(bot.id, text="hi")
    assert len(await ids(api, bot, limit=limit)) == given


async def test_the_older_of_two_polls_gets_409(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    older = asyncio.create_task(api.call(bot, "getUpdates", timeout=30))
    await until(lambda: sandbox.polling(bot.id))
    newer = asyncio.create_task(ids(api, bot, timeout=30))
    answer = await older
    assert answer["error_code"] == 409
    assert answer["description"].startswith("Conflict: terminated by other getUpdates request; ")
    update = sandbox.send_message(bot.id, text="hi")
    assert await newer == [update["update_id"]]


async def test_setting_a_webhook_ends_the_poll_with_409(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    poll = asyncio.create_task(api.call(bot, "getUpdates", timeout=30))
    await until(lambda: sandbox.polling(bot.id))
    await api.result(bot, "setWebhook", url="https://example.org/")
    assert (await poll)["error_code"] == 409


async def test_revoking_ends_the_poll_with_401_at_once(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    poll = asyncio.create_task(api.call(bot, "getUpdates", timeout=30))
    await until(lambda: sandbox.polling(bot.id))
    sandbox.revoke(bot.id)
    assert await poll == {"ok": False, "error_code": 401, "description": "Unauthorized"}


async def test_types_that_are_not_allowed_are_not_queued(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    message = sandbox.send_message(bot.id, text="hi")["message"]
    await api.result(bot, "getUpdates", offset=-1, allowed_updates=["edited_message"])
    sandbox.send_message(bot.id, text="no")
    sandbox.edit_message(bot.id, chat_id=1001, message_id=message["message_id"], text="yes")
    updates = await api.result(bot, "getUpdates")
    assert [set(update) - {"update_id"} for update in updates] == [{"message"}, {"edited_message"}]


async def test_blocking_is_told_by_default(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    sandbox.send_message(bot.id, text="hi", chat_id=5)
    sandbox.block(bot.id, 5)
    update = (await api.result(bot, "getUpdates"))[-1]
    assert update["my_chat_member"]["new_chat_member"]["status"] == "kicked"


async def test_a_client_that_went_away_is_not_polling_and_loses_nothing(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    poll = asyncio.create_task(api.call(bot, "getUpdates", timeout=30))
    await until(lambda: sandbox.polling(bot.id))
    poll.cancel()
    await until(lambda: not sandbox.polling(bot.id))
    update = sandbox.send_message(bot.id, text="hi")
    assert await ids(api, bot, timeout=30) == [update["update_id"]]
    assert sandbox.calls(bot.id)[0].status == 0


async def test_dropping_pending_updates_leaves_none(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.send_message(bot.id, text="old")
    await api.result(bot, "deleteWebhook", drop_pending_updates="true")
    assert sandbox.pending(bot.id) == 0


async def test_300_polls_wait_at_once_and_each_gets_its_own_update(
    api: Api, sandbox: Sandbox
) -> None:
    bots = [sandbox.add_bot() for _ in range(300)]
    polls = [asyncio.create_task(ids(api, bot, timeout=50)) for bot in bots]
    await until(lambda: all(sandbox.polling(bot.id) for bot in bots))
    sent = [[sandbox.send_message(bot.id, text="hi")["update_id"]] for bot in bots]
    assert await asyncio.gather(*polls) == sent


async def test_a_client_that_goes_away_at_once_leaves_no_poll(
    served: tuple[Sandbox, str],
) -> None:
    """It may be gone before its request is looked at; the fixture sees what is left."""
    sandbox, url = served
    address = urlsplit(url)
    for turns in range(100):
        path = f"/bot{sandbox.add_bot().token}/getUpdates?timeout=50"
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        for _ in range(turns % 10):
            await asyncio.sleep(0)
        writer.transport.abort()
    await until(lambda: not any(sandbox.polling(bot.id) for bot in sandbox.bots))
