"""`sendreturn watch`: give a session its hot folders, and have the daemon watch it."""

from __future__ import annotations

from pathlib import Path

import click

from sendreturn.commands.context import places, running_daemon, settings_of
from sendreturn.errors import UsageError
from sendreturn.sends.layout import WatchedList, make_session
from sendreturn.sends.wiring import folders_of


@click.command("watch")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR", required=False)
@click.option("--remove", is_flag=True, help="Stop watching DIR; its folders and files stay.")
@click.option("--list", "show", is_flag=True, help="List what is watched.")
@click.pass_context
def watch_command(ctx: click.Context, folder: Path | None, remove: bool, show: bool) -> None:
    """Make the session DIR's hot folders (Sends/extend, Sends/cover, …) and its Returns, and watch it from now on."""
    here = places()
    here.prepare()
    watched = WatchedList(here.state)
    settings = settings_of(ctx)
    if show:
        for path in [*(session.path for session in settings.sessions), *watched.all()]:
            click.echo(path)
        return
    if folder is None:
        raise UsageError("Which session?", "Name its folder: sendreturn watch DIR.")
    session = folder.expanduser().resolve()
    if remove:
        was_there = watched.remove(session)
        click.echo(f"{session} is no longer watched." if was_there else f"{session} was not watched.")
        return
    made = make_session(session, folders_of(settings))
    watched.add(session)
    click.echo(f"Drop clips into {made.sends}{_sep()}<operation>; returns will lie in {made.returns}.")
    with running_daemon() as daemon:
        if daemon is None:
            click.echo("Start the daemon with: sendreturn run")
        else:
            daemon.post("/api/rescan")


def _sep() -> str:
    import os

    return os.sep
