"""Downloads: whole, in parts, large, and only for the bot that got the file."""

from __future__ import annotations

import tracemalloc

import pytest
from support.sandbox_client import Api

from sandbox import Sandbox, SandboxBot
from sandbox.files import MAX_DOWNLOAD

DATA = bytes(range(200))


async def url_of(api: Api, bot: SandboxBot, file_id: str) -> str:
    path = (await api.result(bot, "getFile", file_id=file_id))["file_path"]
    return f"{api.base}/file/bot{bot.token}/{path}"


@pytest.fixture
def file_id(sandbox: Sandbox, bot: SandboxBot) -> str:
    """A file of 200 bytes."""
    update = sandbox.send_document(bot.id, data=DATA)
    return str(update["message"]["document"]["file_id"])


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=150-", 150, 199),
        ("bytes=190-999", 190, 199),
        ("bytes=-5", 195, 199),
        ("bytes=-999", 0, 199),
    ],
)
async def test_a_part_is_given(
    api: Api, bot: SandboxBot, file_id: str, asked: str, first: int, last: int
) -> None:
    url = await url_of(api, bot, file_id)
    async with api.session.get(url, headers={"Range": asked}) as response:
        assert response.status == 206
        assert response.headers["Content-Range"] == f"bytes {first}-{last}/200"
        assert await response.read() == DATA[first : last + 1]


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=0-1,3-4", "lines=1-2", "bytes=-", "x"])
async def test_what_is_no_range_gives_the_whole_file(
    api: Api, bot: SandboxBot, file_id: str, asked: str
) -> None:
    url = await url_of(api, bot, file_id)
    async with api.session.get(url, headers={"Range": asked}) as response:
        assert (response.status, response.headers["Content-Length"]) == (200, "200")
        assert response.headers["Accept-Ranges"] == "bytes"
        assert await response.read() == DATA


@pytest.mark.parametrize("asked", ["bytes=200-", "bytes=999-1000", "bytes=-0"])
async def test_a_part_beyond_the_end_is_refused(
    api: Api, bot: SandboxBot, file_id: str, asked: str
) -> None:
    url = await url_of(api, bot, file_id)
    async with api.session.get(url, headers={"Range": asked}) as response:
        assert response.status == 416
        assert response.headers["Content-Range"] == "bytes */200"


async def test_a_part_of_a_made_up_file_is_that_of_the_whole_one(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    update = sandbox.send_content(bot.id, kind="video", size=300_000)
    url = await url_of(api, bot, update["message"]["video"]["file_id"])
    async with api.session.get(url) as response:
        whole = await response.read()
    async with api.session.get(url, headers={"Range": "bytes=65530-131080"}) as response:
        assert await response.read() == whole[65530:131081]


async def test_large_downloads_take_little_memory(
    api: Api, sandbox: Sandbox, bot: SandboxBot
) -> None:
    update = sandbox.send_content(bot.id, kind="video", size=MAX_DOWNLOAD)
    url = await url_of(api, bot, update["message"]["video"]["file_id"])
    tracemalloc.start()
    try:
        async with api.session.get(url) as response:
            read = 0
            async for piece in response.content.iter_any():
                read += len(piece)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read == MAX_DOWNLOAD
    assert most < MAX_DOWNLOAD / 4


async def test_a_client_may_go_away_in_the_middle(
    api: Api, sandbox: Sandbox, bot: SandboxBot, caplog: pytest.LogCaptureFixture
) -> None:
    update = sandbox.send_content(bot.id, kind="video", size=MAX_DOWNLOAD)
    url = await url_of(api, bot, update["message"]["video"]["file_id"])
    for _ in range(3):
        async with api.session.get(url) as response:
            await response.content.readexactly(1000)
            response.close()
    assert await api.result(bot, "getMe")
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_file_is_only_for_the_bot_that_got_it(
    api: Api, sandbox: Sandbox, bot: SandboxBot, file_id: str
) -> None:
    other = sandbox.add_bot()
    sandbox.send_message(other.id, text="hi", chat_id=7)
    assert await api.refusal(other, "getFile", file_id=file_id) == (
        "Bad Request: wrong file_id or the file is temporarily unavailable"
    )
    assert await api.refusal(other, "getFile", file_id="x") == "Bad Request: invalid file_id"
    words = await api.refusal(other, "sendDocument", chat_id=7, document=file_id)
    assert words == "Bad Request: wrong file identifier/HTTP URL specified"
    url = await url_of(api, bot, file_id)
    async with api.session.get(url.replace(bot.token, other.token)) as response:
        assert response.status == 404
