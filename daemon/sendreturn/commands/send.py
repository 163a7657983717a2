"""`sendreturn send`: one clip, from the command line."""

from __future__ import annotations

from pathlib import Path

import click

from sendreturn.commands.alone import absolute, run_alone, tell_id
from sendreturn.commands.context import places, running_daemon, settings_of
from sendreturn.commands.follow import end_with, follow
from sendreturn.errors import UsageError
from sendreturn.sends.wish import Origin, Wish


@click.command("send")
@click.argument("clip", type=click.Path(path_type=Path), required=False)
@click.option(
    "--operation", "-o", required=True, metavar="OP", help="extend, cover, inpaint, stems, midi, … or a preset."
)
@click.option("--service", "-s", metavar="NAME", help="The service; the configured one by default.")
@click.option("--session", type=click.Path(path_type=Path), metavar="DIR", help="The session that gets the returns.")
@click.option(
    "--set", "pairs", multiple=True, metavar="KEY=VALUE", help="A parameter, say --set extend_s=30. Repeatable."
)
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
    """Send CLIP, and print the send's id. A running daemon does the work; without one it is done here, to the end."""
    params = _params(pairs)
    clip, session = absolute(clip), absolute(session)
    with running_daemon() as daemon:
        if daemon is not None:
            body = {
                "path": str(clip) if clip else None,
                "operation": operation,
                "service": service,
                "session": str(session) if session else None,
                "params": params,
            }
            send_id = daemon.post("/api/sends", body)["id"]
            tell_id(send_id)
            if wait:
                end_with(ctx, follow(lambda: daemon.get(f"/api/sends/{send_id}")))
            return
    wish = Wish(operation, clip, session, service, params, Origin.CLI)
    end_with(ctx, run_alone(settings_of(ctx), places(), lambda desk: desk.accept(wish).send, tell_id))


def _params(pairs: tuple[str, ...]) -> dict[str, object]:
    params: dict[str, object] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--set {pair} is not KEY=VALUE.", "Write it as in --set extend_s=30.")
        params[name.strip()] = value
    return params
