"""Messages that people write through a bot."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jsonschema_rs
import pytest
from support.client import BOTS, DEADLINE, Client, until
from support.doubts import lose_one_answer

from dialogs.messages import SCHEMA
from models.engine.base import now
from models.messaging import expiry, outgoing
from models.messaging.messages import Lane, Message
from runner.sending.outbox import Outbox
from runner.sending.rate_limit import Pacer
from sandbox import Sandbox, SandboxBot
from server.app import Botyard

CHAT = 1001
TEXT = {"text": "Hello"}
PHOTO = {"media": {"type": "photo", "url": "https://example.com/a.jpg"}, "text": "Look"}


@dataclass
class Shop:
    """A bot that somebody has written to."""

    owner: Client
    telegram: Sandbox
    bot: SandboxBot
    shown: dict[str, Any]

    @property
    def path(self) -> str:
        """The bot's address."""
        return f"{BOTS}{self.shown['id']}/"

    async def write(self, document: Any, *, chat: int = CHAT, **options: Any) -> Any:
        """Write a message; the answer."""
        return await self.owner.post(f"{self.path}chats/{chat}/messages/", document, **options)

    async def written(self, document: Any, **options: Any) -> list[dict[str, Any]]:
        """Write a message; its rows."""
        answer = await self.write(document, **options)
        assert answer.status == 202, answer.text
        rows: list[dict[str, Any]] = answer.json["items"]
        return rows

    async def until_done(self, row: dict[str, Any]) -> dict[str, Any]:
        """Wait until it is known what became of a message."""
        shown: dict[str, Any] = {}
        async with asyncio.timeout(DEADLINE):
            while shown.get("finished_at") is None:
                shown = (await self.owner.get(f"{self.path}messages/{row['id']}/")).json
                await asyncio.sleep(0.01)
        return shown

    async def switch(self, active: bool) -> None:
        """Switch the bot."""
        assert (await self.owner.patch(self.path, {"active": active})).status == 200

    def said(self) -> list[str]:
        """What users see, without the bot's first answer."""
        sent = [one for one in self.telegram.sent(self.bot.id) if one.method.startswith("send")]
        return [str(one.present_text) for one in sent if not one.deleted][1:]


@pytest.fixture
async def shop(ann: Client, telegram: Sandbox) -> Shop:
    bot = telegram.add_bot()
    shown = await ann.add_bot(bot)
    telegram.send_message(bot.id, text="hi", chat_id=CHAT)
    await telegram.wait_sent(bot.id, timeout=DEADLINE)
    return Shop(ann, telegram, bot, shown)


async def test_a_message_is_sent_and_shown(shop: Shop) -> None:
    (row,) = await shop.written(
        {
            "text": "**Hello** {{name}}",
            "format": "markdown",
            "buttons": [[{"text": "Site", "url": "https://example.com"}]],
        }
    )
    assert (row["state"], row["author"], row["group_id"]) == ("queued", "ann", None)
    shown = await shop.until_done(row)
    (sent,) = shop.telegram.sent(shop.bot.id)[1:]
    assert shown["state"] == "sent"
    assert shown["telegram_message_id"] == sent.message_id
    assert shown["text"] == sent.message["text"] == "Hello {{name}}"
    assert sent.message["entities"][0]["type"] == "bold"
    assert shown["parameters"]["reply_markup"] == sent.reply_markup


