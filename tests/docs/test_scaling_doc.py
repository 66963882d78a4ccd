"""docs/scaling.md names settings, files, metrics, alerts and times: they must be there."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml
from support.server_process import ROOT

from models.engine.connection import LOCK_TIMEOUT, SERVER, STATEMENT_TIMEOUT
from models.engine.database import READERS
from runner.cluster.claimer import DRAIN_STEP
from runner.cluster.share import STEP
from runner.settings import ClusterTuning
from server import setting_values
from server.config import Config
from server.setting_values import PREFIX

TEXT = (ROOT / "docs" / "scaling.md").read_text()
WORDS = " ".join(TEXT.split())
TIMES = ClusterTuning()


def test_every_setting_it_names_exists() -> None:
    named = set(re.findall(rf"{PREFIX}[A-Z_]*[A-Z]", TEXT))
    assert named
    assert named <= {PREFIX + name.upper() for name in Config.__dataclass_fields__}


def test_every_url_it_shows_is_taken() -> None:
    urls = re.findall(rf"^ *{PREFIX}DATABASE_(?:DIRECT_)?URL=(\S+)$", TEXT, re.MULTILINE)
    assert len(urls) == 4
    for url in urls:
        assert setting_values.database_url(url) == url


def test_every_file_it_names_exists() -> None:
    for name in set(re.findall(r"\bdeploy/([\w@.-]+\w)", TEXT)):
        assert (ROOT / "deploy" / name).is_file(), name
    for name in set(re.findall(r"\]\((\w+\.md)\)", TEXT)):
        assert (ROOT / "docs" / name).is_file(), name


def test_every_metric_and_alert_it_names_is_in_the_handbook() -> None:
    handbook = (ROOT / "docs" / "operations.md").read_text()
    metrics = set(re.findall(r"`(botyard_\w+)`", TEXT))
    assert len(metrics) > 5
    assert {name for name in metrics if f"| `{name}` |" not in handbook} == set()
    groups = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text())["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"]}
    named = set(re.findall(r"`(Botyard\w+)`", TEXT))
    assert len(named) > 5
    assert named <= alerts


@pytest.mark.parametrize(
    "text",
    [
        "is dead: its bots are free", "bots claimed", "has ended: its bots are free",
        "this process was declared dead: it stops its bots, and begins anew", "no heartbeat: ",
        "the heartbeat is back", "Telegram does not answer", "bots given away",
    ],
)  # fmt: skip
def test_every_log_line_it_quotes_is_written(text: str) -> None:
    assert text in WORDS
    sources = (path.read_text() for path in (ROOT / "runner" / "cluster").glob("*.py"))
    assert any(text in source for source in sources)


@pytest.mark.parametrize(
    "sentence",
    [
        f"nothing after {TIMES.trust:g} seconds without a heartbeat, and others wait for "
        f"{TIMES.patience:g}",
        f"after {TIMES.cut_off:g} to 30 s",
        f"{DRAIN_STEP} at a time",
        f"after {SERVER.connect} seconds, and a connection that was cut after {SERVER.unanswered}",
        f"statement_timeout = '{STATEMENT_TIMEOUT}s'",
        f"lock_timeout = '{LOCK_TIMEOUT}s'",
        f"idle_in_transaction_session_timeout = '{SERVER.idle}s'",
        f"waits for {LOCK_TIMEOUT} seconds for the old ones",
    ],
)
def test_its_times_are_those_of_the_code(sentence: str) -> None:
    assert sentence in WORDS


def test_its_numbers_are_those_of_the_code() -> None:
    assert (1 + READERS["postgresql"] + 1, STEP) == (5, 100)
    assert "five connections: one that writes, three that read, and its link" in WORDS
    assert "a hundred bots at a time" in WORDS


def test_proxies_wait_as_long_as_it_says() -> None:
    for name, setting in (("nginx-servers.conf", "proxy_read_timeout"), ("haproxy.cfg", "server")):
        text = (ROOT / "deploy" / name).read_text()
        assert re.findall(rf"{setting} (\d+)s", text) == ["30"]
    assert "waits for up to 30 s" in WORDS


def test_its_commands_are_no_typing_errors() -> None:
    blocks = re.findall(r"^( *)```console\n(.*?)^ *```$", TEXT, re.MULTILINE | re.DOTALL)
    commands = [block for _, block in blocks if re.search(r"systemctl|nginx -t|echo ", block)]
    assert len(commands) == 3
    for block in commands:
        subprocess.run(["bash", "-n", "-c", block], check=True)
