"""Health checks for load balancers and supervisors."""

from __future__ import annotations

from tornado.web import url

from handlers.base import ApiHandler
from models.accounts.sessions import Session


class Health(ApiHandler):
    """Liveness."""

    public = frozenset({"GET", "HEAD"})
    any_host = True  # a load balancer asks by address

    def get(self) -> None:
        """Check that the process is alive.

        ---
        summary: Alive
        tags: [Operation]
        responses:
          200: {description: Alive., schema: HealthSchema}
        """
        self.answer({"status": "ok"})


class Readiness(ApiHandler):
    """Readiness."""

    public = frozenset({"GET", "HEAD"})
    any_host = True

    async def get(self) -> None:
        """Check that the database answers and every active bot has been tried once.

        It is not ready any more from the moment at which it is told to end, nor while it may have
        lost its bots to other servers because the database does not answer.

        ---
        summary: Ready
        tags: [Operation]
        responses:
          200: {description: Ready., schema: ReadinessSchema}
          503: {description: Not ready., schema: ReadinessSchema}
        """
        await self.services.db.read(Session.select().limit(1).exists)
        services, runner = self.services, self.services.runner
        ready = (
            runner.reconciler.boot.ready
            and services.processes.may_serve()
            and not services.traffic.draining
        )
        states = {str(state): count for state, count in runner.states().items()}
        body = {"status": "ready" if ready else "not ready", "bots": states}
        self.answer(body, status=200 if ready else 503)


routes = [
    url(r"/healthz/?", Health),
    url(r"/readyz/?", Readiness),
]
