"""This machine as others on its network see it."""

from __future__ import annotations

import socket

import psutil
import pytest


def other_address() -> str:
    """An address of this machine that is none of its loopback; whoever uses it is a stranger. Skips where none is."""
    found = [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and not address.address.startswith("127.")
    ]
    if not found:
        pytest.skip("this machine has no network")
    return found[0]
