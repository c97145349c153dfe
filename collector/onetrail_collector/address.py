"""A client's address, as far as limits are concerned: IPv6 by its /64, which is one customer's."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

IPV6_PREFIX_BITS = 64  # RFC 6177: what an end site has at least


@lru_cache(maxsize=4096)
def limit_key(address: str) -> str:
    """What addresses that count as one have in common; a text that is no address is its own."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if not isinstance(ip, IPv6Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return f"{IPv6Address(int(ip) >> IPV6_PREFIX_BITS << IPV6_PREFIX_BITS)}/{IPV6_PREFIX_BITS}"


@lru_cache(maxsize=4096)
def is_local(address: str) -> bool:
    """Whether it is a process on this machine."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return (mapped or ip).is_loopback
