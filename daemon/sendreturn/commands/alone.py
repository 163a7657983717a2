"""Without a daemon: the house is opened for one command, and closed when it is done."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from sendreturn.commands.follow import Progress, Shape
from sendreturn.engine.conductor import Conductor
from sendreturn.house import House
from sendreturn.logs import set_up_logs, take_down_logs
from sendreturn.places import Places
from sendreturn.sends.http_shapes import full_shape, short_shape
from sendreturn.sends.wish import Event, SendView
from sendreturn.settings import Settings


def run_alone(
    settings: Settings, here: Places, ask: Callable[[Conductor], SendView], on_id: Callable[[str], None]
) -> Shape:
    """Ask the conductor for a send, tell its id, and carry it to its end here. Other unfinished sends wait."""
    house = House(settings, here)
    set_up_logs(here.log, house.redact, None)
    try:
        return asyncio.run(_carry(house, ask, on_id))
    finally:
        take_down_logs()


async def _carry(house: House, ask: Callable[[Conductor], SendView], on_id: Callable[[str], None]) -> Shape:
    desk = house.conductor
    ended = asyncio.Event()
    show = Progress()
    wanted: list[str] = []

    def hear(event: Event) -> None:
        if event.returned is None and event.send.id in wanted:
            show(short_shape(event.send))
            if event.send.state.ended:
                ended.set()

    try:
        await desk.start(resume=False)
        desk.subscribe(hear)
        send = ask(desk)
        wanted.append(send.id)
        on_id(send.id)
        await _until(desk, send.id, ended)
        return full_shape(desk.get(send.id))
    finally:
        await house.stop()


async def _until(desk: Conductor, send_id: str, ended: asyncio.Event) -> None:
    if not desk.get(send_id).state.ended:
        await ended.wait()


def look_alone(settings: Settings, here: Places, ask: Callable[[Conductor], Shape]) -> Shape:
    """Ask the conductor something that starts no send."""
    house = House(settings, here)
    try:
        return ask(house.conductor)
    finally:
        asyncio.run(house.stop())


def tell_id(send_id: str) -> None:
    """The send's id on standard output, at once, for scripts."""
    sys.stdout.write(f"{send_id}\n")
    sys.stdout.flush()


def absolute(path: Path | None) -> Path | None:
    """A full path, with `~` as the home folder."""
    return None if path is None else path.expanduser().absolute()
