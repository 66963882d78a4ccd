"""The networks of requests, in the form in which they are counted and stored."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052, section 2.1


@lru_cache(maxsize=4096)  # called several times per request, mostly with the same few addresses
def network_of(address: str) -> str:
    """Return the network that an IP address is counted as: itself, or its /64 with IPv6.

    A host can use all addresses of a /64 (RFC 4291, section 2.5.1; RFC 8981), so a single one does
    not identify it. An IPv4 address written as IPv6 is counted as the IPv4 address: behind NAT64
    all of them are in one /64, and with 6to4 each has 65,536.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]  # of a Unix socket
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    written = _ipv4_in(parsed)
    if written is not None:
        return str(written)
    return str(IPv6Network((parsed, 64), strict=False))


def _ipv4_in(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address in a mapped, NAT64, 6to4 or Teredo address; None for any other."""
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    if address.teredo is not None:
        return address.teredo[1]  # the first one is the server's
    return address.ipv4_mapped or address.sixtofour
