"""Where the script in Bitwig reaches the daemon: a port and a secret that both know, made when it is installed."""

from __future__ import annotations

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1"
FILE = "door.json"


@dataclass(frozen=True)
class Door:
    """A UDP port of this machine, and what every message begins with."""

    port: int
    secret: str


def door_in(folder: Path, wanted_port: int) -> Door:
    """The door that was made before, else a new one at `wanted_port`, or at any free one where that is taken."""
    known = _read(folder / FILE)
    if known is not None:
        return known
    door = Door(_free_port(wanted_port), secrets.token_hex(16))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(asdict(door), file)
    return door


def _read(path: Path) -> Door | None:
    try:
        table = json.loads(path.read_text("ascii"))
        return Door(int(table["port"]), str(table["secret"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return wanted
