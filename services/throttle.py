"""Rate limits for attempts to log in, registrations and changes of names.

All counts are in memory, so a restart resets them. It does not reset the networks from which
accounts have been logged in to before (`models.accounts.known_networks`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TypeAlias

from models.accounts.address import network_of
from models.accounts.passwords import HasherBusy
from models.accounts.users import fold
from services.errors import TooFast


class Windows:
    """Counts events in fixed time windows; a window begins with its first event.

    Args:
        limit: the maximum number of events in a window.
        seconds: the length of a window.
        clock: returns monotonic seconds; a wall clock could be set back.
    """

    def __init__(
        self, limit: int, seconds: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        # All windows have the same length, so they are in the order of their ends.
        self._windows: dict[Hashable, _Window] = {}

    def wait(self, key: Hashable) -> int | None:
        """Return the seconds until another event is allowed; None if one is allowed now."""
        now = self._clock()
        self._drop_ended(now)
        window = self._windows.get(key)
        if window is None or window.count < self._limit:
            return None
        return max(1, math.ceil(window.end - now))

    def add(self, key: Hashable) -> None:
        """Count an event."""
        now = self._clock()
        self._drop_ended(now)
        self._windows.setdefault(key, _Window(now + self._seconds)).count += 1

    def take_back(self, key: Hashable) -> None:
        """Undo the count of one event."""
        window = self._windows.get(key)
        if window is not None:
            window.count -= 1
            if window.count <= 0:
                del self._windows[key]

    def clear(self, key: Hashable) -> None:
        """Drop the window of a key."""
        with suppress(KeyError):
            del self._windows[key]

    def _drop_ended(self, now: float) -> None:
        while self._windows:
            oldest = next(iter(self._windows))
            if self._windows[oldest].end > now:
                return
            del self._windows[oldest]

    def __len__(self) -> int:
        """Return the number of windows in memory."""
        return len(self._windows)


@dataclass(slots=True)
class _Window:
    end: float
    count: int = 0


_Counts: TypeAlias = tuple[tuple[Windows, Hashable], ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was allowed, until its outcome is known.

    Args:
        counts: the windows in which it is counted.
        own: those of them that the right password clears.
        failures: those of them that count failures only.
        in_vain: True if it must fail even with the right password, after the same work; see
            `LoginThrottle.login`.
    """

    counts: _Counts
    own: _Counts = ()
    failures: _Counts = ()
    in_vain: bool = False

    def succeeded(self) -> None:
        """Record that the password was right."""
        for windows, key in self.own:
            windows.clear(key)
        for windows, key in self.failures:
            windows.take_back(key)

    @contextmanager
    def undone_when_busy(self) -> Iterator[None]:
        """Undo the count if the attempt fails because the hasher's queue is full."""
        try:
            yield
        except HasherBusy:
            for windows, key in self.counts:
                windows.take_back(key)
            raise


_MINUTE, _HOUR = 60.0, 3600.0


class LoginThrottle:
    """Limits attempts to log in, to register, and to change names.

    A login attempt is counted before its outcome is known, so that parallel attempts cannot bypass
    the limit. It is counted by address, by entered name from this address, and by entered name from
    all addresses that have not logged in to that account before; so attempts by others do not block
    the addresses that have. The account itself is counted separately, see `login`.

    Memory needs no limit of its own: attempts that a full queue rejects are uncounted, so each
    entry has cost the time of a hash.

    Args:
        clock: as for `Windows`.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        windows = partial(Windows, clock=clock)
        self._address = windows(100, 5 * _MINUTE)
        # Both by the entered name (a digest) and by its account (its id).
        self._account_from_address = windows(10, 5 * _MINUTE)
        # more than one address can use up, so that it takes several to block strangers
        self._account_from_strangers = windows(50, 15 * _MINUTE)
        self._login = windows(10, 5 * _MINUTE)
        self._registrations = windows(60, _HOUR)
        self._names_of_account = windows(20, _HOUR)
        self._names_from_address = windows(60, _HOUR)

    def check_address(self, address: str) -> None:
        """Reject an address that has to wait, before any other work.

        Raises:
            TooFast: the address has to wait.
        """
        _check((self._address, network_of(address)))

    def login(self, name: str, address: str, *, user_id: int | None, known: bool) -> Attempt:
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
        """
        network = network_of(address)
        own, others = self._guesses(_digest(name), network, known=known)
        attempt = _count((self._address, network), *own, *others, own=own, failures=others)
        if user_id is None:
            return attempt
        own, others = self._guesses(user_id, network, known=known)
        return _count_unseen(attempt, own=own, failures=others)

    def _guesses(self, target: Hashable, network: str, *, known: bool) -> tuple[_Counts, _Counts]:
        """Return the windows of a guess: those the right password clears, those of failures."""
        others = () if known else ((self._account_from_strangers, target),)
        return ((self._account_from_address, (target, network)),), others

    def password_change(self, login: str | int) -> Attempt:
        """Count an attempt to change the password, successful or not.

        It is counted per login, so that neither a stranger nor the thief of another session can
        block the owner.

        Args:
            login: `Principal.login`.

        Raises:
            TooFast: the caller has to wait.
        """
        return _count((self._login, login))

    def registration(self, address: str) -> Attempt:
        """Count a registration.

        Raises:
            TooFast: the caller has to wait.
        """
        return _count((self._registrations, network_of(address)))

    def new_name(self, user_id: int, address: str) -> None:
        """Count a change of a name or an e-mail address, because its answer reveals taken ones.

        Raises:
            TooFast: the caller has to wait.
        """
        _count((self._names_of_account, user_id), (self._names_from_address, network_of(address)))


class MailThrottle:
    """How often one may have mails sent, and try the tokens that are in them.

    Args:
        clock: as for `Windows`.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        windows = partial(Windows, clock=clock)
        self._from_address = windows(30, _HOUR)
        self._to = windows(5, _HOUR)
        self._tokens = windows(100, 5 * _MINUTE)

    def mail(self, recipient: str, address: str) -> None:
        """Count a request to send a mail, whether anybody has the address or not.

        Args:
            recipient: the e-mail address as it was entered.
            address: the IP address that the request comes from.

        Raises:
            TooFast: the caller must wait.
        """
        _count((self._to, _digest(recipient)), (self._from_address, network_of(address)))

    def token(self, address: str) -> Attempt:
        """Count an attempt to use a token that was sent by e-mail.

        Raises:
            TooFast: the caller must wait.
        """
        return _count((self._tokens, network_of(address)))


def _check(*counts: tuple[Windows, Hashable]) -> None:
    for windows, key in counts:
        if (seconds := windows.wait(key)) is not None:
            raise TooFast(seconds)


def _count(
    *counts: tuple[Windows, Hashable],
    own: _Counts = (),
    failures: _Counts = (),
) -> Attempt:
    """Count an attempt in all windows, or in none if one of them is full."""
    _check(*counts)
    for windows, key in counts:
        windows.add(key)
    return Attempt(counts, own, failures)


def _count_unseen(attempt: Attempt, *, own: _Counts, failures: _Counts) -> Attempt:
    """Count an attempt in more windows; if one of them is full, it is in vain."""
    counts = own + failures
    in_vain = any(windows.wait(key) is not None for windows, key in counts)
    for windows, key in counts:
        windows.add(key)
    return Attempt(attempt.counts + counts, attempt.own + own, attempt.failures + failures, in_vain)


def _digest(name: str) -> str:
    return sha256(fold(name).encode()).hexdigest()
