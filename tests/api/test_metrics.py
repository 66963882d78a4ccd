"""/metrics: who may read it, and that each number in it follows what happens."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import peewee
import pytest
from support.client import BOTS, DEADLINE, Client, Scrape, scrape, until
from support.dialogs import FragileDialog
from support.server_process import serving
from support.uploads import uploaded
from support.writers import writer_of

import handlers.metrics.collector
from handlers.metrics.requests import RequestCounts
from handlers.routes import routes
from models.engine.histogram import Histogram
from models.errors import StorageUnavailable
from runner.settings import RunnerTuning
from runner.updates.intake import pack_all
from sandbox import Sandbox
from server import __version__
from server.app import Botyard, open_botyard
from server.config import Config
from server.version import commit

TOKEN = "for-the-scrape-alone"


async def until_scraped(client: Client, condition: Callable[[Scrape], Any]) -> Scrape:
    """Scrape until a condition holds."""
    async with asyncio.timeout(DEADLINE):
        while not condition(seen := await scrape(client)):
            await asyncio.sleep(0.01)
    return seen


# -- who may read it


async def test_without_a_token_those_on_this_machine_may_read_it(anonymous: Client) -> None:
    answer = await anonymous.get("/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n")


@pytest.mark.parametrize(
    ("others", "address"),
    [
        ({"behind_proxy": True}, "127.0.0.1"),
        ({"host": "0.0.0.0"}, "127.0.0.1"),
        ({"host": "::"}, "[::1]"),
    ],
    ids=["behind a proxy", "IPv4", "IPv6"],
)
class TestReachedByOthers:
    """A server that others reach, though every request comes from this machine."""

    @pytest.fixture
    def config(self, config: Config, others: dict[str, Any]) -> Config:
        """The address, or a proxy that is declared."""
        return replace(config, **others)

    @pytest.mark.parametrize("path", ["/metrics", "/metrics/"])
    async def test_without_a_token_nobody_reads_it_and_is_told_what_opens_it(
        self, botyard: Botyard, http: aiohttp.ClientSession, address: str, path: str
    ) -> None:
        port = urlsplit(botyard.url).port
        answer = await Client(http, f"http://{address}:{port}").get(path)
        assert (answer.status, answer.json["code"]) == (403, "metrics_closed")
        assert "BOTYARD_METRICS_TOKEN" in answer.json["detail"]
        assert "botyard_bots" not in answer.text


async def test_a_start_with_closed_metrics_says_so_in_one_line(
    tmp_path: Path, telegram: Sandbox
) -> None:
    url = telegram.url  # type: ignore[attr-defined]
    async with serving(tmp_path, url, BOTYARD_BEHIND_PROXY="yes") as server:
        await server.end(signal.SIGTERM)
    assert len([line for line in server.log if "BOTYARD_METRICS_TOKEN" in line]) == 1


@pytest.mark.parametrize("token", [None, TOKEN])
async def test_a_start_with_open_metrics_says_nothing_of_them(
    tmp_path: Path, telegram: Sandbox, token: str | None
) -> None:
    url = telegram.url  # type: ignore[attr-defined]
    proxied = {"BOTYARD_BEHIND_PROXY": "yes", "BOTYARD_METRICS_TOKEN": token} if token else {}
    async with serving(tmp_path, url, **proxied) as server:
        await server.end(signal.SIGTERM)
    assert not [line for line in server.log if "METRICS_TOKEN" in line]


class TestWithToken:
    """A server whose operator set a token."""

    @pytest.fixture
    def config(self, config: Config) -> Config:
        """The token."""
        return replace(config, metrics_token=TOKEN)

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
    async def test_who_has_it_may_read(self, anonymous: Client, scheme: str) -> None:
        answer = await anonymous.get("/metrics", headers={"Authorization": f"{scheme} {TOKEN}"})
        assert answer.status == 200

    @pytest.mark.parametrize(
        ("header", "code"),
        [
            (None, "not_authenticated"),
            (f"Basic {TOKEN}", "not_authenticated"),
            (TOKEN, "not_authenticated"),
            ("Bearer", "invalid_key"),
            (f"Bearer {TOKEN[:-1]}", "invalid_key"),
            (f"Bearer {TOKEN}x", "invalid_key"),
            ("Bearer \xe4\xf6\xfc", "invalid_key"),
        ],
    )
    @pytest.mark.parametrize("path", ["/metrics", "/metrics/"])
    async def test_nobody_else_may(
        self, anonymous: Client, path: str, header: str | None, code: str
    ) -> None:
        headers = {"Authorization": header} if header is not None else {}
        answer = await anonymous.get(path, headers=headers)
        assert (answer.status, answer.json["code"]) == (401, code)
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="botyard"')
        assert "botyard_bots" not in answer.text

    async def test_a_users_key_does_not_open_it(self, ann: Client) -> None:
        assert (await ann.get("/metrics")).status == 401

    async def test_head_asks_for_it_too(self, anonymous: Client) -> None:
        assert (await anonymous.request("HEAD", "/metrics")).status == 401


async def test_it_holds_nothing_of_what_users_entered(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    shown = await ann.add_bot(bot, title="A secret shop")
    text = (await ann.get("/metrics")).text
    secrets = [bot.token, "secret shop", shown["username"], str(bot.id), '"ann"']
    assert [secret for secret in secrets if secret in text] == []


# -- requests


async def test_a_request_is_counted_by_the_routes_pattern_method_and_status(ann: Client) -> None:
    for number in (7, 8):
        await ann.get(f"{BOTS}{number}/")
    seen = await scrape(ann)
    route = "/api/v1/telegram_data/{bot_id}/"
    labels = {"route": route, "method": "GET", "status": "404"}
    assert seen("botyard_http_requests_total", **labels) == 2
    assert seen("botyard_http_request_duration_seconds_count", route=route) == 2


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/", "/"),
        ("/swagger", "/swagger"),
        ("/swagger/nothing", "/swagger/{name}"),
        ("/healthz", "/healthz/"),
        ("/openapi.json", "/openapi.json"),
        (f"{BOTS}1/dead_updates/2/", "/api/v1/telegram_data/{bot_id}/dead_updates/{update_id}/"),
    ],
)
async def test_each_route_has_its_name(anonymous: Client, path: str, route: str) -> None:
    await anonymous.get(path)
    assert (await scrape(anonymous)).values_of("route") == {route}


async def test_unknown_paths_and_methods_share_one_name(anonymous: Client) -> None:
    for number in range(20):
        await anonymous.request(f"BREW{number}", f"/nowhere/{number}")
        await anonymous.request(f"BREW{number}", "/healthz")
    seen = await scrape(anonymous)
    assert seen.values_of("route") == {"unknown", "/healthz/"}
    assert seen.values_of("method") == {"unknown"}
    assert seen("botyard_http_requests_total", route="unknown") == 20


async def test_a_stream_counts_when_it_ends_and_does_not_spoil_the_times(
    ann: Client, botyard: Botyard
) -> None:
    url, headers = f"{ann.url}/api/v1/events/", {"Authorization": f"Bearer {ann.key}"}
    async with ann.http.get(url, headers=headers) as stream:
        await stream.content.readline()
        assert "/api/v1/events/" not in (await scrape(ann)).values_of("route")
        botyard.services.runner.events.close()
        await stream.read()
    seen = await until_scraped(
        ann, lambda seen: seen("botyard_http_requests_total", route="/api/v1/events/")
    )
    assert seen("botyard_http_request_duration_seconds_count", route="/api/v1/events/") is None


async def test_two_servers_in_one_process_count_apart(
    anonymous: Client, config: Config, runner_tuning: RunnerTuning
) -> None:
    await anonymous.get("/healthz")
    other = replace(config, data_dir=config.data_dir / "other", database_url="").with_data_dir()
    second = await open_botyard(other, runner=runner_tuning)
    try:
        seen = await scrape(Client(anonymous.http, second.url))
    finally:
        await second.close()
    assert seen("botyard_http_requests_total", route="/healthz/") is None


def test_every_route_of_the_table_gets_a_name_of_its_own() -> None:
    named = RequestCounts(routes)._routes.values()
    labels = [label for pairs in named for _, label in pairs]
    assert len(set(labels)) == len(routes)
    assert not [label for label in labels if set(label) & set("()[]?*\\$")]


# -- bots and updates


async def test_bots_are_counted_by_state(ann: Client, telegram: Sandbox) -> None:
    await ann.add_bot(telegram.add_bot())
    await ann.add_bot(telegram.add_bot(), active=False)
    revoked = telegram.add_bot()
    shown = await ann.add_bot(revoked)
    telegram.revoke(revoked.id)
    await ann.until_state(shown, "failed")
    seen = await scrape(ann)
    counts = {state: seen("botyard_bots", state=state) for state in seen.values_of("state")}
    del counts["waiting"], counts["dead"]  # the journal's
    assert counts == {
        "running": 1, "stopped": 1, "failed": 1, "starting": 0, "retrying": 0, "stopping": 0,
    }  # fmt: skip


async def test_a_message_is_received_handled_and_answered(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    for text in ("one", "two"):
        telegram.send_message(bot.id, text=text)
    seen = await until_scraped(
        ann,
        lambda seen: (
            seen("botyard_updates_handled_total") == 2
            and seen("botyard_journal_updates", state="waiting") == 0
            and seen("botyard_telegram_calls_total", method="sendMessage", outcome="ok") == 2
        ),
    )
    assert seen("botyard_updates_received_total") == 2
    assert seen("botyard_telegram_calls_total", method="sendMessage", outcome="ok") == 2


async def test_what_waits_is_counted_though_its_bot_is_off(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    made = await ann.add_bot(telegram.add_bot(), active=False)
    packed = await pack_all([{"update_id": number} for number in range(3)])
    journal = botyard.services.runner.journal
    await journal.store(await writer_of(botyard, made["id"]), packed, offset=3, handled=[])
    seen = await scrape(ann)
    assert seen("botyard_journal_updates", state="waiting") == 3
    assert seen("botyard_updates_handled_total") == 0


class TestFailures:
    """A dialog that fails."""

    @pytest.fixture
    def dialog(self) -> FragileDialog:
        return FragileDialog()

    async def test_a_dead_update_is_counted_with_its_failures(
        self, ann: Client, telegram: Sandbox
    ) -> None:
        bot = telegram.add_bot()
        await ann.add_bot(bot)
        telegram.send_message(bot.id, text="bad")

        def told(seen: Scrape) -> bool:  # in the database and in the process, one before the other
            return bool(
                seen("botyard_journal_updates", state="dead") and seen("botyard_updates_dead_total")
            )

        seen = await until_scraped(ann, told)
        assert seen("botyard_journal_updates", state="dead") == 1
        assert seen("botyard_updates_dead_total") == 1
        assert seen("botyard_update_failures_total") == 3
        assert seen("botyard_updates_handled_total") == 0


async def test_a_stored_update_that_comes_again_is_not_received_again(
    ann: Client, telegram: Sandbox, botyard: Botyard
) -> None:
    made = await ann.add_bot(telegram.add_bot(), active=False)
    journal = botyard.services.runner.journal
    for _ in range(2):
        packed = await pack_all([{"update_id": 5}])
        await journal.store(await writer_of(botyard, made["id"]), packed, offset=6, handled=[])
    assert (await scrape(ann))("botyard_updates_received_total") == 1


# -- Telegram


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"kind": "status", "status": 429, "retry_after": 1}, "rate_limited"),
        ({"kind": "status", "status": 400}, "refused"),
        ({"kind": "status", "status": 502}, "failed"),
        ({"kind": "drop"}, "no_answer"),
    ],
)
async def test_a_call_that_does_not_work_out_is_counted_by_what_became_of_it(
    ann: Client, telegram: Sandbox, fault: dict[str, Any], outcome: str
) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot)
    telegram.inject(**fault, bot_id=bot.id, method="sendMessage", times=1)
    for text in ("hello", "again"):  # after a 400 the first is not sent any more
        telegram.send_message(bot.id, text=text)
    await until(lambda: "again" in [sent.message["text"] for sent in telegram.sent(bot.id)])
    calls = "botyard_telegram_calls_total"
    seen = await scrape(ann)
    assert seen(calls, method="sendMessage", outcome=outcome) == 1


async def test_a_poll_that_is_cut_short_by_switching_off_is_no_failure(
    ann: Client, telegram: Sandbox
) -> None:
    bot = telegram.add_bot()
    made = await ann.add_bot(bot)
    await until(lambda: telegram.polling(bot.id), "the poll")
    await ann.patch(f"{BOTS}{made['id']}/", {"active": False})
    seen = await scrape(ann)
    assert seen("botyard_telegram_calls_total", outcome="no_answer") is None


async def test_files_share_one_name(ann: Client, telegram: Sandbox, botyard: Botyard) -> None:
    request = {"method": "GET", "body": None, "headers": {}, "read_timeout": 5.0}
    transport = botyard.services.runner.transport
    for name in ("photos/file_1.jpg", "photos/file_2.jpg"):
        url = f"{transport.api_url}/file/bot{telegram.add_bot().token}/{name}"
        await transport.send(url, connect_timeout=5.0, **request)
    assert "file" in (seen := await scrape(ann)).values_of("method")
    assert not [method for method in seen.values_of("method") if "jpg" in method]


# -- the database and the loop


async def test_a_commit_is_measured(ann: Client) -> None:
    name = "botyard_database_commit_seconds_count"
    before = (await scrape(ann))(name)
    await ann.patch("/rest-auth/user/", {"first_name": "Ann"})
    after = (await scrape(ann))(name)
    assert before is not None
    assert after is not None
    assert after > before


async def test_a_call_that_the_database_refuses_is_counted(
    anonymous: Client, botyard: Botyard
) -> None:
    def fail() -> None:
        raise peewee.OperationalError("disk I/O error")

    with pytest.raises(StorageUnavailable):
        await botyard.services.db.write(fail)
    seen = await scrape(anonymous)
    assert seen("botyard_database_failures_total") == 1
    assert seen("botyard_database_up") == 1


async def test_a_database_that_does_not_answer_is_told_and_holds_no_scrape_up(
    anonymous: Client, botyard: Botyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers.metrics.collector, "PATIENCE", 0.2)
    db, over = botyard.services.db, threading.Event()
    stuck = [asyncio.create_task(db.read(over.wait, DEADLINE)) for _ in range(5)]
    try:
        async with asyncio.timeout(DEADLINE / 2):
            seen = await scrape(anonymous)
    finally:
        over.set()
        await asyncio.gather(*stuck)
    assert seen("botyard_database_up") == 0
    assert (seen("botyard_database_queue", kind="read") or 0) >= 2
    assert seen("botyard_bots", state="running") == 0
    assert seen("botyard_bots", state="stopped") is None  # not known, which is not 0
    assert seen("botyard_journal_updates") is None


async def test_a_loop_that_is_held_up_shows(anonymous: Client) -> None:
    def slow(seen: Scrape) -> float:
        every = seen("botyard_loop_lag_seconds_count") or 0
        return every - (seen("botyard_loop_lag_seconds_bucket", le="0.25") or 0)

    before = slow(await scrape(anonymous))
    threading.Event().wait(0.6)  # this thread is the loop's
    await until_scraped(anonymous, lambda seen: slow(seen) > before)


async def test_what_runs_is_told(anonymous: Client) -> None:
    labels = {"version": __version__, "commit": commit()}
    assert (await scrape(anonymous))("botyard_build_info", **labels) == 1


@pytest.mark.parametrize(
    ("seconds", "counts"),
    [(0.0, [1, 0, 0]), (0.1, [1, 0, 0]), (0.2, [0, 1, 0]), (1.0, [0, 1, 0]), (9.0, [0, 0, 1])],
)
def test_a_measurement_belongs_to_the_least_bound_above_it(
    seconds: float, counts: list[int]
) -> None:
    histogram = Histogram((0.1, 1.0))
    histogram.observe(seconds)
    assert (histogram.counts, histogram.total) == (counts, seconds)


async def test_what_people_send_is_counted_by_a_few_kinds(ann: Client, telegram: Sandbox) -> None:
    bot = telegram.add_bot()
    await ann.add_bot(bot, history=False)
    telegram.send_content(bot.id, kind="voice")
    for name in ("gift_basket", "haunted_house"):
        telegram.send_content(bot.id, kind="other", **{name: {}})
    sent = telegram.send_message(bot.id, text="helo")["message"]
    where = {"chat_id": sent["chat"]["id"], "message_id": sent["message_id"]}
    telegram.edit_message(bot.id, **where, text="hello")
    name = "botyard_messages_received_total"
    seen = await until_scraped(ann, lambda seen: seen("botyard_updates_handled_total") == 5)
    assert [seen(name, kind=kind) for kind in ("voice", "other", "text")] == [1, 2, 1]
    assert seen(name) == 4


async def test_uploaded_files_are_counted(ann: Client, telegram: Sandbox) -> None:
    bot = await ann.add_bot(telegram.add_bot(), active=False)
    for size in (1, 1000):
        await uploaded(ann, bot, b"x" * size)
    seen = await scrape(ann)
    assert (seen("botyard_media_files"), seen("botyard_media_bytes")) == (2, 1001)
