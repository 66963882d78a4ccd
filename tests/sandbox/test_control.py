"""The control API over HTTP, and what the Python API has beside it."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest
from support.sandbox_client import Api, until
from support.server_process import ROOT

from sandbox import InvalidValue, Sandbox, SandboxBot, UnknownBot
from sandbox.control import routes
from sandbox.methods import NAMED


async def test_a_made_bot_can_be_used(api: Api, sandbox: Sandbox) -> None:
    status, made = await api.control("POST", "/bots", username="made_bot")
    assert (status, made["username"]) == (201, "made_bot")
    assert (await api.result(sandbox.bot(made["id"]), "getMe"))["username"] == "made_bot"


@pytest.mark.parametrize("path", ["/bots/first_bot", "/bots/@First_Bot/"])
async def test_a_bot_is_found_by_its_username(api: Api, bot: SandboxBot, path: str) -> None:
    status, got = await api.control("GET", path)
    assert (status, got["id"]) == (200, bot.id)


async def test_lists_of_bots_hold_no_tokens(api: Api, bot: SandboxBot) -> None:
    _, bots = await api.control("GET", "/bots/")
    assert bots[0]["username"] == "first_bot"
    assert bot.token not in str(bots)


async def test_a_conversation_goes_both_ways(api: Api, bot: SandboxBot) -> None:
    status, update = await api.control("POST", "/bots/first_bot/messages", text="hi", chat_id=7)
    assert (status, update["message"]["text"]) == (201, "hi")
    waiting = asyncio.create_task(api.control("GET", "/bots/first_bot/sent?wait=10"))
    await api.result(bot, "sendMessage", chat_id=7, text="hello")
    _, (sent,) = await waiting
    assert (sent["seq"], sent["message"]["text"]) == (1, "hello")


async def test_waiting_for_nothing_gives_an_empty_list(api: Api, bot: SandboxBot) -> None:
    assert await api.control("GET", "/bots/first_bot/sent?wait=0.05") == (200, [])


async def test_a_client_that_went_away_waits_no_longer(api: Api, bot: SandboxBot) -> None:
    def waiting() -> bool:
        return any(task.get_name() == "sandbox-control-wait" for task in asyncio.all_tasks())

    request = asyncio.create_task(api.control("GET", "/bots/first_bot/sent?wait=50"))
    await until(waiting)
    request.cancel()
    await until(lambda: not waiting())


async def test_a_new_token_replaces_the_old_one(api: Api, bot: SandboxBot) -> None:
    old = bot.token
    _, answer = await api.control("POST", "/bots/first_bot/token")
    assert answer == {"token": bot.token}
    async with api.session.get(f"{api.base}/bot{old}/getMe") as response:
        assert response.status == 401


async def test_a_chat_can_be_blocked_and_unblocked(api: Api, bot: SandboxBot) -> None:
    await api.control("POST", "/bots/first_bot/messages", text="hi", chat_id=7)
    await api.control("POST", "/bots/first_bot/blocked", chat_id=7, blocked=True)
    answer = await api.call(bot, "sendMessage", chat_id=7, text="x")
    assert answer["error_code"] == 403
    await api.control("POST", "/bots/first_bot/blocked", chat_id=7, blocked=False)
    assert await api.result(bot, "sendMessage", chat_id=7, text="x")


async def test_a_document_can_be_sent_by_a_user(api: Api, bot: SandboxBot) -> None:
    _, update = await api.control(
        "POST", "/bots/first_bot/documents", base64="aGk=", file_name="a.txt"
    )
    assert update["message"]["document"]["file_size"] == 2


async def test_calls_are_listed_with_their_status(api: Api, bot: SandboxBot) -> None:
    await api.call(bot, "sendMessage", chat_id=9, text="x")
    _, (call,) = await api.control("GET", "/bots/first_bot/calls?method=sendmessage")
    assert (call["method"], call["status"]) == ("sendMessage", 400)


async def test_calls_with_a_revoked_token_are_listed(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.revoke(bot.id)
    await api.call(bot, "getMe")
    assert sandbox.calls(bot.id)[0].status == 401


async def test_faults_are_injected_listed_and_removed(api: Api, bot: SandboxBot) -> None:
    status, fault = await api.control("POST", "/faults", kind="status", status=500)
    assert status == 201
    await api.call(bot, "getMe")
    assert (await api.control("GET", "/faults"))[1][0]["hits"] == 1
    assert (await api.control("DELETE", f"/faults/{fault['id']}/"))[0] == 204
    assert await api.control("GET", "/faults") == (200, [])


@pytest.mark.parametrize(
    ("path", "fields", "status", "field"),
    [
        ("/bots", {"username": "short"}, 400, "username"),
        ("/bots", {"name": "x"}, 400, "name"),
        ("/bots/nobody_bot/revoke", {}, 404, "username"),
        ("/bots/5/revoke", {}, 404, "id"),
        ("/bots/first_bot/messages", {}, 400, "text"),
        ("/bots/first_bot/messages", {"text": 5}, 400, "text"),
        ("/bots/first_bot/buttons", {"chat_id": 1, "message_id": 1, "data": ""}, 404, "chat_id"),
        ("/bots/first_bot/documents", {"base64": "?"}, 400, "base64"),
        ("/faults", {"kind": "fire"}, 400, "kind"),
        ("/faults", {"kind": "status", "status": 200}, 400, "status"),
    ],
)
async def test_a_mistake_is_answered_with_the_field(
    api: Api, bot: SandboxBot, path: str, fields: dict[str, object], status: int, field: str
) -> None:
    got, answer = await api.control("POST", path, **fields)
    assert (got, answer["field"]) == (status, field)


async def test_the_first_page_shows_how_to_begin(api: Api, bot: SandboxBot) -> None:
    async with api.session.get(api.base + "/") as response:
        assert f"curl -X POST {api.base}/control/bots" in await response.text()


def test_a_username_is_taken_once() -> None:
    sandbox = Sandbox()
    sandbox.add_bot(username="one_bot")
    with pytest.raises(InvalidValue, match="taken"):
        sandbox.add_bot(username="One_Bot")


def test_an_unknown_bot_is_told() -> None:
    with pytest.raises(UnknownBot, match="42"):
        Sandbox().bot(42)


async def test_waiting_tells_what_was_seen_when_it_gives_up(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    sandbox.send_message(bot.id, text="hi", chat_id=7)
    await api.result(bot, "sendMessage", chat_id=7, text="hello")
    with pytest.raises(TimeoutError, match=r"1 of 2 messages .*\['hello'\]"):
        await sandbox.wait_sent(bot.id, count=2, timeout=0.05)


async def test_the_home_page_lists_everything_that_can_be_done(
    served: tuple[Sandbox, str],
) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{served[1]}/") as response:
        text = await response.text()
    for path, handler in routes:
        if path != "/control/.*":
            for method in {"get", "post", "delete"} & vars(handler).keys():
                named = f"{method.upper()} {handler.__doc__}"
                assert re.search(rf"^  {named.replace(' ', ' +')} ", text, re.MULTILINE), named


async def test_the_home_page_lists_every_method(api: Api) -> None:
    async with api.session.get(api.base + "/") as response:
        listed = (await response.text()).rpartition("method not\nfound")[2]
    assert re.findall(r"\b[a-z]+[A-Z]\w+|\bclose\b", listed) == list(NAMED)


def test_the_readme_lists_every_method() -> None:
    listed = (ROOT / "README.md").read_text().partition("`Not Found: method not found`")[2]
    assert re.findall(r"`(\w+)`", listed.partition("\n## ")[0]) == list(NAMED)
