"""The HTTP API: handlers that translate between requests and the layers below."""

from __future__ import annotations

from tornado.routing import URLSpec

from handlers import (
    accounts,
    admin,
    audit,
    dead_updates,
    documents,
    events,
    health,
    metrics,
    password_change,
    telegram_data,
)

routes: list[URLSpec] = [
    *accounts.routes,
    *password_change.routes,
    *telegram_data.routes,
    *dead_updates.routes,
    *events.routes,
    *admin.routes,
    *audit.routes,
    *health.routes,
    *metrics.routes,
    *documents.routes,
]
