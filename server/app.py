"""The only place where the parts are put together."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import tornado.web
from tornado import httputil
from tornado.netutil import bind_sockets

from handlers.apidoc import swagger
from handlers.base import ApiHandler, UnknownPath
from handlers.bodies import MAX_DISCARDED, BodyHandler, LimitedBody
from handlers.dependencies import Services
from handlers.metrics.collector import MetricsCollector
from handlers.routes import routes
from models.bots.vault import Vault, check_secret
from models.engine.connection import LOCK_TIMEOUT
from models.engine.database import Database
from models.engine.locks import exclusive
from models.engine.migration import Migrations
from runner.change_watcher import ChangeWatcher
from runner.manager import BotManager
from runner.settings import FILES_A_BOT, FILES_BESIDE, RunnerTuning
from runner.telegram.transport import Transport
from server import version
from server.config import Config
from server.http_server import BoundedServer
from server.lock_monitor import LockMonitor
from server.log import log_request
from server.loop_lag import LoopLag
from server.periodic import PeriodicTask
from server.services import make_services
from services.retention import Janitor

MAX_HEADERS = 64 * 1024  # bytes
MIN_CONNECTIONS = 16  # however few files are left
log = logging.getLogger("botyard.server")

IDLE = 75.0  # seconds that a connection is kept between requests
SLOW_BODY = 30.0  # seconds that a body may take to arrive


class BotyardApplication(tornado.web.Application):
    """A Tornado application that bounds what it keeps of a body."""

    def get_handler_delegate(  # type: ignore[override]
        self,
        request: httputil.HTTPServerRequest,
        target_class: type[BodyHandler],
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Make the delegate of a handler; see tornado.web.Application."""
        delegate = super().get_handler_delegate(request, target_class, *args, **kwargs)
        limit = None if target_class.streamed else target_class.max_body
        return LimitedBody(delegate, request, limit=limit)


def make_app(services: Services) -> tornado.web.Application:
    """Make the Tornado application."""
    swagger.load_files()

    def answered(handler: tornado.web.RequestHandler) -> None:
        log_request(handler)
        if isinstance(handler, ApiHandler):
            services.requests.count(handler)

    return BotyardApplication(
        routes,
        services=services,
        routes=routes,
        default_handler_class=UnknownPath,
        exposition=MetricsCollector(services),
        log_function=answered,
    )


@dataclass(slots=True)
class Botyard:
    """A whole server: made by `open_botyard`, ended by `close`.

    Args:
        url: where it listens.
        lost: fails with DatabaseInUse when another server has taken the database.
    """

    services: Services
    server: BoundedServer
    transport: Transport
    routines: list[PeriodicTask]
    loop_lag: LoopLag
    boot: asyncio.Task[None]
    url: str
    lost: asyncio.Future[None]

    async def drain(self, timeout: float) -> None:
        """Take no new connections and let requests under way end.

        Args:
            timeout: seconds after which they are cut.
        """
        self.services.traffic.draining = self.server.draining = True
        self.services.manager.events.close()
        self.server.stop()
        try:
            async with asyncio.timeout(timeout):
                await self.services.traffic.idle()
        except TimeoutError:
            log.warning("requests still under way after %.0f s are cut", timeout)

    async def close(self) -> None:
        """End everything, in the order in which it depends on each other."""
        self.boot.cancel()
        await asyncio.wait({self.boot})
        self.server.stop()
        for routine in self.routines:
            await routine.close()
        self.loop_lag.close()
        await self.services.manager.shutdown()
        await self.server.close_all_connections()
        await self.transport.close()
        self.services.logins.close()
        await self.services.db.close()


