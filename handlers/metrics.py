"""What a monitoring system asks."""

from __future__ import annotations

import hmac

from tornado.web import url

from handlers import errors
from handlers.base import ApiHandler
from handlers.errors import Code
from handlers.exposition import CONTENT_TYPE, Exposition


class Metrics(ApiHandler):
    """The numbers of this server."""

    public = frozenset({"GET", "HEAD"})

    async def admit(self, method: str) -> None:
        """Let everybody in, or only who has the operator's token, when there is one."""
        await super().admit(method)
        wanted = self.services.settings.metrics_token
        if wanted is None or method not in self.public:
            return
        scheme, _, given = self.request.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer":
            raise errors.Unauthorized("Send the token as 'Authorization: Bearer TOKEN'.")
        if not hmac.compare_digest(given.strip().encode(), wanted.encode()):
            detail = "This is not the token of BOTYARD_METRICS_TOKEN."
            raise errors.Unauthorized(detail, code=Code.INVALID_KEY)

    async def get(self) -> None:
        """Metrics in Prometheus's text format.

        When the operator has set a token, it must come as `Authorization: Bearer TOKEN`.

        ---
        summary: Metrics
        tags: [Operation]
        responses:
          200:
            description: The metrics.
            content: {text/plain: {schema: {type: string}}}
          401:
            description: The operator's token is missing, or it is another one.
            codes: [not_authenticated, invalid_key]
        """
        exposition: Exposition = self.settings["exposition"]
        text = await exposition.text()
        self.set_header("Content-Type", CONTENT_TYPE)
        self.finish(text)


routes = [
    url(r"/metrics/?", Metrics),
]
