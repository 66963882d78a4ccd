"""Makes the services that handlers call, out of the parts that `server.app` has opened."""

from __future__ import annotations

from datetime import timedelta

from handlers.access_tokens import AccessTokens
from handlers.dependencies import ApiOptions, Services
from handlers.metrics.requests import RequestCounts
from handlers.routes import routes
from models.accounts.passwords import PasswordHasher
from models.bots.vault import Vault
from models.engine.database import Database
from models.messaging.media import MB
from runner.cluster.cluster import Cluster
from runner.runner import Runner
from runner.settings import RunnerTuning
from server import __version__
from server.config import Config
from server.loop_lag import LoopLag
from server.periodic import PeriodicTask
from server.smtp import smtp_server
from services.account_limits import AccountLimits
from services.accounts import AccountService
from services.bots import BotService
from services.dead_updates import DeadUpdateService
from services.emails import EmailService, Pages
from services.history import HistoryService
from services.logins import LoginService
from services.mail import Mailer
from services.media import MediaService
from services.message_files import MessageFileService
from services.messages import MessageService
from services.processes import ProcessService
from services.scenarios import ScenarioService
from services.sessions import SessionService
from services.talks import TalkService
from services.throttle import LoginThrottle, MailThrottle
from services.token_buckets import BucketStorage, LocalBuckets, SharedBuckets
from services.windows import LocalWindows, SharedWindows, WindowStorage

SYNC_EVERY = 1.0  # seconds


def _api_options(config: Config, *, commit: str) -> ApiOptions:
    return ApiOptions(
        version=__version__,
        commit=commit,
        cors_origins=config.cors_origins,
        allowed_hosts=config.hosts,
        metrics_token=config.metrics_token,
        metrics_open=config.local_only,
    )


def _limits(config: Config, db: Database, vault: Vault) -> tuple[AccountLimits, WindowStorage]:
    """Make the rate limits: in memory with SQLite, which only one process uses."""
    buckets: BucketStorage = LocalBuckets()
    windows: WindowStorage = LocalWindows()
    if config.sqlite_file is None:
        secret = vault.derive("rate limits")
        buckets, windows = SharedBuckets(db, secret=secret), SharedWindows(db, secret=secret)
    limits = AccountLimits(rate=config.account_rate, bots=config.max_bots_per_user, storage=buckets)
    return limits, windows


def limits_routine(limits: AccountLimits) -> PeriodicTask:
    """Make the periodic task that shares the limits of accounts with other processes."""
    return PeriodicTask(
        "limits",
        limits.sync,
        every=SYNC_EVERY,
        failed="the limits of accounts were not shared with other processes",
    )


def make_services(
    config: Config,
    *,
    commit: str,
    tuning: RunnerTuning,
    db: Database,
    vault: Vault,
    runner: Runner,
    cluster: Cluster | None,
    loop_lag: LoopLag,
) -> Services:
    """Make the services that handlers call.

    Args:
        commit: that the program was built from.
        cluster: this process among others; None if it is the only one.
    """
    sessions = SessionService(db=db, events=runner.events)
    limits, windows = _limits(config, db, vault)
    throttle, hasher = LoginThrottle(windows), PasswordHasher()
    smtp = smtp_server(config)
    pages = Pages(config.password_reset_url or "", config.email_verification_url or "")
    emails = EmailService(
        db=db,
        sessions=sessions,
        hasher=hasher,
        throttle=MailThrottle(windows),
        mailer=Mailer(smtp) if smtp is not None else None,
        pages=pages,
    )
    return Services(
        settings=_api_options(config, commit=commit),
        db=db,
        vault=vault,
        keys=AccessTokens(*vault.derive_all("session keys")),
        limits=limits,
        runner=runner,
        sessions=sessions,
        logins=LoginService(
            db=db,
            sessions=sessions,
            hasher=hasher,
            throttle=throttle,
            lifetime=timedelta(days=config.session_days),
            registration_open=config.registration,
            emails=emails,
        ),
        accounts=AccountService(
            db=db, vault=vault, runner=runner, sessions=sessions, throttle=throttle, emails=emails
        ),
        emails=emails,
        bots=BotService(
            db=db, vault=vault, runner=runner, settings=tuning, max_bots=config.max_bots_per_user
        ),
        dead_updates=DeadUpdateService(db=db),
        messages=MessageService(db=db, runner=runner),
        message_files=MessageFileService(runner.transport),
        media=MediaService(db=db, total=config.media_total * MB),
        history=HistoryService(db=db, runner=runner),
        scenarios=ScenarioService(db=db, runner=runner),
        talks=TalkService(db=db, runner=runner),
        processes=ProcessService(db, runner, cluster, name=config.shown_name, version=__version__),
        requests=RequestCounts(routes),
        loop_lag=loop_lag.measured,
    )
