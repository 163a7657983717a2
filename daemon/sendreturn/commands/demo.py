"""`sendreturn demo`: the whole loop on a small session of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from sendreturn.commands.context import places
from sendreturn.demo.show import run_demo


@click.command("demo")
@click.argument("folder", type=click.Path(path_type=Path), metavar="[DIR]", required=False)
@click.pass_context
def demo_command(ctx: click.Context, folder: Path | None) -> None:
    """Make a small session in DIR (sendreturn-demo by default), and let the real daemon work on its clip.

    The clip is extended, covered, inpainted, separated and transcribed; it reaches the daemon through hot folders and
    over OSC. Nothing is needed for it.
    """
    session = (folder or Path("sendreturn-demo")).expanduser().resolve()
    if not asyncio.run(run_demo(session, places())):
        ctx.exit(1)
