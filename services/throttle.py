"""Rate limits for attempts to log in, registrations and changes of names.

All counts are in memory: a restart forgets them. What it does not forget is where an account has
been logged in to before (`models.accounts.known_networks`).
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
    """Counts events in fixed windows of time; a window begins with its first event.

    Args:
        limit: how many events a window has room for.
        seconds: how long it lasts.
        clock: seconds that only ever go forward; those of a wall clock can be set back.
    """

    def __init__(
        self, limit: int, seconds: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        # All windows last as long, so these are in the order of their ends.
        self._windows: dict[Hashable, _Window] = {}

    def wait(self, key: Hashable) -> int | None:
        """The seconds until there is room; None when there is some."""
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
        """Count one event less: it was none."""
        window = self._windows.get(key)
        if window is not None:
            window.count -= 1
            if window.count <= 0:
                del self._windows[key]

    def clear(self, key: Hashable) -> None:
        """Begin anew."""
        with suppress(KeyError):
            del self._windows[key]

    def _drop_ended(self, now: float) -> None:
        while self._windows:
            oldest = next(iter(self._windows))
            if self._windows[oldest].end > now:
                return
            del self._windows[oldest]

    def __len__(self) -> int:
        """How many windows are kept."""
        return len(self._windows)


@dataclass(slots=True)
class _Window:
    end: float
    count: int = 0


_Counts: TypeAlias = tuple[tuple[Windows, Hashable], ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was let through, until it is known what became of it.

    Args:
        counts: where it is counted.
        own: those of them that a right password clears.
        failures: those of them that count nothing but failures.
        in_vain: whether it must fail even if the password is right, after the same work; see
            `LoginThrottle.login`.
    """

    counts: _Counts
    own: _Counts = ()
    failures: _Counts = ()
    in_vain: bool = False

    def succeeded(self) -> None:
        """The password was right."""
        for windows, key in self.own:
            windows.clear(key)
        for windows, key in self.failures:
            windows.take_back(key)

    @contextmanager
    def undone_when_busy(self) -> Iterator[None]:
        """Do not count it when it comes to nothing because others fill the hasher's queue."""
        try:
            yield
        except HasherBusy:
            for windows, key in self.counts:
                windows.take_back(key)
            raise


_MINUTE, _HOUR = 60.0, 3600.0


class LoginThrottle:
    """How often one may try: to log in, to register, to get another name.

    An attempt to log in is counted before it is known to fail, so that many at once are no way
    around. Counted are the address, what was entered from this address, and what was entered
    from all addresses that have not logged in before to the account it names: those that have
    are not held up by what others do. The account itself is counted beside, see `login`.

    Memory needs no bound of its own: what a full queue refuses is taken back, so each entry has
    cost the time of a hash.

    Args:
        clock: as for `Windows`.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        windows = partial(Windows, clock=clock)
        self._address = windows(100, 5 * _MINUTE)
        # Both by what was entered (a digest) and by the account behind it (its id).
        self._account_from_address = windows(10, 5 * _MINUTE)
        # more than one address can use up: it takes several to hold strangers up
        self._account_from_strangers = windows(50, 15 * _MINUTE)
        self._login = windows(10, 5 * _MINUTE)
        self._registrations = windows(60, _HOUR)
        self._names_of_account = windows(20, _HOUR)
        self._names_from_address = windows(60, _HOUR)

    def check_address(self, address: str) -> None:
        """Refuse an address that has to wait, before anything is done for it.

        Raises:
            TooFast: it has to.
        """
        _check((self._address, network_of(address)))

    def login(self, name: str, address: str, *, user_id: int | None, known: bool) -> Attempt:
        """Count an attempt to log in.

        What was entered is counted whether an account is behind it or not, and nothing else is
        ever refused with `TooFast`: no sequence of attempts tells an account from none, or that
        a name and an e-mail address belong together. They still share the guesses: when those
        at the account are used up, the attempt is in vain, and is answered as a wrong password.

        So an owner who comes from a new address, while others guess at the account by its other
        name, is told that the right password is wrong, for a quarter of an hour at most. The
        other ways are worse: to let the right one in would double the guesses, and to say what
        is the matter would tell everybody that there is the account.

        Args:
            name: what was entered.
            address: the IP address it comes from.
            user_id: the account of that name or e-mail address; None when there is none.
            known: whether this address has logged in to that account before.

        Raises:
            TooFast: it has to wait.
        """
        network = network_of(address)
        own, others = self._guesses(_digest(name), network, known=known)
        attempt = _count((self._address, network), *own, *others, own=own, failures=others)
        if user_id is None:
            return attempt
        own, others = self._guesses(user_id, network, known=known)
        return _count_unseen(attempt, own=own, failures=others)

    def _guesses(self, target: Hashable, network: str, *, known: bool) -> tuple[_Counts, _Counts]:
        """Where a guess counts: what a right password clears, and what counts only failures."""
        others = () if known else ((self._account_from_strangers, target),)
        return ((self._account_from_address, (target, network)),), others

    def password_change(self, login: str | int) -> Attempt:
        """Count an attempt to change the password, whatever becomes of it.

        Counted per login: neither a stranger nor the thief of another session keeps the owner
        from it.

        Args:
            login: `Principal.login`.

        Raises:
            TooFast: it has to wait.
        """
        return _count((self._login, login))

    def registration(self, address: str) -> Attempt:
        """Count a registration.

        Raises:
            TooFast: it has to wait.
        """
        return _count((self._registrations, network_of(address)))

    def new_name(self, user_id: int, address: str) -> None:
        """Count a change of a name or an e-mail address: its answer tells which are taken.

        Raises:
            TooFast: it has to wait.
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
    """Count an attempt everywhere, or nowhere when one place has no room."""
    _check(*counts)
    for windows, key in counts:
        windows.add(key)
    return Attempt(counts, own, failures)


def _count_unseen(attempt: Attempt, *, own: _Counts, failures: _Counts) -> Attempt:
    """Count an attempt in more places; where one has no room, it is in vain."""
    counts = own + failures
    in_vain = any(windows.wait(key) is not None for windows, key in counts)
    for windows, key in counts:
        windows.add(key)
    return Attempt(attempt.counts + counts, attempt.own + own, attempt.failures + failures, in_vain)


def _digest(name: str) -> str:
    return sha256(fold(name).encode()).hexdigest()
