"""The dashboard, the alerts and the handbook name what is really there."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from support.client import DEADLINE, Client, register
from support.postgresql import PostgreSQL

from sandbox.app import serve as serve_sandbox
from server.app import open_botyard
from server.config import Config

ROOT = Path(__file__).parent.parent.parent
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana.json").read_text())
ALERTS = ROOT / "deploy" / "alerts.yml"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
]
METRIC = re.compile(r"\b(?:botyard|process)_[a-z_]+")
SELECTOR = re.compile(r"\b((?:botyard|process)_[a-z_]+)(?:\{([^}]*)\})?")
LABEL = re.compile(r"(\w+)(=~|!~|!=|=)\"([^\"]*)\"")
PROMTOOL = shutil.which("promtool")
# given by Prometheus to each target
TARGET_LABELS = {"instance", "job"}


def expressions() -> Iterator[tuple[str, str]]:
    """Every query with where it stands."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for variable in DASHBOARD["templating"]["list"][1:]:
        yield variable["name"], variable["definition"]


QUERIES = [pytest.param(expr, id=name) for name, expr in expressions()]


def section(title: str) -> str:
    """A section of the handbook."""
    text = (ROOT / "docs" / "operations.md").read_text()
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


@pytest.fixture(scope="module")
def scraped(postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A real scrape, of a server on PostgreSQL: only there are the metrics of several servers."""
    postgresql.execute("CREATE DATABASE monitoring")
    text = asyncio.run(_scrape(postgresql.url("monitoring"), tmp_path_factory.mktemp("data")))
    postgresql.execute("DROP DATABASE monitoring WITH (FORCE)")
    return text


async def _scrape(database_url: str, folder: Path) -> str:
    """Start a server, let a bot answer, and read the metrics."""
    server, telegram = await serve_sandbox("127.0.0.1", 0)
    port = next(iter(server._sockets.values())).getsockname()[1]
    flags = {"port": "0", "data_dir": str(folder), "database_url": database_url}
    config = Config.load({}, telegram_api_url=f"http://127.0.0.1:{port}", **flags).with_data_dir()
    botyard = await open_botyard(config)
    try:
        async with aiohttp.ClientSession() as http:
            ann = await register(Client(http, botyard.url))
            bot = telegram.add_bot()
            await ann.add_bot(bot)
            telegram.send_message(bot.id, text="hello")
            await telegram.wait_sent(bot.id, timeout=DEADLINE)
            telegram.inject(kind="delay", seconds=DEADLINE, method="sendMessage")
            telegram.send_message(bot.id, text="still unanswered")
            async with asyncio.timeout(DEADLINE):
                while True:
                    text = (await ann.get("/metrics")).text
                    if "botyard_outbox_messages{" in text:
                        return text
    finally:
        await botyard.drain(1)
        await botyard.close()
        server.stop()
        await server.close_all_connections()


@pytest.fixture(scope="module")
def samples(scraped: str) -> dict[str, dict[str, set[str]]]:
    """The values of each label of each sample's name."""
    found: dict[str, dict[str, set[str]]] = {}
    for family in text_string_to_metric_families(scraped):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_names_metrics_and_labels_of_a_real_scrape(
    samples: dict[str, dict[str, set[str]]], query: str
) -> None:
    named = SELECTOR.findall(query.replace('up{job="botyard"}', "")) or [("", "")]
    for name, selector in named:
        if name:
            assert name in samples
            labels = {label for label, _, _ in LABEL.findall(selector)}
            assert labels - TARGET_LABELS <= samples[name].keys()


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_compares_with_states_and_kinds_that_there_are(
    samples: dict[str, dict[str, set[str]]], query: str
) -> None:
    for name, selector in SELECTOR.findall(query):
        for label, operator, value in LABEL.findall(selector):
            if label in ("state", "kind") and operator in ("=", "=~"):
                assert set(value.split("|")) <= samples[name][label]


def test_every_metric_is_on_the_dashboard(samples: dict[str, Any]) -> None:
    shown = set(METRIC.findall(json.dumps(DASHBOARD)))
    bases = {re.sub(r"_(bucket|sum|count)$", "", name) for name in samples if "botyard" in name}
    assert {name for name in bases if not {name, f"{name}_bucket"} & shown} == set()


def test_the_handbook_has_every_metric_and_no_other(samples: dict[str, Any]) -> None:
    ours = {
        re.sub(r"_(bucket|sum|count)$", "", name) for name in samples if name.startswith("botyard_")
    }
    assert set(re.findall(r"\bbotyard_\w+", section("Metrics"))) == ours


def test_the_handbook_has_every_alert_and_no_other() -> None:
    assert re.findall(r"^\| `(\w+)`", section("Alerts"), re.MULTILINE) == [
        rule["alert"] for rule in RULES
    ]


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    happens, _, to_do = rule["annotations"]["summary"].partition(": ")
    assert happens
    assert to_do
    # of all servers of an installation, or of one
    where = "job" if re.search(r"^\(?max by \(job\)", rule["expr"]) else "instance"
    assert f"{{{{ $labels.{where} }}}}" in rule["annotations"]["summary"]


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells


def test_panels_have_ids_of_their_own() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


# -- promtool, where it is installed

# What a server shows a minute while all is well; each alert below changes some of it.
WELL = {
    'up{job="botyard",instance="a"}': "1x120",
    'botyard_bots{instance="a",state="failed"}': "0x120",
    'botyard_bots{instance="a",state="retrying"}': "1x120",
    'botyard_bots{instance="a",state="running"}': "50x120",
    'botyard_journal_updates{instance="a",state="waiting"}': "3x120",
    'botyard_updates_dead_total{instance="a"}': "7x120",
    'botyard_outbox_oldest_seconds{instance="a",lane="dialog"}': "1x120",
    'botyard_outbox_oldest_seconds{instance="a",lane="broadcast"}': "3000x120",
    'botyard_loop_lag_seconds_bucket{instance="a",le="0.25"}': "0+100x120",
    'botyard_loop_lag_seconds_bucket{instance="a",le="1.0"}': "0+100x120",
    'botyard_loop_lag_seconds_bucket{instance="a",le="+Inf"}': "0+100x120",
    'botyard_database_commit_seconds_bucket{instance="a",le="0.25"}': "0+100x120",
    'botyard_database_commit_seconds_bucket{instance="a",le="1.0"}': "0+100x120",
    'botyard_database_commit_seconds_bucket{instance="a",le="+Inf"}': "0+100x120",
    'botyard_http_requests_total{instance="a",route="/healthz/",status="200"}': "0+60x120",
    'botyard_http_requests_total{instance="a",route="/readyz/",status="503"}': "0+60x120",
    'botyard_http_requests_total{instance="a",route="/",status="500"}': "0+1x120",
    'botyard_database_up{instance="a"}': "1x120",
    'botyard_database_failures_total{instance="a"}': "4x120",
    'botyard_database_queue{instance="a",kind="write"}': "20x120",
    'botyard_telegram_calls_total{instance="a",method="sendMessage",outcome="ok"}': "0+60x120",
    'botyard_telegram_calls_total{instance="a",method="sendMessage",outcome="rate_limited"}':
        "0+1x120",
    'botyard_processes{job="botyard",instance="a"}': "1x120",
    'botyard_bots_unowned{instance="a"}': "0x120",
    'botyard_lease_age_seconds{instance="a"}': "0.7x120",
    'botyard_gate_shut_seconds_total{instance="a"}': "20x120",
    'botyard_fenced_writes_total{instance="a"}': "3x120",
    'botyard_takeovers_total{instance="b"}': "1x120",
}  # fmt: skip
TROUBLE = {
    "BotyardDown": {'up{job="botyard",instance="a"}': "0x120"},
    "BotyardBotsFailed": {'botyard_bots{instance="a",state="failed"}': "2x120"},
    "BotyardBotsRetrying": {'botyard_bots{instance="a",state="retrying"}': "40x120"},
    "BotyardJournalGrowing": {
        'botyard_journal_updates{instance="a",state="waiting"}': "200+10x120"
    },
    "BotyardDeadUpdates": {'botyard_updates_dead_total{instance="a"}': "7x90 8x30"},
    "BotyardMessagesLate": {
        'botyard_outbox_oldest_seconds{instance="a",lane="dialog"}': "1+60x120"
    },
    "BotyardLoopLag": {'botyard_loop_lag_seconds_bucket{instance="a",le="0.25"}': "0+50x120"},
    "BotyardSlowCommits": {
        'botyard_database_commit_seconds_bucket{instance="a",le="0.25"}': "0+50x120"
    },
    "BotyardServerErrors": {
        'botyard_http_requests_total{instance="a",route="/",status="500"}': "0+20x120"
    },
    "BotyardDatabaseUnavailable": {'botyard_database_failures_total{instance="a"}': "0+1x120"},
    "BotyardDatabaseQueue": {'botyard_database_queue{instance="a",kind="write"}': "500x120"},
    "BotyardFloodLimited": {
        'botyard_telegram_calls_total{instance="a",method="sendMessage",outcome="rate_limited"}':
            "0+20x120"
    },
    "BotyardBotsUnowned": {'botyard_bots_unowned{instance="a"}': "0x100 4x20"},
    "BotyardLeaseOld": {'botyard_lease_age_seconds{instance="a"}': "0.7x109 3.5 0.7x9"},
    "BotyardGateShut": {'botyard_gate_shut_seconds_total{instance="a"}': "20x105 45x15"},
    "BotyardFencedWrites": {'botyard_fenced_writes_total{instance="a"}': "3x105 5x15"},
    "BotyardProcessGone": {'up{job="botyard",instance="b"}': "1x120"},
}  # fmt: skip
# up and down, or long ago, or only one of many: nobody should be called
PEACE = {
    "all is well": {},
    "bots that are off keep what waits": {
        'botyard_journal_updates{instance="a",state="waiting"}': "5000x120"
    },
    "two of five bots": {
        'botyard_bots{instance="a",state="retrying"}': "2x120",
        'botyard_bots{instance="a",state="running"}': "3x120",
    },
    "no bots at all": {
        'botyard_bots{instance="a",state="retrying"}': "0x120",
        'botyard_bots{instance="a",state="running"}': "0x120",
    },
    "a journal that shrinks": {
        'botyard_journal_updates{instance="a",state="waiting"}': "5000-10x120"
    },
    "writes refused because others took over": {
        'botyard_fenced_writes_total{instance="a"}': "3x105 5x15",
        'botyard_takeovers_total{instance="b"}': "1x105 2x15",
    },
    "two servers that show the same": {
        'up{job="botyard",instance="b"}': "1x120",
        'botyard_bots{instance="b",state="retrying"}': "1x120",
        'botyard_bots{instance="b",state="running"}': "50x120",
        'botyard_processes{job="botyard",instance="a"}': "2x120",
        'botyard_processes{job="botyard",instance="b"}': "2x120",
    },
    "bots without a server for a moment": {
        'botyard_bots_unowned{instance="a"}': "0x109 4 0x10",
    },
}


def test_every_alert_is_tried() -> None:
    assert list(TROUBLE) == [rule["alert"] for rule in RULES]


async def promtool(*arguments: str) -> str:
    """Run it; what it says when it is not content."""
    assert PROMTOOL
    process = await asyncio.create_subprocess_exec(
        PROMTOOL, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return said.decode() if process.returncode else ""


async def fire(folder: Path, changes: dict[str, str], expected: list[str]) -> str:
    """See which alerts fire after two hours."""
    series = [{"series": name, "values": text} for name, text in (WELL | changes).items()]
    wanted = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in expected]
    query = 'count by (alertname) (ALERTS{alertstate="firing"})'
    test = {
        "interval": "1m",
        "input_series": series,
        "promql_expr_test": [{"expr": query, "eval_time": "110m", "exp_samples": wanted}],
    }
    path = folder / "test.yml"
    path.write_text(
        yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": [test]})
    )
    return await promtool("test", "rules", str(path))


if PROMTOOL:

    async def test_promtool_takes_the_rules() -> None:
        assert await promtool("check", "rules", str(ALERTS)) == ""

    async def test_promtool_takes_the_metrics(scraped: str) -> None:
        process = await asyncio.create_subprocess_exec(
            str(PROMTOOL), "check", "metrics",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate(scraped.encode())
        assert (process.returncode, said.decode()) == (0, "")

    @pytest.mark.parametrize("name", TROUBLE)
    async def test_an_alert_fires_alone_when_it_should(name: str, tmp_path: Path) -> None:
        assert await fire(tmp_path, TROUBLE[name], [name]) == ""

    @pytest.mark.parametrize("case", PEACE)
    async def test_nobody_is_called_without_need(case: str, tmp_path: Path) -> None:
        assert await fire(tmp_path, PEACE[case], []) == ""
