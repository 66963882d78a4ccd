"""Every route, walked: who may use it, with and without the last slash, and what it refuses."""

from __future__ import annotations

import asyncio
import re

import pytest
from support.client import BOTS, DEADLINE, Client, until
from tornado.routing import URLSpec
from yarl import URL

from handlers.base import ApiHandler
from handlers.conversations import TALK_ID
from handlers.messages import CHAT_ID
from handlers.routes import routes
from sandbox import Sandbox
from server.app import Botyard

# The only methods that anybody may use. Whoever adds one means it.
PUBLIC = {
    ("GET", "/"),
    ("GET", "/swagger"),
    ("GET", "/swagger/"),
    ("GET", "/openapi.json"),
    ("GET", "/healthz/"),
    ("GET", "/readyz/"),
    ("GET", "/metrics/"),  # unless the operator sets a token
    ("POST", "/rest-auth/registration/"),
    ("POST", "/rest-auth/login/"),
    ("POST", "/rest-auth/logout/"),  # it checks a key that is sent
}
MAIL = {  # 404 where no mail is sent; see test_emails.py
    ("POST", "/rest-auth/password/reset/"),
    ("POST", "/rest-auth/password/reset/confirm/"),
    ("POST", "/rest-auth/registration/verify-email/"),
    ("POST", "/rest-auth/registration/resend-email/"),
}
SCHEMAS = {("GET", f"/api/v1/{name}.schema.json") for name in ("message", "scenario")}
PUBLIC |= MAIL | SCHEMAS
PUBLIC |= {("HEAD", path) for method, path in PUBLIC if method == "GET"}
PAGES = {"/", "/swagger", "/swagger/", "/openapi.json"}  # for browsers: the slash is part of it
BODY = {"POST", "PUT", "PATCH"}


def path_of(route: URLSpec, *, bot: str = "1", session: str = "nosuchsession") -> str:
    """A path that a route matches, with the last slash where it may have one."""
    pattern = route.regex.pattern.removesuffix("$").replace("\\.", ".").replace("/?", "/")
    ids = {"([0-9]{1,18})": bot, "([A-Za-z0-9_-]+)": session, "([a-z0-9.-]*)": ""}
    ids[f"({TALK_ID})"] = "1001.1001.0"
    ids["([a-z0-9_.]{1,64})"] = "echo.en"
    ids[f"({CHAT_ID})"] = "1001"
    return re.sub(r"\(.*?\)", lambda group: ids[group[0]], pattern)


def implemented(handler: type[ApiHandler]) -> set[str]:
    """The methods of a handler that do something; OPTIONS is every handler's."""
    every = ApiHandler.SUPPORTED_METHODS
    own = {method for method in every if hasattr(handler, method.lower())}
    plain = {
        method
        for method in own
        if getattr(handler, method.lower()) is getattr(ApiHandler, method.lower())
    }
    methods = own - plain
    return methods | ({"HEAD"} if "GET" in methods else set())


ROUTES = [
    pytest.param(method, route, id=f"{method} {path_of(route)}")
    for route in routes
    for method in sorted(implemented(route.target))
]
PROTECTED = [case for case in ROUTES if (case.values[0], path_of(case.values[1])) not in PUBLIC]
API_ROUTES = [
    pytest.param(route, id=path_of(route)) for route in routes if path_of(route) not in PAGES
]
STAFF = [case for case in PROTECTED if "/admin/" in path_of(case.values[1])]
WITH_ID = [case for case in PROTECTED if case.values[1].regex.groups and case not in STAFF]
WITH_ID = [case for case in WITH_ID if "/scenario_templates/" not in path_of(case.values[1])]


def test_the_walk_sees_the_contract() -> None:
    seen = {(case.values[0], path_of(case.values[1])) for case in ROUTES}
    contract = {
        ("POST", "/rest-auth/logout/"),
        *((method, "/rest-auth/user/") for method in ("GET", "PUT", "PATCH", "DELETE")),
        ("POST", "/rest-auth/password/change/"),
        ("GET", "/rest-auth/sessions/"),
        ("DELETE", "/rest-auth/sessions/nosuchsession/"),
        ("GET", BOTS),
        ("POST", BOTS),
        *((method, f"{BOTS}1/") for method in ("GET", "PUT", "PATCH", "DELETE")),
    }
    assert seen >= contract | PUBLIC


@pytest.mark.parametrize(("method", "route"), PROTECTED)
async def test_without_a_key_nothing_is_done(
    anonymous: Client, method: str, route: URLSpec
) -> None:
    answer = await anonymous.request(method, path_of(route), {} if method in BODY else None)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="botyard"'
    assert answer.headers["Content-Type"] == "application/problem+json"
    if method != "HEAD":
        assert answer.json["code"] == "not_authenticated"
        assert answer.json["status"] == 401


@pytest.mark.parametrize(("method", "route"), PROTECTED)
async def test_with_a_wrong_key_nothing_is_done(
    anonymous: Client, method: str, route: URLSpec
) -> None:
    anonymous.key = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."
    answer = await anonymous.request(method, path_of(route), {} if method in BODY else None)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="botyard", error="invalid_token"'
    assert answer.headers["Content-Type"] == "application/problem+json"
    if method != "HEAD":
        assert answer.json["code"] == "invalid_key"


