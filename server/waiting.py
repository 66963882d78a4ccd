"""Connections that wait for their clients, by network: the first to go when room is needed."""

from __future__ import annotations

from models.accounts.address import network_of


class WaitingConnections:
    """Connections whose client has not sent all of a request yet.

    Eviction takes from the network that has the most of them, so that a client that opens many
    connections loses its own and not those of others. Behind a proxy all have one
    address, and the longest idle goes.
    """

    def __init__(self) -> None:
        self._by_network: dict[str, dict[object, None]] = {}  # each the longest waiting first
        self._networks: dict[object, str] = {}

    def __len__(self) -> int:
        return len(self._networks)

    def add(self, connection: object, address: str) -> None:
        """Add a connection, as the one that has waited for the shortest time.

        Args:
            connection: the waiting connection.
            address: the IP address of its client.
        """
        self.discard(connection)
        network = self._networks[connection] = network_of(address)
        self._by_network.setdefault(network, {})[connection] = None

    def discard(self, connection: object) -> None:
        """Remove a connection, if it is here."""
        network = self._networks.pop(connection, None)
        if network is not None:
            connections = self._by_network[network]
            del connections[connection]
            if not connections:
                del self._by_network[network]

    def pop(self) -> object | None:
        """Remove the longest waiting connection of the network that has the most; None if empty."""
        if not self._by_network:
            return None
        largest: dict[object, None] = max(self._by_network.values(), key=len)
        connection = next(iter(largest))
        self.discard(connection)
        return connection
