"""How fast one account may use the API: token buckets, as long as they are not full."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial

from models.accounts.address import network_of
from models.accounts.principal import Principal
from services.errors import AccountTooFast, NetworkTooFast

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_PEOPLE = 10  # accounts whose rates those in one network have together


class TokenBuckets:
    """A token bucket a key (the generic cell rate algorithm: one number a bucket).

    A bucket that is full is not kept, so that memory follows those who were here just now.

    Args:
        burst: tokens that a bucket holds.
        rate: tokens that it gets a second.
        clock: seconds that only ever go forward.
        error: what is raised when there is no token.
    """

    def __init__(
        self,
        *,
        burst: int,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        error: type[AccountTooFast] = AccountTooFast,
    ) -> None:
        self._error = error
        self._interval = 1.0 / rate
        self._tolerance = (burst - 1 + 1e-6) * self._interval  # sums of floats are not exact
        self._clock = clock
        # When each is full again; the one that was used longest ago comes first.
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def take(self, key: Hashable) -> None:
        """Take a token.

        Raises:
            AccountTooFast: there is none.
        """
        now = self._clock()
        self._drop_full(now)
        full_at = max(self._full_at.get(key, now), now)
        if full_at - now > self._tolerance:
            seconds = max(1, math.ceil(full_at - now - self._tolerance))
            raise self._error(seconds)
        self._full_at[key] = full_at + self._interval
        self._full_at.move_to_end(key)

    def _drop_full(self, now: float) -> None:
        while self._full_at:
            key = next(iter(self._full_at))
            if self._full_at[key] > now:
                return
            del self._full_at[key]

    def __len__(self) -> int:
        """How many buckets are kept."""
        return len(self._full_at)


class AccountLimits:
    """The buckets of all accounts, whatever they authenticate with.

    One can register many accounts, so those in one network have buckets together: ten times an
    account's, for an office behind one address.

    Args:
        rate: requests a second that an account may make in the long run; a quarter as many that
            change something. At once it may make as many as in six seconds, and in twelve.
        bots: how many bots an account may have. The tokens of twice as many are checked at once,
            then one every six seconds: that asks Telegram from the operator's address.
        clock: as for `TokenBuckets`.
    """

    def __init__(
        self, *, rate: int, bots: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._reads = TokenBuckets(burst=6 * rate, rate=rate, clock=clock)
        self._changes = TokenBuckets(burst=3 * rate, rate=rate / 4, clock=clock)
        self._sessions = TokenBuckets(burst=20, rate=1.0, clock=clock)
        network = partial(TokenBuckets, clock=clock, error=NetworkTooFast)
        self._network_reads = network(burst=_PEOPLE * 6 * rate, rate=_PEOPLE * rate)
        self._network_changes = network(burst=_PEOPLE * 3 * rate, rate=_PEOPLE * rate / 4)
        # So many that it takes a crowd to keep one's neighbours from ending a session.
        self._network_sessions = network(burst=_PEOPLE * 6 * rate, rate=_PEOPLE * rate)
        self._token_checks = TokenBuckets(burst=2 * bots, rate=1 / 6, clock=clock)

    def check(self, principal: Principal, method: str, *, address: str, by_session: bool) -> None:
        """Count a request.

        Args:
            address: the IP address it comes from.
            by_session: whether it is counted apart, by session: whoever has stolen another one
                must not be able to keep the owner from ending it.

        Raises:
            AccountTooFast: the account asks too fast, or all those in its network.
        """
        network = network_of(address)
        if by_session:
            self._sessions.take(principal.login)
            self._network_sessions.take(network)
        elif method in _READS:
            self._reads.take(principal.user.id)
            self._network_reads.take(network)
        else:
            self._changes.take(principal.user.id)
            self._network_changes.take(network)

    def check_token(self, user_id: int) -> None:
        """Count a check of a token.

        Raises:
            AccountTooFast: the account has had too many checked.
        """
        self._token_checks.take(user_id)
