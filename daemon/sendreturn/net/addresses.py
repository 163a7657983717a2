"""Which network addresses lie on this machine or on the network around it, in whatever form they are written."""

from __future__ import annotations

import ipaddress

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

_TRANSLATED = tuple(ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96"))
"""IPv6 networks whose last 32 bits are an IPv4 address (RFC 6052, RFC 8215, RFC 4291 2.5.5.1)."""


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
    inner: list[Ip | None] = [ip.sixtofour, *(ip.teredo or ())]
    if any(ip in network for network in _TRANSLATED):
        inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [ip, *(form for form in inner if form is not None)]
