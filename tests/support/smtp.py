"""A real SMTP server that keeps what it receives."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from support.client import DEADLINE

USER, PASSWORD = "panel", "s:e/cr@t"
RESET_PAGE, VERIFICATION_PAGE = (
    "https://panel.example.org/reset",
    "https://panel.example.org/verify",
)


@dataclass
class Mailbox:
    """What was received.

    Attributes:
        open: while it is clear, mails are not accepted, and their senders wait.
    """

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __len__(self) -> int:
        """Count the mails."""
        return len(self.mails)

    @property
    def url(self) -> str:
        """The setting that leads here, without a login."""
        return f"smtp://127.0.0.1:{self.port}?from=panel@example.org"

    def links(self, page: str) -> list[dict[str, str]]:
        """Return the parts of the fragments of the links to a page, the earliest first."""
        found = []
        for mail in self.mails:
            for line in mail.get_content().splitlines():
                address, _, fragment = line.partition("#")
                if address == page:
                    found.append(dict(part.split("=", 1) for part in fragment.split("&")))
        return found

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Keep a mail; see aiosmtpd's handlers."""
        async with asyncio.timeout(DEADLINE):
            await self.open.wait()
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 OK"

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _how: str, data: Any
    ) -> Any:
        """Check a login."""
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        fits = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=fits, handled=False)  # the answer is still to be sent


@asynccontextmanager
async def receiving() -> AsyncIterator[Mailbox]:
    """Run an SMTP server on a free port."""
    loop, mailbox = asyncio.get_running_loop(), Mailbox()
    mailbox.open.set()

    def protocol() -> SMTP:
        return SMTP(
            mailbox,
            hostname="localhost",
            loop=loop,
            enable_SMTPUTF8=True,
            authenticator=mailbox.authenticate,
            auth_require_tls=False,
        )

    server = await loop.create_server(protocol, "127.0.0.1", 0)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()
        await server.wait_closed()
