"""Files that people upload for their bots, over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from support.client import BOTS, DEADLINE, PASSWORD, Client, until
from support.uploads import (
    SlowUpload,
    form,
    media_path,
    raw_form,
    stored,
    upload,
    upload_raw,
    uploaded,
)
from support.wire import wire_to

from models.engine.base import now
from models.messaging.media import MB, PIECE, Media
from sandbox import Sandbox
from server.app import Botyard
from services import media as service
from services.media_removal import ABANDONED, purge_abandoned

LOGOUT = "/rest-auth/logout/"
NAMES = [
    '"><script>',
    "naïve – 写真.png",
    "a;b=c\\'.txt",
    "100%25 %22.txt",
    "x" * 255,
]


@pytest.fixture
async def bot(ann: Client, telegram: Sandbox) -> dict[str, Any]:
    """A bot that is off."""
    return await ann.add_bot(telegram.add_bot(), active=False)


async def until_stored(botyard: Botyard, wanted: Callable[[int, int], bool]) -> None:
    """Wait until so many files and pieces are in the database."""
    async with asyncio.timeout(DEADLINE):
        while not wanted(*await stored(botyard)):
            await asyncio.sleep(0.01)


# -- what an upload is


@pytest.mark.parametrize("size", [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 5 * PIECE + 17])
async def test_what_was_uploaded_is_what_comes_back(
    ann: Client, bot: dict[str, Any], size: int
) -> None:
    data = os.urandom(size)
    answer = await upload(ann, bot, data, name="a.pdf")
    shown = answer.json
    assert answer.status == 201
    assert answer.headers["Location"] == f"{media_path(bot)}{shown['id']}/"
    assert (shown["name"], shown["mime_type"], shown["kind"]) == (
        "a.pdf",
        "application/pdf",
        "document",
    )
    assert (shown["size"], shown["sha256"]) == (size, hashlib.sha256(data).hexdigest())
    assert (shown["author"], shown["file_id"]) == ("ann", None)
    assert (await ann.get(answer.headers["Location"])).json == shown
    async with ann.http.get(
        f"{ann.url}{media_path(bot)}{shown['id']}/content",
        headers={"Authorization": f"Bearer {ann.key}"},
    ) as content:
        assert content.headers["Content-Length"] == str(size)
        assert await content.read() == data


@pytest.mark.parametrize(
    ("mime_type", "kind"),
    [
        ("image/jpeg", "photo"),
        ("image/gif", "animation"),
        ("video/mp4", "video"),
        ("audio/mpeg", "audio"),
        ("audio/ogg", "voice"),
        ("image/svg+xml", "document"),
        ("text/html", "document"),
    ],
)
async def test_the_kind_follows_from_the_type(
    ann: Client, bot: dict[str, Any], mime_type: str, kind: str
) -> None:
    assert (await uploaded(ann, bot, b"x", name="a", mime_type=mime_type))["kind"] == kind
    asked = await upload(ann, bot, b"x", name="a", mime_type=mime_type, kind="sticker")
    assert asked.json["kind"] == "sticker"


async def test_a_kind_that_there_is_not_is_refused(ann: Client, bot: dict[str, Any]) -> None:
    answer = await upload(ann, bot, b"x", kind="foto")
    assert (answer.status, list(answer.json["errors"])) == (400, ["kind"])


async def test_files_are_listed_page_by_page_the_latest_first(
    ann: Client, bot: dict[str, Any]
) -> None:
    made = [await uploaded(ann, bot, b"x", name=f"{number}") for number in range(5)]
    first = (await ann.get(f"{media_path(bot)}?limit=3")).json
    second = (await ann.get(f"{media_path(bot)}?limit=3&after={first['next']}")).json
    assert [*first["items"], *second["items"]] == made[::-1]
    assert second["next"] is None
    for query in ("after=x", "after=LTE", "limit=0", "limit=201", "limt=3"):
        assert (await ann.get(f"{media_path(bot)}?{query}")).status == 400, query


async def test_a_deleted_file_is_gone_with_its_pieces(
    botyard: Botyard, ann: Client, bot: dict[str, Any]
) -> None:
    shown = await uploaded(ann, bot, b"x" * (PIECE + 1))
    path = f"{media_path(bot)}{shown['id']}/"
    assert (await ann.delete(path)).status == 204
    for method, rest in (("GET", ""), ("GET", "content"), ("DELETE", "")):
        assert (await ann.request(method, path + rest)).status == 404
    assert await stored(botyard) == (0, 0)
    entries = (await ann.get("/api/v1/audit/")).json["results"][:2]
    assert [(one["action"], one["details"]["name"]) for one in entries] == [
        ("media_deleted", "a.pdf"),
        ("media_uploaded", "a.pdf"),
    ]


async def test_the_files_of_a_bot_go_with_it(
    botyard: Botyard, ann: Client, bot: dict[str, Any]
) -> None:
    for size in (1, 8 * PIECE, 17 * PIECE):
        await uploaded(ann, bot, b"x" * size)
    assert (await ann.delete(f"{BOTS}{bot['id']}/")).status == 204
    assert await stored(botyard) == (0, 0)


async def test_the_files_of_an_account_go_with_it(
    botyard: Botyard, ann: Client, bot: dict[str, Any]
) -> None:
    await uploaded(ann, bot, b"x" * (9 * PIECE))
    answer = await ann.request("DELETE", "/rest-auth/user/", {"password": PASSWORD})
    assert answer.status in (200, 204), answer.text
    assert await stored(botyard) == (0, 0)


async def test_files_of_others_are_not_there(
    ann: Client, bob: Client, bot: dict[str, Any], telegram: Sandbox
) -> None:
    shown = await uploaded(ann, bot, b"x")
    own = await bob.add_bot(telegram.add_bot(), active=False)
    for whose in (bot, own):  # a foreign bot; an own bot with a foreign file
        path = f"{media_path(whose)}{shown['id']}/"
        for method, rest in (("GET", ""), ("GET", "content"), ("DELETE", "")):
            assert (await bob.request(method, path + rest)).status == 404
    assert (await upload(bob, bot, b"x")).status == 404
    assert (await bob.get(media_path(bot))).status == 404
    assert (await bob.get(media_path(own))).json == {"items": [], "next": None}


# -- names and types that mean harm


@pytest.mark.parametrize("name", NAMES)
async def test_any_name_is_kept_and_can_do_nothing(
    ann: Client, bot: dict[str, Any], name: str
) -> None:
    encoded = f"form-data; name=\"file\"; filename*=UTF-8''{quote(name, safe='')}"
    shown = (await upload_raw(ann, bot, raw_form(b"x", encoded))).json
    kept = name.rpartition("\\")[2]
    assert shown["name"] == kept
    answer = await ann.get(f"{media_path(bot)}{shown['id']}/content")
    disposition = answer.headers["Content-Disposition"]
    assert disposition.isascii()
    assert disposition.count('"') == 2
    assert disposition.startswith("attachment; filename=")
    assert disposition.endswith(f"; filename*=UTF-8''{quote(kept, safe='')}")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ('filename="%22><script>"', '"><script>'),  # as browsers write it
        ('filename="\\"><script>"', '"><script>'),  # as curl does
        ('filename="../../etc/passwd"', "passwd"),
        ('filename="C:\\\\fakepath\\\\a.txt"', "a.txt"),
        ('filename="a%0D%0AX-Evil: 1.txt"', "aX-Evil: 1.txt"),
        ('filename="gpj.\u202eexe"', "gpj.exe"),
        ('filename="a\x00b"', "ab"),
        ('filename=""', "file"),
        ("filename=plain.txt", "plain.txt"),
    ],
)
async def test_a_name_is_read_as_clients_write_it(
    ann: Client, bot: dict[str, Any], sent: str, kept: str
) -> None:
    answer = await upload_raw(ann, bot, raw_form(b"x", f'form-data; name="file"; {sent}'))
    assert answer.json["name"] == kept, answer.text


@pytest.mark.parametrize(
    ("mime_type", "served", "disposition"),
    [
        ("text/html", "application/octet-stream", "attachment"),
        ("image/svg+xml", "application/octet-stream", "attachment"),
        ("application/pdf", "application/octet-stream", "attachment"),
        ("image/png", "image/png", "inline"),
        ("video/mp4", "video/mp4", "inline"),
        ("IMAGE/JPEG; charset=x", "image/jpeg", "inline"),
        ("no type", "application/octet-stream", "attachment"),
        ("text/html\tx", "application/octet-stream", "attachment"),
    ],
)
async def test_only_types_of_a_short_list_are_shown(
    ann: Client, bot: dict[str, Any], mime_type: str, served: str, disposition: str
) -> None:
    named = 'form-data; name="file"; filename="film.mp4"'
    body = raw_form(b"<script>alert(1)</script>", named, mime_type=mime_type)
    path = f"{media_path(bot)}{(await upload_raw(ann, bot, body)).json['id']}/content"
    for method in ("GET", "HEAD"):
        headers = (await ann.request(method, path)).headers
        assert headers["Content-Type"] == served
        assert headers["Content-Disposition"].startswith(f"{disposition}; ")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in headers["Content-Security-Policy"]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Content-Length"] == "25"


async def test_a_video_that_says_it_is_a_page_can_be_sent_as_a_video(
    ann: Client, bot: dict[str, Any]
) -> None:
    shown = (await upload(ann, bot, b"x", mime_type="text/html", kind="video")).json
    assert (shown["kind"], shown["mime_type"]) == ("video", "text/html")


# -- bodies that are no upload


async def test_an_empty_file_is_refused(botyard: Botyard, ann: Client, bot: dict[str, Any]) -> None:
    answer = await upload(ann, bot, b"")
    assert (answer.status, answer.json["errors"]) == (
        400,
        {"file": ["The file is empty. Choose another one."]},
    )
    assert await stored(botyard) == (0, 0)


@pytest.mark.parametrize(
    ("body", "about"),
    [
        (b"", "Choose a file."),
        (b"no form at all", "Choose a file."),
        (raw_form(b"x", 'form-data; name="photo"; filename="a"'), "Send one file"),
        (raw_form(b"x", 'form-data; name="file"'), "Send one file"),
        (raw_form(b"x", 'form-data; name="file"; filename="a"').replace(b"--\r\n", b""), "breaks"),
        (raw_form(b"x", 'form-data; name="file"; filename="a"').replace(b"--\r\n", b"\r\n"),
         "Send one file"),
        (raw_form(b"x", 'form-data; name="file"; filename="' + "a" * 5000 + '"'), "told"),
        (b"x" * 20_000, "told"),
    ],
)  # fmt: skip
async def test_a_form_without_one_file_is_refused(
    botyard: Botyard, ann: Client, bot: dict[str, Any], body: bytes, about: str
) -> None:
    answer = await upload_raw(ann, bot, body)
    assert answer.status == 400
    assert about in answer.text
    assert await stored(botyard) == (0, 0)


@pytest.mark.parametrize("kind", ["application/json", "application/pdf", "", "multipart/form-data"])
async def test_another_body_is_refused_in_words(
    ann: Client, bot: dict[str, Any], kind: str
) -> None:
    answer = await ann.post(media_path(bot), data=b"x", headers={"Content-Type": kind})
    assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("step", [1, 7, 64, 1000])
async def test_a_form_is_read_however_its_body_is_cut(
    botyard: Botyard, ann: Client, bot: dict[str, Any], step: int
) -> None:
    data = b"a\r\n--" + b"----formBoundary7MA4YWx\r\n--" * 20  # nearly the delimiter
    async with wire_to(botyard.url) as wire:
        slow = await SlowUpload.begin(wire, ann, bot, data)
        while slow.left:
            await slow.send(step)
            await asyncio.sleep(0)
        assert await slow.finish() == 201
    shown = (await ann.get(media_path(bot))).json["items"][0]
    assert shown["sha256"] == hashlib.sha256(data).hexdigest()


# -- bodies that lie, and uploads that break off


async def test_an_upload_that_breaks_off_leaves_nothing(
    botyard: Botyard, ann: Client, bot: dict[str, Any]
) -> None:
    async with wire_to(botyard.url) as wire:
        slow = await SlowUpload.begin(wire, ann, bot, b"x" * (8 * PIECE))
        await slow.send(3 * PIECE)
        await until_stored(botyard, lambda files, pieces: (files, pieces) == (1, 2))
        assert (await ann.get(media_path(bot))).json["items"] == []
    await until_stored(botyard, lambda files, pieces: files == pieces == 0)


async def test_a_body_that_is_shorter_than_it_says_leaves_nothing(
    botyard: Botyard, ann: Client, bot: dict[str, Any]
) -> None:
    async with wire_to(botyard.url) as wire:
        slow = await SlowUpload.begin(wire, ann, bot, b"x" * PIECE, length=2 * PIECE)
        await slow.send(len(slow.left))
        wire.writer.write_eof()
        assert await wire.closed()
    await until_stored(botyard, lambda files, pieces: files == pieces == 0)


async def test_a_body_that_is_longer_than_it_says_is_no_form(
    botyard: Botyard, ann: Client, bot: dict[str, Any]
) -> None:
    async with wire_to(botyard.url) as wire:
        slow = await SlowUpload.begin(wire, ann, bot, b"x" * (2 * PIECE), length=PIECE + 100)
        assert await slow.finish() == 400
    assert await stored(botyard) == (0, 0)


async def test_what_a_crash_left_is_pruned(
    botyard: Botyard, ann: Client, bot: dict[str, Any]
) -> None:
    db, kept = botyard.services.db, await uploaded(ann, bot, b"x" * (20 * PIECE))
    await db.write(Media.update(is_complete=False).execute)
    assert await purge_abandoned(db) == 0
    old = Media.update(created_at=now() - 2 * ABANDONED).where(Media.id == kept["id"])
    await db.write(old.execute)
    assert await purge_abandoned(db) == 1
    assert await stored(botyard) == (0, 0)


# -- limits


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quotas of a few hundred kilobytes."""
    monkeypatch.setattr(service, "MAX_PHOTO", 2 * PIECE)
    monkeypatch.setattr(service, "MAX_FILE", 4 * PIECE)


