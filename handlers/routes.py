"""All routes of the HTTP API."""

from __future__ import annotations

from tornado.routing import URLSpec

from handlers import admin, audit, dead_updates, events, health
from handlers import auth as accounts
from handlers import bots as telegram_data
from handlers import password as password_change
from handlers.apidoc import swagger as documents
from handlers.metrics import handler as metrics

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
