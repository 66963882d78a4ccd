"""Bot API methods on the wire: forms of requests, Telegram's words for mistakes, results."""

from __future__ import annotations

import logging
from typing import Any

import aiohttp
import pytest
from support.sandbox_client import Api

from sandbox import Sandbox, SandboxBot, flood

KEYBOARD = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}


async def test_method_names_are_taken_in_any_case(api: Api, bot: SandboxBot) -> None:
    assert (await api.result(bot, "GETme"))["id"] == bot.id


async def test_parameters_are_taken_from_the_query(api: Api, bot: SandboxBot, chat_id: int) -> None:
    url = api.url(bot, "sendMessage")
    async with api.session.get(url, params={"chat_id": "7", "text": "ü"}) as response:
        assert (await response.json())["result"]["text"] == "ü"


async def test_forms_may_hold_json(api: Api, bot: SandboxBot, chat_id: int) -> None:
    form = {
        "chat_id": "7",
        "text": "x",
        "reply_markup": '{"inline_keyboard":[[{"text":"a","url":"b"}]]}',
    }
    async with api.session.post(api.url(bot, "sendMessage"), data=form) as response:
        result = (await response.json())["result"]
    assert result["reply_markup"] == {"inline_keyboard": [[{"text": "a", "url": "b"}]]}


async def test_multipart_uploads_a_document(
    api: Api, sandbox: Sandbox, bot: SandboxBot, chat_id: int
) -> None:
    form = aiohttp.FormData({"chat_id": "7"})
    form.add_field("document", b"data", filename="d.pdf", content_type="application/pdf")
    async with api.session.post(api.url(bot, "sendDocument"), data=form) as response:
        document = (await response.json())["result"]["document"]
    assert (document["file_name"], document["mime_type"]) == ("d.pdf", "application/pdf")
    path = (await api.result(bot, "getFile", file_id=document["file_id"]))["file_path"]
    async with api.session.get(f"{api.base}/file/bot{bot.token}/{path}") as response:
        assert await response.read() == b"data"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/bot1:unknown/getMe", 401),
        ("/botnonsense/getMe", 404),
        ("/nowhere", 404),
        ("/file/bot1:unknown/documents/file_0", 401),
    ],
)
async def test_paths_without_a_bot_are_refused(api: Api, path: str, status: int) -> None:
    async with api.session.get(api.base + path) as response:
        words = {401: "Unauthorized", 404: "Not Found"}[status]
        assert await response.json() == {"ok": False, "error_code": status, "description": words}


async def test_an_unknown_method_is_not_found_and_logged(
    api: Api, sandbox: Sandbox, bot: SandboxBot, caplog: pytest.LogCaptureFixture
) -> None:
    assert await api.call(bot, "sendNothing") == {
        "ok": False,
        "error_code": 404,
        "description": "Not Found: method not found",
    }
    assert "@first_bot called 'sendNothing', which is no method here" in caplog.messages
    (call,) = sandbox.calls(bot.id)
    assert (call.method, call.status) == ("sendNothing", 404)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"text": "x"}, "chat_id is empty"),
        ({"chat_id": 8, "text": "x"}, "chat not found"),
        ({"chat_id": "@nobody", "text": "x"}, "chat not found"),
        ({"chat_id": 7}, "message text is empty"),
        ({"chat_id": 7, "text": " \n"}, "message text is empty"),
        ({"chat_id": 7, "text": "x" * 4097}, "message is too long"),
        ({"chat_id": 7, "text": "x", "reply_markup": "[]"}, "object expected as reply markup"),
        ({"chat_id": 7, "text": "x", "reply_to_message_id": 9}, "message to be replied not found"),
        (
            {"chat_id": 7, "text": "<b>x", "parse_mode": "HTML"},
            "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        ),
        (
            {
                "chat_id": 7,
                "text": "x",
                "reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "x" * 65}]]},
            },
            "BUTTON_DATA_INVALID",
        ),
    ],
)
async def test_a_message_that_cannot_be_sent_is_refused_in_telegrams_words(
    api: Api, bot: SandboxBot, chat_id: int, params: dict[str, Any], words: str
) -> None:
    assert await api.refusal(bot, "sendMessage", **params) == f"Bad Request: {words}"


async def test_a_text_may_have_4096_utf16_units(api: Api, bot: SandboxBot, chat_id: int) -> None:
    assert await api.result(bot, "sendMessage", chat_id=7, text="x" * 4096)
    assert await api.result(bot, "sendMessage", chat_id=7, text="😀" * 2048)
    words = await api.refusal(bot, "sendMessage", chat_id=7, text="😀" * 2048 + "x")
    assert words == "Bad Request: message is too long"