def set_quotas(
    botyard: Botyard, *, bot: int = 99 * MB, account: int = 99 * MB, total: int = 99 * MB
) -> None:
    """Set the quotas of a server."""
    botyard.services.media._quotas = service.Quotas(bot, account, total)


async def chunked(data: bytes, step: int = 65536) -> Any:
    """A body whose length is not told."""
    body = raw_form(data, 'form-data; name="file"; filename="a.pdf"')
    for start in range(0, len(body), step):
        yield body[start : start + step]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(("kind", "most"), [("photo", 2), ("document", 4)])
async def test_a_file_may_be_as_large_as_telegram_takes_it(
    botyard: Botyard, ann: Client, bot: dict[str, Any], kind: str, most: int, *, told: bool
) -> None:
    answers = []
    for size in (most * PIECE, most * PIECE + 1):
        body = b"x" * size
        if told:
            answers.append(await upload(ann, bot, body, kind=kind))
        else:
            headers = {"Content-Type": "multipart/form-data; boundary=----formBoundary7MA4YWxk"}
            path = f"{media_path(bot)}?kind={kind}"
            answers.append(await ann.post(path, data=chunked(body), headers=headers))
    assert [answer.status for answer in answers] == [201, 413]
    assert answers[1].json["code"] == "body_too_large"
    assert "A photo may have 10 MB" in answers[1].json["detail"]
    assert await stored(botyard) == (1, most)


