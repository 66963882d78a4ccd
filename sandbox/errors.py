"""What can go wrong in the sandbox.

* SandboxError
  * NotKnown            a thing the caller named does not exist
    * UnknownBot
    * UnknownChat
    * UnknownMessage
    * UnknownFault
  * InvalidValue        a value the caller gave cannot be used
  * ApiError            the Bot API answers a request with `ok: false`
  * Dropped             a request ends without any answer
"""

from __future__ import annotations


class SandboxError(Exception):
    """Base of everything this package raises on purpose."""


class NotKnown(SandboxError):
    """A thing the caller named does not exist.

    Args:
        field: The name of the argument at fault.
        value: What the caller gave.
    """

    noun = "object"

    def __init__(self, field: str, value: object) -> None:
        super().__init__(f"no {self.noun} with {field} {value!r}")
        self.field = field


class UnknownBot(NotKnown):
    """There is no bot with this id or username."""

    noun = "bot"


class UnknownChat(NotKnown):
    """Nobody has written to the bot in this chat yet."""

    noun = "chat"


class UnknownMessage(NotKnown):
    """The chat has no such message."""

    noun = "message"


class UnknownFault(NotKnown):
    """No fault with this id is injected."""

    noun = "fault"


class InvalidValue(SandboxError):
    """A value the caller gave cannot be used.

    Args:
        field: The name of the argument at fault.
        reason: What it takes, to follow the name in a sentence.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field


class ApiError(SandboxError):
    """The Bot API answers with `ok: false`.

    Args:
        error_code: HTTP status, repeated in the body.
        description: Telegram's sentence, with its prefix such as "Bad Request: ".
        retry_after: Seconds to wait, sent as `parameters.retry_after`.
        migrate_to_chat_id: The supergroup that a group became, sent in `parameters`, too.
        body: What to answer with in place of JSON, as a proxy in front of Telegram does.
        content_type: Of `body`.
        held: Seconds for which the answer is held back.

    Source: https://core.telegram.org/bots/api#making-requests
    """

    def __init__(
        self,
        error_code: int,
        description: str,
        *,
        retry_after: int | None = None,
        migrate_to_chat_id: int | None = None,
        body: str | None = None,
        content_type: str = "text/html",
        held: float = 0.0,
    ) -> None:
        super().__init__(description)
        self.error_code = error_code
        self.description = description
        self.retry_after = retry_after
        self.migrate_to_chat_id = migrate_to_chat_id
        self.body = body
        self.content_type = content_type
        self.held = held


class Dropped(SandboxError):
    """A request ends without an answer: the connection is or will be closed."""


def bad_request(reason: str) -> ApiError:
    """Make the 400 that Telegram answers with, from the part after "Bad Request: "."""
    return ApiError(400, f"Bad Request: {reason}")


def too_many_requests(retry_after: int) -> ApiError:
    """Make the 429 of Telegram's flood control; `retry_after` in seconds."""
    return ApiError(429, f"Too Many Requests: retry after {retry_after}", retry_after=retry_after)
