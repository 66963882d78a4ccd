"""Sends mail in the background, through an SMTP server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from ipaddress import ip_address

import aiosmtplib

from models.errors import StorageError
from models.waiting import completes
from services.errors import MailBusy

log = logging.getLogger("botyard.mail")

TIMEOUT = 20.0  # seconds that an answer of the SMTP server may take
ROOM = 200  # mails that may wait
LAST_MAILS = 5.0  # seconds that mails may still take when the server ends


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """An SMTP server, and the sender that it accepts.

    Args:
        tls: True for TLS from the first byte (smtps://); else STARTTLS is used where offered.
        username, password: to log in with; empty for no login.
        sender: the address that mails come from.
    """

    host: str
    port: int
    tls: bool
    sender: str
    username: str = ""
    password: str = field(default="", repr=False)

    def client(self) -> aiosmtplib.SMTP:
        """Make a client that connects as an async context manager."""
        # a password must not be read on the way by whoever hides that STARTTLS is offered
        needs_tls = bool(self.username) and not _is_local(self.host)
        return aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username or None,
            password=self.password or None,
            timeout=TIMEOUT,
            use_tls=self.tls,
            start_tls=None if self.tls or not needs_tls else True,
        )

    async def check(self) -> None:
        """Connect and log in.

        Raises:
            SMTPException, OSError: the server cannot be reached or rejects the login.
        """
        async with self.client() as client:
            await client.noop()


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name
        return False


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of plain text to one address."""

    recipient: str
    subject: str
    text: str


class Mailer:
    """Sends mails one after the other, in a task of its own.

    What is queued makes the mail: to look an account up takes part of the time that nobody who
    asks for a mail may measure. A mail that cannot be sent is logged and dropped.

    Args:
        server: sends them.
    """

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._queue: asyncio.Queue[Callable[[], Awaitable[Mail | None]]] = asyncio.Queue(ROOM)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the task; needs the running event loop."""
        self._task = asyncio.create_task(self._run(), name="mail")

    async def close(self) -> None:
        """Send what waits, as far as that is quick, and end the task."""
        if self._task is None:
            return
        if not await completes(self._queue.join(), within=LAST_MAILS):
            log.warning("%d mails were not sent before the end", self._queue.qsize())
        self._task.cancel()
        await asyncio.wait({self._task})

    def put(self, make: Callable[[], Awaitable[Mail | None]]) -> None:
        """Queue a mail.

        Args:
            make: makes it; None if there is nothing to send after all.

        Raises:
            MailBusy: the queue is full.
        """
        try:
            self._queue.put_nowait(make)
        except asyncio.QueueFull:
            raise MailBusy from None

    async def idle(self) -> None:
        """Wait until nothing waits to be sent."""
        await self._queue.join()

    async def _run(self) -> None:
        while True:
            make = await self._queue.get()
            try:
                if (mail := await make()) is not None:
                    await self._send(mail)
            except (aiosmtplib.SMTPException, OSError, StorageError) as error:
                log.warning("a mail was not sent: %s", " ".join(str(error).split()))
            except Exception:
                log.exception("a mail was not sent")
            finally:
                self._queue.task_done()

    async def _send(self, mail: Mail) -> None:
        message = EmailMessage()
        message["From"] = self._server.sender
        message["To"] = mail.recipient
        message["Subject"] = mail.subject
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notices, please
        message.set_content(mail.text)
        async with self._server.client() as client:
            await client.send_message(message)
