"""dj-rest-auth's own tests over HTTP, but for those that docs/rest-auth.md names with a reason."""

from __future__ import annotations

import asyncio
import re
import tarfile
import unittest
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.client import PASSWORD
from support.django_stand_in import Account, Outbox, their_tests
from support.server_process import ROOT
from support.smtp import RESET_PAGE, VERIFICATION_PAGE, Mailbox, receiving

from server.app import Botyard
from server.config import Config

pytestmark = pytest.mark.rest_auth
SOURCE = ROOT / "build" / "rest-auth" / "dj_rest_auth-7.2.0.tar.gz"
INSIDE = "dj_rest_auth-7.2.0/dj_rest_auth/tests/"

PAGE = (ROOT / "docs" / "rest-auth.md").read_text()
OTHER_FILES = set(re.findall(r"^\| `(test_\w+\.py)` \|", PAGE, re.MULTILINE))
DIFFERENT = set(re.findall(r"`(test_\w+)`", PAGE))


def _read(name: str) -> str:
    with tarfile.open(SOURCE) as archive:
        file = archive.extractfile(INSIDE + name)
        assert file is not None
        return file.read().decode()


def names() -> list[str]:
    """The names of their tests; of one that fails if they were not fetched."""
    if not SOURCE.exists():
        return ["run: make test-rest-auth"]
    return re.findall(r"^    def (test_\w+)\(", _read("test_api.py"), re.MULTILINE)


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    """An SMTP server."""
    async with receiving() as mailbox:
        yield mailbox


@pytest.fixture
def config(config: Config, mailbox: Mailbox) -> Config:
    """Settings with mail."""
    return replace(
        config,
        smtp_url=mailbox.url,
        password_reset_url=RESET_PAGE,
        email_verification_url=VERIFICATION_PAGE,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Their tests, unpacked."""
    folder = tmp_path / "tests"
    folder.mkdir()
    for name in ("test_api.py", "mixins.py", "utils.py"):
        (folder / name).write_text(_read(name))
    return folder


def run(cases: type[Any], name: str, outbox: Outbox) -> unittest.TestResult:
    """Run one of their tests."""

    class Adapted(cases):  # type: ignore[misc,valid-type]
        """With a password that Botyard takes, where Django would not look at it."""

        def _generate_uid_and_token(self, user: Account) -> dict[str, str]:
            """Read the token from the mail: nobody but the server can make one."""
            link = outbox.reset_link()
            if link is None:
                self.post(self.password_reset_url, data={"email": user.email}, status_code=200)
                link = outbox.reset_link()
            assert link is not None
            return link

    settings = getattr(getattr(cases, name), "django_settings", {})
    if "AUTH_PASSWORD_VALIDATORS" not in settings:
        Adapted.PASS = PASSWORD
        both = {"password1": PASSWORD, "password2": PASSWORD}
        Adapted.REGISTRATION_DATA = cases.REGISTRATION_DATA | both
        Adapted.REGISTRATION_DATA_WITH_EMAIL = cases.REGISTRATION_DATA_WITH_EMAIL | both
    result = unittest.TestResult()
    Adapted(name).run(result)
    return result


@pytest.mark.parametrize("name", names())
async def test_it_passes_unless_it_is_named(
    folder: Path, botyard: Botyard, mailbox: Mailbox, name: str
) -> None:
    outbox = Outbox(mailbox)
    with their_tests(folder, botyard, outbox) as cases:
        result = await asyncio.to_thread(run, cases, name, outbox)
    assert result.testsRun == 1
    told = "\n".join(text for _, text in result.failures + result.errors)
    if name in DIFFERENT:
        assert told, f"{name} passes: docs/rest-auth.md should not name it"
    else:
        assert told == ""


def test_each_file_is_run_or_named() -> None:
    with tarfile.open(SOURCE) as archive:
        inside = {Path(name) for name in archive.getnames()}
    files = {path.name for path in inside if re.fullmatch(r"test_\w+\.py", path.name)}
    assert files == OTHER_FILES | {"test_api.py"}


def test_each_that_is_named_is_theirs() -> None:
    assert set(names()) >= DIFFERENT
