"""What a key is worth, what a cookie is worth, and what is worth nothing."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from dataclasses import replace
from datetime import timedelta
from http.cookies import Morsel, SimpleCookie
from typing import Any

import aiohttp
import jwt
import pytest
from support.client import BOTS, DEADLINE, PASSWORD, Answer, Client

from models.accounts import sessions
from models.accounts.sessions import Session
from models.bots.vault import Vault
from models.engine import change_marker
from models.engine.base import now
from server.app import Botyard, open_botyard
from server.config import Config

USER, LOGIN, LOGOUT = "/rest-auth/user/", "/rest-auth/login/", "/rest-auth/logout/"
REGISTRATION = "/rest-auth/registration/"
FRONTEND = "https://panel.example.org"
ANN = {"username": "ann", "password": PASSWORD}


def cookies_of(answer: Answer) -> dict[str, Morsel[str]]:
    """The cookies an answer sets, by name."""
    jar = SimpleCookie()
    for header in answer.headers.getall("Set-Cookie", []):
        jar.load(header)
    return dict(jar)


async def browser(anonymous: Client, **headers: str) -> dict[str, str]:
    """The cookies of a browser that has registered."""
    answer = await anonymous.post(REGISTRATION, ANN, headers=headers)
    assert answer.status == 201, answer.text
    return {name: morsel.value for name, morsel in cookies_of(answer).items()}


def header_of(cookies: dict[str, str]) -> str:
    """The header Cookie."""
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


# -- keys


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "bearer", "TOKEN", "bEaReR"])
async def test_both_schemes_are_taken_in_any_case(ann: Client, scheme: str) -> None:
    assert (await replace(ann, scheme=scheme).get(USER)).status == 200


@pytest.mark.parametrize("header", ["", "Basic YW5uOmFubg==", "Digest x", "KEY", "Bearer"])
async def test_another_header_is_no_key(anonymous: Client, header: str) -> None:
    answer = await anonymous.get(USER, headers={"Authorization": header})
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


async def test_without_a_key_the_answer_says_how_to_send_one(anonymous: Client) -> None:
    answer = await anonymous.get(USER)
    assert (answer.status, answer.json["code"]) == (401, "not_authenticated")
    assert "Authorization: Bearer" in answer.json["detail"]


def _encode(part: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _bad_keys(good: str, secret: bytes) -> dict[str, str]:
    head, body, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    moment = int(time.time())

    def signed(key: bytes = secret, **changes: Any) -> str:
        values = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode(values, key, "HS256")

    return {
        "empty": "",
        "garbage": "garbage",
        "an error that was taken for a key": json.dumps({"status": 400, "code": "invalid"}),
        "not ascii": "caf\u00e9.x.y",
        "signature cut off": f"{head}.{body}.",
        "signature changed": f"{head}.{body}.{signature[::-1]}",
        "claims changed": f"{head}.{_encode(claims | {'sub': '2'})}.{signature}",
        "foreign signature": signed(b"x" * 32),
        "alg none": f"{_encode({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "alg none, signed": f"{_encode({'alg': 'none', 'typ': 'JWT'})}.{body}.{signature}",
        "another algorithm": jwt.encode(claims, secret * 2, "HS512"),
        "expired": signed(exp=moment - 10),
        "without exp": signed(exp=None),
        "without sid": signed(sid=None),
        "another session": signed(sid="x" * 22),
        "another user": signed(sub="2"),
        "a user that is no number": signed(sub="ann"),
        "a user beyond every number": signed(sub="9" * 30),
        "deeply nested header": base64.urlsafe_b64encode(b"[" * 40000).decode() + f".{body}.x",
        "very long": "e" * 60000,
    }


BAD_KEYS = list(_bad_keys(jwt.encode({"sub": "1"}, b"x" * 32, "HS256"), b"x" * 32))


@pytest.mark.parametrize("kind", BAD_KEYS)
async def test_a_key_that_we_did_not_make_is_worth_nothing(
    ann: Client, bob: Client, botyard: Botyard, config: Config, kind: str
) -> None:
    assert ann.key is not None
    secret = Vault(config.secret_key).derive("session keys")
    bad = _bad_keys(ann.key, secret)[kind]
    answer = await replace(ann, key=bad).get(USER)
    assert (answer.status, answer.json["code"]) == (401, "invalid_key")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


FORGED = "This is not a key of this server. Log in here to get one."
NO_KEY = "This is not a key. Send the value of `key` from the response to login or registration."


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("empty", NO_KEY),
        ("garbage", NO_KEY),
        ("not ascii", NO_KEY),
        ("an error that was taken for a key", NO_KEY),
        ("very long", NO_KEY),
        ("foreign signature", FORGED),
        ("claims changed", FORGED),
        ("alg none", FORGED),
        ("another algorithm", FORGED),
        ("a user that is no number", FORGED),
        ("expired", "This key has expired. Log in again."),
        ("another session", "This key was revoked: its session has ended. Log in again."),
    ],
)
async def test_the_answer_says_what_is_wrong_with_a_key(
    ann: Client, config: Config, kind: str, detail: str
) -> None:
    assert ann.key is not None
    secret = Vault(config.secret_key).derive("session keys")
    answer = await replace(ann, key=_bad_keys(ann.key, secret)[kind]).get(USER)
    assert answer.json["detail"] == detail


async def test_an_expired_key_of_another_server_is_not_called_expired(ann: Client) -> None:
    assert ann.key is not None
    forged = _bad_keys(ann.key, b"x" * 32)["expired"]
    assert (await replace(ann, key=forged).get(USER)).json["detail"] == FORGED


async def test_the_test_signs_as_the_server_does(ann: Client, config: Config) -> None:
    assert ann.key is not None
    claims = jwt.decode(ann.key, options={"verify_signature": False})
    key = jwt.encode(claims, Vault(config.secret_key).derive("session keys"), "HS256")
    assert (await replace(ann, key=key).get(USER)).status == 200


async def test_a_key_is_dead_when_its_session_has_expired(ann: Client, botyard: Botyard) -> None:
    gone = now() - timedelta(seconds=1)
    await botyard.services.db.write(Session.update(expires_at=gone).execute)
    assert (await ann.get(USER)).json["code"] == "invalid_key"


async def test_a_key_is_dead_the_moment_its_session_is_ended(
    ann: Client, http: aiohttp.ClientSession
) -> None:
    login = await ann.post("/rest-auth/login/", {"username": "ann", "password": PASSWORD})
    other = Client(http, ann.url, key=login.json["key"])
    for client in (ann, other):
        assert (await client.get(USER)).status == 200
    listed = (await ann.get("/rest-auth/sessions/")).json
    (theirs,) = [session["id"] for session in listed if not session["current"]]
    assert (await ann.delete(f"/rest-auth/sessions/{theirs}/")).status == 204
    assert (await other.get(USER)).json["code"] == "invalid_key"
    assert (await ann.post("/rest-auth/logout/")).status == 200
    assert (await ann.get(USER)).json["code"] == "invalid_key"


async def test_a_session_that_another_process_ends_is_noticed(
    ann: Client, botyard: Botyard
) -> None:
    def elsewhere() -> None:
        Session.delete().execute()
        change_marker.renew()

    assert (await ann.get(USER)).status == 200
    await botyard.services.db.write(elsewhere)
    async with asyncio.timeout(DEADLINE):
        while (await ann.get(USER)).status == 200:
            pass


async def test_using_a_key_is_noted(ann: Client, botyard: Botyard) -> None:
    db, long_ago = botyard.services.db, now() - timedelta(hours=1)
    await db.write(Session.update(last_used_at=long_ago).execute)
    await ann.get(USER)
    (session,) = await db.read(sessions.list_for, ann.user["pk"])
    assert session.last_used_at > long_ago


# -- the cookie


async def test_the_session_cookie_is_out_of_reach_of_scripts(anonymous: Client) -> None:
    cookie = cookies_of(await anonymous.post(REGISTRATION, ANN))["botyard_session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert cookie["domain"] == ""


async def test_scripts_can_read_the_xsrf_cookie(anonymous: Client) -> None:
    cookie = cookies_of(await anonymous.post(REGISTRATION, ANN))["_xsrf"]
    assert (cookie["httponly"], cookie["samesite"]) == ("", "Lax")


async def test_without_a_proxy_its_headers_are_not_believed(anonymous: Client) -> None:
    headers = {"X-Forwarded-Proto": "https"}
    cookies = cookies_of(await anonymous.post(REGISTRATION, ANN, headers=headers))
    assert [cookie["secure"] for cookie in cookies.values()] == ["", ""]


class TestBehindProxy:
    """Behind a proxy that speaks https to the outside."""

    @pytest.fixture
    def config(self, config: Config) -> Config:
        """Behind a proxy."""
        return replace(config, behind_proxy=True)

    async def test_the_cookies_are_secure_on_https(self, anonymous: Client) -> None:
        headers = {"X-Forwarded-Proto": "https"}
        cookies = cookies_of(await anonymous.post(REGISTRATION, ANN, headers=headers))
        assert [cookie["secure"] for cookie in cookies.values()] == [True, True]

    async def test_on_https_no_neighbouring_host_can_set_the_session_cookie(
        self, anonymous: Client
    ) -> None:
        https = {"X-Forwarded-Proto": "https"}
        answer = await anonymous.post(REGISTRATION, ANN, headers=https)
        session = cookies_of(answer)["__Host-botyard_session"]
        assert (session["path"], session["domain"], session["secure"]) == ("/", "", True)
        cookie = header_of({"__Host-botyard_session": session.value})
        assert (await anonymous.get(USER, headers=https | {"Cookie": cookie})).status == 200
        smuggled = header_of({"botyard_session": session.value})
        assert (await anonymous.get(USER, headers=https | {"Cookie": smuggled})).status == 401

    async def test_logging_out_on_https_takes_the_cookie_back(self, anonymous: Client) -> None:
        https = {"X-Forwarded-Proto": "https"}
        cookies = await browser(anonymous, **https)
        headers = https | {"Cookie": header_of(cookies), "X-XSRFToken": cookies["_xsrf"]}
        gone = cookies_of(await anonymous.post(LOGOUT, headers=headers))["__Host-botyard_session"]
        assert (gone.value, gone["secure"], gone["path"]) == ("", True, "/")

    async def test_the_cookies_work_on_http(self, anonymous: Client) -> None:
        cookies = cookies_of(await anonymous.post(REGISTRATION, ANN))
        assert [cookie["secure"] for cookie in cookies.values()] == ["", ""]

    async def test_the_address_is_the_one_the_proxy_tells(self, anonymous: Client) -> None:
        headers = {"X-Forwarded-For": "203.0.113.7"}
        login = await anonymous.post(REGISTRATION, ANN, headers=headers)
        listed = await replace(anonymous, key=login.json["key"]).get("/rest-auth/sessions/")
        assert listed.json[0]["address"] == "203.0.113.7"


async def test_the_cookie_alone_reads(anonymous: Client) -> None:
    cookies = await browser(anonymous)
    session = {"botyard_session": cookies["botyard_session"]}
    for method in ("GET", "HEAD"):
        answer = await anonymous.request(method, USER, headers={"Cookie": header_of(session)})
        assert answer.status == 200, method


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", BOTS), ("PUT", USER), ("PATCH", USER), ("DELETE", USER), ("POST", LOGOUT)],
)
async def test_the_cookie_alone_changes_nothing(anonymous: Client, method: str, path: str) -> None:
    cookies = {"Cookie": header_of(await browser(anonymous))}
    for token in ({}, *({"X-XSRFToken": text} for text in ("", "wrong", "2|00000000|00|1"))):
        answer = await anonymous.request(method, path, {}, headers=cookies | token)
        assert (answer.status, answer.json["code"]) == (403, "xsrf_failed"), token


@pytest.mark.parametrize("name", ["X-XSRFToken", "X-CSRFToken"])
async def test_the_cookie_with_its_xsrf_token_changes_things(anonymous: Client, name: str) -> None:
    cookies = await browser(anonymous)
    headers = {"Cookie": header_of(cookies), name: cookies["_xsrf"]}
    answer = await anonymous.patch(USER, {"first_name": "Ann"}, headers=headers)
    assert (answer.status, answer.json["first_name"]) == (200, "Ann")


async def test_a_token_without_its_cookie_changes_nothing(anonymous: Client) -> None:
    cookies = await browser(anonymous)
    session = header_of({"botyard_session": cookies["botyard_session"]})
    headers = {"Cookie": session, "X-XSRFToken": cookies["_xsrf"]}
    answer = await anonymous.patch(USER, {"first_name": "Ann"}, headers=headers)
    assert (answer.status, answer.json["code"]) == (403, "xsrf_failed")


async def test_the_xsrf_token_of_another_session_changes_nothing(anonymous: Client) -> None:
    mine = await browser(anonymous)
    other = cookies_of(await anonymous.post(LOGIN, ANN))
    for token in (other["_xsrf"].value, "0" * 64, "2|00000000|" + "0" * 32 + "|1"):
        forged = mine | {"_xsrf": token}  # a neighbouring host can set a cookie for its domain
        headers = {"Cookie": header_of(forged), "X-XSRFToken": token}
        answer = await anonymous.patch(USER, {"first_name": "Eve"}, headers=headers)
        assert (answer.status, answer.json["code"]) == (403, "xsrf_failed")
        assert cookies_of(answer)["_xsrf"].value == mine["_xsrf"], "the right one comes back"


@pytest.mark.parametrize(
    "page",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    ],
)
async def test_a_foreign_page_changes_nothing_with_the_cookie(
    anonymous: Client, page: dict[str, str]
) -> None:
    cookies = await browser(anonymous)
    headers = {"Cookie": header_of(cookies), "X-XSRFToken": cookies["_xsrf"]} | page
    answer = await anonymous.patch(USER, {"first_name": "Eve"}, headers=headers)
    assert (answer.status, answer.json["code"]) == (403, "origin_not_allowed")


async def test_a_page_of_this_site_changes_things_with_the_cookie(anonymous: Client) -> None:
    cookies = await browser(anonymous)
    for page in ({"Origin": anonymous.url}, {"Sec-Fetch-Site": "same-origin"}):
        headers = {"Cookie": header_of(cookies), "X-XSRFToken": cookies["_xsrf"]} | page
        assert (await anonymous.patch(USER, {"first_name": "Ann"}, headers=headers)).status == 200


async def test_a_browser_that_lost_its_xsrf_cookie_gets_one_with_what_it_reads(
    anonymous: Client,
) -> None:
    session = {"botyard_session": (await browser(anonymous))["botyard_session"]}
    fresh = cookies_of(await anonymous.get(USER, headers={"Cookie": header_of(session)}))["_xsrf"]
    headers = {
        "Cookie": header_of(session | {"_xsrf": fresh.value}),
        "X-XSRFToken": fresh.value,
    }
    assert (await anonymous.patch(USER, {}, headers=headers)).status == 200


async def test_with_a_key_no_xsrf_token_is_asked_for(ann: Client) -> None:
    assert (await ann.patch(USER, {"first_name": "Ann"})).status == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Token a.b.c", "Basic YTpi"])
async def test_a_wrong_header_is_never_rescued_by_a_right_cookie(
    anonymous: Client, header: str
) -> None:
    cookies = await browser(anonymous)
    headers = {"Cookie": header_of(cookies), "Authorization": header}
    assert (await anonymous.get(USER, headers=headers)).status == 401


@pytest.mark.parametrize("value", ["", "wrong", '"a.b.c"', "%00"])
async def test_a_wrong_cookie_is_worth_nothing(anonymous: Client, value: str) -> None:
    answer = await anonymous.get(USER, headers={"Cookie": f"botyard_session={value}"})
    assert answer.status == 401


# -- pages of other sites


class TestOrigins:
    """A server whose frontend is at FRONTEND."""

    @pytest.fixture
    def config(self, config: Config) -> Config:
        """With one origin."""
        return replace(config, cors_origins=frozenset({FRONTEND}))

    @pytest.mark.parametrize("path", [LOGIN, REGISTRATION])
    @pytest.mark.parametrize(
        "origin",
        ["https://evil.example", FRONTEND + ".evil.example", "null", "", "http://[", "\u00fc"],
    )
    async def test_a_foreign_page_logs_nobody_in(
        self, anonymous: Client, path: str, origin: str
    ) -> None:
        answer = await anonymous.post(path, ANN, headers={"Origin": origin})
        assert (answer.status, answer.json["code"]) == (403, "origin_not_allowed")
        assert not cookies_of(answer)

    async def test_the_frontend_may(self, anonymous: Client) -> None:
        answer = await anonymous.post(REGISTRATION, ANN, headers={"Origin": FRONTEND})
        assert answer.status == 201

    async def test_pages_of_our_own_may(self, anonymous: Client) -> None:
        answer = await anonymous.post(REGISTRATION, ANN, headers={"Origin": anonymous.url})
        assert answer.status == 201


async def test_a_made_up_x_real_ip_is_not_believed(config: Config, http: Any) -> None:
    botyard = await open_botyard(replace(config, behind_proxy=True))
    try:
        client = Client(http, botyard.url)
        body = {"username": "ann", "password": "wrong wrong"}
        statuses = []
        for n in range(12):
            headers = {"X-Forwarded-For": "10.9.8.7", "X-Real-Ip": f"10.1.1.{n}"}
            answer = await client.post("/rest-auth/login/", body, headers=headers)
            statuses.append(answer.status)
    finally:
        await botyard.close()
    assert statuses == [400] * 10 + [429] * 2
