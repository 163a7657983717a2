"""`sendreturn watch`: give a session its hot folders, and have the daemon watch it."""

from __future__ import annotations

from pathlib import Path

import click

from sendreturn.commands.context import places, running_daemon, settings_of
from sendreturn.errors import UsageError
from sendreturn.sends.layout import WatchedList, make_session
from sendreturn.sends.wiring import folders_of
from sendreturn.settings import Settings
from sendreturn.terminal import printable


@click.command("watch")
@click.argument("folder", type=click.Path(path_type=Path), metavar="[DIR]", required=False)
@click.option("--remove", is_flag=True, help="Stop watching DIR; its folders and files stay.")
@click.option("--list", "listing", is_flag=True, help="List what is watched, also by the configuration.")
@click.pass_context
def watch_command(ctx: click.Context, folder: Path | None, remove: bool, listing: bool) -> None:
    """Make the session DIR's hot folders (Sends/extend, Sends/cover, …) and its Returns, and watch it from now on.

    \b
    Examples:
      sendreturn watch "~/Music/My Song"
      sendreturn watch --list
      sendreturn watch --remove "~/Music/My Song"
    """
    here = places()
    here.prepare()
    settings, watched = settings_of(ctx), WatchedList(here.state)
    if listing:
        _list(settings, watched)
        return
    if folder is None:
        raise UsageError("No session is named.", "Name its folder: sendreturn watch DIR.")
    session = folder.expanduser().resolve()
    if remove:
        _remove(settings, watched, session)
    else:
        _add(settings, watched, session)
    with running_daemon() as daemon:
        if daemon is not None:
            daemon.post("/api/rescan")
        elif not remove:
            click.echo("Start the daemon with: sendreturn run")


def _list(settings: Settings, watched: WatchedList) -> None:
    configured = [f"{session.path}{'/*' if session.each else ''}" for session in settings.sessions]
    lines = list(dict.fromkeys([*configured, *map(str, watched.all())]))
    for line in lines:
        click.echo(printable(line))
    if not lines:
        click.echo("No session is watched yet. Add one with: sendreturn watch DIR", err=True)


def _add(settings: Settings, watched: WatchedList, session: Path) -> None:
    made = make_session(session, folders_of(settings))
    watched.add(session)
    operations = ", ".join(made.folders.hot_names)
    click.echo(f"Drop clips into a folder of {printable(str(made.sends))}: {operations}.")
    click.echo(f"What comes back lies in {printable(str(made.returns))}.")


def _remove(settings: Settings, watched: WatchedList, session: Path) -> None:
    if watched.remove(session):
        click.echo(f"{printable(str(session))} is no longer watched.")
    elif settings.session_for(session) == session:
        raise UsageError(f"{session} is watched by the configuration.", "Take it out of `sessions` there.")
    else:
        click.echo(f"{printable(str(session))} was not watched.")
