"""`sendreturn run`: the daemon in the foreground."""

from __future__ import annotations

import asyncio
import sys

import click

from sendreturn.app import Daemon, serve
from sendreturn.commands.context import places, settings_of
from sendreturn.logs import set_up_logs, take_down_logs


@click.command("run")
@click.option("--quiet", is_flag=True, help="Log to the file only.")
@click.pass_context
def run_command(ctx: click.Context, quiet: bool) -> None:
    """Watch the sessions, listen for OSC and HTTP, and keep every send on its way, until stopped (Ctrl-C).

    Sends that a crash or a restart interrupted go on where they were.
    """
    settings = settings_of(ctx)
    here = places()
    here.prepare()
    daemon = Daemon(settings, here)
    set_up_logs(here.log, daemon.house.redact, None if quiet else sys.stderr)
    try:
        asyncio.run(serve(daemon))
    finally:
        take_down_logs()
