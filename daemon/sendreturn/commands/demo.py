"""`sendreturn demo`: the whole loop on a small session of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from sendreturn.commands.context import places
from sendreturn.demo.show import run_demo


@click.command("demo")
@click.argument("folder", type=click.Path(path_type=Path), metavar="[DIR]", default=Path("sendreturn-demo"))
@click.pass_context
def demo_command(ctx: click.Context, folder: Path) -> None:
    """Make a small session in DIR (default: sendreturn-demo), and let the real daemon work on its clip.

    The clip is extended, covered, inpainted, separated and transcribed; it reaches the daemon through hot folders and
    over OSC. Nothing is needed for it: no account, no key, no network. It takes about a minute.

    \b
    Examples:
      sendreturn demo
      sendreturn demo ~/Music/Demo
    """
    try:
        is_done = asyncio.run(run_demo(folder.expanduser().absolute(), places()))
    except KeyboardInterrupt:
        click.echo("\nStopped. What has come back so far stays in its folder.", err=True)
        raise
    if not is_done:
        ctx.exit(1)