@contextmanager
def listening_on(host: str, port: int, *, setting: str) -> Iterator[None]:
    """Say what could not be listened on, and what sets it.

    Raises:
        OSError: with that sentence.
    """
    try:
        yield
    except socket.gaierror as error:
        raise OSError(error.errno, f"cannot listen on {host}: {error.strerror}") from error
    except OSError as error:
        why = error.strerror or str(error)
        raise OSError(
            error.errno, f"cannot listen on {host}:{port}: {why}; {setting} sets another port"
        ) from error


def _connection_room(manager: BotManager) -> Callable[[], int]:
    """Make the function that tells how many connections may be open: what bots need is kept."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        limit = sys.maxsize
    return lambda: max(MIN_CONNECTIONS, limit - FILES_BESIDE - FILES_A_BOT * manager.size)


def _migrate(url: str) -> None:
    migrations = Migrations(url)
    migrations.prepare()
    with exclusive(url, wait=LOCK_TIMEOUT):  # another server may work with the tables as they are
        migrations.up()


async def _open_database(url: str, vault: Vault) -> Database:
    await asyncio.to_thread(_migrate, url)
    db = Database(url, exclusive=True)
    try:
        await db.open()
        await db.write(check_secret, vault)
    except BaseException:
        await db.close()
        raise
    return db


def _routines(
    config: Config,
    runner: RunnerTuning,
    db: Database,
    manager: BotManager,
    boot: asyncio.Task[None],
) -> list[PeriodicTask]:
    """What is done again and again; the bots are compared only once they are all begun."""
    janitor = Janitor(
        db,
        runner,
        keep=timedelta(days=config.journal_days),
        keep_audit=timedelta(days=config.audit_days),
    )
    watch = ChangeWatcher(db, manager)
    return [
        PeriodicTask(
            "watch",
            watch.poll,
            every=runner.watch_interval,
            failed="the bots could not be compared with the database",
            after=boot,
        ),
        PeriodicTask(
            "janitor", janitor.sweep, every=runner.prune_interval, failed="nothing was pruned"
        ),
    ]


async def open_botyard(config: Config, *, runner: RunnerTuning | None = None) -> Botyard:
    """Migrate, open, listen; the bots start while HTTP already serves.

    Args:
        config: with its data folder filled in.
        runner: times of the runner; the defaults when left out.

    Raises:
        StorageError: the database cannot be used.
        OSError: the address cannot be listened on.
    """
    runner = runner or RunnerTuning()
    with listening_on(config.host, config.port, setting="--port or BOTYARD_PORT"):
        sockets = bind_sockets(config.port, config.host)
    vault = Vault(*config.secrets)
    try:
        db = await _open_database(config.database_url, vault)
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    transport = Transport(
        config.telegram_api_url, proxy=config.telegram_proxy, call_timeout=runner.call_timeout
    )
    await transport.open()
    manager = BotManager(db, vault, transport, runner)
    loop_lag = LoopLag()
    services = make_services(
        config,
        commit=await asyncio.to_thread(version.commit),
        runner=runner,
        db=db,
        vault=vault,
        manager=manager,
        loop_lag=loop_lag,
    )
    room = _connection_room(manager)
    services.traffic.stream_room = lambda: room() // 2
    server = BoundedServer(
        make_app(services),
        room=room,
        xheaders=config.behind_proxy,
        max_header_size=MAX_HEADERS,
        max_body_size=MAX_DISCARDED,
        idle_connection_timeout=IDLE,
        body_timeout=SLOW_BODY,
    )
    server.add_sockets(sockets)
    loop_lag.start()
    boot = asyncio.create_task(manager.start_active(), name="boot")
    lock_monitor = LockMonitor(db)
    routines = _routines(config, runner, db, manager, boot)
    if config.sqlite_file is None:  # a file's lock cannot be lost
        routines.append(lock_monitor.routine())
    for routine in routines:
        routine.start()
    host = f"[{config.host}]" if ":" in config.host else config.host
    url = f"http://{host}:{sockets[0].getsockname()[1]}"
    return Botyard(services, server, transport, routines, loop_lag, boot, url, lock_monitor.lost)
