"""What the handlers work with; put together in one place, handed to them by the application."""

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
from services.logins import LoginService
from services.sessions import SessionService


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """What an operator decides about the API.

    Args:
        version: of the program.
        commit: that it was built from.
        cors_origins: origins of frontends that may use the API from a browser.
        allowed_hosts: names that clients may use for this server, in lower case; None for any.
        metrics_token: what a scrape of /metrics must bring.
        metrics_open: whether everybody may read it when there is no token: only those on this
            machine reach the server, and no proxy lets others in.
    """

    version: str
    commit: str
    cors_origins: frozenset[str]
    allowed_hosts: frozenset[str] | None = None
    metrics_token: str | None = field(default=None, repr=False)
    metrics_open: bool = False


class Traffic:
    """How many requests are under way, and whether new ones should go elsewhere.

    Attributes:
        draining: True while the server ends.
        stream_room: gives how many live streams may be open at this moment, of all accounts.
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
            drained: False to leave it out: nobody has to wait for its end.
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
    """Everything a handler may call.

    Args:
        requests: counts what was answered.
        loop_lag: how late the event loop comes to what is due.
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
    bots: BotService
    dead_updates: DeadUpdateService
    requests: RequestCounts
    loop_lag: Histogram
    traffic: Traffic = field(default_factory=Traffic)


class ServiceHandler(BodyHandler):
    """A handler that reaches the services."""

    @property
    def services(self) -> Services:
        """Everything that it may call."""
        services: Services = self.settings["services"]
        return services