async def test_a_body_of_gigabytes_is_not_even_read(
    botyard: Botyard, ann: Client, bot: dict[str, Any]
) -> None:
    async with wire_to(botyard.url) as wire:
        await SlowUpload.begin(wire, ann, bot, b"", length=10**10)
        status, body = await wire.answer()
        assert (status, b'"body_too_large"' in body) == (413, True)
        assert await wire.closed()


@pytest.mark.parametrize("whose", ["bot", "account", "total"])
@pytest.mark.parametrize("told", [True, False])
async def test_uploads_at_once_keep_a_quota_exactly(
    botyard: Botyard, ann: Client, bot: dict[str, Any], whose: str, *, told: bool
) -> None:
    set_quotas(botyard, **{whose: 3 * PIECE})
    data = b"x" * PIECE
    headers = {"Content-Type": "multipart/form-data; boundary=----formBoundary7MA4YWxk"}

    async def once() -> Any:
        if told:
            return await ann.post(media_path(bot), data=form(data))
        return await ann.post(media_path(bot), data=chunked(data), headers=headers)

    answers = await asyncio.gather(*(once() for _ in range(6)))
    statuses = sorted(answer.status for answer in answers)
    refused = 507 if whose == "total" else 403
    assert statuses == [201] * 3 + [refused] * 3
    code = "media_storage_full" if whose == "total" else "media_quota_reached"
    assert {answer.json["code"] for answer in answers if answer.status != 201} == {code}
    assert await stored(botyard) == (3, 3)
    items = (await ann.get(media_path(bot))).json["items"]
    assert (await ann.delete(f"{media_path(bot)}{items[0]['id']}/")).status == 204
    assert (await once()).status == 201