@pytest.mark.parametrize(("method", "path"), sorted(PUBLIC))
async def test_public_methods_ask_for_no_key(
    botyard: Botyard, anonymous: Client, method: str, path: str
) -> None:
    await until(lambda: botyard.services.runner.reconciler.boot.ready, "readiness")
    answer = await anonymous.request(method, path, {} if method in BODY else None)
    if (method, path) in MAIL:
        assert answer.json["detail"].startswith("This server sends no mail")
        return
    needs_fields = method in BODY and path != "/rest-auth/logout/"
    assert answer.status in ({400} if needs_fields else {200, 302})


@pytest.mark.parametrize(("method", "route"), WITH_ID)
async def test_what_is_another_users_is_not_there(
    ann: Client, bob: Client, telegram: Sandbox, method: str, route: URLSpec
) -> None:
    bot = await bob.add_bot(telegram.add_bot(), active=False)
    session = (await bob.get("/rest-auth/sessions/")).json[0]
    path = path_of(route, bot=str(bot["id"]), session=session["id"])
    answer = await ann.request(method, path, {} if method in BODY else None)
    assert answer.status == 404
    if method != "HEAD":
        assert answer.json["code"] == "not_found"
    assert (await bob.get(f"{BOTS}{bot['id']}/")).json == bot | {
        "token": answer_token(bot["token"])
    }
    assert (await bob.get("/rest-auth/sessions/")).json[0]["id"] == session["id"]


@pytest.mark.parametrize(("method", "route"), STAFF)
async def test_what_is_for_staff_is_forbidden_to_others(
    ann: Client, telegram: Sandbox, method: str, route: URLSpec
) -> None:
    bot = await ann.add_bot(telegram.add_bot(), active=False)
    path = path_of(route, bot=str(bot["id"]))
    answer = await ann.request(method, path, {} if method in BODY else None)
    assert answer.status == 403
    if method != "HEAD":
        assert answer.json["code"] == "staff_only"


def answer_token(token: str) -> str:
    """A token as it is shown later."""
    number, _, secret = token.partition(":")
    return f"{number}:{secret[:3]}…{secret[-4:]}"


@pytest.mark.parametrize("route", API_ROUTES)
async def test_the_last_slash_makes_no_difference(
    botyard: Botyard, anonymous: Client, route: URLSpec
) -> None:
    await until(lambda: botyard.services.runner.reconciler.boot.ready, "readiness")
    path = path_of(route)
    answers = [
        await anonymous.request(method, form, {} if method in BODY else None)
        for form in (path, path.rstrip("/"))
        for method in sorted(implemented(route.target))
    ]
    half = len(answers) // 2
    for with_slash, without in zip(answers[:half], answers[half:], strict=True):
        assert with_slash.status == without.status
        assert with_slash.status != 404 or ("POST", path) in MAIL
        assert with_slash.lasting == without.lasting


@pytest.mark.parametrize("route", [pytest.param(r, id=path_of(r)) for r in routes])
async def test_a_method_that_is_not_there_is_refused_with_those_that_are(
    ann: Client, route: URLSpec
) -> None:
    path, there = path_of(route), implemented(route.target)
    for method in sorted({*ApiHandler.SUPPORTED_METHODS, "PROPFIND"} - there - {"OPTIONS"}):
        answer = await ann.request(method, path)
        assert answer.status == 405, method
        allowed = set(answer.headers["Allow"].split(", "))
        assert allowed == there | {"OPTIONS"}
        if method != "HEAD":
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.json["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/api/v1/",
        "/api/v2/telegram_data/",
        "/api/v1/telegram_data//",
        "/api/v1/telegram_data/one/",
        "/api/v1/telegram_data/1/2/",
        "/api/v1/telegram_data/1234567890123456789/",
        "/rest-auth/",
        "/rest-auth/user/1/",
        "/swagger/%2e%2e/setup.cfg",
        "/swagger/a/b",
        "/static/swagger.html",
        "/openapi.json/",
        "/%ff",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_unknown_path_is_not_found(anonymous: Client, method: str, path: str) -> None:
    answer = await anonymous.request(method, path)
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["code"] == "not_found"


@pytest.mark.parametrize("name", ["index.html", "..", "swagger", "examples.json", "__init__.py"])
async def test_only_files_of_the_page_are_served(anonymous: Client, name: str) -> None:
    path = URL(f"{anonymous.url}/swagger/{name.replace('..', '%2e%2e')}", encoded=True)
    async with anonymous.http.get(path) as answer:
        assert answer.status == 404
        assert (await answer.json(content_type=None))["code"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/rest-auth/user/"),
        ("POST", "/healthz/"),
        ("POST", "/nothing"),
        ("PROPFIND", "/healthz/"),
    ],
)
async def test_a_refused_request_leaves_the_connection_usable_or_says_that_it_does_not(
    botyard: Botyard, method: str, path: str
) -> None:
    """RFC 9112, section 9.6: who closes a connection says so, or the next request is lost."""
    address = URL(botyard.url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        head = f"{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: 2\r\n\r\n".encode())
        await writer.drain()
        writer.write(b"{}GET /healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        answers = (await asyncio.wait_for(reader.read(), DEADLINE)).decode()
    finally:
        writer.close()
    statuses = re.findall(r"HTTP/1.1 (\d+)", answers)
    if "Connection: close" in answers.partition("\r\n\r\n")[0]:
        assert len(statuses) == 1
    else:
        assert statuses[1:] == ["200"]