async def test_an_answer_is_as_the_document_says(shop: Shop, anonymous: Client) -> None:
    document = (await anonymous.get("/openapi.json")).json
    root = {"components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator({"$ref": "#/components/schemas/Message", **root})
    for content in (TEXT, {"media": {"type": "photo", "file_id": "x"}, "text": "c"}):
        for row in await shop.written(content):
            validator.validate(row)
            validator.validate(await shop.until_done(row))


async def test_the_format_is_served(anonymous: Client) -> None:
    answer = await anonymous.get("/api/v1/message.schema.json")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/schema+json"
    assert answer.json == SCHEMA


async def test_every_problem_of_a_message_is_told_at_once(shop: Shop) -> None:
    answer = await shop.write(
        {"txt": "x", "location": {"latitude": 100}, "buttons": [[{"text": "", "url": "ftp://x"}]]}
    )
    assert (answer.status, answer.json["code"]) == (400, "validation_failed")
    assert {"/txt", "/location", "/location/latitude", "/buttons/0/0/url"} <= {
        *answer.json["errors"]
    }
    assert shop.said() == []


async def test_an_empty_body_is_told(shop: Shop) -> None:
    row = (await shop.written({"text": "Hello"}))[0]
    for answer in (
        await shop.write(None),
        await shop.owner.patch(f"{shop.path}messages/{row['id']}/"),
    ):
        assert (answer.status, answer.json["code"]) == (400, "invalid_json")
        assert answer.json["detail"].startswith("The body is empty.")


@pytest.mark.parametrize("text", ["", " \n ", "\u200b\u200b", "a\u0000b", 5, None])
async def test_what_is_no_text_is_refused(text: Any, shop: Shop) -> None:
    answer = await shop.write({"text": text})
    assert answer.status == 400, answer.text
    assert "/text" in answer.json["errors"]


@pytest.mark.parametrize(
    "text",
    [
        "\u202eright to left\u202c שלום",
        "a\u200bb\u2060c",
        "😀" * 4096,
        "**" + "x** **" * 400 + "x**",
        "```\n{{x}}\n```",
    ],
    ids=["right to left", "zero width", "4096 emoji", "many entities", "code"],
)
@pytest.mark.parametrize("kind", ["plain", "markdown"])
async def test_hostile_texts_arrive_whole(kind: str, text: str, shop: Shop) -> None:
    rows = await shop.written({"text": text, "format": kind})
    done = [await shop.until_done(row) for row in rows]
    assert {row["state"] for row in done} == {"sent"}, done
    if kind == "plain":
        assert "".join(row["text"] for row in done) == text


async def test_a_long_text_is_one_group_in_order(shop: Shop) -> None:
    text = " ".join(f"word{number}" for number in range(2500))
    rows = await shop.written({"text": text, "buttons": [[{"text": "x", "copy": "x"}]]})
    assert len(rows) > 1
    assert {row["group_id"] for row in rows} == {rows[0]["id"]}
    assert ["reply_markup" in row["parameters"] for row in rows] == [False] * (len(rows) - 1) + [
        True
    ]
    for row in rows:
        await shop.until_done(row)
    sent = [one.message["text"] for one in shop.telegram.sent(shop.bot.id)[1:]]
    assert " ".join(sent) == text


async def test_an_album_is_a_row_a_file(shop: Shop) -> None:
    shop.telegram.set_limits(True)
    files = [{"type": "photo", "file_id": name} for name in ("a", "b", "c")]
    rows = await shop.written({"media": files, "text": "All of them"})
    assert [row["method"] for row in rows] == ["sendMediaGroup", None, None]
    assert [row["text"] for row in rows] == ["All of them", None, None]
    done = [await shop.until_done(row) for row in rows]
    assert {row["state"] for row in done} in ({"sent"}, {"failed"})
    if done[0]["state"] == "sent":
        assert len({row["telegram_message_id"] for row in done}) == 3


async def test_what_telegram_refuses_is_told_in_its_words(shop: Shop) -> None:
    shop.telegram.inject(
        kind="status", status=400, bot_id=shop.bot.id, method="sendMessage", times=1,
        description="Bad Request: chat not found",
    )  # fmt: skip
    (row,) = await shop.written(TEXT)
    shown = await shop.until_done(row)
    assert (shown["state"], shown["reason"]) == ("failed", "rejected")
    assert "hat not found" in shown["detail"]


async def test_a_lost_answer_leaves_the_outcome_unknown_and_sends_nothing_again(
    shop: Shop,
) -> None:
    shop.telegram.inject(kind="lose", bot_id=shop.bot.id, method="sendMessage", times=1)
    (row,) = await shop.written(TEXT)
    shown = await shop.until_done(row)
    assert (shown["state"], shown["reason"]) == ("unknown", "no_reply")
    (after,) = await shop.written({"text": "after"})
    await shop.until_done(after)
    assert shop.said() == ["Hello", "after"]


async def test_a_message_that_is_too_large_is_refused_with_one_problem(shop: Shop) -> None:
    answer = await shop.write({"text": "x", "buttons": [[{}] * 60_000]})
    assert (answer.status, answer.json["code"]) == (400, "validation_failed")
    (problem,) = answer.json["errors"].pop("non_field_errors")
    assert problem.startswith("The message is too large: it has more than 2,000 ")
    assert answer.json["errors"] == {}


async def test_of_very_many_problems_the_first_are_listed(shop: Shop) -> None:
    answer = await shop.write({"text": "x", "buttons": [[{}] * 1900]})
    assert (answer.status, answer.json["code"]) == (400, "validation_failed")
    errors = answer.json["errors"]
    assert sum(len(one) for one in errors.values()) == 100
    assert "more problems" in errors["non_field_errors"][0]


class TestIdempotency:
    """The header Idempotency-Key."""

    async def test_a_repeated_request_writes_nothing_more(self, shop: Shop) -> None:
        headers = {"Idempotency-Key": "k-1"}
        answers = await asyncio.gather(*(shop.write(TEXT, headers=headers) for _ in range(5)))
        assert {answer.status for answer in answers} == {202}
        assert len({answer.json["items"][0]["id"] for answer in answers}) == 1
        await shop.until_done(answers[0].json["items"][0])
        assert shop.said() == ["Hello"]

    async def test_another_message_with_the_key_is_refused(self, shop: Shop) -> None:
        headers = {"Idempotency-Key": "k-1"}
        await shop.written(TEXT, headers=headers)
        answer = await shop.write({"text": "other"}, headers=headers)
        assert (answer.status, answer.json["code"]) == (422, "idempotency_key_reused")

    @pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256])
    async def test_a_key_of_another_form_is_refused(self, key: str, shop: Shop) -> None:
        answer = await shop.write(TEXT, headers={"Idempotency-Key": key})
        assert answer.status == 400, answer.text

    async def test_keys_are_an_accounts_and_a_bots_own(
        self, shop: Shop, bob: Client, telegram: Sandbox
    ) -> None:
        headers = {"Idempotency-Key": "k-1"}
        await shop.written(TEXT, headers=headers)
        other = telegram.add_bot()
        made = await bob.add_bot(other)
        telegram.send_message(other.id, text="hi", chat_id=CHAT)
        await telegram.wait_sent(other.id, timeout=DEADLINE)
        path = f"{BOTS}{made['id']}/chats/{CHAT}/messages/"
        assert (await bob.post(path, {"text": "other"}, headers=headers)).status == 202


