"""All routes of the HTTP API."""

from __future__ import annotations

from tornado.routing import URLSpec

from handlers import (
    account,
    admin,
    audit,
    auth,
    bots,
    chats,
    conversations,
    dead_updates,
    emails,
    events,
    health,
    media,
    message_files,
    messages,
    password,
    processes,
    scenario_statistics,
    scenario_templates,
    scenario_tests,
    scenarios,
)
from handlers.apidoc import swagger
from handlers.metrics import handler as metrics

routes: list[URLSpec] = [
    *auth.routes,
    *account.routes,
    *password.routes,
    *emails.routes,
    *bots.routes,
    *dead_updates.routes,
    *media.routes,
    *messages.routes,
    *message_files.routes,
    *chats.routes,
    *scenarios.routes,
    *conversations.routes,
    *scenario_statistics.routes,
    *scenario_templates.routes,
    *scenario_tests.routes,
    *events.routes,
    *admin.routes,
    *processes.routes,
    *audit.routes,
    *health.routes,
    *metrics.routes,
    *swagger.routes,
]
