"""What frontends of dj-rest-auth expect under /rest-auth/; docs/rest-auth.md has the list."""

from __future__ import annotations

import aiohttp
import pytest
from support.client import ADMIN_USERS, BOTS, PASSWORD, Client

REGISTRATION, LOGIN, LOGOUT = "/rest-auth/registration/", "/rest-auth/login/", "/rest-auth/logout/"
USER, CHANGE = "/rest-auth/user/", "/rest-auth/password/change/"
MEMBERS = {"type", "title", "status", "detail", "code", "request_id", "errors"}


def _form(fields: dict[str, str], *, multipart: bool) -> aiohttp.FormData:
    form = aiohttp.FormData(fields)
    form._is_multipart = multipart
    return form


# -- errors


@pytest.mark.parametrize(
    ("method", "path", "body", "fields"),
    [
        ("POST", REGISTRATION, {}, {"username", "password"}),
        ("POST", REGISTRATION, {"username": "ann", "password": PASSWORD}, {"username"}),
        ("POST", LOGIN, {"username": "ann"}, {"password"}),
        ("POST", LOGIN, {"password": PASSWORD}, {"non_field_errors"}),
        ("POST", LOGIN, {"username": "ann", "password": "wrong"}, {"non_field_errors"}),
        ("POST", CHANGE, {}, {"old_password", "new_password1", "new_password2"}),
        ("PATCH", USER, {"email": "nobody"}, {"email"}),
        ("PUT", USER, {}, {"username"}),
    ],
)
async def test_sentences_of_fields_are_members_beside_the_problem(
    ann: Client, method: str, path: str, body: dict[str, str], fields: set[str]
) -> None:
    answer = await ann.request(method, path, body)
    assert answer.status == answer.json["status"] == 400
    assert answer.json.keys() == MEMBERS | fields
    assert {name: answer.json[name] for name in fields} == answer.json["errors"]
    assert all(isinstance(answer.json[name][0], str) for name in fields)


async def test_elsewhere_a_problem_has_no_such_members(ann: Client) -> None:
    answer = await ann.post(BOTS, {})
    assert answer.json.keys() == MEMBERS


async def test_a_disabled_account_is_told_as_a_wrong_password_is(root: Client, ann: Client) -> None:
    await root.patch(f"{ADMIN_USERS}{ann.user['pk']}/", {"disabled": True})
    body = {"username": "ann", "password": PASSWORD}
    right, wrong = await ann.post(LOGIN, body), await ann.post(LOGIN, body | {"password": "wrong"})
    assert (right.status, right.json["code"]) == (400, "account_disabled")
    assert (wrong.status, wrong.json["code"]) == (400, "invalid_credentials")
    assert "disabled" in right.json["non_field_errors"][0]
    assert "password is wrong" in wrong.json["non_field_errors"][0]


# -- bodies


@pytest.mark.parametrize("path", [REGISTRATION, LOGIN, CHANGE, LOGOUT])
async def test_unknown_fields_are_ignored(ann: Client, path: str) -> None:
    body = {
        "username": "ann" if path == LOGIN else "anna",
        "password": PASSWORD,
        "old_password": PASSWORD,
        "new_password1": PASSWORD + "!",
        "new_password2": PASSWORD + "!",
        "remember_me": True,
    }
    assert (await ann.post(path, body)).status in (200, 201)


@pytest.mark.parametrize("multipart", [False, True])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_an_account_can_be_changed_with_a_form(
    ann: Client, method: str, *, multipart: bool
) -> None:
    fields = {"username": "anna", "first_name": "Änn", "email": "ann@example.org"}
    answer = await ann.request(method, USER, data=_form(fields, multipart=multipart))
    assert answer.status == 200, answer.text
    assert {name: answer.json[name] for name in fields} == fields


# -- logout


async def test_whoever_is_logged_out_can_log_out(anonymous: Client) -> None:
    answer = await anonymous.post(LOGOUT)
    assert (answer.status, answer.json) == (200, {"detail": "Successfully logged out."})
    assert "Set-Cookie" not in answer.headers, "there was none to remove"


async def test_logout_removes_a_cookie_that_has_expired(anonymous: Client) -> None:
    answer = await anonymous.post(LOGOUT, headers={"Cookie": "botyard_session=expired"})
    assert answer.status == 200
    assert answer.headers["Set-Cookie"].startswith('botyard_session="";')


@pytest.mark.parametrize("header", ["Token wrong", "Bearer a.b.c", "Basic YTpi", ""])
async def test_logout_with_a_wrong_key_says_so(anonymous: Client, header: str) -> None:
    answer = await anonymous.post(LOGOUT, headers={"Authorization": header})
    assert answer.status == 401
    assert "WWW-Authenticate" in answer.headers


@pytest.mark.parametrize(
    "page", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
async def test_a_foreign_page_logs_nobody_out(anonymous: Client, page: dict[str, str]) -> None:
    """Browsers send it without the cookie (SameSite), and would keep a cookie it removes."""
    for cookie in ({}, {"Cookie": "botyard_session=expired"}):
        answer = await anonymous.post(LOGOUT, headers=page | cookie)
        assert (answer.status, answer.json["code"]) == (403, "origin_not_allowed")
        assert "Set-Cookie" not in answer.headers
