"""The resource for monitoring systems."""

from __future__ import annotations

import hmac

from tornado.web import url

from handlers import errors
from handlers.base import ApiHandler
from handlers.errors import Code
from handlers.metrics.collector import CONTENT_TYPE, MetricsCollector


class Metrics(ApiHandler):
    """The metrics of this server."""

    public = frozenset({"GET", "HEAD"})

    async def admit(self, method: str) -> None:
        """Require the metrics token if one is set, or a server that only this machine reaches.

        The address of the client does not count: with a proxy in front, it is the proxy's.
        """
        await super().admit(method)
        settings = self.services.settings
        if method not in self.public or (settings.metrics_token is None and settings.metrics_open):
            return
        if settings.metrics_token is None:
            raise errors.Forbidden(
                "Metrics are closed. To open them, set BOTYARD_METRICS_TOKEN and send it as "
                "'Authorization: Bearer TOKEN'.",
                code=Code.METRICS_CLOSED,
            )
        scheme, token = self._credentials()
        if scheme != "bearer":
            raise errors.Unauthorized("Send the token as 'Authorization: Bearer TOKEN'.")
        if not self._is_right(token):
            detail = "The token does not match BOTYARD_METRICS_TOKEN."
            raise errors.Unauthorized(detail, code=Code.INVALID_KEY)

    def check_host(self) -> None:
        """Accept any name with the token: Prometheus asks each of several servers by its address.

        A page whose name was given this machine's address cannot know the token.
        """
        if not self._is_right(self._credentials()[1]):
            super().check_host()

    def _credentials(self) -> tuple[str, str]:
        scheme, _, token = self.request.headers.get("Authorization", "").strip().partition(" ")
        return scheme.lower(), token.strip()

    def _is_right(self, token: str) -> bool:
        right = self.services.settings.metrics_token
        return right is not None and hmac.compare_digest(token.encode(), right.encode())

    async def get(self) -> None:
        """Show the metrics in Prometheus's text format.

        When the operator has set a token, it must come as `Authorization: Bearer TOKEN`. Without
        one they are open only where the server listens on its own machine, without a proxy.

        ---
        summary: Metrics
        tags: [Operation]
        responses:
          200:
            description: The metrics.
            content: {text/plain: {schema: {type: string}}}
          401:
            description: The operator's token is missing or wrong.
            codes: [not_authenticated, invalid_key]
          403:
            description: The operator has set no token, and others can reach this server.
            codes: [metrics_closed]
        """
        collector: MetricsCollector = self.settings["exposition"]
        text = await collector.text()
        self.set_header("Content-Type", CONTENT_TYPE)
        self.finish(text)


routes = [
    url(r"/metrics/?", Metrics),
]
