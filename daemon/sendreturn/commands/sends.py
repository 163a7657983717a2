"""`sendreturn list | show | cancel | retry | approve`: the sends that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sendreturn.commands.context import places, running_daemon, settings_of
from sendreturn.commands.follow import Shape, end_with, follow, tell_id
from sendreturn.commands.tables import details, table
from sendreturn.errors import UsageError
from sendreturn.words import State

if TYPE_CHECKING:
    from sendreturn.engine.conductor import Conductor
    from sendreturn.sends.wish import SendView

STATES = [state.value for state in State]


def _check_id(_ctx: click.Context, _param: click.Parameter, send_id: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{8}", send_id):
        hint = "An id has eight digits of 0-9 and a-f; `sendreturn list` shows all."
        raise UsageError(f"{send_id!r} is not the id of a send.", hint)
    return send_id


def _check_id_or_none(ctx: click.Context, param: click.Parameter, send_id: str | None) -> str | None:
    return None if send_id is None else _check_id(ctx, param, send_id)


the_id = click.argument("send_id", metavar="ID", callback=_check_id)
the_id_or_none = click.argument("send_id", metavar="[ID]", required=False, callback=_check_id_or_none)
of_session = click.option(
    "--session", type=click.Path(path_type=Path), metavar="DIR", help="Only the sends of this session that wait."
)
with_wait = click.option("--wait", is_flag=True, help="Follow the send to its end; exit 0 only when it is done.")
as_json = click.option("--json", "in_json", is_flag=True, help="As JSON, for scripts.")


@click.command("list")
@click.option(
    "--state", type=click.Choice(STATES), metavar="STATE", help=f"Only sends in this state: {', '.join(STATES)}."
)
@as_json
@click.pass_context
def list_command(ctx: click.Context, state: str | None, in_json: bool) -> None:
    """List the sends, the newest first.

    \b
    Examples:
      sendreturn list
      sendreturn list --state failed --json
    """

    def ask(desk: Conductor) -> Shape:
        from sendreturn.sends.http_shapes import short_shape

        return {"sends": [short_shape(send) for send in desk.list(State(state) if state else None)]}

    answer = _answer(ctx, f"/api/sends{f'?state={state}' if state else ''}", ask)
    click.echo(json.dumps(answer, indent=2) if in_json else table(answer["sends"]))


@click.command("show")
@the_id
@as_json
@click.pass_context
def show_command(ctx: click.Context, send_id: str, in_json: bool) -> None:
    """Show a send: its parameters, its history and what came back.

    \b
    Example:
      sendreturn show 0a1b2c3d
    """

    def ask(desk: Conductor) -> Shape:
        from sendreturn.sends.http_shapes import full_shape

        return full_shape(desk.get(send_id))

    answer = _answer(ctx, f"/api/sends/{send_id}", ask)
    click.echo(json.dumps(answer, indent=2) if in_json else details(answer))


@click.command("cancel")
@the_id_or_none
@click.option("--waiting", is_flag=True, help="All sends that wait for approval.")
@of_session
@click.pass_context
def cancel_command(ctx: click.Context, send_id: str | None, waiting: bool, session: Path | None) -> None:
    """Cancel a send that has not ended.

    What a service has already been asked for may still be billed.

    \b
    Examples:
      sendreturn cancel 0a1b2c3d
      sendreturn cancel --waiting
    """
    one = _one_or_all(send_id, waiting, session, "--waiting")
    if one is None:
        _say_to_waiting(ctx, "cancel", session, lambda desk: desk.cancel_waiting(_full(session)))
        return
    with running_daemon() as daemon:
        if daemon is not None:
            daemon.post(f"/api/sends/{one}/cancel")
            tell_id(one)
            return
    _carry(ctx, lambda desk: desk.cancel(one))


@click.command("retry")
@the_id
@with_wait
@click.pass_context
def retry_command(ctx: click.Context, send_id: str, wait: bool) -> None:
    """Try a send once more that failed, was cancelled, or is uncertain.

    What was generated already is not asked for again. Only an uncertain send may be billed twice by this.

    \b
    Example:
      sendreturn retry 0a1b2c3d --wait
    """
    _go_on(ctx, send_id, "retry", lambda desk: desk.retry(send_id), wait)


@click.command("approve")
@the_id_or_none
@click.option("--all", "every", is_flag=True, help="All sends that wait for approval.")
@of_session
@with_wait
@click.pass_context
def approve_command(ctx: click.Context, send_id: str | None, every: bool, session: Path | None, wait: bool) -> None:
    """Let a send go out that waits for your word.

    `sendreturn show ID` says why it waits and what it would cost.

    \b
    Examples:
      sendreturn approve 0a1b2c3d
      sendreturn approve --all --session "~/Music/My Song"
    """
    one = _one_or_all(send_id, every, session, "--all")
    if one is None:
        if wait:
            raise UsageError("--wait follows one send.", "Leave it out, or name an ID.")
        _say_to_waiting(ctx, "approve", session, lambda desk: desk.approve_all(_full(session)))
        return
    _go_on(ctx, one, "approve", lambda desk: desk.approve(one), wait)


def _one_or_all(send_id: str | None, every: bool, session: Path | None, flag: str) -> str | None:
    """The id, or None where all are meant."""
    if send_id is None and not every:
        raise UsageError(f"Which one? Name an ID, or {flag} for all sends that wait for approval.")
    if send_id is not None and (every or session is not None):
        raise UsageError(f"An ID names one send; {flag} and --session are for all that wait.", "Leave one out.")
    return send_id


def _full(session: Path | None) -> Path | None:
    return None if session is None else session.expanduser().absolute()


def _say_to_waiting(
    ctx: click.Context, verb: str, session: Path | None, ask: Callable[[Conductor], Sequence[SendView]]
) -> None:
    """Tell the id of each send that it concerned; nothing where none waits."""
    full = _full(session)
    with running_daemon() as daemon:
        if daemon is not None:
            ids = daemon.post(f"/api/sends/{verb}", {"session": str(full) if full else None})["sends"]
        else:
            from sendreturn.commands.alone import look_alone

            ids = look_alone(settings_of(ctx), places(), lambda desk: {"sends": [send.id for send in ask(desk)]})[
                "sends"
            ]
    for send_id in ids:
        tell_id(send_id)
    if not ids:
        click.echo("sendreturn: No send waits for approval.", err=True)


def _go_on(ctx: click.Context, send_id: str, verb: str, ask: Callable[[Conductor], SendView], wait: bool) -> None:
    with running_daemon() as daemon:
        if daemon is not None:
            daemon.post(f"/api/sends/{send_id}/{verb}")
            tell_id(send_id)
            if wait:
                end_with(ctx, follow(lambda: daemon.get(f"/api/sends/{send_id}")))
            return
    end_with(ctx, _carry(ctx, ask))


def _carry(ctx: click.Context, ask: Callable[[Conductor], SendView]) -> Shape:
    from sendreturn.commands.alone import carry_alone

    return carry_alone(settings_of(ctx), places(), ask)


def _answer(ctx: click.Context, path: str, ask: Callable[[Conductor], Shape]) -> dict[str, Any]:
    with running_daemon() as daemon:
        if daemon is not None:
            return daemon.get(path)
    from sendreturn.commands.alone import look_alone

    return look_alone(settings_of(ctx), places(), ask)
