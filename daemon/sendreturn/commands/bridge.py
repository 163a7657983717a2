"""`sendreturn bridge`: the part that lives inside a DAW."""

from __future__ import annotations

import click

from sendreturn.commands.context import places, running_daemon, settings_of
from sendreturn.commands.follow import tell_id
from sendreturn.commands.group import Group
from sendreturn.commands.pairs import params_of
from sendreturn.daws.health import installation_values
from sendreturn.daws.installs import Installation, installation, load_daws, recipe_of
from sendreturn.errors import UsageError

PRESS_PATIENCE_S = 360.0
"""A DAW may have to render what is selected before it sends it; the daemon gives up before we do."""


@click.group("bridge", cls=Group)
def bridge_command() -> None:
    """Install, remove or list the parts that live inside a DAW or on a control surface.

    With one installed, you select a clip in the DAW, press a key, and what comes back lies on new tracks.
    """


@bridge_command.command("list")
@click.argument("daw", required=False)
@click.pass_context
def list_(ctx: click.Context, daw: str | None) -> None:
    """Show DAW, or every one: what works in it, and whether its bridge is installed."""
    for name in [daw] if daw else load_daws():
        found = _installation(ctx, name)
        manifest, state = found.manifest, "installed" if found.is_installed else "not installed"
        click.echo(f"{name}: {manifest.title}; {state}")
        click.echo(f"    {manifest.about}")


@bridge_command.command("install")
@click.argument("daw")
@click.pass_context
def install(ctx: click.Context, daw: str) -> None:
    """Put DAW's side where that DAW looks for it, and say what to click once.

    \b
    Examples:
      sendreturn bridge install reaper
      sendreturn bridge install ardour
    """
    found = _installation(ctx, daw)
    places().prepare()
    for step in found.install():
        click.echo(f"  {step.what}: {step.path}")
    click.echo(f"The bridge for {found.manifest.title} is installed.")
    for number, sentence in enumerate(found.clicks, start=1):
        click.echo(f"  {number}. {sentence}")
    if found.manifest.has_link:
        click.echo("A running daemon takes it up when it is started again; `sendreturn doctor` tries the round trip.")


@bridge_command.command("remove")
@click.argument("daw")
@click.pass_context
def remove(ctx: click.Context, daw: str) -> None:
    """Take DAW's side away again. What has come back stays in the sessions.

    \b
    Example:
      sendreturn bridge remove reaper
    """
    found = _installation(ctx, daw)
    if not found.is_installed:
        click.echo(f"The bridge for {found.manifest.title} was not installed.")
        return
    for step in found.remove():
        click.echo(f"  {step.what}: {step.path}")
    click.echo(f"The bridge for {found.manifest.title} is removed.")


@bridge_command.command("press")
@click.argument("daw")
@click.argument("operation")
@click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="A parameter of the send. May be repeated.")
@click.pass_context
def press(ctx: click.Context, daw: str, operation: str, pairs: tuple[str, ...]) -> None:
    """Send what is selected in DAW, as its own key would, and print the send's id.

    For hotkeys of the system, pedals, and scripts. OPERATION may be a preset.

    \b
    Examples:
      sendreturn bridge press reaper cover
      sendreturn bridge press ardour extend --set extend_s=20
    """
    _installation(ctx, daw)
    with running_daemon() as daemon:
        if daemon is None:
            raise UsageError("No daemon is running.", "`sendreturn run` starts it.")
        asked = {"operation": operation, "params": params_of(pairs)}
        tell_id(daemon.post(f"/api/daws/{daw}/press", asked, PRESS_PATIENCE_S)["id"])


@bridge_command.command("recipe")
@click.argument("daw")
@click.pass_context
def recipe(ctx: click.Context, daw: str) -> None:
    """Show how to work with DAW, on one page.

    \b
    Example:
      sendreturn bridge recipe logic
    """
    manifest = _installation(ctx, daw).manifest
    text = recipe_of(manifest)
    click.echo(text.rstrip() if text else f"{manifest.title} needs no recipe: {manifest.about}")


def _installation(ctx: click.Context, daw: str) -> Installation:
    known = load_daws()
    if daw not in known:
        raise UsageError(f"There is no bridge for {daw!r}.", f"Known are {', '.join(known) or 'none'}.")
    return installation(known[daw], places().state, installation_values(settings_of(ctx)))
