"""The services that handlers call; the application provides them."""

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
from services.history import HistoryService
from services.logins import LoginService
from services.media import MediaService
from services.message_files import MessageFileService
from services.messages import MessageService
from services.processes import ProcessService
from services.scenarios import ScenarioService
from services.sessions import SessionService
from services.talks import TalkService


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """The operator's options for the API.

    Args:
        version, commit: the version and the commit of the program.
        cors_origins: origins of frontends that may use the API from a browser.
        allowed_hosts: accepted host names, in lower case; None for any.
        metrics_token: the bearer token that /metrics requires; None for none.
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
    """The requests in progress, and the state of the shutdown.

    Attributes:
        draining: True while the server shuts down.
        stream_room: returns the maximum number of open live streams of all accounts.
    """

    def __init__(self) -> None:
        self.draining = False
        self.stream_room: Callable[[], int] = lambda: sys.maxsize
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def counted(self, *, drained: bool) -> Iterator[None]:
        """Count a request while it is in progress.

        Args:
            drained: False to exclude it, so that the shutdown does not wait for it.
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
        """Wait until no request is in progress."""
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
    messages: MessageService
    message_files: MessageFileService
    media: MediaService
    history: HistoryService
    scenarios: ScenarioService
    talks: TalkService
    processes: ProcessService
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
