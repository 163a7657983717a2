"""Which network addresses lie on this machine or on the network around it, in whatever form they are written."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""Stands for an IPv4 address, its last 32 bits, where a network has only IPv6 (RFC 6052)."""


@lru_cache(256)
def plain_address(address: str) -> Ip:
    """An IP address without its zone; an IPv4 address that is written as IPv6 as what it is. Raises ValueError."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return mapped or ip


def is_public(address: str) -> bool:
    """Whether `address` (an IP address, perhaps with a zone) is one of the open Internet."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_is_open(form) for form in _forms(ip))


def is_near(host: str) -> bool:
    """Whether a host is this machine or, by its name alone, on the network around it."""
    name = host.casefold().rstrip(".").strip("[]")
    try:
        return not is_public(str(ipaddress.ip_address(name.partition("%")[0])))
    except ValueError:
        return bool(name) and ("." not in name or name.endswith((".localhost", ".local", ".lan", ".home.arpa")))


def _is_open(ip: Ip) -> bool:
    is_site_local = isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or is_site_local)


def _forms(ip: Ip) -> list[Ip]:
    """The address, and the IPv4 addresses that stand inside it."""
    if isinstance(ip, ipaddress.IPv4Address):
        return [ip]
    if ip.ipv4_mapped is not None:
        return [ip.ipv4_mapped]
    if ip in _TRANSLATED:
        return [ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)]
    return [ip, *(inner for inner in (ip.sixtofour, *(ip.teredo or ())) if inner is not None)]
