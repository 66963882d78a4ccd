"""Rate limits of accounts, and of the networks that they are used from."""

from __future__ import annotations

from functools import partial

from models.accounts.address import network_of
from models.accounts.principal import Principal
from services.errors import NetworkTooFast
from services.token_buckets import BucketStorage

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_PEOPLE = 10  # the limits of a network, as a multiple of an account's


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
        storage: makes the buckets.
    """

    def __init__(self, *, rate: int, bots: int, storage: BucketStorage) -> None:
        self._storage, make = storage, storage.make
        self._reads = make("reads", burst=6 * rate, rate=rate)
        self._changes = make("changes", burst=3 * rate, rate=rate / 4)
        self._sessions = make("sessions", burst=20, rate=1.0)
        network = partial(make, error=NetworkTooFast)
        self._network_reads = network(
            "reads of a network", burst=_PEOPLE * 6 * rate, rate=_PEOPLE * rate
        )
        self._network_changes = network(
            "changes of a network", burst=_PEOPLE * 3 * rate, rate=_PEOPLE * rate / 4
        )
        # So large that only many accounts together can keep a neighbour from ending a session.
        self._network_sessions = network(
            "sessions of a network", burst=_PEOPLE * 6 * rate, rate=_PEOPLE * rate
        )
        self._token_checks = make("checks of tokens", burst=2 * bots, rate=1 / 6)

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

    async def sync(self) -> None:
        """Exchange with the other processes what was taken; called once a second.

        Raises:
            StorageUnavailable: the database did not answer; the next time makes up for it.
        """
        await self._storage.sync()
