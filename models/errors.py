"""The errors of the data layer; they know nothing of HTTP.

StorageError
├── StorageUnavailable      the database cannot be reached, is locked, or its disk is full
│   ├── DatabaseInUse       another process has exclusive use of the database
│   └── DatabaseDamaged     the files of the database are corrupt
├── SecretMismatch          the stored tokens were encrypted with another secret
├── NotOwner                this process may not, or may no longer, write for a bot
│   └── ProcessLost         nor for any other: it was declared dead
├── SchemaMismatch          the database is older or newer than this program
└── RuleBroken              the database is fine, the request is not
    ├── UsernameTaken
    ├── EmailTaken
    ├── PasswordChanged
    ├── TokenWorthless
    │   └── VerificationKeyWorthless
    ├── SessionEnded
    ├── NotStaff
    ├── AccountDisabled
    ├── BotLimitReached
    ├── BotAlreadyRegistered
    ├── BotDeleted
    ├── DraftChanged
    ├── TestsChanged
    ├── ChatUnknown
    ├── KeyReused
    ├── OutboxFull
    ├── MessageChanged
    ├── MediaGone
    ├── MediaQuotaReached
    └── MediaStorageFull
"""

from __future__ import annotations

from datetime import datetime


class StorageError(Exception):
    """Root of the tree."""


class StorageUnavailable(StorageError):
    """The database did not carry out the work; nothing was stored."""


class DatabaseInUse(StorageUnavailable):
    """A server or an exclusive command uses the database; the text names the process."""


class DatabaseDamaged(StorageUnavailable):
    """The stored data cannot be read as a database; the text says what to do."""


class SecretMismatch(StorageError):
    """The secret key does not match the database."""


class NotOwner(StorageError):
    """This process may not write for a bot that was deleted, has a new token or another owner."""


class ProcessLost(NotOwner):
    """This process was declared dead by another one, which has freed its bots."""


class SchemaMismatch(StorageError):
    """The tables do not match this version of the program."""


class RuleBroken(StorageError):
    """A rule of the data forbids the change; nothing was stored."""


class UsernameTaken(RuleBroken):
    """Another account has this user name (compared without case)."""


class EmailTaken(RuleBroken):
    """Another account has this e-mail address (compared without case)."""


class PasswordChanged(RuleBroken):
    """The checked password is no longer the account's."""


class TokenWorthless(RuleBroken):
    """A token that was sent by e-mail has expired, was used, or was never sent."""


class VerificationKeyWorthless(TokenWorthless):
    """So has one that verifies an address, or it was sent to an earlier one."""


class SessionEnded(RuleBroken):
    """The session of the request has ended."""


class NotStaff(RuleBroken):
    """The account is not, or is no longer, staff."""


class AccountDisabled(RuleBroken):
    """The account is disabled."""


class BotLimitReached(RuleBroken):
    """The account already has the maximum number of bots.

    Args:
        limit: the maximum number of bots of an account.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"an account may have {limit} bots")
        self.limit = limit


class BotAlreadyRegistered(RuleBroken):
    """This Telegram bot is already registered."""


class BotDeleted(RuleBroken):
    """The bot was deleted in the meantime."""

    def __init__(self, bot_id: int) -> None:
        super().__init__(f"bot {bot_id} was deleted")
        self.bot_id = bot_id


class DraftChanged(RuleBroken):
    """A scenario has another draft than the one that was to be replaced.

    Args:
        revision: of the present draft; 0 if there is none.
        at, by: when it was saved, and by which account, if that is known.
    """

    def __init__(self, revision: int, at: datetime | None, by: str | None) -> None:
        super().__init__(f"the draft has revision {revision}")
        self.revision = revision
        self.at = at
        self.by = by


class TestsChanged(RuleBroken):
    """A scenario has other tests than those that were to be replaced.

    Args:
        tag: of the present tests; see `models.dialogs.scenarios.tests_tag`.
    """

    def __init__(self, tag: str) -> None:
        super().__init__(f"the tests have the tag {tag}")
        self.tag = tag


class ChatUnknown(RuleBroken):
    """The bot has never received anything from the chat."""


class KeyReused(RuleBroken):
    """The idempotency key was used for another request."""


class OutboxFull(RuleBroken):
    """Too many messages of people wait to be sent by the bot.

    Args:
        limit: the maximum number.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} messages wait already")
        self.limit = limit


class MessageChanged(RuleBroken):
    """The message has another state than it had when it was read."""


class MediaGone(RuleBroken):
    """The file that is being uploaded, or its bot, was deleted in the meantime."""


class MediaQuotaReached(RuleBroken):
    """A bot or an account has no room for another file.

    Args:
        whose: bot or account.
        limit: the maximum, in bytes or files.
        files: True if it is a number of files.
    """

    def __init__(self, whose: str, limit: int, *, files: bool = False) -> None:
        super().__init__(f"the files of the {whose} have reached the maximum")
        self.whose = whose
        self.limit = limit
        self.files = files


class MediaStorageFull(RuleBroken):
    """The installation has no room for another file."""
