"""`sendreturn send`: one clip, from the command line."""

from __future__ import annotations

from pathlib import Path

import click

from sendreturn.commands.context import absolute, places, running_daemon, settings_of
from sendreturn.commands.follow import end_with, follow, tell_id
from sendreturn.commands.pairs import params_of
from sendreturn.net import LocalDaemon
from sendreturn.sends.wish import Origin, Wish


@click.command("send")
@click.argument("clip", type=click.Path(path_type=Path), required=False)
@click.option(
    "--operation", "-o", required=True, metavar="OP", help="extend, cover, inpaint, stems, midi, … or a preset."
)
@click.option("--service", "-s", metavar="NAME", help="The service. Default: the preset's, else the configured one.")
@click.option(
    "--session",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The session that gets the returns. Default: the watched one that holds the clip, else the clip's folder.",
)
@click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="A parameter of the send. May be repeated.")
@click.option("--wait", is_flag=True, help="Follow the send to its end; exit 0 only when it is done.")
@click.pass_context
def send_command(
    ctx: click.Context,
    clip: Path | None,
    operation: str,
    service: str | None,
    session: Path | None,
    pairs: tuple[str, ...],
    wait: bool,
) -> None:
    """Send CLIP, and print the send's id.

    A running daemon does the work; without one it is done here, to the end, and the exit code is that of --wait.

    \b
    Examples:
      sendreturn send riff.wav -o extend --set extend_s=20
      sendreturn send riff.wav -o inpaint --set section_s=4,8 --wait
      sendreturn send riff.wav -o cover --set "style=smooth jazz" --set stems=2
    """
    wish = Wish(operation, absolute(clip), absolute(session), service, params_of(pairs), Origin.CLI)
    with running_daemon() as daemon:
        if daemon is not None:
            _hand_in(ctx, daemon, wish, wait)
            return
    from sendreturn.commands.alone import carry_alone

    end_with(ctx, carry_alone(settings_of(ctx), places(), lambda desk: desk.accept(wish).send))


def _hand_in(ctx: click.Context, daemon: LocalDaemon, wish: Wish, wait: bool) -> None:
    body = {
        "path": str(wish.clip) if wish.clip else None,
        "operation": wish.operation,
        "service": wish.service,
        "session": str(wish.session) if wish.session else None,
        "params": dict(wish.params),
    }
    send_id = daemon.post("/api/sends", body)["id"]
    tell_id(send_id)
    if wait:
        end_with(ctx, follow(lambda: daemon.get(f"/api/sends/{send_id}")))
