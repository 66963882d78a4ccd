"""Headers: whom browsers let in (CORS), and what protects every answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.client import BOTS, Client

from server.config import Config

USER, LOGIN = "/rest-auth/user/", "/rest-auth/login/"
FRONTEND, SECOND = "https://panel.example.org", "http://localhost:5173"
CORS = "Access-Control-"
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Server": "Botyard",
}
# path, method, status: an answer of each kind
ANSWERS = [
    ("GET", "/healthz", 200),
    ("OPTIONS", USER, 204),
    ("GET", USER, 401),
    ("POST", LOGIN, 400),
    ("PUT", LOGIN, 405),
    ("BREW", LOGIN, 405),
    ("GET", "/nowhere", 404),
    ("DELETE", f"{BOTS}1/", 401),
]


def preflight(origin: str, method: str = "PATCH") -> dict[str, str]:
    """What a browser asks before it sends."""
    return {
        "Origin": origin,
        f"{CORS}Request-Method": method,
        f"{CORS}Request-Headers": "authorization, content-type",
    }


def cors_of(headers: dict[str, str]) -> dict[str, str]:
    """The CORS headers among headers."""
    return {name: value for name, value in headers.items() if name.startswith(CORS)}


class TestWithOrigins:
    """A server with two frontends."""

    @pytest.fixture
    def config(self, config: Config) -> Config:
        """Two origins."""
        return replace(config, cors_origins=frozenset({FRONTEND, SECOND}))

    @pytest.mark.parametrize("origin", [FRONTEND, SECOND])
    async def test_a_preflight_of_a_frontend_is_answered(
        self, anonymous: Client, origin: str
    ) -> None:
        answer = await anonymous.request("OPTIONS", BOTS, headers=preflight(origin))
        assert answer.status == 204
        assert answer.headers[f"{CORS}Allow-Origin"] == origin
        assert answer.headers[f"{CORS}Allow-Credentials"] == "true"
        assert int(answer.headers[f"{CORS}Max-Age"]) > 0

    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def test_a_preflight_allows_what_the_api_has(
        self, anonymous: Client, method: str
    ) -> None:
        answer = await anonymous.request("OPTIONS", BOTS, headers=preflight(FRONTEND, method))
        assert method in answer.headers[f"{CORS}Allow-Methods"].split(", ")

    @pytest.mark.parametrize(
        "name", ["authorization", "content-type", "x-xsrftoken", "last-event-id"]
    )
    async def test_a_preflight_allows_the_headers_that_the_api_reads(
        self, anonymous: Client, name: str
    ) -> None:
        answer = await anonymous.request("OPTIONS", BOTS, headers=preflight(FRONTEND))
        assert name in answer.headers[f"{CORS}Allow-Headers"].lower().split(", ")

    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example",
            "null",
            "http://panel.example.org",
            FRONTEND + ":8443",
            FRONTEND + "/",
            FRONTEND + ".evil.example",
            "https://evil-panel.example.org",
            f"{FRONTEND},{SECOND}",
            "*",
        ],
    )
    async def test_others_get_no_cors_header(self, anonymous: Client, origin: str) -> None:
        for method in ("OPTIONS", "GET"):
            answer = await anonymous.request(method, "/healthz", headers=preflight(origin))
            assert cors_of(answer.headers) == {}, method

    @pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
    async def test_the_frontend_can_read_every_answer(
        self, anonymous: Client, method: str, path: str, status: int
    ) -> None:
        answer = await anonymous.request(method, path, headers={"Origin": FRONTEND})
        assert answer.status == status
        assert answer.headers[f"{CORS}Allow-Origin"] == FRONTEND

    async def test_the_frontend_can_read_the_headers_that_it_acts_on(
        self, anonymous: Client
    ) -> None:
        answer = await anonymous.get("/healthz", headers={"Origin": FRONTEND})
        exposed = answer.headers[f"{CORS}Expose-Headers"].split(", ")
        assert {"Location", "Retry-After", "X-Request-ID"} <= set(exposed)

    @pytest.mark.parametrize("headers", [{}, {"Origin": FRONTEND}, {"Origin": "https://x.y"}])
    async def test_caches_are_told_that_answers_depend_on_the_origin(
        self, anonymous: Client, headers: dict[str, str]
    ) -> None:
        assert (await anonymous.get("/healthz", headers=headers)).headers["Vary"] == "Origin"


async def test_without_configured_origins_nobody_gets_a_cors_header(anonymous: Client) -> None:
    answer = await anonymous.request("OPTIONS", BOTS, headers=preflight(FRONTEND))
    assert (answer.status, cors_of(answer.headers)) == (204, {})


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
async def test_every_answer_has_the_security_headers(
    anonymous: Client, method: str, path: str, status: int
) -> None:
    answer = await anonymous.request(method, path)
    assert answer.status == status
    assert {name: answer.headers.get(name) for name in SECURITY} == SECURITY
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_on_http_nobody_is_told_to_come_by_https(anonymous: Client) -> None:
    answer = await anonymous.get("/healthz", headers={"X-Forwarded-Proto": "https"})
    assert "Strict-Transport-Security" not in answer.headers


class TestBehindProxy:
    """Behind a proxy that speaks https to the outside."""

    @pytest.fixture
    def config(self, config: Config) -> Config:
        """Behind a proxy."""
        return replace(config, behind_proxy=True)

    @pytest.mark.parametrize("path", ["/healthz", "/nowhere", USER])
    async def test_on_https_browsers_are_told_to_stay_there(
        self, anonymous: Client, path: str
    ) -> None:
        answer = await anonymous.get(path, headers={"X-Forwarded-Proto": "https"})
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"

    async def test_on_http_they_are_not(self, anonymous: Client) -> None:
        headers = {"X-Forwarded-Proto": "http"}
        answer = await anonymous.get("/healthz", headers=headers)
        assert "Strict-Transport-Security" not in answer.headers
