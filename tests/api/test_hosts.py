"""Names of this server: a page whose name was given this machine's address is not believed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.client import BOTS, Client

from server.app import Botyard
from server.config import Config

USER = "/rest-auth/user/"
METRICS_TOKEN = "a-token-of-the-operator"


@pytest.mark.parametrize("path", [USER, BOTS, "/", "/swagger/", "/openapi.json", "/metrics", "/x"])
async def test_on_loopback_a_foreign_name_is_refused(ann: Client, path: str) -> None:
    for host in ("evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.nip.io"):
        answer = await ann.get(path, headers={"Host": host})
        assert (answer.status, answer.json["code"]) == (400, "host_not_allowed"), host


@pytest.mark.parametrize("host", ["localhost", "LocalHost:1", "127.0.0.1", "[::1]:8000"])
async def test_on_loopback_its_own_names_are_right(ann: Client, host: str) -> None:
    assert (await ann.get(USER, headers={"Host": host})).status == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_load_balancer_may_use_any_name(anonymous: Client, path: str) -> None:
    answer = await anonymous.get(path, headers={"Host": "10.0.0.7"})
    assert answer.status in (200, 503), "ready or not, but not refused for its name"


class TestConfigured:
    """A server that is told its names."""

    @pytest.fixture
    def config(self, config: Config) -> Config:
        """With one name, behind a proxy."""
        names = frozenset({"panel.example.org"})
        return replace(config, allowed_hosts=names, behind_proxy=True, metrics_token=METRICS_TOKEN)

    async def test_only_they_are_right(self, anonymous: Client) -> None:
        for host, status in (("panel.example.org", 401), ("Panel.Example.org:443", 401)):
            assert (await anonymous.get(USER, headers={"Host": host})).status == status
        assert (await anonymous.get(USER)).json["code"] == "host_not_allowed"

    async def test_who_has_the_metrics_token_may_use_the_address(self, anonymous: Client) -> None:
        right = {"Authorization": f"Bearer {METRICS_TOKEN}"}
        for path in ("/metrics", "/metrics/"):
            answer = await anonymous.get(path, headers=right)
            assert answer.status == 200, answer.text
        assert (await anonymous.get(USER, headers=right)).json["code"] == "host_not_allowed"
        for headers in ({}, {"Authorization": f"Bearer {METRICS_TOKEN}x"}):
            answer = await anonymous.get("/metrics", headers=headers)
            assert (answer.status, answer.json["code"]) == (400, "host_not_allowed")


class TestBehindProxy:
    """A server behind a proxy, whose names it does not know."""

    @pytest.fixture
    def config(self, config: Config) -> Config:
        """Behind a proxy."""
        return replace(config, behind_proxy=True)

    async def test_any_name_is_right(self, anonymous: Client) -> None:
        assert (await anonymous.get(USER, headers={"Host": "panel.example.org"})).status == 401


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("127.0.0.1", {"localhost", "127.0.0.1", "[::1]"}),
        ("127.0.0.2", {"localhost", "127.0.0.1", "127.0.0.2", "[::1]"}),
        ("localhost", {"localhost", "127.0.0.1", "[::1]"}),
        ("::1", {"localhost", "127.0.0.1", "[::1]"}),
        ("0.0.0.0", None),
        ("::", None),
        ("panel.example.org", None),
    ],
)
def test_the_names_that_are_right_by_default(host: str, names: set[str] | None) -> None:
    assert Config.load({}, host=host).hosts == names


async def test_a_long_path_is_cut_in_the_answer_and_the_log(
    ann: Client, botyard: Botyard, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await ann.get("/" + "x" * 60_000)
    assert answer.status == 404
    assert len(answer.text) < 1000
    assert max(len(record.getMessage()) for record in caplog.records) < 1000
