"""A desk that records wishes, a clock that is set by hand, and small audio files."""

from __future__ import annotations

import asyncio
import io
import threading
import wave
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sendreturn.errors import NotNow, UnknownSend, UsageError
from sendreturn.sends.wish import Event, Listener, Receipt, SendView, Wish
from sendreturn.words import SendId, State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class FakeDesk:
    """Accepts every wish once per key, like the real one."""

    def __init__(self) -> None:
        self.wishes: list[Wish] = []
        """Each wish that became a send."""
        self.handed_in = 0
        self.threads: list[threading.Thread] = []
        """The thread of each call of `accept`."""
        self.sends: dict[str, SendView] = {}
        self.by_key: dict[str, str] = {}
        self.refusal: UsageError | None = None
        self.listeners: list[Listener] = []
        self.changed = asyncio.Event()

    def accept(self, wish: Wish) -> Receipt:
        self.handed_in += 1
        self.threads.append(threading.current_thread())
        if self.refusal is not None:
            raise self.refusal
        if wish.key is not None and wish.key in self.by_key:
            return Receipt(self.sends[self.by_key[wish.key]], is_new=False)
        self.wishes.append(wish)
        view = a_view(wish, f"{len(self.wishes):08x}")
        self.sends[view.id] = view
        if wish.key is not None:
            self.by_key[wish.key] = view.id
        self.changed.set()
        return Receipt(view, is_new=True)

    def cancel(self, send_id: str) -> SendView:
        return self._turn(send_id, State.CANCELLED)

    def retry(self, send_id: str) -> SendView:
        return self._turn(send_id, State.QUEUED)

    def approve(self, send_id: str) -> SendView:
        if self.get(send_id).state is not State.WAITING_APPROVAL:
            raise NotNow(f"Send {send_id} waits for no approval.")
        return self._turn(send_id, State.SUBMITTING)

    def approve_all(self, session: Path | None = None) -> Sequence[SendView]:
        return self._turn_waiting(session, State.SUBMITTING)

    def cancel_waiting(self, session: Path | None = None) -> Sequence[SendView]:
        return self._turn_waiting(session, State.CANCELLED)

    def get(self, send_id: str) -> SendView:
        if send_id not in self.sends:
            raise UnknownSend(send_id)
        return self.sends[send_id]

    def list(self, state: State | None = None) -> Sequence[SendView]:
        return [view for view in self.sends.values() if state in (None, view.state)]

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def publish(self, event: Event) -> None:
        for listener in list(self.listeners):
            listener(event)

    async def until(self, count: int) -> None:
        """Wait until so many wishes have become sends."""
        async with asyncio.timeout(10):
            while len(self.wishes) < count:
                self.changed.clear()
                await self.changed.wait()

    def _turn_waiting(self, session: Path | None, state: State) -> Sequence[SendView]:
        waiting = [one for one in self.list(State.WAITING_APPROVAL) if session in (None, one.session)]
        return [self._turn(one.id, state) for one in waiting]

    def _turn(self, send_id: str, state: State) -> SendView:
        self.sends[send_id] = replace(self.get(send_id), state=state)
        return self.sends[send_id]


def a_view(wish: Wish, send_id: str = "0000beef") -> SendView:
    return SendView(
        id=SendId(send_id),
        operation=wish.operation,
        service=wish.service or "local",
        state=State.QUEUED,
        progress=0.0,
        text="",
        clip=wish.clip,
        session=wish.session or Path("/session"),
        created_at="2026-01-01T00:00:00Z",
        params=wish.params,
        cost_credits=None,
        origin=wish.origin,
    )


class HandClock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds


def wav_bytes(frames: int = 4800, value: int = 1000) -> bytes:
    """A mono 16-bit WAV at 48 kHz."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(value.to_bytes(2, "little", signed=True) * frames)
    return out.getvalue()
