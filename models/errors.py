"""Everything the data layer can raise on purpose; it knows nothing of HTTP.

StorageError
├── StorageUnavailable      the database cannot be reached, is locked, or its disk is full
│   ├── DatabaseInUse       a server has the database alone
│   └── DatabaseDamaged     what is in the file, or in PostgreSQL's, is no database any more
├── SecretMismatch          the secret key is not the one the stored tokens were encrypted with
├── NotOwner                this process may not write for a bot (any more)
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
    └── BotAlreadyRegistered
"""

from __future__ import annotations


class StorageError(Exception):
    """Root of the tree."""


class StorageUnavailable(StorageError):
    """The database did not do the work; nothing of it is stored."""


class DatabaseInUse(StorageUnavailable):
    """A server, or a command that needs it alone, has the database; the text says from where."""


class DatabaseDamaged(StorageUnavailable):
    """What is stored cannot be read as a database; the text says what to do."""


class SecretMismatch(StorageError):
    """The secret key does not fit the database."""


class NotOwner(StorageError):
    """This process may not write for a bot: it is gone, has another token, or runs elsewhere."""


class SchemaMismatch(StorageError):
    """The tables are not the ones this program works with."""


class RuleBroken(StorageError):
    """A rule of the data forbids the change; nothing of it is stored."""


class UsernameTaken(RuleBroken):
    """Another account has this user name (compared without case)."""


class EmailTaken(RuleBroken):
    """Another account has this e-mail address (compared without case)."""


class PasswordChanged(RuleBroken):
    """The password that was checked is not the account's any more."""


class TokenWorthless(RuleBroken):
    """A token that was sent by e-mail has expired, was used, or was never sent."""


class VerificationKeyWorthless(TokenWorthless):
    """So has one that verifies an address, or it was sent to an earlier one."""


class SessionEnded(RuleBroken):
    """The session that the change was asked with is over."""


class NotStaff(RuleBroken):
    """The account is not staff (any more)."""


class AccountDisabled(RuleBroken):
    """The account is switched off."""


class BotLimitReached(RuleBroken):
    """The account already has as many bots as it may have.

    Args:
        limit: how many bots an account may have.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"an account may have {limit} bots")
        self.limit = limit


class BotAlreadyRegistered(RuleBroken):
    """This Telegram bot is in the platform already."""
