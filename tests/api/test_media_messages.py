"""Messages with uploaded files: from the document to what people see."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import Any

import pytest
from support.client import BOTS, DEADLINE, Client, until
from support.uploads import media_path, uploaded

from models.messaging.media import PIECE
from sandbox import Sandbox, SandboxBot

CHAT = 1001
TYPES = {
    "photo": "image/png",
    "video": "video/mp4",
    "animation": "image/gif",
    "audio": "audio/mpeg",
    "voice": "audio/ogg",
    "document": "application/pdf",
    "sticker": "image/webp",
}


@dataclass
class Desk:
    """A bot that people in some chats have written to."""

    owner: Client
    telegram: Sandbox
    bot: SandboxBot
    shown: dict[str, Any]

    async def upload(self, data: bytes, kind: str = "document", **file: str) -> dict[str, Any]:
        """Upload a file of a kind."""
        given = {"mime_type": TYPES[kind], "name": f"a.{kind}"} | file
        return await uploaded(self.owner, self.shown, data, kind=kind, **given)

    async def write(self, media: Any, *, chat: int = CHAT, **content: Any) -> Any:
        """Write a message with files; the answer."""
        path = f"{BOTS}{self.shown['id']}/chats/{chat}/messages/"
        return await self.owner.post(path, {"media": media, **content})

    async def send(self, media: Any, *, chat: int = CHAT, **content: Any) -> list[dict[str, Any]]:
        """Write a message with files; its rows once it is known what became of them."""
        answer = await self.write(media, chat=chat, **content)
        assert answer.status == 202, answer.text
        return [await self.until_done(row) for row in answer.json["items"]]

    async def until_done(self, row: dict[str, Any]) -> dict[str, Any]:
        """Wait until it is known what became of a message."""
        shown: dict[str, Any] = {}
        path = f"{BOTS}{self.shown['id']}/messages/{row['id']}/"
        async with asyncio.timeout(DEADLINE):
            while shown.get("finished_at") is None:
                shown = (await self.owner.get(path)).json
                await asyncio.sleep(0.01)
        return shown

    async def file_id(self, file: dict[str, Any]) -> str | None:
        """What is stored as Telegram's id of a file."""
        path = f"{media_path(self.shown)}{file['id']}/"
        found: str | None = (await self.owner.get(path)).json["file_id"]
        return found

    def seen(self) -> list[dict[str, Any]]:
        """The messages that people see, without the bot's first answers."""
        sent = self.telegram.sent(self.bot.id)
        return [one.message for one in sent if one.method != "sendMessage"]

    def content(self, message: dict[str, Any], kind: str) -> bytes:
        """The bytes of a file that people see."""
        file = message[kind][-1] if kind == "photo" else message[kind]
        stored = self.bot.files.by_id(file["file_id"])
        assert stored
        return stored.upload.data

    def uploads(self, method: str) -> list[bool]:
        """Of each call of a method, whether files came with it."""
        calls = self.telegram.calls(self.bot.id, method=method)
        return [any(name.startswith("file") for name in call.params) for call in calls]

    def forget_files(self) -> None:
        """Have Telegram forget all files."""
        self.bot.files._by_id.clear()


@pytest.fixture
async def desk(ann: Client, telegram: Sandbox) -> Desk:
    bot = telegram.add_bot()
    shown = await ann.add_bot(bot)
    for chat in range(CHAT, CHAT + 6):
        telegram.send_message(bot.id, text="hi", chat_id=chat)
    await telegram.wait_sent(bot.id, count=6, timeout=DEADLINE)
    return Desk(ann, telegram, bot, shown)


@pytest.mark.parametrize("kind", TYPES)
async def test_a_file_is_uploaded_once_and_known_to_telegram_from_then_on(
    desk: Desk, kind: str
) -> None:
    data = os.urandom(2 * PIECE + 5)
    file = await desk.upload(data, kind)
    media = {"type": kind, "upload": file["id"]}
    (row,) = await desk.send(media)
    assert (row["state"], row["parameters"]) == ("sent", {kind: {"upload": file["id"]}})
    (row,) = await desk.send(media, chat=CHAT + 1)
    assert row["state"] == "sent"
    first, second = desk.seen()
    assert desk.content(first, kind) == data
    assert first[kind] == second[kind]
    assert desk.uploads(f"send{kind.capitalize()}") == [True, False]
    assert await desk.file_id(file)


async def test_the_name_and_the_type_come_with_a_file(desk: Desk) -> None:
    file = await desk.upload(b"x", name='"><script>', mime_type="text/html")
    await desk.send({"type": "document", "upload": file["id"]}, text="*Look*", format="markdown")
    (message,) = desk.seen()
    assert message["document"]["file_name"] == "'><script>"
    assert message["document"]["mime_type"] == "text/html"
    assert message["caption"] == "Look"
    assert message["caption_entities"][0]["type"] == "italic"


