"""Stands in for Django where dj-rest-auth's tests ask for it; a running Botyard answers them.

Only what those tests import is here. Accounts are made in Botyard's database, requests go to it
over HTTP, and `mail.outbox` has what its SMTP server received.
"""

from __future__ import annotations

import asyncio
import http.client
import importlib
import json
import sys
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from http.cookies import SimpleCookie
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from models.accounts import administration, users
from models.accounts.audit import OPERATOR, Actor
from models.accounts.passwords import hash_password
from models.accounts.users import User, UserRecord
from models.engine.base import now
from server.app import Botyard
from support.client import DEADLINE
from support.smtp import RESET_PAGE, Mailbox

PATHS = {
    "rest_login": "login/",
    "rest_logout": "logout/",
    "rest_password_change": "password/change/",
    "rest_password_reset": "password/reset/",
    "rest_password_reset_confirm": "password/reset/confirm/",
    "rest_register": "registration/",
    "rest_user_details": "user/",
    "rest_verify_email": "registration/verify-email/",
    "rest_resend_email": "registration/resend-email/",
}


class StandIn:
    """The Botyard that answers; the tests run in a thread beside its event loop."""

    def __init__(self, botyard: Botyard, loop: asyncio.AbstractEventLoop) -> None:
        self.url = urlsplit(botyard.url)
        self._db = botyard.services.db
        self._mailer = botyard.services.emails.mailer
        self._loop = loop

    def _wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(DEADLINE)

    def wait_for_mail(self) -> None:
        """Wait until every mail has been sent."""
        assert self._mailer is not None
        self._wait(self._mailer.idle())

    def read(self, function: Callable[..., Any], *args: Any) -> Any:
        """Read from Botyard's database."""
        return self._wait(self._db.read(function, *args))

    def write(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Write to Botyard's database, as its operator."""
        return self._wait(self._db.write(function, *args, by=OPERATOR, **options))


current: StandIn  # of the test that runs


class Account:
    """What the tests do with an account."""

    def __init__(self, record: UserRecord) -> None:
        self.pk = record.id
        self.username, self.email = record.username, record.email
        self.first_name, self.last_name = record.first_name, record.last_name
        self.is_active = record.disabled_at is None

    def save(self) -> None:
        """Store whether it is active, the one thing that the tests change."""
        current.write(administration.change, self.pk, {"disabled": not self.is_active})


def _verify(user_id: int, *, by: Actor) -> None:
    assert by == OPERATOR
    User.update(email_verified_at=now()).where(User.id == user_id).execute()


class Outbox:
    """`mail.outbox`: the mails that arrived, once all that were asked for have."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    def __len__(self) -> int:
        """Count them."""
        current.wait_for_mail()
        return len(self.mailbox)

    def reset_link(self) -> dict[str, str] | None:
        """Return what the latest link for a reset says; None if there is none."""
        current.wait_for_mail()
        return next(reversed(self.mailbox.links(RESET_PAGE)), None)


class Accounts:
    """`User.objects`."""

    def create_user(self, username: str, email: str, password: str) -> Account:
        """Add an account, of whatever password."""
        hashed = hash_password(password)
        made = current.write(users.create, username=username, email=email, password_hash=hashed)
        current.write(_verify, made.id)  # Django sends resets to every address
        return Account(made)

    def all(self) -> Accounts:
        """Return all of them."""
        return self

    def count(self) -> int:
        """Count them."""
        return len(current.read(administration.accounts))

    def latest(self, _field: str) -> Account:
        """Return the newest."""
        return Account(current.read(administration.accounts)[-1].user)

    def get(self, *, pk: int) -> Account:
        """Return one."""
        found = current.read(administration.account, pk)
        if found is None:
            raise User.DoesNotExist
        return Account(found.user)


class Response:
    """What the tests look at of an answer."""

    json: Any  # the tests set it

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        # their tests have Django's session authentication, which asks nobody for a key
        self.status_code = 403 if answer.status == 401 else answer.status
        self.content = answer.read().decode()
        # problem documents are JSON, too; the tests know one type alone
        self._type = answer.headers.get("Content-Type", "").replace("problem+json", "json")
        self.data = json.loads(self.content) if "json" in self._type else None
        self.cookies: SimpleCookie = SimpleCookie()
        for header in answer.headers.get_all("Set-Cookie", []):
            self.cookies.load(header)

    def get(self, name: str, default: str = "") -> str:
        """Return the one header that the tests ask for."""
        return self._type if name == "content-type" else default


class Client:
    """Django's client: a browser that keeps cookies and sends the XSRF cookie again."""

    def __init__(self, **_options: Any) -> None:
        self.cookies: SimpleCookie = SimpleCookie()

    def generic(
        self, method: str, path: str, data: str = "", content_type: str = "", **extra: Any
    ) -> Response:
        """Send a request."""
        headers = {"Content-Type": content_type} if content_type else {}
        if self.cookies:
            headers["Cookie"] = "; ".join(
                f"{name}={cookie.coded_value}" for name, cookie in self.cookies.items()
            )
            headers["X-CSRFToken"] = self.cookies["_xsrf"].value if "_xsrf" in self.cookies else ""
        if "HTTP_AUTHORIZATION" in extra:
            headers["Authorization"] = extra["HTTP_AUTHORIZATION"]
        connection = http.client.HTTPConnection(
            current.url.hostname or "", current.url.port, timeout=DEADLINE
        )
        try:
            connection.request(method, path, body=str(data).encode() or None, headers=headers)
            response = Response(connection.getresponse())
        finally:
            connection.close()
        self.cookies.update(response.cookies)
        return response

    def get(self, path: str, **extra: Any) -> Response:
        """Send a GET."""
        return self.generic("GET", path, **extra)

    def post(self, path: str, data: Any = "", content_type: str = "", **extra: Any) -> Response:
        """Send a POST."""
        return self.generic("POST", path, data, content_type, **extra)


class ApiSettings:
    """`dj_rest_auth.app_settings.api_settings`: what a test overrides, else false."""

    def __init__(self) -> None:
        self.user_settings: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        """Return a setting."""
        return self.user_settings.get(name, False)


def override_settings(**overridden: Any) -> Callable[[Any], Any]:
    """Keep what a test would have of Django, for `Adapted` to see."""

    def decorate(target: Any) -> Any:
        target.django_settings = getattr(target, "django_settings", {}) | overridden
        return target

    return decorate


def _reverse(name: str) -> str:
    return f"/rest-auth/{PATHS.get(name, f'nothing/{name}/')}"


AuthenticationMethod = Enum("AuthenticationMethod", ["USERNAME", "EMAIL", "USERNAME_EMAIL"])
_STATUS = {f"HTTP_{status.value}_{status.name}": status.value for status in http.HTTPStatus}


def _modules(outbox: Outbox) -> Iterator[tuple[str, dict[str, Any]]]:
    yield (
        "allauth.account",
        {"app_settings": SimpleNamespace(AuthenticationMethod=AuthenticationMethod)},
    )
    settings = SimpleNamespace(
        DEBUG=False, INSTALLED_APPS=[], SESSION_COOKIE_NAME="botyard_session"
    )
    yield "django.conf", {"settings": settings}
    model = SimpleNamespace(objects=Accounts())
    yield "django.contrib.auth", {"get_user_model": lambda: model}
    yield "django.core", {"mail": SimpleNamespace(outbox=outbox)}
    yield "django.core.exceptions", {"ImproperlyConfigured": Exception}
    yield (
        "django.test",
        {
            "TestCase": unittest.TestCase,
            "modify_settings": override_settings,
            "override_settings": override_settings,
        },
    )
    yield "django.test.client", {"Client": Client, "MULTIPART_CONTENT": "multipart/form-data"}
    yield "django.utils.encoding", {"force_str": str}
    yield "django.urls", {"reverse": _reverse}
    yield (
        "rest_framework",
        {
            "status": SimpleNamespace(**_STATUS),
            "permissions": SimpleNamespace(BasePermission=object),
        },
    )
    yield "rest_framework.test", {"APIRequestFactory": object}
    yield "rest_framework_simplejwt.serializers", {"TokenObtainPairSerializer": object}
    yield "dj_rest_auth.app_settings", {"api_settings": ApiSettings()}
    yield "dj_rest_auth.registration.views", {"RegisterView": object}
    yield "dj_rest_auth.models", {"get_token_model": None}


@contextmanager
def their_tests(folder: Path, botyard: Botyard, outbox: Outbox) -> Iterator[type[Any]]:
    """Import dj-rest-auth's test cases with this module in the place of Django.

    Args:
        folder: of their tests.
        botyard: answers them; its event loop is the running one.
        outbox: the mails that were sent.
    """
    global current  # noqa: PLW0603 - their tests take no arguments
    current = StandIn(botyard, asyncio.get_running_loop())
    before = set(sys.modules)
    try:
        for name, members in _modules(outbox):
            parts = name.split(".")
            for depth in range(1, len(parts) + 1):
                package = ".".join(parts[:depth])
                sys.modules.setdefault(package, ModuleType(package))
            vars(sys.modules[name]).update(members)
        tests = ModuleType("dj_rest_auth.tests")
        tests.__path__ = [str(folder)]
        sys.modules[tests.__name__] = tests
        yield importlib.import_module("dj_rest_auth.tests.test_api").APIBasicTests
    finally:
        for name in set(sys.modules) - before:
            del sys.modules[name]
