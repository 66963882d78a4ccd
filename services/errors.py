"""Errors of the use cases; they know nothing of HTTP.

ServiceError
└── TooFast                 the caller must wait before the next try
    └── AccountTooFast      the limit is one of the account
        └── NetworkTooFast  the limit is one of all accounts in a network
"""

from __future__ import annotations


class ServiceError(Exception):
    """Root of the tree."""


class TooFast(ServiceError):
    """The caller must wait.

    Args:
        seconds: how long.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"wait for {seconds} s")
        self.seconds = seconds


class AccountTooFast(TooFast):
    """The account makes requests faster than it may."""


class NetworkTooFast(AccountTooFast):
    """The accounts in a network together make requests faster than they may."""
