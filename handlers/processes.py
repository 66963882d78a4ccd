"""The servers that share the database, for staff."""

from __future__ import annotations

from dataclasses import asdict

from tornado.web import url

from handlers.admin import StaffHandler
from handlers.schemas.common import shared
from handlers.schemas.processes import ProcessSchema


class AdminProcesses(StaffHandler):
    """All servers."""

    async def get(self) -> None:
        """List the servers that run on this installation's database, oldest first.

        With SQLite there is one, which answers this request.

        ---
        summary: All servers
        tags: [Administration]
        responses:
          200: {description: The servers., schema: ProcessesSchema}
          403: {description: You are not staff., codes: [staff_only]}
        """
        services = self.services
        listed = await services.processes.listed(draining=services.traffic.draining)
        schema = shared(ProcessSchema)
        self.answer({"items": [schema.dump(asdict(process)) for process in listed]})


routes = [
    url(r"/api/v1/admin/processes/?", AdminProcesses),
]
