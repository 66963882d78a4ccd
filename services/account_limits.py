"""Rate limits of accounts: token buckets, kept only while they are not full."""

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
_PEOPLE = 10  # the limits of a network, as a multiple of an account's


class TokenBuckets:
    """A token bucket per key (the generic cell rate algorithm: one number per bucket).

    Full buckets are dropped, so that memory use depends on the recent callers only.

    Args:
        burst: the capacity of a bucket, in tokens.
        rate: tokens that are added per second.
        clock: returns monotonic seconds.
        error: the exception for an empty bucket.
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
        # The time at which each bucket is full again, the least recently used one first.
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def take(self, key: Hashable) -> None:
        """Take a token.

        Raises:
            AccountTooFast: the bucket is empty.
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
        """Return the number of buckets in memory."""
        return len(self._full_at)


class AccountLimits:
    """The buckets of all accounts, for every means of authentication.

    A person can register many accounts, so the accounts in one network also share buckets: ten
    times the size of an account's, enough for an office behind one address.

    Args:
        rate: sustained requests per second of an account; a quarter of that for requests that
            change something. A burst may have the requests of six seconds, and of twelve seconds
            for changes.
        bots: the maximum number of bots of an account. A burst may check twice as many tokens,
            then one every six seconds, because Telegram sees the operator's address.
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
        # So large that only many accounts together can keep a neighbour from ending a session.
        self._network_sessions = network(burst=_PEOPLE * 6 * rate, rate=_PEOPLE * rate)
        self._token_checks = TokenBuckets(burst=2 * bots, rate=1 / 6, clock=clock)

    def check(self, principal: Principal, method: str, *, address: str, by_session: bool) -> None:
        """Count a request.

        Args:
            address: the IP address of the request.
            by_session: True to count it separately, by session: a thief with another session must
                not be able to keep the owner from ending that.

        Raises:
            AccountTooFast: the account, or its network as a whole, exceeds its rate.
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
            AccountTooFast: the account has had too many tokens checked.
        """
        self._token_checks.take(user_id)
