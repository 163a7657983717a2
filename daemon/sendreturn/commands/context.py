"""What commands share: the settings in force, and the daemon where one is running."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sendreturn.card import Card, is_starting, read_card
from sendreturn.errors import SendReturnError
from sendreturn.places import Places, config_file
from sendreturn.terminal import printable

if TYPE_CHECKING:
    from sendreturn.net import LocalDaemon
    from sendreturn.settings import Settings


def settings_of(ctx: click.Context) -> Settings:
    """The settings in force for this call. Warns where a file is named that is not there."""
    from sendreturn.services import load_manifests
    from sendreturn.settings import load_settings

    file = config_file(ctx.obj, os.environ)
    is_named = ctx.obj is not None or os.environ.get("SENDRETURN_CONFIG")
    if is_named and not file.exists():
        click.echo(f"sendreturn: {printable(str(file))} is not there; all settings have their defaults.", err=True)
    return load_settings(file, os.environ, services=tuple(load_manifests()))


def places() -> Places:
    return Places.of(os.environ)


def absolute(path: Path | None) -> Path | None:
    """A full path, with `~` as the home folder."""
    return None if path is None else path.expanduser().absolute()


START_PATIENCE_S = 60.0
LOOK_S = 0.1
_NO_TOKEN = "-"  # noqa: S105 - it is none


@contextmanager
def running_daemon() -> Iterator[LocalDaemon | None]:
    """The daemon of this state folder, or None where none is running."""
    here = places()
    card = _answering(here.state)
    if card is None:
        yield None
        return
    from sendreturn.net import LocalDaemon

    with LocalDaemon(card.address, here.read_token()) as daemon:
        yield daemon


def _answering(state: Path) -> Card | None:
    """The card of the daemon that answers; one that is just starting gets the time to."""
    for _ in range(round(START_PATIENCE_S / LOOK_S)):
        card = read_card(state)
        if card is not None and _answers(card):
            return card
        if not is_starting(state):
            return None
        time.sleep(LOOK_S)
    return None


def _answers(card: Card) -> bool:
    """Whether it is our daemon that answers there. Asked without the token, which is no other program's business."""
    from sendreturn.net import LocalDaemon

    with LocalDaemon(card.address, _NO_TOKEN) as whoever:
        try:
            return whoever.get("/health").get("pid") == card.pid
        except SendReturnError:
            return False
