"""Rate limits for attempts to log in, registrations and changes of names.

With SQLite all counts are in memory, so a restart resets them; with PostgreSQL all processes share
them in a table. A restart does not reset the networks from which accounts have been logged in to
before (`models.accounts.known_networks`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from models.accounts.address import network_of
from models.accounts.passwords import HasherBusy
from models.accounts.users import fold
from services.errors import TooFast
from services.windows import Count, Limit, WindowStorage

_Counts: TypeAlias = tuple[Count, ...]

_MINUTE, _HOUR = 60.0, 3600.0

_ADDRESS = Limit("logins from an address", 100, 5 * _MINUTE)
# Both by the entered name (a digest) and by its account (its id).
_ACCOUNT_FROM_ADDRESS = Limit("logins to an account from an address", 10, 5 * _MINUTE)
# more than one address can use up, so that it takes several to block strangers
_ACCOUNT_FROM_STRANGERS = Limit("logins of strangers to an account", 50, 15 * _MINUTE)
_LOGIN = Limit("password changes of a login", 10, 5 * _MINUTE)
_REGISTRATIONS = Limit("registrations from an address", 60, _HOUR)
_NAMES_OF_ACCOUNT = Limit("new names of an account", 20, _HOUR)
_NAMES_FROM_ADDRESS = Limit("new names from an address", 60, _HOUR)
_MAILS_FROM_ADDRESS = Limit("mails from an address", 30, _HOUR)
_MAILS_TO = Limit("mails to an address", 5, _HOUR)
_TOKENS = Limit("tokens of mails from an address", 100, 5 * _MINUTE)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was allowed, until its outcome is known.

    Args:
        storage: of its windows.
        counts: the windows in which it is counted.
        own: those of them that the right password clears.
        failures: those of them that count failures only.
        in_vain: True if it must fail even with the right password, after the same work; see
            `LoginThrottle.login`.
    """

    storage: WindowStorage
    counts: _Counts
    own: _Counts = ()
    failures: _Counts = ()
    in_vain: bool = False

    async def succeeded(self) -> None:
        """Record that the password was right.

        Raises:
            StorageUnavailable: the database did not answer.
        """
        await self.storage.settle(cleared=self.own, taken_back=self.failures)

    @asynccontextmanager
    async def undone_when_busy(self) -> AsyncIterator[None]:
        """Undo the count if the attempt fails because the hasher's queue is full.

        Raises:
            StorageUnavailable: the database did not answer.
        """
        try:
            yield
        except HasherBusy:
            await self.storage.settle(taken_back=self.counts)
            raise


