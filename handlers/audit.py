"""The audit log: of the caller's account, and of all accounts for staff."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tornado.web import url

from handlers.pagination import PagedHandler
from handlers.schemas.audit import AuditEntrySchema, AuditQuerySchema
from handlers.schemas.common import shared
from models.accounts.audit import Action, EntryRecord


class Audit(PagedHandler):
    """The audit log."""

    async def get(self) -> None:
        """List the actions on your account and bots, the latest first; staff see all actions.

        ---
        summary: The audit log
        tags: [Accounts]
        parameters: [{in: query, schema: AuditQuerySchema}]
        responses:
          200: {description: A page of entries., schema: AuditEntryPageSchema}
          400: {description: A parameter is invalid., codes: [validation_failed, bad_request]}
        """
        query = self.query(AuditQuerySchema)
        page = await self.services.accounts.audit_log(self.principal.user, **query)
        self.answer_page(page, [_present(entry) for entry in page.rows], query)


def _present(entry: EntryRecord) -> dict[str, Any]:
    presented: dict[str, Any] = shared(AuditEntrySchema).dump(
        asdict(entry) | {"action": Action(entry.action)}
    )
    return presented


routes = [
    url(r"/api/v1/audit/?", Audit),
]
