"""Sends seen from the command line: followed to their end, and shown as text or JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from sendreturn.errors import SendReturnError
from sendreturn.words import ENDED, State

Shape = dict[str, Any]
LOOK_EVERY_S = 0.3
LOST_AFTER_S = 30.0
_ENDED = {state.value for state in ENDED}


def follow(look: Callable[[], Shape]) -> Shape:
    """Show a send's progress until it has ended; returns how it ended.

    A daemon that restarts meanwhile is waited for. Ctrl-C stops the following, not the send.
    """
    shown = Progress()
    lost_at: float | None = None
    while True:
        try:
            send = look()
        except SendReturnError:
            lost_at = lost_at or time.monotonic()
            if time.monotonic() - lost_at > LOST_AFTER_S:
                raise
        else:
            lost_at = None
            shown(send)
            if send["state"] in _ENDED:
                return send
        time.sleep(LOOK_EVERY_S)


class Progress:
    """A line that is rewritten on a terminal; a line for each new state elsewhere. Goes to standard error."""

    def __init__(self) -> None:
        self._state = ""

    def __call__(self, send: Shape) -> None:
        line = f"{send['id']} {send['state']} {send['progress']:4.0%} {send['text']}".rstrip()
        if sys.stderr.isatty():
            end = "\n" if send["state"] in _ENDED else ""
            click.echo(f"\r\033[K{line[:110]}{end}", nl=False, err=True)
        elif send["state"] != self._state:
            click.echo(line, err=True)
        self._state = send["state"]


def end_with(ctx: click.Context, send: Shape) -> None:
    """Show what came back, and leave with 0 where the send is done."""
    if send["state"] == State.DONE.value:
        for path in send["returns"]:
            click.echo(path)
        return
    click.echo(f"sendreturn: {send['text']}", err=True)
    ctx.exit(1)


def table(sends: list[Shape]) -> str:
    """A line for each send."""
    if not sends:
        return "There are no sends yet. Drop a clip into a session's Sends folder, or use `sendreturn send`."
    rows = [
        f"{s['id']}  {s['state']:<16} {s['progress']:4.0%}  {s['operation']:<8} {s['service']:<9} "
        f"{_clip(s)}  {s['text']}"
        for s in sends
    ]
    return "\n".join(row.rstrip() for row in rows)


def details(send: Shape) -> str:
    """A send with everything that is known of it."""
    lines = [
        f"{name}: {_value(send[name])}" for name in ("id", "operation", "service", "state", "text", "clip", "session")
    ]
    lines += [
        f"created: {send['created_at']}",
        f"cost: {send['cost'] if send['cost'] is not None else 'not known yet'}",
    ]
    lines += [f"params: {json.dumps(send['params'], ensure_ascii=False)}", "history:"]
    lines += [f"  {entry['at']}  {entry['state']:<16} {entry['note']}".rstrip() for entry in send["history"]]
    if send["returns"]:
        lines += ["returns:", *(f"  {path}" for path in send["returns"])]
    return "\n".join(lines)


def _clip(send: Shape) -> str:
    return str(send["clip"]).replace("\\", "/").rsplit("/", 1)[-1] if send["clip"] else "—"


def _value(value: object) -> str:
    return "—" if value is None else str(value)
