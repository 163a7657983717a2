"""Without a daemon: the house is opened for one command, and closed when it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import click

from sendreturn.commands.follow import Progress, Shape, tell_id
from sendreturn.engine.conductor import Conductor
from sendreturn.house import House
from sendreturn.logs import logs_in
from sendreturn.places import Places
from sendreturn.sends.http_shapes import full_shape, short_shape
from sendreturn.sends.wish import Event, SendView
from sendreturn.settings import Settings
from sendreturn.words import State

LEFT_OFF = "sendreturn: The send is left off at a safe place; `sendreturn run` goes on with it."


def carry_alone(settings: Settings, here: Places, ask: Callable[[Conductor], SendView]) -> Shape:
    """Ask the conductor for a send, tell its id, and carry it here until it has ended or waits for approval.

    Other unfinished sends wait for a daemon.
    """
    house = House(settings, here)
    with logs_in(here.log, house.redact, None):
        try:
            return asyncio.run(_carry(house, ask))
        except KeyboardInterrupt:
            click.echo(f"\n{LEFT_OFF}", err=True)
            raise


async def _carry(house: House, ask: Callable[[Conductor], SendView]) -> Shape:
    desk = house.conductor
    rested = asyncio.Event()
    show = Progress()
    wanted: set[str] = set()

    def hear(event: Event) -> None:
        if event.returned is None and event.send.id in wanted:
            show(short_shape(event.send))
            # Nobody can approve it while this command holds the state folder.
            if event.send.state.ended or event.send.state is State.WAITING_APPROVAL:
                rested.set()

    try:
        await desk.start(resume=False)
        desk.subscribe(hear)
        send = ask(desk)
        wanted.add(send.id)
        tell_id(send.id)
        if not desk.get(send.id).state.ended:
            await rested.wait()
        return full_shape(desk.get(send.id))
    finally:
        await house.stop()


def look_alone(settings: Settings, here: Places, ask: Callable[[Conductor], Shape]) -> Shape:
    """Ask the conductor something that starts no send."""
    house = House(settings, here)
    with logs_in(here.log, house.redact, None):
        try:
            return ask(house.conductor)
        finally:
            asyncio.run(house.stop())
