"""Sends followed to their end from the command line. What is told on the way goes to standard error."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from sendreturn.net import UnreachableError
from sendreturn.terminal import printable
from sendreturn.words import ENDED, HELD, State

Shape = dict[str, Any]
LOOK_EVERY_S = 0.3
LOST_AFTER_S = 30.0
_ENDED = {state.value for state in ENDED}


def tell_id(send_id: str) -> None:
    """The send's id, alone on standard output and at once, for scripts."""
    click.echo(send_id)


def follow(look: Callable[[], Shape]) -> Shape:
    """Show a send's progress until it has ended, or waits for key or credits; returns how it stands.

    That wait may take days, and nobody may sit before a script. A daemon that restarts meanwhile is waited for. Ctrl-C
    stops the following, not the send.
    """
    show = Progress()
    try:
        while (send := _patiently(look))["state"] not in _ENDED and not _is_held(send):
            show(send)
            time.sleep(LOOK_EVERY_S)
    except KeyboardInterrupt:
        click.echo("\nsendreturn: The daemon goes on with the send.", err=True)
        raise
    show(send)
    return send


def _patiently(look: Callable[[], Shape]) -> Shape:
    until_s = time.monotonic() + LOST_AFTER_S
    while True:
        try:
            return look()
        except UnreachableError:
            if time.monotonic() > until_s:
                raise
            time.sleep(LOOK_EVERY_S)


class Progress:
    """A line that is rewritten on a terminal; elsewhere a line for each new state."""

    def __init__(self) -> None:
        self._state = ""

    def __call__(self, send: Shape) -> None:
        line = printable(f"{send['id']} {send['state']} {send['progress']:4.0%} {send['text']}".rstrip())
        if sys.stderr.isatty():
            width = shutil.get_terminal_size().columns - 1
            end = "\n" if send["state"] in _ENDED else ""
            click.echo(f"\r\033[K{line[:width]}{end}", nl=False, err=True)
        elif send["state"] != self._state:
            click.echo(line, err=True)
        self._state = send["state"]


def end_with(ctx: click.Context, send: Shape) -> None:
    """Tell what came back, and leave with 0 only where the send is done."""
    if send["state"] == State.DONE.value:
        for path in send["returns"]:
            click.echo(printable(path), err=True)
        return
    goes_on = f" Then it goes on by itself; `sendreturn show {send['id']}` tells." if _is_held(send) else ""
    click.echo(f"sendreturn: {printable(send['text'])}{goes_on}", err=True)
    ctx.exit(1)


def _is_held(send: Shape) -> bool:
    return send["state"] not in _ENDED and bool(send["text"].startswith(HELD))