class LoginThrottle:
    """Limits attempts to log in, to register, and to change names.

    A login attempt is counted before its outcome is known, so that parallel attempts cannot bypass
    the limit. It is counted by address, by entered name from this address, and by entered name from
    all addresses that have not logged in to that account before; so attempts by others do not block
    the addresses that have. The account itself is counted separately, see `login`.

    The number of windows needs no limit of its own: attempts that a full queue rejects are
    uncounted, so each entry has cost the time of a hash.

    Args:
        storage: keeps the windows.
    """

    def __init__(self, storage: WindowStorage) -> None:
        self._storage = storage

    async def check_address(self, address: str) -> None:
        """Reject an address that has to wait, before any other work.

        Raises:
            TooFast: the address has to wait.
            StorageUnavailable: the database did not answer.
        """
        seconds = await self._storage.wait([Count(_ADDRESS, network_of(address))])
        if seconds is not None:
            raise TooFast(seconds)

    async def login(self, name: str, address: str, *, user_id: int | None, known: bool) -> Attempt:
        """Count an attempt to log in.

        The entered name is counted with or without a matching account, and nothing else raises
        `TooFast`: so no sequence of attempts reveals that an account exists, or that a name and an
        e-mail address belong to the same account. The two still share the attempts at the account:
        when these are used up, the attempt is in vain, and is answered like a wrong password.

        So owners at a new address, while others try passwords with the account's other name, are
        told that the right password is wrong, for 15 minutes at most. The alternatives are worse:
        accepting the right password would double the number of guesses, and a different answer
        would reveal that the account exists.

        Args:
            name: the entered user name or e-mail address.
            address: the IP address of the request.
            user_id: the account with that name or e-mail address; None if there is none.
            known: True if this address has logged in to that account before.

        Raises:
            TooFast: the caller has to wait.
            StorageUnavailable: the database did not answer.
        """
        network = network_of(address)
        own, failures = _guesses(_digest(name), network, known=known)
        told: _Counts = (Count(_ADDRESS, network), *own, *failures)
        untold: _Counts = ()
        if user_id is not None:
            own_unseen, failures_unseen = _guesses(user_id, network, known=known)
            untold = own_unseen + failures_unseen
            own, failures = own + own_unseen, failures + failures_unseen
        return await _count(self._storage, *told, untold=untold, own=own, failures=failures)

    async def password_change(self, login: str | int) -> Attempt:
        """Count an attempt to change the password, successful or not.

        It is counted per login, so that neither a stranger nor the thief of another session can
        block the owner.

        Args:
            login: `Principal.login`.

        Raises:
            TooFast: the caller has to wait.
            StorageUnavailable: the database did not answer.
        """
        return await _count(self._storage, Count(_LOGIN, login))

    async def registration(self, address: str) -> Attempt:
        """Count a registration.

        Raises:
            TooFast: the caller has to wait.
            StorageUnavailable: the database did not answer.
        """
        return await _count(self._storage, Count(_REGISTRATIONS, network_of(address)))

    async def new_name(self, user_id: int, address: str) -> None:
        """Count a change of a name or an e-mail address, because its answer reveals taken ones.

        Raises:
            TooFast: the caller has to wait.
            StorageUnavailable: the database did not answer.
        """
        await _count(
            self._storage,
            Count(_NAMES_OF_ACCOUNT, user_id),
            Count(_NAMES_FROM_ADDRESS, network_of(address)),
        )


class MailThrottle:
    """How often one may have mails sent, and try the tokens that are in them.

    Args:
        storage: keeps the windows.
    """

    def __init__(self, storage: WindowStorage) -> None:
        self._storage = storage

    async def mail(self, recipient: str, address: str) -> None:
        """Count a request to send a mail, whether anybody has the address or not.

        Args:
            recipient: the e-mail address as it was entered.
            address: the IP address that the request comes from.

        Raises:
            TooFast: the caller must wait.
            StorageUnavailable: the database did not answer.
        """
        await _count(
            self._storage,
            Count(_MAILS_TO, _digest(recipient)),
            Count(_MAILS_FROM_ADDRESS, network_of(address)),
        )

    async def token(self, address: str) -> Attempt:
        """Count an attempt to use a token that was sent by e-mail.

        Raises:
            TooFast: the caller must wait.
            StorageUnavailable: the database did not answer.
        """
        return await _count(self._storage, Count(_TOKENS, network_of(address)))


async def _count(
    storage: WindowStorage,
    *told: Count,
    untold: _Counts = (),
    own: _Counts = (),
    failures: _Counts = (),
) -> Attempt:
    """Count an attempt in all windows, or in none if one of those that are told is full."""
    counted = await storage.count(told, untold)
    if counted.wait is not None:
        raise TooFast(counted.wait)
    return Attempt(storage, told + untold, own, failures, counted.in_vain)


def _guesses(target: Hashable, network: str, *, known: bool) -> tuple[_Counts, _Counts]:
    """Return the windows of a guess: those the right password clears, those of failures."""
    others = () if known else (Count(_ACCOUNT_FROM_STRANGERS, target),)
    return (Count(_ACCOUNT_FROM_ADDRESS, (target, network)),), others


def _digest(name: str) -> str:
    return sha256(fold(name).encode()).hexdigest()