async def test_html_becomes_entities_in_utf16_units(
    api: Api, bot: SandboxBot, chat_id: int
) -> None:
    text = "😀 <b>bo<i>ld</i></b> &lt;3"
    message = await api.result(bot, "sendMessage", chat_id=7, text=text, parse_mode="HTML")
    assert message["text"] == "😀 bold <3"
    assert message["entities"] == [
        {"type": "bold", "offset": 3, "length": 4},
        {"type": "italic", "offset": 5, "length": 2},
    ]


async def test_message_ids_grow_within_a_chat(api: Api, bot: SandboxBot, chat_id: int) -> None:
    first = await api.result(bot, "sendMessage", chat_id=7, text="a")
    second = await api.result(bot, "sendMessage", chat_id=7, text="b")
    assert (first["message_id"], second["message_id"]) == (2, 3)
    assert first["from"]["id"] == bot.id


async def test_an_unchanged_edit_is_refused(api: Api, bot: SandboxBot, chat_id: int) -> None:
    sent = {"chat_id": 7, "text": "a", "reply_markup": KEYBOARD}
    message_id = (await api.result(bot, "sendMessage", **sent))["message_id"]
    words = await api.refusal(bot, "editMessageText", message_id=message_id, **sent)
    assert words.startswith("Bad Request: message is not modified: ")


async def test_an_edit_can_change_the_keyboard_alone(
    api: Api, bot: SandboxBot, chat_id: int
) -> None:
    sent = {"chat_id": 7, "text": "a", "reply_markup": KEYBOARD}
    message_id = (await api.result(bot, "sendMessage", **sent))["message_id"]
    edited = await api.result(bot, "editMessageText", chat_id=7, message_id=message_id, text="a")
    assert "reply_markup" not in edited


@pytest.mark.parametrize(
    ("message_id", "words"), [(99, "message to edit not found"), (1, "message can't be edited")]
)
async def test_only_own_messages_can_be_edited(
    api: Api, bot: SandboxBot, chat_id: int, message_id: int, words: str
) -> None:
    got = await api.refusal(bot, "editMessageText", chat_id=7, message_id=message_id, text="x")
    assert got == f"Bad Request: {words}"


async def test_a_message_is_deleted_once(api: Api, bot: SandboxBot, chat_id: int) -> None:
    assert await api.result(bot, "deleteMessage", chat_id=7, message_id=1)
    words = await api.refusal(bot, "deleteMessage", chat_id=7, message_id=1)
    assert words == "Bad Request: message to delete not found"


async def test_an_unknown_callback_query_is_too_old(api: Api, bot: SandboxBot) -> None:
    words = await api.refusal(bot, "answerCallbackQuery", callback_query_id="1")
    assert words == (
        "Bad Request: query is too old and response timeout expired or query ID is invalid"
    )


async def test_a_wrong_chat_action_is_refused(api: Api, bot: SandboxBot, chat_id: int) -> None:
    assert await api.result(bot, "sendChatAction", chat_id=7, action="typing")
    words = await api.refusal(bot, "sendChatAction", chat_id=7, action="singing")
    assert words == "Bad Request: wrong parameter action in request"


async def test_a_webhook_is_recorded(api: Api, sandbox: Sandbox, bot: SandboxBot) -> None:
    answer = await api.call(bot, "setWebhook", url="https://example.org/")
    assert answer == {"ok": True, "result": True, "description": "Webhook was set"}
    sandbox.send_message(bot.id, text="hi")
    info = await api.result(bot, "getWebhookInfo")
    assert (info["url"], info["pending_update_count"]) == ("https://example.org/", 1)


async def test_a_webhook_needs_https(api: Api, bot: SandboxBot) -> None:
    words = await api.refusal(bot, "setWebhook", url="http://example.org/")
    assert words.endswith("An HTTPS URL must be provided for webhook")


async def test_a_logged_out_bot_is_refused_until_its_next_token(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    await api.result(bot, "logOut")
    assert await api.refusal(bot, "getMe") == "Logged out"
    sandbox.new_token(bot.id)
    assert await api.result(bot, "getMe")


async def test_the_flood_limit_answers_429_beyond_it(
    api: Api, sandbox: Sandbox, bot: SandboxBot, chat_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flood, "WINDOW", 0.9 * 3600)  # a second that no machine is too slow for
    sandbox.set_flood_limit(bot.id, per_second=1)
    assert await api.result(bot, "sendMessage", chat_id=7, text="a")
    answer = await api.call(bot, "sendMessage", chat_id=7, text="b")
    assert answer["error_code"] == 429
    assert 0 < answer["parameters"]["retry_after"] <= 3600


async def test_the_log_holds_no_token(
    api: Api, bot: SandboxBot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await api.result(bot, "getMe")
    assert "/bot***/getMe" in caplog.text
    assert bot.token not in caplog.text
