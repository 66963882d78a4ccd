"""Errors of the use cases; they know nothing of HTTP.

ServiceError
├── TooFast                 the caller must wait before the next attempt
│   └── AccountTooFast      the limit is one of the account
│       └── NetworkTooFast  the limit is one of all accounts in a network
├── RegistrationClosed
├── InvalidCredentials
├── WeakPassword
├── WrongPassword
├── PasswordReplaced
├── MailOff
├── MailBusy
├── WrongUid
├── SessionNotFound
├── DeadUpdateNotFound
├── MessageNotFound
├── MessageNotEditable
├── MessageHasNoFile
├── TooManyDownloads
├── NothingToSend
├── VersionNotFound
├── TestsFailed
├── TooMuchPlaying
├── TalkNotFound
├── EmptyFile
├── FileTooLarge
├── MediaNotFound
├── MediaInUse
├── UploadsUnusable
└── OwnAccount
"""

from __future__ import annotations


class ServiceError(Exception):
    """Root of the tree."""


class TooFast(ServiceError):
    """The caller must wait.

    Args:
        seconds: the time to wait.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"wait for {seconds} s")
        self.seconds = seconds


class AccountTooFast(TooFast):
    """The account exceeds its request rate."""


class NetworkTooFast(AccountTooFast):
    """The accounts in a network together exceed their request rate."""


class RegistrationClosed(ServiceError):
    """Self-registration is disabled on this server."""


class InvalidCredentials(ServiceError):
    """There is no such account, or it has another password."""


class WeakPassword(ServiceError):
    """A new password is not accepted.

    Args:
        problems: the reasons, one sentence each.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class WrongPassword(ServiceError):
    """The current password, required for the change, is wrong."""


class PasswordReplaced(ServiceError):
    """The account got another password while the current one was checked."""


class MailOff(ServiceError):
    """This server sends no mail."""


class MailBusy(ServiceError):
    """Too many mails wait to be sent."""


class WrongUid(ServiceError):
    """The id of an account is not that of the account that a token was sent to."""


class SessionNotFound(ServiceError):
    """The account has no such session."""


class OwnAccount(ServiceError):
    """Staff cannot disable or demote themselves."""


class DeadUpdateNotFound(ServiceError):
    """The bot has no such dead update."""

    def __init__(self, bot_id: int, update_id: int) -> None:
        super().__init__(f"bot {bot_id} has no dead update {update_id}")
        self.bot_id = bot_id
        self.update_id = update_id


class ChatNotFound(ServiceError):
    """The bot does not know the chat."""

    def __init__(self, bot_id: int, chat_id: int) -> None:
        super().__init__(f"bot {bot_id} has no chat {chat_id}")
        self.bot_id = bot_id
        self.chat_id = chat_id


class MessageNotFound(ServiceError):
    """The bot has no such message."""

    def __init__(self, bot_id: int, message_id: int) -> None:
        super().__init__(f"bot {bot_id} has no message {message_id}")
        self.bot_id = bot_id
        self.message_id = message_id


class MessageNotEditable(ServiceError):
    """The message cannot be edited or deleted in its state; the text says why."""


class MessageHasNoFile(ServiceError):
    """The message has no file that can be shown.

    Args:
        is_preview: True if it may have a file, but no small picture.
    """

    def __init__(self, message_id: int, *, is_preview: bool) -> None:
        super().__init__(f"message {message_id} has no {'small picture' if is_preview else 'file'}")
        self.message_id = message_id
        self.is_preview = is_preview


class TooManyDownloads(ServiceError):
    """The account reads too many files at once."""


class NothingToSend(ServiceError):
    """The message has no visible content."""


class VersionNotFound(ServiceError):
    """The bot's scenario has no such version."""

    def __init__(self, bot_id: int, n: int) -> None:
        super().__init__(f"bot {bot_id} has no version {n} of its scenario")
        self.bot_id = bot_id
        self.n = n


class StateNotFound(ServiceError):
    """No version of the bot's scenario has the state, and nothing was counted in it.

    Args:
        hint: what may have been meant, as a sentence after a space; empty for nothing.
    """

    def __init__(self, bot_id: int, state: str, hint: str) -> None:
        super().__init__(f"bot {bot_id} has no state {state!r} in its scenario")
        self.bot_id = bot_id
        self.state = state
        self.hint = hint


class TooMuchPlaying(ServiceError):
    """The account plays or tests too many scenarios at once."""


class TalkNotFound(ServiceError):
    """The bot has no such talk."""

    def __init__(self, bot_id: int) -> None:
        super().__init__(f"bot {bot_id} has no such talk")
        self.bot_id = bot_id


class TestsFailed(ServiceError):
    """Tests of a scenario fail, so that it is not published.

    Args:
        problems: what is wrong by the name of the test.
    """

    def __init__(self, problems: dict[str, list[str]]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class EmptyFile(ServiceError):
    """An uploaded file has no byte."""


class FileTooLarge(ServiceError):
    """An uploaded file is larger than Telegram takes.

    Args:
        limit: the maximum in bytes.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"the file has more than {limit} bytes")
        self.limit = limit


class MediaNotFound(ServiceError):
    """The bot has no such uploaded file."""

    def __init__(self, bot_id: int, media_id: int) -> None:
        super().__init__(f"bot {bot_id} has no file {media_id}")
        self.bot_id = bot_id
        self.media_id = media_id


class MediaInUse(ServiceError):
    """A file belongs to the scenario that the bot runs.

    Args:
        media_id: the file.
    """

    def __init__(self, media_id: int) -> None:
        super().__init__(f"the scenario sends file {media_id}")
        self.media_id = media_id


class UploadsUnusable(ServiceError):
    """A message has uploaded files that cannot be sent with it.

    Args:
        problems: a sentence by place, as a JSON Pointer.
    """

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{place}: {problem}" for place, problem in problems.items()))
        self.problems = problems