async def test_the_room_of_an_upload_that_failed_is_free_again(
    botyard: Botyard, ann: Client, bot: dict[str, Any]
) -> None:
    set_quotas(botyard, bot=4 * PIECE)
    broken = raw_form(b"x" * (3 * PIECE), 'form-data; name="file"; filename="a"')[:-4]
    for _ in range(3):
        assert (await upload_raw(ann, bot, broken)).status == 400
    assert (await upload(ann, bot, b"x" * (4 * PIECE))).status == 201


async def test_a_bot_has_a_number_of_files(
    botyard: Botyard, ann: Client, bot: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.messaging.uploading.MAX_FILES", 2)
    assert [(await upload(ann, bot, b"x")).status for _ in range(3)] == [201, 201, 403]
    assert await stored(botyard) == (2, 2)


# -- sessions that end meanwhile


@pytest.mark.parametrize("before", [0, 3 * PIECE])
async def test_a_session_that_ends_during_an_upload_stores_nothing(
    botyard: Botyard, ann: Client, bot: dict[str, Any], before: int
) -> None:
    async with wire_to(botyard.url) as wire:
        slow = await SlowUpload.begin(wire, ann, bot, b"x" * (5 * PIECE))
        await slow.send(1000 + before)
        await until_stored(botyard, lambda files, pieces: (files, pieces) == (1, before // PIECE))
        assert (await ann.post(LOGOUT)).status == 200
        assert await slow.finish() == 401
    await until_stored(botyard, lambda files, pieces: files == pieces == 0)


async def test_a_bot_that_is_deleted_during_an_upload_keeps_nothing(
    botyard: Botyard, ann: Client, bot: dict[str, Any]
) -> None:
    async with wire_to(botyard.url) as wire:
        slow = await SlowUpload.begin(wire, ann, bot, b"x" * (5 * PIECE))
        await slow.send(2 * PIECE)
        await until_stored(botyard, lambda files, pieces: pieces == 1)
        assert (await ann.delete(f"{BOTS}{bot['id']}/")).status == 204
        assert await slow.finish() == 404
    assert await stored(botyard) == (0, 0)


async def test_a_file_that_is_deleted_while_it_is_read_breaks_off(
    botyard: Botyard, ann: Client, bot: dict[str, Any]
) -> None:
    shown = await uploaded(ann, bot, os.urandom(60 * PIECE))
    path = f"{media_path(bot)}{shown['id']}/"
    async with wire_to(botyard.url) as wire:
        await wire.send(f"GET {path}content", f"Authorization: Bearer {ann.key}")
        head = await wire.reader.readuntil(b"\r\n\r\n")
        assert f"Content-Length: {60 * PIECE}".encode() in head
        assert (await ann.delete(path)).status == 204
        assert await wire.closed()
    await until(lambda: not botyard.services.traffic._in_flight, "the end of the request")
