"""Whatever is sent, the answer says what is wrong with it, and never that we broke."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from support.client import ADMIN_USERS, BOTS, DEADLINE, PASSWORD, Answer, Client, until

from models.accounts import sessions
from sandbox import Sandbox
from server.app import Botyard

USER, LOGIN = "/rest-auth/user/", "/rest-auth/login/"
REGISTRATION, LOGOUT = "/rest-auth/registration/", "/rest-auth/logout/"
CHANGE = "/rest-auth/password/change/"
LIMIT = 64 * 1024
FORMS = {REGISTRATION, LOGIN, LOGOUT, CHANGE, USER}


@dataclass
class Routes:
    """Every method that takes a body, as somebody with a bot may call it."""

    client: Client
    calls: list[tuple[str, str]]

    async def send(self, body: bytes, kind: str | None = "application/json") -> dict[str, Answer]:
        """Send a body to each; the answers by method and path."""
        headers = {"Content-Type": kind} if kind else {}
        skip = () if kind else ("Content-Type",)
        return {
            f"{method} {path}": await self.client.request(
                method, path, data=body, headers=headers, skip_auto_headers=skip
            )
            for method, path in self.calls
        }


@pytest.fixture
async def routes(ann: Client, telegram: Sandbox) -> Routes:
    """Every method that takes a body."""
    bot = await ann.add_bot(telegram.add_bot(), active=False)
    one = f"{BOTS}{bot['id']}/"
    calls = [("POST", path) for path in (REGISTRATION, LOGIN, CHANGE, BOTS, LOGOUT)]
    calls[:-1] += [(method, path) for method in ("PUT", "PATCH") for path in (USER, one)]
    return Routes(ann, sorted(calls, key=lambda call: call[1] == LOGOUT))


def kinds(answers: dict[str, Answer]) -> set[tuple[int, str]]:
    """The different outcomes among answers."""
    return {(answer.status, (answer.json or {}).get("code")) for answer in answers.values()}


# -- bodies that are no JSON objects


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'a': 1}",
        b'{"a": 1}}',
        b'{"a": NaN}',
        b'{"a": "\\ud800"}',
        b'{"a": "\x00"}',
        b'{"a": ' + 20000 * b"[" + 20000 * b"]" + b"}",
    ],
    ids=lambda body: body[:14].decode("latin-1").encode("unicode-escape").decode(),
)
async def test_broken_json_is_told_with_its_line_and_column(routes: Routes, body: bytes) -> None:
    answers = await routes.send(body)
    assert kinds(answers) == {(400, "invalid_json")}
    for answer in answers.values():
        assert "line 1, column " in answer.json["detail"]


@pytest.mark.parametrize(
    "body", [b'{"a": "\xed\xa0\x80"}', b'{"a": "\xff"}', "{}".encode("utf-16"), b"\x00"]
)
async def test_a_body_that_is_not_utf_8_is_told_so(routes: Routes, body: bytes) -> None:
    answers = await routes.send(body)
    assert kinds(answers) == {(400, "invalid_json")}
    for answer in answers.values():
        assert answer.json["detail"].endswith("it is not UTF-8. Save the file as UTF-8.")


async def test_the_line_and_column_are_those_of_the_mistake(anonymous: Client) -> None:
    answer = await anonymous.post(
        LOGIN, data=b'{\n  "a": 1,\n  oops}', headers={"Content-Type": "application/json"}
    )
    assert "line 3, column 3." in answer.json["detail"]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"[]", "an array"),
        (b'"{}"', "a string"),
        (b"null", "null"),
        (b"true", "a boolean"),
        (b"17", "a number"),
        (b"1e3", "a number"),
    ],
)
async def test_json_that_is_no_object_is_told_by_its_kind(
    routes: Routes, body: bytes, name: str
) -> None:
    answers = await routes.send(body)
    assert kinds(answers) == {(400, "invalid_json")}
    for answer in answers.values():
        assert answer.json["detail"].endswith(f"not {name}.")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "text/json", "garbage"])
async def test_a_body_of_another_type_is_refused(routes: Routes, kind: str) -> None:
    assert kinds(await routes.send(b"{}", kind)) == {(415, "unsupported_media_type")}


async def test_a_body_of_no_type_is_refused(routes: Routes) -> None:
    assert kinds(await routes.send(b"{}", None)) == {(415, "unsupported_media_type")}


async def test_forms_are_taken_only_under_rest_auth(routes: Routes) -> None:
    routes.calls = [call for call in routes.calls if call[1] not in FORMS]
    answers = await routes.send(b"a=1", "application/x-www-form-urlencoded")
    assert kinds(answers) == {(415, "unsupported_media_type")}


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
async def test_the_type_is_read_as_http_says(routes: Routes, kind: str) -> None:
    answer = await routes.client.request(
        "PATCH", USER, data=b'{"first_name": "Ann"}', headers={"Content-Type": kind}
    )
    assert answer.status == 200


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"username=%ff&password=x", "application/x-www-form-urlencoded"),
        (b"username=\xff", "application/x-www-form-urlencoded"),
        (b"garbage", "multipart/form-data"),
        (b"garbage", "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n', "multipart/form-data; boundary=x"),
    ],
)
async def test_a_broken_form_is_refused(routes: Routes, body: bytes, kind: str) -> None:
    routes.calls = [call for call in routes.calls if call[1] in FORMS]
    assert {status for status, _ in kinds(await routes.send(body, kind))} == {400}


# -- objects with wrong fields


WRONG: list[Any] = [None, 17, 1.5, True, [], ["x"], {}, {"a": 1}, [[[[[]]]]], "\u0000", "x" * 30000]


@pytest.mark.parametrize(
    ("method", "path", "field", "rest"),
    [
        ("POST", REGISTRATION, "username", {"password": PASSWORD}),
        ("POST", REGISTRATION, "email", {"username": "bob", "password": PASSWORD}),
        ("POST", LOGIN, "username", {"password": PASSWORD}),
        ("POST", LOGIN, "email", {"password": PASSWORD}),
        ("PATCH", USER, "username", {}),
        ("PATCH", USER, "first_name", {}),
        ("PUT", USER, "last_name", {"username": "ann"}),
        ("POST", BOTS, "title", {"token": "123456789:AAE" + "x" * 32}),
        ("POST", BOTS, "token", {}),
    ],
)
async def test_a_field_of_a_wrong_kind_is_named(
    ann: Client, method: str, path: str, field: str, rest: dict[str, Any]
) -> None:
    for wrong in WRONG:
        answer = await ann.request(method, path, {**rest, field: wrong})
        assert (answer.status, answer.json["code"]) == (400, "validation_failed"), wrong
        assert list(answer.json["errors"]) == [field], wrong


@pytest.mark.parametrize("wrong", [None, 17, True, ["x"], {"a": 1}, "x" * 1025])
async def test_a_password_of_a_wrong_kind_is_named(ann: Client, wrong: Any) -> None:
    good = {"old_password": PASSWORD, "new_password1": "x7" * 9, "new_password2": "x7" * 9}
    for path, body, field in (
        (REGISTRATION, {"username": "bob"}, "password"),
        (LOGIN, {"username": "ann"}, "password"),
        (CHANGE, good, "old_password"),
        (CHANGE, good, "new_password1"),
    ):
        answer = await ann.post(path, {**body, field: wrong})
        assert (answer.status, list(answer.json["errors"])) == (400, [field]), path


@pytest.mark.parametrize("wrong", [None, 0, 1, "true", "yes", [], {}])
async def test_active_is_true_or_false_and_nothing_like_it(ann: Client, wrong: Any) -> None:
    body = {"token": "123456789:AAE" + "x" * 32, "active": wrong}
    answer = await ann.post(BOTS, body)
    assert (answer.status, list(answer.json["errors"])) == (400, ["active"])
    assert "true or false" in answer.json["errors"]["active"][0] or wrong is None


async def test_unknown_fields_of_a_bot_are_named(ann: Client) -> None:
    answer = await ann.post(BOTS, {"is_staff": True, "__class__": 1, "пол": None})
    assert answer.status == 400
    assert {"is_staff", "__class__", "пол"} <= set(answer.json["errors"])


async def test_nobody_makes_themselves_staff(ann: Client) -> None:
    answer = await ann.patch(USER, {"is_staff": True, "disabled": True, "password_hash": "x"})
    assert answer.status == 200
    assert (await ann.get(ADMIN_USERS)).json["code"] == "staff_only"


async def test_read_only_fields_of_an_account_are_ignored(ann: Client) -> None:
    answer = await ann.patch(USER, {"pk": 77, "first_name": "Ann"})
    assert (answer.status, answer.json["pk"]) == (200, ann.user["pk"])


async def test_read_only_fields_of_a_bot_are_ignored(ann: Client, telegram: Sandbox) -> None:
    shown = await ann.add_bot(telegram.add_bot(), active=False)
    changes = {"id": 77, "telegram_id": 7, "username": "x", "created_at": "", "status": None}
    answer = await ann.patch(f"{BOTS}{shown['id']}/", changes)
    assert answer.status == 200
    assert {name: answer.json[name] for name in ("id", "telegram_id", "username")} == {
        name: shown[name] for name in ("id", "telegram_id", "username")
    }


async def test_a_name_with_control_characters_is_refused(ann: Client) -> None:
    for text in ("nul\x00", "line\nline", "\x1b[31m", "\x7f", "\x85"):
        answer = await ann.patch(USER, {"first_name": text})
        assert (answer.status, list(answer.json["errors"])) == (400, ["first_name"]), repr(text)


@pytest.mark.parametrize("text", ["' OR 1=1 --", "<script>", "{{7*7}}", "🤖" * 150, "%s%n", "  "])
async def test_odd_text_is_kept_as_it_is(ann: Client, text: str) -> None:
    assert (await ann.patch(USER, {"last_name": text})).json["last_name"] == text


# -- bodies that are too large


async def test_a_body_at_the_limit_is_read(ann: Client) -> None:
    body = b'{"first_name": "Ann"}'.ljust(LIMIT)
    headers = {"Content-Type": "application/json"}
    assert (await ann.request("PATCH", USER, data=body, headers=headers)).status == 200


async def _pieces(size: int) -> AsyncIterator[bytes]:
    yield b'{"first_name": "Ann"}'
    for _ in range(size // 1024):
        yield b" " * 1024


async def test_a_body_too_large_without_a_length_is_refused(ann: Client) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await ann.request("PATCH", USER, data=_pieces(LIMIT), headers=headers)
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")


# -- what only a raw connection can say


@dataclass
class Wire:
    """A connection on which anything can be sent."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    ann: Client

    def send(self, start: str | bytes, *headers: str, body: bytes = b"", key: bool = True) -> None:
        """Send a request as it stands."""
        line = start if isinstance(start, bytes) else start.encode()
        lines = ["Host: localhost", *headers]
        if key:
            lines.append(f"Authorization: Bearer {self.ann.key}")
        head = line + b" HTTP/1.1\r\n" + "\r\n".join(lines).encode() + b"\r\n\r\n"
        self.writer.write(head + body)

    async def status(self) -> int:
        """The status of the next answer; its headers and body are read away."""
        async with asyncio.timeout(DEADLINE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            for line in head.lower().splitlines():
                if line.startswith("content-length:"):
                    await self.reader.readexactly(int(line.partition(":")[2]))
        return int(head.split()[1])

    async def closed(self) -> bool:
        """Whether the server closes the connection."""
        async with asyncio.timeout(DEADLINE):
            with suppress(ConnectionError):
                while await self.reader.read(65536):
                    pass
        return True


@pytest.fixture
async def wire(botyard: Botyard, ann: Client) -> AsyncIterator[Wire]:
    """A raw connection to the server."""
    host, port = botyard.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    yield Wire(reader, writer, ann)
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


JSON = "Content-Type: application/json"


@pytest.mark.parametrize(
    "length", [str(LIMIT + 1), str(101 * 1024**2), str(10**18), "9" * 5000], ids=len
)
async def test_a_body_announced_too_large_is_refused_unread(wire: Wire, length: str) -> None:
    wire.send(f"PATCH {USER}", JSON, f"Content-Length: {length}")
    assert await wire.status() == 413
    assert await wire.closed()


@pytest.mark.parametrize("length", ["-1", "ten", "1.5", "0x10", "+5", "1,2"])
async def test_a_length_that_is_none_closes_the_connection(wire: Wire, length: str) -> None:
    wire.send(f"PATCH {USER}", JSON, f"Content-Length: {length}", body=b"{}")
    assert await wire.status() == 400
    assert await wire.closed()


async def test_a_broken_chunk_closes_the_connection(wire: Wire) -> None:
    wire.send(f"PATCH {USER}", JSON, "Transfer-Encoding: chunked", body=b"zz\r\n{}\r\n")
    assert await wire.status() == 400
    assert await wire.closed()


async def test_who_goes_away_in_the_middle_of_a_body_is_not_waited_for(
    wire: Wire, botyard: Botyard
) -> None:
    def waits() -> bool:
        """Tell whether the server has the connection, beside the one that registered ann."""
        return len(botyard.server._connections) == 2

    wire.send(f"PATCH {USER}", JSON, "Content-Length: 10", body=b"{")
    await until(waits, "the connection")
    wire.writer.close()
    await until(lambda: not waits(), "its end")
    async with asyncio.timeout(DEADLINE):
        await botyard.services.traffic.idle()


@pytest.mark.parametrize(
    ("start", "status"),
    [
        ("PATCH /rest-auth/user/", 401),
        ("PATCH /nowhere/", 404),
        ("POST /rest-auth/user/", 405),
    ],
)
async def test_a_refusal_does_not_cut_the_connection(wire: Wire, start: str, status: int) -> None:
    wire.send(start, JSON, "Content-Length: 2", body=b"{}", key=status != 401)
    assert await wire.status() == status
    wire.send(f"GET {USER}")
    assert await wire.status() == 200


async def test_a_method_nobody_knows_does_not_cut_the_connection(wire: Wire) -> None:
    wire.send(f"BREW {USER}", "Content-Length: 2", body=b"{}")
    assert await wire.status() == 405
    wire.send(f"GET {USER}")
    assert await wire.status() == 200


@pytest.mark.parametrize(
    "path",
    [
        b"/%ff",
        b"/\xff",
        b"/api/v1/telegram_data/%ff/",
        b"/rest-auth/sessions/%00/",
        b"//rest-auth/user/",
        b"/rest-auth//user/",
        b"/rest-auth/user//",
        b"/rest-auth/../rest-auth/user/",
        b"/api/v1/telegram_data/0/",
        b"/api/v1/telegram_data/-1/",
        b"/api/v1/telegram_data/1.5/",
        b"/api/v1/telegram_data/999999999999999999/",
        b"/api/v1/telegram_data/9999999999999999999/",
        b"/api/v1/telegram_data/" + b"9" * 5000 + b"/",
        "/api/v1/telegram_data/٣/".encode(),
        b"/" + b"x" * 30000,
    ],
    ids=lambda path: path[:32].decode("latin-1").encode("unicode-escape").decode(),
)
async def test_an_odd_path_is_not_there(wire: Wire, path: bytes) -> None:
    for method in (b"GET ", b"DELETE "):
        wire.send(method + path)
        assert await wire.status() == 404, method


@pytest.mark.parametrize(
    "query", [b"%ff", b"\xff", b"a=%00", b"&&&===", b"_xsrf=%ff", b"a=1" * 9000]
)
async def test_an_odd_query_does_no_harm(wire: Wire, query: bytes) -> None:
    wire.send(f"GET {USER}?".encode() + query)
    assert await wire.status() == 200


# -- methods


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (REGISTRATION, "POST, OPTIONS"),
        (LOGIN, "POST, OPTIONS"),
        (LOGOUT, "POST, OPTIONS"),
        (CHANGE, "POST, OPTIONS"),
        (USER, "GET, HEAD, DELETE, PATCH, PUT, OPTIONS"),
        ("/rest-auth/sessions/", "GET, HEAD, OPTIONS"),
        ("/rest-auth/sessions/x/", "DELETE, OPTIONS"),
        (BOTS, "GET, HEAD, POST, OPTIONS"),
        (f"{BOTS}1/", "GET, HEAD, DELETE, PATCH, PUT, OPTIONS"),
    ],
)
async def test_a_method_that_a_path_lacks_is_405_and_options_tells_the_others(
    ann: Client, path: str, allowed: str
) -> None:
    expected = set(allowed.split(", "))
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "BREW"} - expected:
        answer = await ann.request(method, path)
        assert answer.status == 405, method
        assert set(answer.headers["Allow"].split(", ")) == expected, method
    options = await ann.request("OPTIONS", path)
    assert (options.status, options.text) == (204, "")
    assert set(options.headers["Allow"].split(", ")) == expected


