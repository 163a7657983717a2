"""The way in over OSC: python-osc's asyncio server, with every datagram checked before it is parsed.

Messages wait in a bounded queue and are handled one by one, so that a flood costs messages (counted in `dropped`) and
nothing else. Addresses are matched literally. Answers go to the address that asked.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import AsyncIOOSCUDPServer

from sendreturn.errors import SendReturnError, UsageError
from sendreturn.sends import osc_messages, osc_packets
from sendreturn.sends.clip_paths import clip_path
from sendreturn.sends.osc_daws import DAW, DawMessages
from sendreturn.sends.osc_listeners import Address, Listeners, resolved, with_port
from sendreturn.sends.osc_messages import OUTGOING, Asked, Message, Out
from sendreturn.sends.osc_repeats import Repeats
from sendreturn.sends.osc_senders import Senders
from sendreturn.sends.wish import Origin, Wish
from sendreturn.words import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sendreturn.sends.intake import Tell
    from sendreturn.sends.osc_daws import PressDaw, TakeSelection
    from sendreturn.sends.osc_messages import Value
    from sendreturn.sends.wish import Desk, Event, SendView

    SayToWaiting = Callable[[Desk], Sequence[SendView]]

QUEUE_LENGTH = 1024
RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
RETRY_S = 10.0
MAX_SENDERS = 256
LIST_LENGTH = 500
"""The most sends that `/sendreturn/list` answers with: the latest."""
SET = "set/"
TO_ALL_WAITING: Mapping[tuple[str, str], SayToWaiting] = {
    ("approve", "all"): lambda desk: desk.approve_all(),
    ("cancel", "waiting"): lambda desk: desk.cancel_waiting(),
}
TOPIC = "osc"
Remembered = TypeVar("Remembered")

log = logging.getLogger(__name__)


@dataclass
class Counts:
    """What has arrived. `malformed`, `refused` (from a stranger) and `dropped` (the queue was full) had no answer."""

    received: int = 0
    malformed: int = 0
    refused: int = 0
    dropped: int = 0


class OscDoor:
    """Answers OSC on one UDP port.

    Args:
        host: Where to listen.
        port: Zero takes any free port; see `port`.
        reply: "host:port" that hear every event.
        desk: Takes the wishes.
        version: What a ping is answered with.
        tell: Told what is wrong with the port, and None when all is well.
        sessions: The session folders, for relative paths.
        senders: Who may send.
        clock: Seconds that never jump.
        retry_s: Between tries to get a port that is taken.
    """

    def __init__(
        self,
        host: str,
        port: int,
        reply: Sequence[str],
        desk: Desk,
        version: str,
        tell: Tell,
        *,
        sessions: Callable[[], Sequence[Path]] = tuple,
        senders: Senders = Senders(),  # noqa: B008 - frozen
        clock: Callable[[], float] = time.monotonic,
        retry_s: float = RETRY_S,
    ) -> None:
        self._host = host
        self._wanted_port = port
        self._reply = tuple(reply)
        self._desk = desk
        self._version = version
        self._tell = tell
        self._sessions = sessions
        self._senders = senders
        self._strangers: set[str] = set()
        self._retry_s = retry_s
        self._listeners = Listeners()
        self._repeats = Repeats(clock)
        self._kept: dict[Address, dict[str, Value]] = {}
        self._homes: dict[Address, Address] = {}
        """Where senders want their answers that listen on another port than they send from."""
        self._queue: asyncio.Queue[tuple[Message, Address]] = asyncio.Queue(QUEUE_LENGTH)
        self._transport: asyncio.DatagramTransport | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._end_subscription: Callable[[], None] = lambda: None
        self._daws = DawMessages(desk, self._repeats, self._answer, self._heard_from_now_on)
        self.counts = Counts()
        self._routes: dict[str, Callable[[Message, Address], None]] = {
            "ping": self._ping,
            "set": self._set,
            "clear": self._clear,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "reply": self._reply_to,
            "cancel": self._turn,
            "retry": self._turn,
            "approve": self._turn,
            "list": self._list,
            "selection": self._daws.selection,
            "selected": lambda message, sender: self._daws.selected(message, sender, self._kept_of(sender)),
        }

    def hear_selections(self, take: TakeSelection) -> None:
        """From now on what DAWs' bridges put into their mailboxes is taken when they say so."""
        self._daws.take = take

    def hear_presses(self, press: PressDaw) -> None:
        """From now on what is selected in a DAW is sent when somebody says so."""
        self._daws.press = press

    @property
    def subscribers(self) -> list[str]:
        """Who hears of every send, as "host:port"."""
        return [f"{host}:{port}" for host, port, *_ in self._listeners.subscribers]

    @property
    def port(self) -> int | None:
        """The port that is listened on; None while it cannot be had."""
        return None if self._transport is None else int(self._transport.get_extra_info("sockname")[1])

    async def start(self) -> None:
        """Begin to listen. A port that is taken is told, and tried again later."""
        self._end_subscription = self._desk.subscribe(self._on_event)
        self._listeners.always = await resolved(self._reply)
        self._tasks = [asyncio.create_task(self._work())]
        if not await self._listen():
            self._tasks.append(asyncio.create_task(self._listen_later()))

    async def stop(self) -> None:
        self._end_subscription()
        tasks = [*self._tasks, *self._daws.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            await asyncio.sleep(0)  # The transport closes its socket in the loop's next round.

    async def _listen(self) -> bool:
        door = _CheckedDispatcher(self._on_datagram)
        loop: Any = asyncio.get_running_loop()
        server = AsyncIOOSCUDPServer((self._host, self._wanted_port), door, loop)
        try:
            transport, _ = await server.create_serve_endpoint()
        except OSError as error:
            where = f"{self._host}:{self._wanted_port}"
            self._tell(TOPIC, f"OSC cannot listen on {where} ({error.strerror}). Free the port or change osc.port.")
            return False
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self._transport = cast("asyncio.DatagramTransport", transport)
        self._tell(TOPIC, None)
        return True

    async def _listen_later(self) -> None:
        while self._transport is None:
            await asyncio.sleep(self._retry_s)
            await self._listen()

    # In

    def _on_datagram(self, data: bytes, sender: Address) -> None:
        self.counts.received += 1
        if not self._senders.admits(sender[0]):
            self._refuse(sender, "osc.allow does not name it")
            return
        reason = osc_packets.check(data)
        if reason is not None:
            self.counts.malformed += 1
            log.debug("a datagram from %s is passed over: %s", sender[0], reason)
            return
        for read in osc_messages.read(data):
            message = self._senders.admitted(read, sender[0])
            if message is None:
                self._refuse(sender, "its messages do not end with the key token and the text of the file osc-token")
            elif self._queue.full():
                self.counts.dropped += 1
            else:
                self._queue.put_nowait((message, sender))

    def _refuse(self, sender: Address, why: str) -> None:
        """Without an answer, since the sender may be forged; told once for each machine."""
        self.counts.refused += 1
        if sender[0] not in self._strangers and len(self._strangers) < MAX_SENDERS:
            self._strangers.add(sender[0])
            log.warning("OSC from %s is not taken: %s", sender[0], why)

    async def _work(self) -> None:
        while True:
            message, sender = await self._queue.get()
            self._handle(message, sender)
            await asyncio.sleep(0)  # A full queue must not hold up the rest of the daemon.

    def _handle(self, message: Message, sender: Address) -> None:
        if message.is_pattern:
            self._answer(sender, osc_messages.error("OSC patterns are not taken: addresses are matched literally."))
            return
        word = message.word
        if word is None or word in OUTGOING:
            return
        if word.startswith(SET):  # for controllers that send one value
            word, message = "set", replace(message, args=(word.removeprefix(SET), *message.args))
        try:
            self._routes.get(word, self._send)(message, sender)
        except SendReturnError as error:
            self._answer(sender, osc_messages.error(error.sentence), _echo_of(message))
        except Exception:
            # One message that makes something raise must not end the door.
            log.exception("handling %s failed", word)
            sentence = "The message could not be handled; the log says more."
            self._answer(sender, osc_messages.error(sentence), _echo_of(message))

    def _ping(self, message: Message, sender: Address) -> None:
        asked = osc_messages.take_req(message.args, 0)
        self._answer(sender, ("pong", (self._version,)), asked)

    def _set(self, message: Message, sender: Address) -> None:
        asked = osc_messages.take_req(message.args, 2)
        params = osc_messages.params_of(asked.args)
        if not params or osc_messages.REQ in params:
            raise UsageError("set needs a key and a value.", "For example: /sendreturn/set prompt warm")
        _remember(self._kept, _known_as(sender), {**self._kept_of(sender), **params})

    def _clear(self, _: Message, sender: Address) -> None:
        self._kept.pop(_known_as(sender), None)

    def _subscribe(self, message: Message, sender: Address) -> None:
        asked = osc_messages.take_req(message.args, len(message.args) % 2)
        address = with_port(sender, asked.args)
        if not self._listeners.subscribe(address):
            raise UsageError("There are too many subscribers.", "End a subscription with /sendreturn/unsubscribe.")
        self._put(address, ("pong", (self._version, *asked.echo)))

    def _unsubscribe(self, message: Message, sender: Address) -> None:
        asked = osc_messages.take_req(message.args, len(message.args) % 2)
        self._listeners.unsubscribe(with_port(sender, asked.args))

    def _reply_to(self, message: Message, sender: Address) -> None:
        """From now on this sender's answers go to another port of its machine; without a port, where it sends from."""
        asked = osc_messages.take_req(message.args, len(message.args) % 2)
        _remember(self._homes, _known_as(sender), with_port(sender, asked.args))
        self._answer(sender, ("pong", (self._version,)), asked)

    def _turn(self, message: Message, sender: Address) -> None:
        """Cancel, retry or approve a send; `approve all` and `cancel waiting` concern all that wait for approval."""
        asked = osc_messages.take_req(message.args, 1)
        if len(asked.args) != 1:
            raise UsageError(f"{message.word} needs the id of a send.", "/sendreturn/list tells the ids.")
        say = TO_ALL_WAITING.get((str(message.word), str(asked.args[0])))
        if say is not None:
            self._say_to_waiting(say, asked, sender)
            return
        act = {"cancel": self._desk.cancel, "retry": self._desk.retry, "approve": self._desk.approve}[str(message.word)]
        send = act(str(asked.args[0]))
        self._heard_from_now_on(sender, send.id, asked)
        self._answer(sender, osc_messages.state_of(send), asked)

    def _say_to_waiting(self, say: SayToWaiting, asked: Asked, sender: Address) -> None:
        sends = say(self._desk)
        if not sends:
            raise UsageError("No send waits for approval.")
        for send in sends[:LIST_LENGTH]:
            self._answer(sender, osc_messages.state_of(send), asked)

    def _list(self, message: Message, sender: Address) -> None:
        states, asked = osc_messages.take_states(message.args)
        sends = [send for send in self._desk.list() if not states or send.state in states]
        for send in sorted(sends, key=lambda send: send.created_at)[-LIST_LENGTH:]:
            self._answer(sender, osc_messages.state_of(send), asked)

    def _send(self, message: Message, sender: Address) -> None:
        """Every other word is an operation or a preset. An odd number of arguments begins with a path."""
        has_path = len(message.args) % 2
        if message.args and not has_path and not _is_key(message.args[0]):
            raise UsageError(f"The key {message.args[-1]!r} has no value.", "Send the path, then keys and values.")
        asked = osc_messages.take_req(message.args, has_path)
        params = {**self._kept_of(sender), **osc_messages.params_of(asked.args[has_path:])}
        params.pop(DAW, None)  # set for what is selected in a DAW
        clip = _path_argument(asked.args[0], self._sessions()) if has_path else None
        service, session, params = osc_messages.service_and_session(params)
        wish = Wish(
            operation=str(message.word),
            clip=clip,
            session=clip_path(session, self._sessions()) if session else None,
            service=service,
            params=params,
            origin=Origin.OSC,
            key=self._repeats.key(sender[0], (message.word, str(clip), session, service, params), asked.req),
            confined=True,
        )
        send = self._desk.accept(wish).send
        self._answer(sender, osc_messages.accepted(send), asked)
        self._heard_from_now_on(sender, send.id, asked)

    def _heard_from_now_on(self, sender: Address, send_id: str, asked: Asked) -> None:
        self._listeners.asked(send_id, self._home_of(sender), asked.echo)

    def _kept_of(self, sender: Address) -> dict[str, Value]:
        return self._kept.get(_known_as(sender), {})

    def _home_of(self, sender: Address) -> Address:
        return self._homes.get(_known_as(sender), sender)

    # Out

    def _answer(self, sender: Address, out: Out, asked: Asked | None = None) -> None:
        word, args = out
        self._put(self._home_of(sender), (word, (*args, *(asked.echo if asked else ()))))

    def _on_event(self, event: Event) -> None:
        if event.send.state is State.QUEUED:
            for address in self._listeners.hear_it_is_made(event.send.id):
                self._put(address, osc_messages.accepted(event.send))
        hearers = list(self._listeners.hear(event.send.id))
        for out in osc_messages.told_of(event):
            for address, echo in hearers:
                self._put(address, (out[0], (*out[1], *echo)))

    def _put(self, address: Address, out: Out) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(osc_messages.write(out), address)


class _CheckedDispatcher(Dispatcher):
    """Hands datagrams over as they come; python-osc's own dispatching obeys patterns and sleeps until time tags."""

    def __init__(self, on_datagram: Callable[[bytes, Address], None]) -> None:
        super().__init__(strict_timing=False)
        self._on_datagram = on_datagram

    def call_handlers_for_packet(self, data: bytes, client_address: Address) -> list[Any]:
        self._on_datagram(data, client_address)
        return []


def _path_argument(value: object, sessions: Sequence[Path]) -> Path | None:
    if not isinstance(value, str):
        raise UsageError(
            f"{value!r} stands where the path of a clip is expected.", "Send the path as text, then keys and values."
        )
    return clip_path(value, sessions) if value else None


def _is_key(value: object) -> bool:
    return isinstance(value, str) and value.isidentifier()


def _known_as(sender: Address) -> Address:
    return sender[0], sender[1]


def _remember(table: dict[Address, Remembered], sender: Address, what: Remembered) -> None:
    """Of the latest senders; a flood of forged ones makes the others forgotten, and nothing grow."""
    table.pop(sender, None)
    table[sender] = what
    if len(table) > MAX_SENDERS:
        del table[next(iter(table))]


def _echo_of(message: Message) -> Asked | None:
    """The `req` of a message that is wrong in another way."""
    for first_key in (len(message.args) % 2, 1 - len(message.args) % 2):
        try:
            asked = osc_messages.take_req(message.args, first_key)
        except UsageError:
            continue
        if asked.req is not None:
            return asked
    return None
