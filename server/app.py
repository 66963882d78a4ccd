"""The composition root: creates every component and connects them."""

from __future__ import annotations

import asyncio
import logging
import resource
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import tornado.web
from tornado import httputil

from dialogs import echo
from dialogs.events import Dialog
from handlers.apidoc import swagger
from handlers.base import ApiHandler, UnknownPath
from handlers.bodies import MAX_DISCARDED, BodyHandler, LimitedBody
from handlers.dependencies import Services
from handlers.metrics.collector import MetricsCollector
from handlers.routes import routes
from models.bots.vault import Vault
from models.cluster.fence import ProcessFence
from models.cluster.link import Identity, Link
from models.waiting import completes
from runner.cluster.cluster import Cluster
from runner.cluster.membership import Membership
from runner.runner import Runner, create_runner
from runner.settings import FILES_A_BOT, FILES_BESIDE, RunnerTuning
from runner.telegram.transport import Transport
from server import __version__, version
from server.config import Config
from server.http_server import BoundedServer
from server.installation_lock import boot_id
from server.listening import bind, url_of
from server.log import log_request
from server.loop_lag import LoopLag
from server.periodic import PeriodicTask
from server.routines import make_routines
from server.services import make_services
from server.storage import open_database

MAX_HEADERS = 64 * 1024  # bytes
NOTICE = 2.5  # seconds in which balancers notice that a server is not ready any more
MIN_CONNECTIONS = 16  # however few files are left
log = logging.getLogger("botyard.server")

IDLE = 75.0  # seconds that a connection is kept between requests
LINGER = 0.5  # seconds that a connection of a balancer may take to send its request
SLOW_BODY = 30.0  # seconds that a body may take to arrive


class BotyardApplication(tornado.web.Application):
    """A Tornado application that limits how much of a body is kept in memory."""

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
    """A running server: made by `open_botyard`, ended by `close`.

    Args:
        url: the address it listens on.
        cluster: keeps it in line with other servers on its database; None if there can be none.
        stack: ends everything, the latest first.
    """

    services: Services
    server: BoundedServer
    routines: list[PeriodicTask]
    url: str
    cluster: Cluster | None
    stack: AsyncExitStack

    async def drain(self, timeout: float) -> None:
        """Accept no new connections and let requests in progress finish.

        Args:
            timeout: seconds after which they are cut.
        """
        self.services.traffic.draining = True  # so that a balancer sends no more
        self.server.draining = True
        if self.cluster is not None:
            loop = asyncio.get_running_loop()
            until = loop.time() + NOTICE
            await self.cluster.drain()
            if self.cluster.has_others():  # who are asked once balancers have noticed
                await asyncio.sleep(until - loop.time())
        self.services.runner.events.close()
        self.server.stop()
        if self.cluster is not None:
            await self.server.linger(LINGER)
        if not await completes(self.services.traffic.idle(), within=timeout):
            log.warning("aborting requests that are still running after %.0f s", timeout)

    async def close(self) -> None:
        """End everything, in the reverse order of opening; one failure does not stop the rest."""
        await self.stack.aclose()


def _connection_room(runner: Runner) -> Callable[[], int]:
    """Make the function that limits open connections; it reserves file descriptors for bots."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        limit = sys.maxsize
    return lambda: max(MIN_CONNECTIONS, limit - FILES_BESIDE - FILES_A_BOT * runner.size)


def _identity(config: Config, fence: ProcessFence, lock_file: str) -> Identity:
    boot = boot_id() if lock_file else ""
    return Identity(config.shown_name, fence.session, boot, lock_file, __version__)


async def _open_services(
    config: Config,
    runner: RunnerTuning,
    loop_lag: LoopLag,
    stack: AsyncExitStack,
    *,
    dialog: Dialog,
    lock_file: str,
) -> tuple[Services, Cluster | None]:
    """Create the services that handlers call; no bot is started yet."""
    vault = Vault(*config.secrets)
    fence = ProcessFence() if config.sqlite_file is None else None
    db = await open_database(config, vault, stack, fence)
    membership = None
    if fence is not None:
        identity = _identity(config, fence, lock_file)
        link = Link(config.direct_address, identity, locked=config.is_pooled)
        membership = Membership(db, link, fence, runner.cluster)
        stack.push_async_callback(membership.leave)
        await membership.register()
    transport = Transport(
        config.telegram_api_url, proxy=config.telegram_proxy, call_timeout=runner.call_timeout
    )
    stack.push_async_callback(transport.close)
    await transport.open()
    bots = create_runner(db, vault, transport, runner, dialog=dialog, ownership=membership)
    cluster = None
    if membership is not None:
        cluster = Cluster(db, membership, bots, vault=vault)
    services = make_services(
        config,
        commit=await asyncio.to_thread(version.commit),
        tuning=runner,
        db=db,
        vault=vault,
        runner=bots,
        cluster=cluster,
        loop_lag=loop_lag,
    )
    if cluster is not None:
        cluster.on_sessions = services.sessions.look_at
    stack.callback(services.logins.close)
    stack.push_async_callback(services.emails.close)
    services.emails.start()
    return services, cluster


def _make_server(config: Config, services: Services) -> BoundedServer:
    room = _connection_room(services.runner)
    services.traffic.stream_room = lambda: room() // 2
    return BoundedServer(
        make_app(services),
        room=room,
        xheaders=config.behind_proxy,
        max_header_size=MAX_HEADERS,
        max_body_size=MAX_DISCARDED,
        idle_connection_timeout=IDLE,
        body_timeout=SLOW_BODY,
    )


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


async def open_botyard(
    config: Config,
    *,
    runner: RunnerTuning | None = None,
    dialog: Dialog = echo.answer,
    lock_file: str = "",
) -> Botyard:
    """Migrate, open, listen; the bots start while HTTP already serves.

    Everything that was opened is closed again when a later step fails.

    Args:
        config: with its data folder filled in.
        runner: times of the runner; the defaults when left out.
        dialog: produces the replies of the bots.
        lock_file: the file that this server has locked, by device and number; empty for none.

    Raises:
        StorageError: the database cannot be used.
        OSError: the address cannot be listened on.
    """
    runner = runner or RunnerTuning()
    async with AsyncExitStack() as stack:
        sockets = bind(config.host, config.port, setting="--port or BOTYARD_PORT")
        for sock in sockets:
            stack.callback(sock.close)
        loop_lag = LoopLag()
        services, cluster = await _open_services(
            config, runner, loop_lag, stack, dialog=dialog, lock_file=lock_file
        )
        server = _make_server(config, services)
        stack.push_async_callback(server.close_all_connections)
        stack.push_async_callback(services.runner.close)  # its last answers need connections
        stack.callback(loop_lag.close)
        loop_lag.start()
        start = services.runner.reconciler.start_wanted
        boot = asyncio.create_task(cluster.begin() if cluster else start(), name="boot")
        if cluster is not None:
            stack.push_async_callback(cluster.close)
        stack.push_async_callback(_end, boot)  # first: it starts what the cluster's end ends
        routines = make_routines(config, runner, services, boot, cluster=cluster)
        for routine in routines:
            stack.push_async_callback(routine.close)
            routine.start()
        stack.callback(server.stop)
        server.add_sockets(sockets)
        url = url_of(config.host, sockets[0])
        return Botyard(services, server, routines, url, cluster, stack.pop_all())
