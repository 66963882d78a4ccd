"""The Swagger page in a real browser: Chromium, driven over its DevTools protocol."""

from __future__ import annotations

import asyncio
import importlib.resources
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator
from importlib.readers import MultiplexedPath
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.client import BOTS, DEADLINE, Client

from handlers.apidoc import swagger
from sandbox import Sandbox
from server.app import Botyard

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--window-size=1280,1600",
)
pytestmark = pytest.mark.early
START = 40.0  # seconds in which Chromium, started cold on a busy machine, must be there
# How a person types: the page listens to the event, not to the property.
TYPE = """(box, text) => {
    const prototype = Object.getPrototypeOf(box);
    Object.getOwnPropertyDescriptor(prototype, "value").set.call(box, text);
    box.dispatchEvent(new Event("input", {bubbles: true}));
}"""


class Page:
    """A page in Chromium.

    Args:
        socket: to the browser's DevTools.
        session: the page's, in the protocol's sense.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.session: str | None = None
        self.requests: list[dict[str, Any]] = []
        self.complaints: list[str] = []
        self.numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    async def listen(self) -> None:
        """Take what the browser says until it hangs up."""
        async for message in self.socket:
            said = message.json()
            if "id" in said:
                self._waiting.pop(said["id"]).set_result(said)
            else:
                self._happened(said["method"], said["params"])

    def _happened(self, method: str, params: dict[str, Any]) -> None:
        match method:
            case "Network.requestWillBeSent":
                self.requests.append(params["request"])
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                self.complaints.append(f"{params['entry']['source']}: {params['entry']['text']}")
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "assert"):
                self.complaints.append(json.dumps(params["args"]))

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol (https://chromedevtools.github.io/devtools-protocol/)."""
        number = next(self.numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        command = {"id": number, "method": method, "params": params}
        await self.socket.send_json(command | ({"sessionId": self.session} if self.session else {}))
        answer = await asyncio.wait_for(self._waiting[number], DEADLINE)
        assert "error" not in answer, f"{method}: {answer}"
        result: dict[str, Any] = answer["result"]
        return result

    async def open(self, url: str) -> None:
        """Load an address in a new tab and wait until Swagger UI has drawn the document."""
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=url)
        await self.until("document.querySelector('.opblock')")

    async def js(self, expression: str) -> Any:
        """The value of an expression on the page."""
        answer = await self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, f"{expression}: {answer}"
        return answer["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Wait until an expression on the page is true; what it is."""
        try:
            async with asyncio.timeout(DEADLINE):
                while True:
                    if value := await self.js(f"(v => v instanceof Node || v)({expression})"):
                        return value
                    await asyncio.sleep(0.02)
        except TimeoutError:
            shown = await self.js("document.body.innerText")
            raise AssertionError(f"{expression} did not come true on\n{shown}") from None

    async def click(self, selector: str) -> None:
        """Click on an element as soon as it can be seen."""
        found = f"document.querySelector({json.dumps(selector)})"
        await self.until(f"{found}?.checkVisibility()")
        await self.js(f"{found}.click()")

    async def type(self, selector: str, text: str) -> None:
        """Type into a box as soon as it is there."""
        found = f"document.querySelector({json.dumps(selector)})"
        await self.until(found)
        await self.js(f"({TYPE})({found}, {json.dumps(text)})")

    async def execute(self, operation: str) -> tuple[int, dict[str, str]]:
        """Open an operation, such as `Bots-list_telegram_data`, and press Execute.

        Returns:
            The status that the page shows, and the headers of the request.
        """
        block = f"#operations-{operation}"
        await self.click(f"{block} .opblock-summary-control")
        before = len(self.requests)
        await self.click(f"{block} .execute")
        status = (
            f"document.querySelector('{block} .live-responses-table tbody .response-col_status')"
        )
        shown = await self.until(f"{status} && {status}.innerText.trim()")
        sent = [made for made in self.requests[before:] if not made["url"].startswith("data:")]
        headers: dict[str, str] = sent[0]["headers"]
        return int(shown.split()[0]), headers


def test_its_files_are_found_in_folders_without_modules_as_the_single_file_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = importlib.resources.files
    monkeypatch.setattr(importlib.resources, "files", lambda name: MultiplexedPath(files(name)))
    swagger._file.cache_clear()
    swagger.load_files()


@pytest.fixture
async def page(
    tmp_path: Path, botyard: Botyard, http: aiohttp.ClientSession
) -> AsyncIterator[Page]:
    """The Swagger page, drawn."""
    program = shutil.which("chromium")
    assert program, "This test needs Chromium; on Debian: apt-get install chromium"
    profile = tmp_path / "chromium"
    process = await asyncio.create_subprocess_exec(
        program,
        *FLAGS,
        f"--user-data-dir={profile}",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | {"HOME": str(tmp_path)},
    )
    try:
        port, path = await _devtools(profile / "DevToolsActivePort", process)
        async with http.ws_connect(f"ws://127.0.0.1:{port}{path}", max_msg_size=0) as socket:
            page = Page(socket)
            listening = asyncio.create_task(page.listen(), name="devtools")
            try:
                await page.open(f"{botyard.url}/swagger/")
                yield page
            finally:
                listening.cancel()
                await asyncio.wait({listening})
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), DEADLINE)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _devtools(file: Path, process: asyncio.subprocess.Process) -> list[str]:
    """Port and path where Chromium's DevTools listen; it writes a file that says so."""
    async with asyncio.timeout(START):
        while len(said := _lines(file)) < 2:
            assert process.returncode is None, f"Chromium ended with {process.returncode}"
            await asyncio.sleep(0.02)
    return said


