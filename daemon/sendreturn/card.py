"""The daemon's card: a file in the state folder that says where the daemon answers, while it runs."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from sendreturn.words import TEMP_PREFIX

CARD_NAME = "daemon.json"
STARTING_NAME = "starting"
"""Beside the card, with the process's number: a daemon that has the state folder and does not answer yet."""


@dataclass(frozen=True)
class Card:
    """Where a daemon answers. `osc_port` is None where its port could not be had."""

    address: str
    osc_port: int | None
    pid: int
    version: str


def note_start(state: Path) -> None:
    """Say that a daemon is on its way, so that commands wait for it."""
    (state / STARTING_NAME).write_text(str(os.getpid()), "ascii")


def is_starting(state: Path) -> bool:
    """Whether a living daemon is on its way and has no card yet."""
    try:
        pid = int((state / STARTING_NAME).read_text("ascii"))
    except (OSError, ValueError):
        return False
    return _lives(pid)


def write_card(state: Path, card: Card) -> None:
    """Put the card into the state folder, whole at once."""
    temporary = state / f"{TEMP_PREFIX}{CARD_NAME}-{secrets.token_hex(4)}"
    temporary.write_text(json.dumps(asdict(card)), "utf-8")
    temporary.replace(state / CARD_NAME)
    (state / STARTING_NAME).unlink(missing_ok=True)


def remove_card(state: Path) -> None:
    (state / STARTING_NAME).unlink(missing_ok=True)
    (state / CARD_NAME).unlink(missing_ok=True)


def read_card(state: Path) -> Card | None:
    """The card of a daemon that lives; None where there is none, also where a crash has left one behind."""
    try:
        table = json.loads((state / CARD_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    match table:
        case {"address": str(address), "pid": int(pid), "version": str(version)} if _lives(pid):
            return Card(address, table.get("osc_port"), pid, version)
        case _:
            return None


def _lives(pid: int) -> bool:
    import psutil

    return pid == os.getpid() or (pid > 0 and psutil.pid_exists(pid))