@pytest.mark.parametrize("path", [USER, BOTS, "/rest-auth/sessions/", "/healthz"])
async def test_head_is_get_without_the_body(ann: Client, path: str) -> None:
    head, get = await ann.request("HEAD", path), await ann.get(path)
    assert (head.status, head.text) == (200, "")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


async def test_head_needs_a_key_where_get_does(anonymous: Client) -> None:
    assert (await anonymous.request("HEAD", USER)).status == 401


@pytest.mark.parametrize("path", [USER, BOTS, LOGIN, "/healthz"])
async def test_the_last_slash_may_be_left_out(ann: Client, path: str) -> None:
    with_slash, without = path.rstrip("/") + "/", path.rstrip("/")
    answers = [await ann.request("OPTIONS", one) for one in (with_slash, without)]
    assert [answer.status for answer in answers] == [204, 204]


async def test_what_is_not_there_is_a_problem_document(anonymous: Client) -> None:
    answer = await anonymous.get("/nowhere")
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.lasting == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at /nowhere.",
        "code": "not_found",
    }


async def test_a_failure_nobody_foresaw_has_an_id_and_no_cause(
    ann: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: int) -> None:
        raise RuntimeError("the cause, with a secret")

    monkeypatch.setattr(sessions, "list_for", fail)
    answer = await ann.get("/rest-auth/sessions/")
    assert (answer.status, answer.json["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert f"incident {answer.json['incident']}" in caplog.text
