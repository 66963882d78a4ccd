"""The services that handlers call; the application hands them over."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from handlers.access_tokens import AccessTokens
from handlers.bodies import BodyHandler
from handlers.metrics.requests import RequestCounts
from models.bots.vault import Vault
from models.engine.database import Database
from models.engine.histogram import Histogram
from runner.runner import Runner
from services.account_limits import AccountLimits
from services.accounts import AccountService
from services.bots import BotService
from services.dead_updates import DeadUpdateService
from services.emails import EmailService
from services.logins import LoginService
from services.sessions import SessionService


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """The operator's options for the API.

    Args:
        version, commit: of the program.
        cors_origins: origins of frontends that may use the API from a browser.
        allowed_hosts: names that clients may use for this server, in lower case; None for any.
        metrics_token: the token that a scrape of /metrics must send; None for none.
        metrics_open: True if /metrics needs no token when none is set, because only this
            machine reaches the server, without a proxy.
    """

    version: str
    commit: str
    cors_origins: frozenset[str]
    allowed_hosts: frozenset[str] | None = None
    metrics_token: str | None = field(default=None, repr=False)
    metrics_open: bool = False


class Traffic:
    """The requests under way, and the end of the server.

    Attributes:
        draining: True while the server shuts down.
        stream_room: returns how many live streams of all accounts may be open now.
    """

    def __init__(self) -> None:
        self.draining = False
        self.stream_room: Callable[[], int] = lambda: sys.maxsize
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def counted(self, *, drained: bool) -> Iterator[None]:
        """Count a request while it is under way.

        Args:
            drained: False to leave it out: the shutdown does not wait for its end.
        """
        if not drained:
            yield
            return
        self._in_flight += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    async def idle(self) -> None:
        """Wait until no request is under way."""
        await self._idle.wait()


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one server.

    Args:
        requests: counts the answers.
        loop_lag: the delay of the event loop.
    """

    settings: ApiOptions
    db: Database
    vault: Vault
    keys: AccessTokens
    limits: AccountLimits
    runner: Runner
    sessions: SessionService
    logins: LoginService
    accounts: AccountService
    emails: EmailService
    bots: BotService
    dead_updates: DeadUpdateService
    requests: RequestCounts
    loop_lag: Histogram
    traffic: Traffic = field(default_factory=Traffic)


class ServiceHandler(BodyHandler):
    """A handler that reaches the services."""

    @property
    def services(self) -> Services:
        """The services of the application."""
        services: Services = self.settings["services"]
        return services