def _lines(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


async def test_the_page_shows_the_whole_document_and_nothing_from_elsewhere(
    page: Page, anonymous: Client
) -> None:
    document = (await anonymous.get("/openapi.json")).json
    operations = [made for methods in document["paths"].values() for made in methods.values()]
    expected = [f"operations-{made['tags'][0]}-{made['operationId']}" for made in operations]
    shown = await page.js("[...document.querySelectorAll('.opblock')].map(block => block.id)")
    assert sorted(shown) == sorted(expected)
    tags = await page.js(
        "[...document.querySelectorAll('.opblock-tag')].map(tag => tag.dataset.tag)"
    )
    assert tags == [tag["name"] for tag in document["tags"]]
    text = await page.js("document.body.innerText")
    assert document["info"]["version"] in text
    assert "Authorize" in text
    assert "Authorization: Bearer KEY" in text
    outside = [
        request["url"]
        for request in page.requests
        if not request["url"].startswith((f"{anonymous.url}/", "data:"))
    ]
    assert outside == []
    assert f"{anonymous.url}/openapi.json" in [request["url"] for request in page.requests]
    assert page.complaints == []


async def test_the_key_goes_into_authorize_and_calls_work(page: Page, ann: Client) -> None:
    await page.click(".auth-wrapper .authorize")
    await page.type("#auth-bearer-value", ann.key or "")
    assert await page.js("document.querySelectorAll('.modal-ux .auth-container input').length") == 1
    await page.click(".auth-container:has(#auth-bearer-value) .auth-btn-wrapper .authorize")
    await page.click(".modal-ux .btn-done")
    status, headers = await page.execute("Bots-list_telegram_data")
    assert status == 200
    assert headers["Authorization"] == f"Bearer {ann.key}"
    assert page.complaints == []


@pytest.mark.slow
async def test_after_logging_in_on_the_page_every_call_works(
    page: Page, ann: Client, telegram: Sandbox
) -> None:
    """The page's example is ann, so what is filled in works as it stands."""
    status, headers = await page.execute("Accounts-login")
    assert status == 200
    status, headers = await page.execute("Accounts-update_user")
    assert status == 200
    assert "Authorization" not in headers
    assert headers["X-XSRFToken"]
    assert (await ann.get("/rest-auth/user/")).json["first_name"] == "Ann"

    bot = telegram.add_bot()
    box = "#operations-Bots-create_telegram_data textarea"
    await page.click("#operations-Bots-create_telegram_data .opblock-summary-control")
    await page.until(f"document.querySelector('{box}')")
    filled = json.loads(await page.js(f"document.querySelector('{box}').value"))
    assert filled.keys() == {"token", "title", "active", "history"}
    await page.type(box, json.dumps(filled | {"token": bot.token}))
    await page.click("#operations-Bots-create_telegram_data .opblock-summary-control")
    status, headers = await page.execute("Bots-create_telegram_data")
    assert status == 201
    assert [made["title"] for made in (await ann.get(BOTS)).json] == [filled["title"]]

    status, headers = await page.execute("Accounts-logout")
    assert status == 200
    assert page.complaints == []