async def test_an_album_mixes_new_and_known_files(desk: Desk) -> None:
    contents = [os.urandom(1000 + number) for number in range(3)]
    files = [await desk.upload(data, "photo") for data in contents]
    first, second, third = ({"type": "photo", "upload": file["id"]} for file in files)
    await desk.send(second)
    rows = await desk.send([first, second, third], text="Three")
    assert [row["state"] for row in rows] == ["sent"] * 3
    alone, *album = desk.seen()
    assert [desk.content(one, "photo") for one in album] == contents
    assert album[1]["photo"] == alone["photo"]
    assert album[0]["caption"] == "Three"
    assert len({one["media_group_id"] for one in album}) == 1
    (call,) = desk.telegram.calls(desk.bot.id, method="sendMediaGroup")
    assert sorted(name for name in call.params if name.startswith("file")) == sorted(
        [f"file{files[0]['id']}", f"file{files[2]['id']}"]
    )
    assert None not in [await desk.file_id(file) for file in files]


async def test_the_same_new_file_twice_in_an_album_is_uploaded_once(desk: Desk) -> None:
    file = await desk.upload(b"x", "photo")
    rows = await desk.send([{"type": "photo", "upload": file["id"]}] * 2)
    assert [row["state"] for row in rows] == ["sent", "sent"]


async def test_a_file_that_telegram_has_forgotten_is_uploaded_again(desk: Desk) -> None:
    files = [await desk.upload(b"x%d" % number, "photo") for number in range(2)]
    album = [{"type": "photo", "upload": file["id"]} for file in files]
    for media in (album[0], album):
        await desk.send(media)
        before = await desk.file_id(files[0])
        desk.forget_files()
        rows = await desk.send(media)
        assert {row["state"] for row in rows} == {"sent"}
        assert await desk.file_id(files[0]) != before
    assert desk.uploads("sendPhoto") == [True, False, True]
    assert desk.uploads("sendMediaGroup") == [True, False, True]


async def test_another_refusal_is_no_reason_to_upload_again(desk: Desk) -> None:
    file = await desk.upload(b"x", "photo")
    media = {"type": "photo", "upload": file["id"]}
    await desk.send(media)
    told = "Bad Request: not enough rights to send photos to the chat"
    desk.telegram.inject(
        kind="status", bot_id=desk.bot.id, method="sendPhoto", status=400, description=told
    )
    (row,) = await desk.send(media)
    assert (row["state"], row["reason"]) == ("failed", "rejected")
    assert desk.uploads("sendPhoto") == [True, False]


async def test_another_telegram_bot_gets_the_files_anew(desk: Desk) -> None:
    file = await desk.upload(b"x", "photo")
    await desk.send({"type": "photo", "upload": file["id"]})
    assert await desk.file_id(file)
    other = desk.telegram.add_bot()
    path = f"{BOTS}{desk.shown['id']}/"
    assert (await desk.owner.patch(path, {"token": other.token})).status == 200
    assert await desk.file_id(file) is None
    desk.telegram.send_message(other.id, text="hi", chat_id=CHAT)
    await desk.telegram.wait_sent(other.id, timeout=DEADLINE)
    (row,) = await desk.send({"type": "photo", "upload": file["id"]})
    assert row["state"] == "sent"
    desk.bot = other
    assert desk.uploads("sendPhoto") == [True]


async def test_a_file_that_was_deleted_meanwhile_fails_the_message(desk: Desk) -> None:
    file = await desk.upload(b"x", "photo")
    path = f"{BOTS}{desk.shown['id']}/"
    assert (await desk.owner.patch(path, {"active": False})).status == 200
    answer = await desk.write({"type": "photo", "upload": file["id"]})
    assert answer.status == 202
    assert (await desk.owner.delete(f"{media_path(desk.shown)}{file['id']}/")).status == 204
    assert (await desk.owner.patch(path, {"active": True})).status == 200
    row = await desk.until_done(answer.json["items"][0])
    assert (row["state"], row["reason"]) == ("failed", "rejected")
    assert row["detail"] == f"the uploaded file {file['id']} was deleted"


