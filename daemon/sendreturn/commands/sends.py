"""`sendreturn list | show | cancel | retry | approve`: the sends that there are."""

from __future__ import annotations

import json
from collections.abc import Callable

import click

from sendreturn.commands.alone import look_alone, run_alone, tell_id
from sendreturn.commands.context import places, running_daemon, settings_of
from sendreturn.commands.follow import Shape, details, end_with, follow, table
from sendreturn.engine.conductor import Conductor
from sendreturn.errors import UsageError
from sendreturn.sends.http_shapes import full_shape, short_shape
from sendreturn.sends.wish import SendView
from sendreturn.words import State

STATES = [state.value for state in State]


@click.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only sends in this state.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def list_command(ctx: click.Context, state: str | None, as_json: bool) -> None:
    """List the sends, the newest first."""

    def ask(desk: Conductor) -> Shape:
        return {"sends": [short_shape(send) for send in desk.list(State(state) if state else None)]}

    answer = _answer(ctx, f"/api/sends{f'?state={state}' if state else ''}", ask)
    click.echo(json.dumps(answer, indent=2) if as_json else table(answer["sends"]))


@click.command("show")
@click.argument("send_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def show_command(ctx: click.Context, send_id: str, as_json: bool) -> None:
    """Show a send: its parameters, its history and what came back."""
    answer = _answer(ctx, f"/api/sends/{_checked(send_id)}", lambda desk: full_shape(desk.get(send_id)))
    click.echo(json.dumps(answer, indent=2) if as_json else details(answer))


@click.command("cancel")
@click.argument("send_id", metavar="ID")
@click.pass_context
def cancel_command(ctx: click.Context, send_id: str) -> None:
    """Cancel a send that has not ended."""
    _checked(send_id)
    with running_daemon() as daemon:
        if daemon is not None:
            daemon.post(f"/api/sends/{send_id}/cancel")
            click.echo(f"{send_id} will be cancelled at its next safe place.")
            return
    run_alone(settings_of(ctx), places(), lambda desk: desk.cancel(send_id), tell_id)


@click.command("retry")
@click.argument("send_id", metavar="ID")
@click.option("--wait", is_flag=True, help="Follow the send to its end; exit 0 only when it is done.")
@click.pass_context
def retry_command(ctx: click.Context, send_id: str, wait: bool) -> None:
    """Try a send once more that failed, was cancelled, or is uncertain."""
    _again(ctx, send_id, "retry", lambda desk: desk.retry(send_id), wait)


@click.command("approve")
@click.argument("send_id", metavar="ID")
@click.option("--wait", is_flag=True, help="Follow the send to its end; exit 0 only when it is done.")
@click.pass_context
def approve_command(ctx: click.Context, send_id: str, wait: bool) -> None:
    """Let a send go out that waits for your word."""
    _again(ctx, send_id, "approve", lambda desk: desk.approve(send_id), wait)


def _again(ctx: click.Context, send_id: str, verb: str, ask: Callable[[Conductor], SendView], wait: bool) -> None:
    _checked(send_id)
    with running_daemon() as daemon:
        if daemon is not None:
            daemon.post(f"/api/sends/{send_id}/{verb}")
            tell_id(send_id)
            if wait:
                end_with(ctx, follow(lambda: daemon.get(f"/api/sends/{send_id}")))
            return
    end_with(ctx, run_alone(settings_of(ctx), places(), ask, tell_id))


def _answer(ctx: click.Context, path: str, ask: Callable[[Conductor], Shape]) -> Shape:
    with running_daemon() as daemon:
        if daemon is not None:
            return daemon.get(path)
    return look_alone(settings_of(ctx), places(), ask)


def _checked(send_id: str) -> str:
    if len(send_id) != 8 or not set(send_id) <= set("0123456789abcdef"):
        raise UsageError(
            f"{send_id!r} is not the id of a send.",
            "An id has eight digits of 0-9 and a-f; `sendreturn list` shows all.",
        )
    return send_id
