"""Where requests come from, in the form in which it is counted and remembered."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052, section 2.1


@lru_cache(maxsize=4096)  # asked several times a request, mostly of the same few
def network_of(address: str) -> str:
    """What an IP address counts as: itself, or with IPv6 its network of 64 bits.

    A host has all addresses of such a network to itself (RFC 4291, section 2.5.1; RFC 8981), so
    that each of them alone means nothing. An IPv4 address that is written as IPv6 is itself:
    behind NAT64 all of them are in one such network, and with 6to4 each has 65,536.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]  # a Unix socket has none
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    written = _ipv4_in(parsed)
    if written is not None:
        return str(written)
    return str(IPv6Network((parsed, 64), strict=False))


def _ipv4_in(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address of whoever has this one: mapped, NAT64, 6to4 or Teredo; None for none."""
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    if address.teredo is not None:
        return address.teredo[1]  # the first is the server's
    return address.ipv4_mapped or address.sixtofour
