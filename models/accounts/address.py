"""Where requests come from, in the form in which it is counted and remembered."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address


def network_of(address: str) -> str:
    """What an IP address counts as: itself, or with IPv6 its network of 64 bits.

    A host has all addresses of such a network to itself (RFC 4291, section 2.5.1; RFC 8981), so
    that each of them alone means nothing. An IPv4 address that is written as IPv6 is itself.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]  # a Unix socket has none
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, 64), strict=False))
