"""Answers that are not the Bot API's: told to the owner as such, without secrets, and retried."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from support.client import ADMIN_BOTS, BOTS, DEADLINE, RETRIED, Client, until
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from models.messaging.messages import Message, MessageState
from runner.telegram.answers import (
    MAX_RETRY_AFTER,
    MAX_TEXT,
    NotTelegram,
    Unavailable,
    read_error,
)
from sandbox import Sandbox, SandboxBot
from server.app import Botyard
from server.config import Config

ME = {"id": 0, "is_bot": True, "first_name": "X", "username": "x_bot"}
MISSING = object()

# What stands in getMe's answer in place of what belongs there. The bot's own id where it is 0.
STRANGE_USERS: dict[str, Any] = {
    "null": None,
    "a list": [],
    "a list of it": [ME],
    "a string": "x",
    "a number": 5,
    "true": True,
    "an empty object": {},
    "another bot": {**ME, "id": 5},
    "of a user": {**ME, "is_bot": False},
    **{
        f"{field} {name}": {**ME, field: value}
        for field, values in {
            "id": {
                "missing": MISSING,
                "null": None,
                "a string": "123456789",
                "a float": 1.5,
                "true": True,
                "zero": 0.0,
                "negative": -1,
                "of 53 bits": 2**52,
                "of 64 bits": 2**63,
                "of 200 bits": 2**200,
                "a list": [1],
            },
            "is_bot": {"missing": MISSING, "null": None, "a string": "true", "one": 1},
            "first_name": {"missing": MISSING, "null": None, "a number": 5, "an object": {}},
            "username": {
                "null": None,
                "a number": 5,
                "an object": {},
                "of 100,000 letters": "x" * 100_000,
                "with NUL": "x\0bot",
                "with a newline": "x\nbot",
                "with half a pair": "x\ud800bot",
                "empty": "",
                "of other letters": "бот",
            },
        }.items()
        for name, value in values.items()
    },
}


@pytest.fixture
def config(config: Config) -> Config:
    """For an account that tries one answer after the other, and may have so many tokens checked."""
    return replace(config, max_bots_per_user=1000)


def getme(what: Any, bot: SandboxBot) -> str:
    """A strange answer to getMe as JSON."""
    if isinstance(what, dict):
        what = {name: value for name, value in what.items() if value is not MISSING}
        if what.get("id") == 0 and type(what["id"]) is int:
            what["id"] = bot.id
    return json.dumps({"ok": True, "result": what})


async def test_a_strange_getme_is_a_telegram_out_of_reach(
    ann: Client, telegram: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    async def meet(name: str, strange: Any) -> None:
        bot = telegram.add_bot()
        fault = telegram.inject(
            kind="answer", bot_id=bot.id, method="getMe", body=getme(strange, bot)
        )
        made = await ann.add_bot(bot)
        status = made["status"]
        assert made["telegram_id"] is None, name
        assert status["state"] in RETRIED, (name, status)
        assert status["reason"] == "telegram_unreachable", (name, status)
        assert "is not from a Bot API server" in status["detail"], name
        # when it is started, too, and not only when it is added
        await until(lambda: fault.hits > 1, name)
        assert (await ann.status_of(made))["reason"] == "telegram_unreachable", name
        telegram.clear(fault.id)
        await ann.until_state(made, "running")
        shown = (await ann.get(f"{BOTS}{made['id']}/")).json
        assert (shown["telegram_id"], shown["username"]) == (bot.id, bot.username), name
        await ann.delete(f"{BOTS}{made['id']}/")

    await asyncio.gather(*(meet(name, strange) for name, strange in STRANGE_USERS.items()))
    assert "Traceback" not in caplog.text
    assert "incident" not in caplog.text


async def test_fields_of_getme_that_nobody_asks_for_do_no_harm(
    ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    strange = {**ME, "api_kwargs": {"a": 1}, "self": 1, "bot": 2, "can_join_groups": "x"}
    telegram.inject(kind="answer", bot_id=bot.id, method="getMe", body=getme(strange, bot))
    made = await ann.add_bot(bot)
    assert (made["status"]["state"], made["username"]) == ("running", "x_bot")


STRANGE_ANSWERS = [
    (200, ""),
    (200, "<html>Log in to the hotel's network</html>"),
    (200, "null"),
    (200, "[]"),
    (200, '"ok"'),
    (200, "5"),
    (200, "{}"),
    (200, '{"ok": true}'),
    (200, '{"ok": false}'),
    (200, '{"ok": 1, "result": {}}'),
    (200, '{"ok": "true", "result": []}'),
    (200, '{"result": []}'),
    (200, '{"ok": false, "error_code": 401, "description": "Unauthorized"}'),
    (200, '{"ok": false, "error_code": 200, "description": "Unauthorized"}'),
    (200, '{"ok": true, "result": "x"}'),
    (200, '{"ok": true, "result": {"a": [1]}}'),
    (200, '{"ok": true, "result": null}'),
    (200, "[" * 5000),
    (200, '{"ok": true, "result": ' + "[" * 5000 + "]" * 5000 + "}"),
    (201, ""),
    (302, ""),
    (401, ""),
    (401, "{}"),
    (401, '{"ok": true, "error_code": 401, "description": "Unauthorized"}'),
    (401, '{"ok": false, "error_code": 400, "description": "Unauthorized"}'),
    (401, '{"ok": false, "error_code": 401, "description": {}}'),
    (401, '{"error": "your key is not valid"}'),
    (404, '{"message": "no such route"}'),
    (404, '["not found"]'),
    (429, "slow down"),
    (429, '{"ok": false, "error_code": 429, "description": "x", "parameters": []}'),
    *(
        (429, json.dumps({"ok": False, "error_code": 429, "description": "x",
                          "parameters": {"retry_after": odd}}))
        for odd in ("x", [], {}, True)
    ),
    (400, '{"ok": false, "error_code": 400, "description": "x", '
          '"parameters": {"migrate_to_chat_id": "x"}}'),
    (418, "I am a teapot"),
]  # fmt: skip


@pytest.mark.parametrize("method", ["getMe", "getUpdates"])
async def test_an_answer_that_is_not_the_bot_apis_is_a_telegram_out_of_reach(
    method: str, ann: Client, telegram: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    async def meet(status: int, body: str) -> None:
        bot = telegram.add_bot()
        fault = telegram.inject(
            kind="answer", bot_id=bot.id, method=method, status=status, body=body
        )
        made = await ann.add_bot(bot)
        shown, answer = made["status"], (status, body[:50])
        assert shown["state"] in RETRIED, (answer, shown)
        assert shown["reason"] == "telegram_unreachable", (answer, shown)
        assert "is not from a Bot API server" in shown["detail"], (answer, shown)
        telegram.clear(fault.id)
        await ann.until_state(made, "running")
        await ann.delete(f"{BOTS}{made['id']}/")

    await asyncio.gather(*(meet(status, body) for status, body in STRANGE_ANSWERS))
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("status", [400, 403, 409, 500, 502])
async def test_after_a_strange_answer_to_a_message_it_is_sent_once_more(
    status: int, ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    for count, (code, body) in enumerate([(200, "[]"), (status, "x"), (200, '{"ok":true}')], 1):
        telegram.inject(kind="answer", bot_id=bot.id, method="sendMessage", status=code, body=body,
                        times=1)  # fmt: skip
        telegram.send_message(bot.id, text=str(count))
        sent = await telegram.wait_sent(bot.id, count=count, timeout=DEADLINE)
        assert sent[-1].message["text"] == str(count)
    shown = await ann.status_of(made)
    assert (shown["state"], shown["dead"]) == ("running", 0)


# -- errors of the Bot API, read


def error(status: int, **fields: Any) -> bytes:
    """An error as the Bot API answers it."""
    answer = {"ok": False, "error_code": status, "description": "Bad Request: x"}
    return json.dumps(answer | fields).encode()


@pytest.mark.parametrize(
    ("status", "fields", "kind"),
    [
        (400, {}, BadRequest),
        (401, {}, InvalidToken),
        (403, {}, Forbidden),
        (404, {}, InvalidToken),
        (409, {}, Conflict),
        (429, {}, NetworkError),
        (500, {}, Unavailable),
        (429, {"parameters": {"retry_after": 5}}, RetryAfter),
        (400, {"parameters": {"migrate_to_chat_id": -1001}}, ChatMigrated),
        (400, {"parameters": {"something": "new"}}, BadRequest),
        (400, {"parameters": {}}, BadRequest),
        (400, {"description": ""}, BadRequest),
    ],
)
def test_errors_of_the_bot_api_are_told_apart(
    status: int, fields: dict[str, Any], kind: type[TelegramError]
) -> None:
    assert type(read_error(status, error(status, **fields))) is kind


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (-1, 1),
        (-(2**63), 1),
        (-1e300, 1),
        (0, 1),
        (0.2, 1),
        (7, 7),
        (10**12, MAX_RETRY_AFTER),
        (1e300, MAX_RETRY_AFTER),
        (float("inf"), MAX_RETRY_AFTER),
        (float("nan"), 1),
    ],
)
def test_retry_after_stays_within_bounds(given: float, seconds: int) -> None:
    raised = read_error(429, error(429, parameters={"retry_after": given}))
    assert isinstance(raised, RetryAfter)
    assert raised._retry_after.total_seconds() == seconds


def test_a_long_description_with_control_characters_is_short_and_on_one_line() -> None:
    raised = read_error(400, error(400, description="x\n\x1b[2J\x85\0" * 100_000))
    assert len(raised.message) <= MAX_TEXT
    assert raised.message.isprintable()


def test_a_status_that_has_no_name_is_told_by_its_number() -> None:
    assert "999" in read_error(999, b"").message
    assert isinstance(read_error(299, b""), NotTelegram)


# -- a token in an error's text


def disguised(token: str) -> dict[str, str]:
    """A token in forms that whoever repeats an address may give it."""
    number, _, secret = token.partition(":")
    return {
        "as it is": f"https://api.telegram.org/bot{token}/getMe",
        "in small letters": token.lower(),
        "in capitals": token.upper(),
        "percent-encoded": f"/bot{number}%3A{secret}/getMe",
        "percent-encoded in small letters": f"/bot{number}%3a{secret}",
        "percent-encoded twice": f"/bot{number}%253A{secret}",
        "percent-encoded whole": number + "".join(f"%{ord(letter):02x}" for letter in f":{secret}"),
        "with a fullwidth colon": f"/bot{number}\uff1a{secret}",
        "without its number": f"the secret is {secret}!",
        "with letters around": f"x{secret}y",
        "in fullwidth letters": "".join(chr(ord(letter) + 0xFEE0) for letter in token),
        "percent-encoded, without its number": "".join(f"%{ord(letter):02X}" for letter in secret),
        "in HTML": f"<a href='/bot{number}&#58;{secret}'>",
        "behind a control character": f"\x01{token}",
        "at the end of what is kept": "x" * (MAX_TEXT - 20) + " /bot" + token,
        "many times": f"/bot{token} " * 2000,
    }


FORMS = list(disguised("123456789:" + "x" * 35))


def revealing(texts: list[str], token: str) -> list[str]:
    """The texts that show something of a token."""
    secret = token.partition(":")[2]
    wide = disguised(token)["in fullwidth letters"]
    encoded = disguised(token)["percent-encoded whole"][-60:]
    hidden = [part.lower() for part in (secret, secret[5:25], encoded, wide[-20:])]
    return [text for text in texts if any(part in text.lower() for part in hidden)]


@pytest.mark.parametrize(
    ("method", "form"), [("getMe", form) for form in FORMS] + [("getUpdates", FORMS[0])]
)
async def test_a_token_in_telegrams_text_is_shown_nowhere(
    method: str,
    form: str,
    ann: Client,
    root: Client,
    telegram: Sandbox,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bot = telegram.add_bot()
    text = f"Bad Request: {disguised(bot.token)[form]}"
    made = await ann.add_bot(bot, active=False)
    telegram.inject(kind="status", status=400, description=text, bot_id=bot.id, method=method)
    async with ann.http.get(
        f"{ann.url}/api/v1/events/", headers={"Authorization": f"Bearer {ann.key}"}
    ) as stream:
        await ann.patch(f"{BOTS}{made['id']}/", {"active": True})
        told = b""
        while b"rejected the request" not in told:
            told += await stream.content.readany()
    texts = [
        told.decode(),
        (await ann.get(f"{BOTS}{made['id']}/")).text,
        (await ann.get(BOTS)).text,
        (await ann.get(f"{BOTS}{made['id']}/dead_updates/")).text,
        (await root.get(ADMIN_BOTS)).text,
        *(record.getMessage() for record in caplog.records),
    ]
    assert revealing(texts, bot.token) == []


@pytest.mark.parametrize("form", FORMS)
async def test_a_token_in_telegrams_words_on_a_message_is_kept_nowhere(
    form: str, ann: Client, telegram: Sandbox, botyard: Botyard, caplog: pytest.LogCaptureFixture
) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    text = f"Bad Request: {disguised(bot.token)[form]}"
    telegram.inject(kind="status", status=400, description=text, bot_id=bot.id,
                    method="sendMessage")  # fmt: skip
    telegram.send_message(bot.id, text="x")

    def details() -> list[str]:
        failed = Message.select().where(Message.state == MessageState.FAILED)
        return [message.detail for message in failed]

    async with asyncio.timeout(DEADLINE):
        while not (kept := await botyard.services.db.read(details)):
            await asyncio.sleep(0.01)
    texts = [*kept, *(record.getMessage() for record in caplog.records)]
    assert revealing(texts, bot.token) == []


async def test_an_address_of_a_webhook_is_told_without_anything_secret(
    ann: Client, telegram: Sandbox
) -> None:
    for url in ("http://[", "https://" + "x" * 100_000, "https://\x1b[2J/", "x", 5, None, {}):
        bot = telegram.add_bot()
        conflict = "Conflict: can't use getUpdates method while webhook is active"
        telegram.inject(kind="status", status=409, description=conflict, bot_id=bot.id,
                        method="getUpdates", times=1)  # fmt: skip
        telegram.inject(kind="answer", bot_id=bot.id, method="getWebhookInfo",
                        body=json.dumps({"ok": True, "result": {"url": url}}))  # fmt: skip
        made = await ann.add_bot(bot)
        assert made["status"]["state"] == "running", made
        assert len(made["status"]["detail"]) < MAX_TEXT + 100
        assert made["status"]["detail"].isprintable()
        await ann.delete(f"{BOTS}{made['id']}/")


# -- tokens of bots that cannot be


@pytest.mark.parametrize("number", [2**52, 2**53, 2**63 - 1, 2**63, 2**63 + 1, 10**19 - 1])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_a_token_of_a_number_too_large_is_refused_by_name(
    number: int, method: str, ann: Client, telegram: Sandbox
) -> None:
    made = await ann.add_bot(telegram.add_bot(), active=False)
    path = BOTS if method == "POST" else f"{BOTS}{made['id']}/"
    answer = await ann.request(method, path, {"token": f"{number}:AAE" + "x" * 32})
    assert (answer.status, answer.json["code"]) == (400, "validation_failed")
    assert list(answer.json["errors"]) == ["token"]


async def test_the_greatest_number_there_can_be_is_asked_for(
    ann: Client, telegram: Sandbox
) -> None:
    answer = await ann.post(BOTS, {"token": f"{2**52 - 1}:AAE" + "x" * 32})
    assert answer.json["code"] == "telegram_token_rejected"
