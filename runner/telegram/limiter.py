"""Telegram's limits on how fast a bot may send."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from telegram.ext import AIORateLimiter

FLOOD_RETRIES = 5  # retries of a call after a 429


class BotRateLimiter(AIORateLimiter):
    """The library's limits, except for getMe: a 429 at start is reported, not waited out.

    Args:
        per_second: number of messages to all chats that are sent in a second.
    """

    def __init__(self, per_second: float) -> None:
        super().__init__(overall_max_rate=per_second, max_retries=FLOOD_RETRIES)

    async def process_request(  # noqa: PLR0917 - the signature is BaseRateLimiter's
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: int | None,
    ) -> Any:
        """Send a request when the limits allow it; see BaseRateLimiter."""
        if endpoint == "getMe":
            return await callback(*args, **kwargs)
        return await super().process_request(
            callback, args, kwargs, endpoint, data, rate_limit_args
        )