async def test_an_upload_that_cannot_be_sent_is_told_with_its_place(
    desk: Desk, bob: Client
) -> None:
    foreign = await bob.add_bot(desk.telegram.add_bot(), active=False)
    theirs = await uploaded(bob, foreign, b"x")
    other = await desk.owner.add_bot(desk.telegram.add_bot(), active=False)
    elsewhere = await uploaded(desk.owner, other, b"x")
    document = await desk.upload(b"x")
    photo = {"type": "photo", "upload": (await desk.upload(b"x", "photo"))["id"]}
    cases = {
        theirs["id"]: "has no uploaded file",
        elsewhere["id"]: "has no uploaded file",
        2**53 - 1: "has no uploaded file",
        document["id"]: 'was uploaded as "document"',
    }
    for number, problem in cases.items():
        bad = {"type": "photo", "upload": number}
        for media, place in ((bad, "/media/upload"), ([photo, bad], "/media/1/upload")):
            answer = await desk.write(media)
            assert (answer.status, answer.json["code"]) == (422, "upload_unusable")
            assert list(answer.json["errors"]) == [place]
            assert problem in answer.json["errors"][place][0]
    assert desk.seen() == []


async def test_a_text_becomes_an_uploaded_photo_and_that_another(desk: Desk) -> None:
    first, second = [await desk.upload(data, "photo") for data in (b"one", b"two")]
    path = f"{BOTS}{desk.shown['id']}/"
    written = await desk.owner.post(f"{path}chats/{CHAT}/messages/", {"text": "Soon"})
    row = await desk.until_done(written.json["items"][0])
    for file, data in ((first, b"one"), (second, b"two"), (first, b"one")):
        document = {"media": {"type": "photo", "upload": file["id"]}, "text": "Here"}
        answer = await desk.owner.patch(f"{path}messages/{row['id']}/", document)
        assert answer.status == 200, answer.text
        edited = [one for one in desk.telegram.sent(desk.bot.id) if one.method.startswith("edit")]
        assert desk.content(edited[-1].message, "photo") == data
        assert await desk.file_id(file)
    assert desk.uploads("editMessageMedia") == [True, True, False]
    nothing = {"media": {"type": "photo", "upload": 2**53 - 1}}
    answer = await desk.owner.patch(f"{path}messages/{row['id']}/", nothing)
    assert (answer.status, answer.json["code"]) == (422, "upload_unusable")


async def test_uploads_that_hang_hold_up_no_answers_of_other_chats(desk: Desk) -> None:
    hold = desk.telegram.inject(kind="hold", bot_id=desk.bot.id, method="sendDocument")
    for number in range(5):
        file = await desk.upload(b"x%d" % number)
        media = {"type": "document", "upload": file["id"]}
        assert (await desk.write(media, chat=CHAT + number)).status == 202
    await until(lambda: hold.hits == 2, "two uploads")
    desk.telegram.send_message(desk.bot.id, text="and me?", chat_id=CHAT + 5)
    await until(
        lambda: "and me?" in [one.text for one in desk.telegram.sent(desk.bot.id)], "the answer"
    )
    assert hold.hits == 2, "a bot uploads two files at once"
    desk.telegram.clear(hold.id)
    await until(lambda: len(desk.seen()) == 5, "all files")


async def test_a_file_for_many_chats_is_uploaded_for_the_first_two(desk: Desk) -> None:
    file = await desk.upload(os.urandom(PIECE))
    media = {"type": "document", "upload": file["id"]}
    rows = await asyncio.gather(*(desk.send(media, chat=CHAT + number) for number in range(6)))
    assert [row["state"] for (row,) in rows] == ["sent"] * 6
    assert sum(desk.uploads("sendDocument")) <= 2


async def test_a_lost_reply_to_an_upload_is_as_unknown_as_any_other(desk: Desk) -> None:
    file = await desk.upload(b"x")
    media = {"type": "document", "upload": file["id"]}
    desk.telegram.inject(kind="lose", bot_id=desk.bot.id, method="sendDocument", times=1)
    (row,) = await desk.send(media)
    assert (row["state"], row["reason"]) == ("unknown", "no_reply")
    assert len(desk.seen()) == 1
    assert await desk.file_id(file) is None


async def test_a_bot_that_is_switched_off_uploads_nothing_more(desk: Desk) -> None:
    hold = desk.telegram.inject(kind="hold", bot_id=desk.bot.id, method="sendDocument")
    rows = []
    for number in range(4):
        file = await desk.upload(b"x%d" % number)
        answer = await desk.write({"type": "document", "upload": file["id"]}, chat=CHAT + number)
        rows += answer.json["items"]
    await until(lambda: hold.hits == 2, "two uploads")
    path = f"{BOTS}{desk.shown['id']}/"
    assert (await desk.owner.patch(path, {"active": False})).status == 200
    desk.telegram.clear(hold.id)
    shown = [(await desk.owner.get(f"{path}messages/{row['id']}/")).json["state"] for row in rows]
    assert sorted(shown) == ["queued", "queued", "unknown", "unknown"]
    assert (await desk.owner.patch(path, {"active": True})).status == 200
    done = [await desk.until_done(row) for row in rows]
    assert sorted(row["state"] for row in done) == ["sent", "sent", "unknown", "unknown"]