class TestDoubts:
    """Messages whose commit was carried out and reported as failed."""

    async def test_a_message_that_was_stored_unknown_is_sent(
        self, shop: Shop, botyard: Botyard, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lose_one_answer(botyard, monkeypatch, "write", lambda *args: outgoing.queue in args)
        assert (await shop.write(TEXT)).status == 503
        await until(lambda: shop.said() == ["Hello"], "the message")

    @pytest.mark.parametrize("is_read_again", [True, False])
    async def test_a_message_that_was_stored_unknown_and_is_written_again_is_sent_once(
        self,
        is_read_again: bool,
        shop: Shop,
        botyard: Botyard,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        if not is_read_again:  # yet
            monkeypatch.setattr(Outbox, "doubt", lambda outbox, lane: None)
        headers = {"Idempotency-Key": "k-1"}
        lose_one_answer(botyard, monkeypatch, "write", lambda *args: outgoing.queue in args)
        assert (await shop.write(TEXT, headers=headers)).status == 503
        (row,) = await shop.written(TEXT, headers=headers)
        assert (await shop.until_done(row))["state"] == "sent"
        (after,) = await shop.written({"text": "after"})
        await shop.until_done(after)
        assert shop.said() == ["Hello", "after"]


class TestOff:
    """A bot that is off."""

    async def test_what_is_written_waits_and_is_sent_later(self, shop: Shop) -> None:
        await shop.switch(False)
        (row,) = await shop.written(TEXT)
        assert row["expires_at"] > row["created_at"]
        assert shop.said() == []
        await shop.switch(True)
        assert (await shop.until_done(row))["state"] == "sent"
        assert shop.said() == ["Hello"]

    async def test_what_waits_too_long_is_given_up(self, shop: Shop, botyard: Botyard) -> None:
        await shop.switch(False)
        (row,) = await shop.written(TEXT)
        past = Message.update(expires_at=now() - timedelta(seconds=1))
        await botyard.services.db.write(past.execute)
        await botyard.services.runner.expire_messages()
        shown = await shop.until_done(row)
        assert (shown["state"], shown["reason"]) == ("failed", "expired")
        await shop.switch(True)
        (after,) = await shop.written({"text": "after"})
        await shop.until_done(after)
        assert shop.said() == ["after"]

    async def test_the_servers_downtime_does_not_count(self, shop: Shop, botyard: Botyard) -> None:
        await shop.switch(False)
        (row,) = await shop.written(TEXT)
        db = botyard.services.db

        def after_three_hours() -> Any:
            moment = now() - timedelta(hours=3)
            expiry.installation.put(expiry.ALIVE_AT, moment.isoformat())
            expiry.begin()
            return Message.get_by_id(row["id"]).expires_at

        expires_at = await db.write(after_three_hours)
        assert timedelta(hours=3, minutes=59) < expires_at - now() < timedelta(hours=4, minutes=1)

    async def test_what_waits_is_edited_and_deleted_before_it_is_sent(self, shop: Shop) -> None:
        await shop.switch(False)
        (first,) = await shop.written(TEXT)
        (second,) = await shop.written({"text": "never"})
        edited = await shop.owner.patch(f"{shop.path}messages/{first['id']}/", {"text": "Bye"})
        assert edited.json["items"][0]["text"] == "Bye"
        assert (await shop.owner.delete(f"{shop.path}messages/{second['id']}/")).status == 204
        await shop.switch(True)
        await shop.until_done(first)
        assert shop.said() == ["Bye"]

    async def test_a_text_that_waits_becomes_a_photo(self, shop: Shop) -> None:
        await shop.switch(False)
        (row,) = await shop.written(TEXT)
        edited = await shop.owner.patch(f"{shop.path}messages/{row['id']}/", PHOTO)
        assert edited.status == 200, edited.text
        assert edited.json["items"][0]["method"] == "sendPhoto"
        await shop.switch(True)
        assert (await shop.until_done(row))["state"] == "sent"
        (sent,) = shop.telegram.sent(shop.bot.id)[1:]
        assert (sent.method, sent.text) == ("sendPhoto", "Look")

    async def test_what_was_sent_is_not_changed(self, shop: Shop) -> None:
        (row,) = await shop.written(TEXT)
        await shop.until_done(row)
        await shop.switch(False)
        path = f"{shop.path}messages/{row['id']}/"
        for answer in (await shop.owner.patch(path, {"text": "x"}), await shop.owner.delete(path)):
            assert (answer.status, answer.json["code"]) == (409, "bot_is_off")

    async def test_nothing_is_sent_after_the_answer_to_off(self, shop: Shop) -> None:
        for number in range(50):
            await shop.written({"text": str(number)})
        await shop.switch(False)
        seen = len(shop.said())
        for number in range(5):
            await shop.written({"text": f"late {number}"})
        assert len(shop.said()) == seen

    async def test_too_many_waiting_are_refused(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outgoing, "MAX_WAITING", 2)
        await shop.switch(False)
        assert [(await shop.write(TEXT)).status for _ in range(3)] == [202, 202, 429]


class TestChanges:
    """Edits and deletions of messages that were sent."""

    async def sent(self, shop: Shop, document: Any = TEXT) -> str:
        """Write a message that is sent; its address."""
        rows = await shop.written(document)
        for row in rows:
            await shop.until_done(row)
        return f"{shop.path}messages/{rows[0]['id']}/"

    async def test_an_edit_changes_the_chat_and_the_row(self, shop: Shop) -> None:
        path = await self.sent(shop)
        answer = await shop.owner.patch(path, {"text": "**New**", "format": "markdown"})
        assert answer.status == 200, answer.text
        assert shop.said() == ["New"]
        assert (await shop.owner.get(path)).json["text"] == "New"
        again = await shop.owner.patch(path, {"text": "**New**", "format": "markdown"})
        assert again.status == 200, "nothing changes, which is no error"

    async def test_a_text_becomes_a_photo_whose_caption_is_edited(self, shop: Shop) -> None:
        path = await self.sent(shop)
        for message in (PHOTO, PHOTO | {"text": "Look here"}):
            answer = await shop.owner.patch(path, message)
            assert answer.status == 200, answer.text
            assert answer.json["items"][0]["method"] == "sendPhoto"
        assert [one.method for one in shop.telegram.sent(shop.bot.id)[1:]] == [
            "sendMessage",
            "editMessageMedia",
            "editMessageCaption",
        ]
        assert shop.said() == ["Look here"]
        back = await shop.owner.patch(path, TEXT)
        assert (back.status, back.json["code"]) == (409, "message_not_editable")
        assert (await shop.owner.get(path)).json["text"] == "Look here"

    async def test_another_number_of_pieces_is_a_conflict(self, shop: Shop) -> None:
        path = await self.sent(shop)
        answer = await shop.owner.patch(path, {"text": "x" * 5000})
        assert (answer.status, answer.json["code"]) == (409, "message_not_editable")
        assert shop.said() == ["Hello"]

    async def test_another_content_is_a_conflict(self, shop: Shop) -> None:
        path = await self.sent(shop)
        answer = await shop.owner.patch(path, {"location": {"latitude": 1, "longitude": 2}})
        assert (answer.status, answer.json["code"]) == (409, "message_not_editable")

    async def test_a_deletion_deletes_all_parts(self, shop: Shop) -> None:
        path = await self.sent(shop, {"text": "word " * 1500})
        assert (await shop.owner.delete(path)).status == 204
        assert shop.said() == []
        assert (await shop.owner.get(path)).status == 404

    async def test_an_old_message_is_not_deleted(self, shop: Shop, botyard: Botyard) -> None:
        path = await self.sent(shop)
        old = Message.update(done_at=now() - timedelta(hours=49))
        await botyard.services.db.write(old.execute)
        answer = await shop.owner.delete(path)
        assert (answer.status, answer.json["code"]) == (409, "message_not_editable")
        assert "48 hours" in answer.json["detail"]

    async def test_what_telegram_refuses_changes_nothing(self, shop: Shop) -> None:
        path = await self.sent(shop)
        shop.telegram.inject(
            kind="status", status=400, bot_id=shop.bot.id, method="editMessageText", times=1,
            description="Bad Request: message can't be edited",
        )  # fmt: skip
        answer = await shop.owner.patch(path, {"text": "new"})
        assert (answer.status, answer.json["code"]) == (422, "telegram_refused")
        assert "can't be edited" in answer.json["detail"]
        assert (await shop.owner.get(path)).json["text"] == "Hello"

    async def test_a_failed_message_is_not_edited(self, shop: Shop) -> None:
        shop.telegram.inject(
            kind="status", status=400, bot_id=shop.bot.id, method="sendMessage", times=1
        )
        path = await self.sent(shop)
        answer = await shop.owner.patch(path, {"text": "new"})
        assert (answer.status, answer.json["code"]) == (409, "message_not_editable")


@pytest.mark.parametrize(
    ("verb", "method"), [("PATCH", "editMessageText"), ("DELETE", "deleteMessage")]
)
class TestOffMeanwhile:
    """Edits and deletions under way while the bot is switched off."""

    async def begin(self, verb: str, shop: Shop) -> tuple[str, asyncio.Task[Any]]:
        """Begin to change a message that was sent; its address, and the task of that."""
        (row,) = await shop.written(TEXT)
        await shop.until_done(row)
        path = f"{shop.path}messages/{row['id']}/"
        body = {"text": "new"} if verb == "PATCH" else None
        return path, asyncio.create_task(shop.owner.request(verb, path, body), name="changing")

    async def refused(self, path: str, change: asyncio.Task[Any], shop: Shop) -> None:
        """Check that the bot is off, and nothing was changed."""
        answer = await change
        assert (answer.status, answer.json["code"]) == (409, "bot_is_off")
        assert (await shop.owner.get(path)).json["text"] == "Hello"
        assert shop.said() == ["Hello"]

    async def test_a_change_that_waits_after_a_429_is_refused(
        self, verb: str, method: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pause, paused = Pacer.pause, asyncio.Event()

        def watched(self: Pacer, *args: Any) -> None:
            pause(self, *args)
            paused.set()

        monkeypatch.setattr(Pacer, "pause", watched)
        shop.telegram.inject(
            kind="status", status=429, retry_after=3600, bot_id=shop.bot.id, method=method, times=1
        )
        path, change = await self.begin(verb, shop)
        async with asyncio.timeout(DEADLINE):
            await paused.wait()
        await shop.switch(False)
        await self.refused(path, change, shop)

    async def test_a_change_that_meets_a_429_when_the_bot_is_off_is_refused(
        self, verb: str, method: str, shop: Shop
    ) -> None:
        hold = shop.telegram.inject(kind="hold", bot_id=shop.bot.id, method=method)
        shop.telegram.inject(
            kind="status", status=429, retry_after=3600, bot_id=shop.bot.id, method=method, times=1
        )
        path, change = await self.begin(verb, shop)
        await until(lambda: hold.hits, "the call")
        await shop.switch(False)
        shop.telegram.clear(hold.id)
        await self.refused(path, change, shop)


async def test_an_edit_that_waits_for_its_turn_is_refused_when_the_bot_is_switched_off(
    shop: Shop, botyard: Botyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = await shop.written(TEXT)
    await shop.until_done(row)
    run = botyard.services.runner.manager.run(shop.shown["id"])
    assert run is not None
    run.sending.pacer.pause(CHAT, Lane.OPERATOR, 3600)
    path = f"{shop.path}messages/{row['id']}/"
    change = asyncio.create_task(shop.owner.patch(path, {"text": "new"}), name="changing")
    await until(lambda: run.sending.pacer._later, "the wait")
    await shop.switch(False)
    answer = await change
    assert (answer.status, answer.json["code"]) == (409, "bot_is_off")
    assert shop.said() == ["Hello"]


ROUTES = [
    ("POST", "chats/1001/messages/"),
    ("GET", "messages/{id}/"),
    ("PATCH", "messages/{id}/"),
    ("DELETE", "messages/{id}/"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a_foreign_bot_is_not_found(method: str, path: str, shop: Shop, bob: Client) -> None:
    (row,) = await shop.written(TEXT)
    body = TEXT if method in ("POST", "PATCH") else None
    answer = await bob.request(method, shop.path + path.format(id=row["id"]), body)
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    await shop.until_done(row)
    assert shop.said() == ["Hello"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a_chat_or_message_of_another_bot_is_not_found(
    method: str, path: str, shop: Shop, bob: Client, telegram: Sandbox
) -> None:
    (row,) = await shop.written(TEXT)
    other = telegram.add_bot()
    made = await bob.add_bot(other)
    body = TEXT if method in ("POST", "PATCH") else None
    answer = await bob.request(method, f"{BOTS}{made['id']}/{path.format(id=row['id'])}", body)
    assert (answer.status, answer.json["code"]) == (404, "not_found")
    assert telegram.sent(other.id) == []


async def test_without_a_key_nothing_is_written(shop: Shop, anonymous: Client) -> None:
    answer = await anonymous.post(f"{shop.path}chats/{CHAT}/messages/", TEXT)
    assert answer.status == 401


async def test_the_audit_log_says_who_wrote(shop: Shop) -> None:
    (row,) = await shop.written(TEXT)
    await shop.until_done(row)
    path = f"{shop.path}messages/{row['id']}/"
    await shop.owner.patch(path, {"text": "new"})
    await shop.owner.delete(path)
    entries = (await shop.owner.get("/api/v1/audit/")).json["results"]
    seen = [(one["action"], one["actor"]) for one in entries[:3]]
    assert seen == [
        ("message_deleted", "ann"),
        ("message_edited", "ann"),
        ("message_written", "ann"),
    ]
    assert "Hello" not in str(entries)


async def test_a_deleted_bot_drops_its_messages(shop: Shop, botyard: Botyard) -> None:
    await shop.switch(False)
    await shop.written(TEXT, headers={"Idempotency-Key": "k"})
    assert (await shop.owner.delete(shop.path)).status == 204
    assert await botyard.services.db.read(lambda: Message.select().count()) == 0


async def test_metrics_count_messages(shop: Shop, anonymous: Client) -> None:
    (row,) = await shop.written(TEXT)
    await shop.until_done(row)
    await shop.switch(False)
    await shop.written(TEXT)
    await until(lambda: shop.said() == ["Hello"], "one is sent")
    text = (await anonymous.get("/metrics")).text
    assert 'botyard_messages_total{reason="",state="sent"} 2.0' in text
    assert 'botyard_outbox_messages{lane="operator",state="queued"} 1.0' in text
