"""Password resets and verified addresses, through a real SMTP server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from support import smtp
from support.client import ADMIN_USERS, PASSWORD, Client, register
from support.smtp import RESET_PAGE, VERIFICATION_PAGE, Mailbox, receiving

from models.accounts.email_tokens import EmailToken
from models.engine.base import now
from server.app import Botyard
from server.config import Config
from services import mail
from services.mail import SmtpServer

RESET, CONFIRM = "/rest-auth/password/reset/", "/rest-auth/password/reset/confirm/"
VERIFY, RESEND = "/rest-auth/registration/verify-email/", "/rest-auth/registration/resend-email/"
REGISTRATION, LOGIN, USER = "/rest-auth/registration/", "/rest-auth/login/", "/rest-auth/user/"
EMAIL, NEW_PASSWORD = "ann@example.org", "another horse, another battery"


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


async def sent(botyard: Botyard) -> None:
    """Wait until every mail that was asked for is sent, or dropped."""
    mailer = botyard.services.emails.mailer
    assert mailer is not None
    await mailer.idle()


@pytest.fixture
async def owner(anonymous: Client, botyard: Botyard, mailbox: Mailbox) -> Client:
    """A user with a verified address; the mailbox is empty."""
    body = {"username": "ann", "email": EMAIL, "password": PASSWORD}
    made = await anonymous.post(REGISTRATION, body)
    await sent(botyard)
    (link,) = mailbox.links(VERIFICATION_PAGE)
    assert (await anonymous.post(VERIFY, link)).status == 200
    mailbox.mails.clear()
    return replace(anonymous, key=made.json["key"], user=made.json["user"])


async def reset_link(client: Client, botyard: Botyard, mailbox: Mailbox) -> dict[str, str]:
    """Ask for a reset; what the link says."""
    assert (await client.post(RESET, {"email": EMAIL})).status == 200
    await sent(botyard)
    return mailbox.links(RESET_PAGE)[-1]


def confirmation(link: dict[str, str], password: str = NEW_PASSWORD) -> dict[str, str]:
    """The body that a frontend makes of a link."""
    return {**link, "new_password1": password, "new_password2": password}


async def log_in(client: Client, password: str) -> int:
    """Try to log in; the status."""
    return (await client.post(LOGIN, {"username": "ann", "password": password})).status


# -- reset


async def test_a_reset_sets_the_password_and_ends_every_session(
    owner: Client, anonymous: Client, botyard: Botyard, mailbox: Mailbox
) -> None:
    link = await reset_link(anonymous, botyard, mailbox)
    answer = await anonymous.post(CONFIRM, confirmation(link))
    assert (answer.status, list(answer.json)) == (200, ["detail"])
    assert (await owner.get(USER)).status == 401
    assert (await log_in(anonymous, PASSWORD), await log_in(anonymous, NEW_PASSWORD)) == (400, 200)


async def test_a_mail_is_from_the_operator_and_to_the_owner(
    owner: Client, anonymous: Client, botyard: Botyard, mailbox: Mailbox
) -> None:
    await reset_link(anonymous, botyard, mailbox)
    (message,) = mailbox.mails
    assert (message["From"], message["To"]) == ("panel@example.org", EMAIL)
    assert "Hello ann" in message.get_content()


async def test_reset_and_verification_are_in_the_audit_log(
    owner: Client, anonymous: Client, botyard: Botyard, mailbox: Mailbox
) -> None:
    link = await reset_link(anonymous, botyard, mailbox)
    await anonymous.post(CONFIRM, confirmation(link))
    login = await anonymous.post(LOGIN, {"username": "ann", "password": NEW_PASSWORD})
    entries = (await replace(owner, key=login.json["key"]).get("/api/v1/audit/")).json["results"]
    seen = {entry["action"]: entry["address"] for entry in entries}
    assert seen["password_reset"] == seen["email_verified"] == "127.0.0.1"


async def test_a_token_is_good_for_one_reset(
    owner: Client, anonymous: Client, botyard: Botyard, mailbox: Mailbox
) -> None:
    link = await reset_link(anonymous, botyard, mailbox)
    at_once = [confirmation(link, f"{NEW_PASSWORD} {n}") for n in range(4)]
    answers = await asyncio.gather(*(anonymous.post(CONFIRM, body) for body in at_once))
    assert sorted(answer.status for answer in answers) == [200, 400, 400, 400]
    lost = [answer.json for answer in answers if answer.status == 400]
    assert [list(problem["errors"]) for problem in lost] == [["token"]] * 3
    assert (await anonymous.post(CONFIRM, confirmation(link))).status == 400


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"token": "wrong"}, "token"),
        ({"uid": "wrong"}, "uid"),
        ({"new_password1": "short", "new_password2": "short"}, "new_password1"),
        ({"new_password2": PASSWORD}, "new_password2"),
        ({"new_password1": EMAIL, "new_password2": EMAIL}, "new_password1"),
    ],
)
async def test_a_slip_does_not_use_the_token_up(
    owner: Client,
    anonymous: Client,
    botyard: Botyard,
    mailbox: Mailbox,
    changes: dict[str, str],
    field: str,
) -> None:
    link = await reset_link(anonymous, botyard, mailbox)
    answer = await anonymous.post(CONFIRM, confirmation(link) | changes)
    assert (answer.status, list(answer.json["errors"])) == (400, [field])
    without_uid = {name: text for name, text in confirmation(link).items() if name != "uid"}
    assert (await anonymous.post(CONFIRM, without_uid)).status == 200


async def test_a_token_is_good_for_an_hour(
    owner: Client, anonymous: Client, botyard: Botyard, mailbox: Mailbox
) -> None:
    link = await reset_link(anonymous, botyard, mailbox)

    def age() -> timedelta:
        left: timedelta = EmailToken.get().expires_at - now()
        EmailToken.update(expires_at=now()).execute()
        return left

    left = await botyard.services.db.write(age)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    answer = await anonymous.post(CONFIRM, confirmation(link))
    assert (answer.status, list(answer.json["errors"])) == (400, ["token"])


async def test_only_the_latest_link_is_good(
    owner: Client, anonymous: Client, botyard: Botyard, mailbox: Mailbox
) -> None:
    first = await reset_link(anonymous, botyard, mailbox)
    second = await reset_link(anonymous, botyard, mailbox)
    assert (await anonymous.post(CONFIRM, confirmation(first))).status == 400
    assert (await anonymous.post(CONFIRM, confirmation(second))).status == 200


async def test_a_new_password_makes_links_worthless(
    owner: Client, anonymous: Client, botyard: Botyard, mailbox: Mailbox
) -> None:
    link = await reset_link(anonymous, botyard, mailbox)
    body = confirmation({"old_password": PASSWORD})
    assert (await owner.post("/rest-auth/password/change/", body)).status == 200
    assert (await anonymous.post(CONFIRM, confirmation(link))).status == 400


async def test_the_database_has_no_token(
    owner: Client, anonymous: Client, botyard: Botyard, mailbox: Mailbox
) -> None:
    link = await reset_link(anonymous, botyard, mailbox)
    (row,) = await botyard.services.db.read(lambda: list(EmailToken.select().tuples()))
    assert link["token"] not in str(row)


async def test_a_link_leads_to_the_frontend_whatever_the_header_host_says(
    owner: Client, anonymous: Client, botyard: Botyard, mailbox: Mailbox
) -> None:
    await anonymous.post(RESET, {"email": EMAIL}, headers={"Host": "localhost"})
    await sent(botyard)
    text = mailbox.mails[0].get_content()
    assert RESET_PAGE + "#uid=" in text
    assert "localhost" not in text


# -- who gets mail


async def test_nobody_else_gets_a_reset_and_all_are_answered_alike(
    owner: Client, root: Client, anonymous: Client, botyard: Botyard, mailbox: Mailbox
) -> None:
    body = {"username": "bob", "email": "bob@example.org", "password": PASSWORD}
    await anonymous.post(REGISTRATION, body)  # whose address is not verified
    await root.patch(f"{ADMIN_USERS}{owner.user['pk']}/", {"disabled": True})
    await sent(botyard)
    mailbox.mails.clear()
    addresses = ("nobody@example.org", "bob@example.org", EMAIL)
    answers = [await anonymous.post(RESET, {"email": address}) for address in addresses]
    await sent(botyard)
    assert [(answer.status, answer.text) for answer in answers] == [
        (200, '{"detail":"Password reset e-mail has been sent."}\n')
    ] * 3
    assert mailbox.mails == []


async def test_an_answer_waits_for_no_mail(
    owner: Client, anonymous: Client, botyard: Botyard, mailbox: Mailbox
) -> None:
    """Otherwise its time would tell that an account has the address."""
    mailbox.open.clear()
    assert (await anonymous.post(RESET, {"email": EMAIL})).status == 200
    assert mailbox.mails == []
    mailbox.open.set()
    await sent(botyard)
    assert len(mailbox) == 1


async def test_an_address_in_another_case_is_the_same(
    owner: Client, anonymous: Client, botyard: Botyard, mailbox: Mailbox
) -> None:
    await anonymous.post(RESET, {"email": EMAIL.upper()})
    await sent(botyard)
    assert [message["To"] for message in mailbox.mails] == [EMAIL]


async def test_another_address_is_not_verified(
    owner: Client, anonymous: Client, botyard: Botyard, mailbox: Mailbox
) -> None:
    link = await reset_link(anonymous, botyard, mailbox)
    await owner.patch(USER, {"email": "anna@example.org"})
    assert (await anonymous.post(CONFIRM, confirmation(link))).status == 400
    for address in (EMAIL, "anna@example.org"):
        await anonymous.post(RESET, {"email": address})
    await sent(botyard)
    assert len(mailbox.links(RESET_PAGE)) == 1
    (verification,) = mailbox.links(VERIFICATION_PAGE)
    assert mailbox.mails[-1]["To"] == "anna@example.org"
    await owner.patch(USER, {"email": "annabelle@example.org"})
    answer = await anonymous.post(VERIFY, verification)
    assert (answer.status, list(answer.json["errors"])) == (400, ["key"])


async def test_an_address_in_another_case_stays_verified(
    owner: Client, anonymous: Client, botyard: Botyard, mailbox: Mailbox
) -> None:
    await owner.patch(USER, {"email": EMAIL.title()})
    await reset_link(anonymous, botyard, mailbox)


async def test_a_verification_is_sent_again_until_it_is_done(
    anonymous: Client, botyard: Botyard, mailbox: Mailbox
) -> None:
    body = {"username": "ann", "email": EMAIL, "password": PASSWORD}
    await anonymous.post(REGISTRATION, body)
    texts = [(await anonymous.post(RESEND, {"email": EMAIL})).text]
    await sent(botyard)
    *_, link = mailbox.links(VERIFICATION_PAGE)
    assert len(mailbox) == 2
    assert (await anonymous.post(VERIFY, link)).status == 200
    assert (await anonymous.post(VERIFY, link)).status == 400
    texts += [
        (await anonymous.post(RESEND, {"email": one})).text for one in (EMAIL, "x@example.org")
    ]
    await sent(botyard)
    assert len(mailbox) == 2
    assert set(texts) == {'{"detail":"ok"}\n'}


# -- limits and failures


@pytest.mark.parametrize("address", [EMAIL, "nobody@example.org"])
async def test_an_address_gets_five_mails_an_hour(
    owner: Client, anonymous: Client, address: str
) -> None:
    statuses = [(await anonymous.post(RESET, {"email": address})).status for _ in range(6)]
    assert statuses == [200] * 5 + [429]


async def test_tokens_cannot_be_guessed_as_fast_as_one_likes(anonymous: Client) -> None:
    statuses = [(await anonymous.post(VERIFY, {"key": str(n)})).status for n in range(101)]
    assert statuses == [400] * 100 + [429]


async def test_more_mails_than_can_wait_are_refused(
    botyard: Botyard, anonymous: Client, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailer = botyard.services.emails.mailer
    assert mailer is not None
    monkeypatch.setattr(mailer, "_queue", asyncio.Queue(1))  # which nobody reads
    first = await anonymous.post(RESET, {"email": "a@example.org"})
    second = await anonymous.post(RESET, {"email": "b@example.org"})
    assert (first.status, second.status, second.json["code"]) == (200, 429, "busy")
    assert (await register(anonymous, "ann")).key, "registration does not depend on mail"
    mailer._queue.get_nowait()
    mailer._queue.task_done()


async def test_a_mail_that_cannot_be_sent_is_logged_without_its_token(
    owner: Client,
    anonymous: Client,
    botyard: Botyard,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def refuse(*_: Any) -> str:
        return "550 no such user"

    with monkeypatch.context() as patched:
        patched.setattr(mailbox, "handle_DATA", refuse)
        assert (await anonymous.post(RESET, {"email": EMAIL})).status == 200
        await sent(botyard)
    assert "a mail was not sent: " in caplog.text
    await reset_link(anonymous, botyard, mailbox)
    assert "token=" not in caplog.text


@pytest.mark.parametrize("path", [RESET, CONFIRM, VERIFY, RESEND])
async def test_a_foreign_page_asks_for_nothing(anonymous: Client, path: str) -> None:
    answer = await anonymous.post(path, {}, headers={"Origin": "https://evil.example"})
    assert (answer.status, answer.json["code"]) == (403, "origin_not_allowed")


@pytest.mark.parametrize("path", [RESET, RESEND])
@pytest.mark.parametrize("address", ["", "nobody", None])
async def test_what_is_no_address_is_refused(
    anonymous: Client, path: str, address: str | None
) -> None:
    answer = await anonymous.post(path, {"email": address})
    assert (answer.status, list(answer.json["errors"])) == (400, ["email"])


# -- the SMTP server


class TestLogin:
    """Where the SMTP server wants a login."""

    @pytest.fixture
    def config(self, config: Config, mailbox: Mailbox) -> Config:
        """With the login."""
        login = f"{smtp.USER}:{quote(smtp.PASSWORD, safe='')}@"
        return replace(config, smtp_url=mailbox.url.replace("//", f"//{login}"))

    async def test_it_is_sent_as_it_was_set(self, owner: Client, mailbox: Mailbox) -> None:
        assert mailbox.logins == [(smtp.USER.encode(), smtp.PASSWORD.encode())]


async def test_a_password_is_not_sent_to_another_machine_in_the_clear(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "_is_local", lambda _: False)
    server = SmtpServer(
        "127.0.0.1", mailbox.port, tls=False, sender=EMAIL, username="ann", password=PASSWORD
    )
    with pytest.raises(mail.aiosmtplib.SMTPException, match="STARTTLS"):
        await server.check()
    assert mailbox.logins == []


class TestOff:
    """Where the operator has set up no mail."""

    @pytest.fixture
    def config(self, config: Config) -> Config:
        """Without."""
        return replace(config, smtp_url=None)

    @pytest.mark.parametrize("path", [RESET, CONFIRM, VERIFY, RESEND])
    async def test_nothing_is_there(self, anonymous: Client, path: str) -> None:
        answer = await anonymous.post(path, {"email": EMAIL})
        assert (answer.status, answer.json["code"]) == (404, "not_found")

    async def test_accounts_have_addresses_all_the_same(
        self, anonymous: Client, mailbox: Mailbox
    ) -> None:
        body = {"username": "ann", "email": EMAIL, "password": PASSWORD}
        assert (await anonymous.post(REGISTRATION, body)).status == 201
        assert mailbox.mails == []
