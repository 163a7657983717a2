"""`sendreturn run`: the daemon in the foreground."""

from __future__ import annotations

import asyncio
import sys

import click

from sendreturn.app import Daemon, serve
from sendreturn.commands.context import places, settings_of
from sendreturn.logs import logs_in


@click.command("run")
@click.option("--quiet", is_flag=True, help="Log to the file in the state folder only.")
@click.pass_context
def run_command(ctx: click.Context, quiet: bool) -> None:
    """Run the daemon until it is stopped (Ctrl-C).

    It watches the sessions, listens for OSC (port 7373) and HTTP (port 7374) on this machine, and keeps every send on
    its way. Sends that a stop or a crash interrupted go on where they were.

    \b
    Examples:
      sendreturn run
      sendreturn --config studio.yaml run --quiet
    """
    daemon = Daemon(settings_of(ctx), places())
    with logs_in(daemon.places.log, daemon.house.redact, None if quiet else sys.stderr):
        asyncio.run(serve(daemon))
