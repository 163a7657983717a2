"""What commands share: the settings in force, and a desk to talk to, in the daemon or without one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from sendreturn.app import read_card
from sendreturn.net import LocalDaemon, UnreachableError
from sendreturn.places import Places, config_file
from sendreturn.services import load_manifests
from sendreturn.settings import Settings, load_settings


def settings_of(ctx: click.Context) -> Settings:
    """The settings in force for this call."""
    config: Path | None = ctx.obj
    if config is not None and not config.expanduser().exists():
        click.echo(f"sendreturn: {config} is not there; all settings have their defaults.", err=True)
    return load_settings(config_file(config, os.environ), os.environ, services=tuple(load_manifests()))


def places() -> Places:
    return Places.of(os.environ)


@contextmanager
def running_daemon() -> Iterator[LocalDaemon | None]:
    """The daemon of this state folder, or None where none is running."""
    here = places()
    card = read_card(here)
    if card is None:
        yield None
        return
    with LocalDaemon(card["address"], here.read_token()) as daemon:
        try:
            # After a crash the card may lie about; another program may have the port by now.
            alive = daemon.get("/health").get("pid") == card["pid"]
        except UnreachableError:
            alive = False
        yield daemon if alive else None
