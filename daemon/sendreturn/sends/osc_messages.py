"""OSC messages as they come in and go out (contract 5)."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

from sendreturn.errors import UsageError
from sendreturn.sends.osc_packets import type_tags
from sendreturn.words import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from sendreturn.sends.wish import Event, SendView

PREFIX = "/sendreturn/"
OUTGOING = frozenset({"pong", "accepted", "state", "return", "done", "failed", "error"})
"""The words of our own answers: never answered, or two daemons would talk to each other for ever."""
TEXT_BYTES = 1024
"""The most of a text that goes into an answer; with a path beside it, it stays far below what UDP carries."""
PATTERN_CHARACTERS = frozenset("*?[]{},# ")
REQ = "req"

Value = str | int | float | bool | list[Any] | None
Out = tuple[str, tuple[Value, ...]]
"""An address without the prefix, and the arguments."""


@dataclass(frozen=True)
class Message:
    """A message that came in. `word` is what follows the prefix, None for addresses that are not ours."""

    address: str
    args: tuple[Any, ...]

    @property
    def word(self) -> str | None:
        return self.address.removeprefix(PREFIX) if self.address.startswith(PREFIX) else None

    @property
    def is_pattern(self) -> bool:
        return not PATTERN_CHARACTERS.isdisjoint(self.address)


@dataclass(frozen=True)
class Asked:
    """A message's arguments without its `req` key."""

    args: tuple[Any, ...]
    req: Value = None

    @property
    def echo(self) -> tuple[Value, ...]:
        """What is appended to every answer."""
        return () if self.req is None else (REQ, self.req)


def read(packet: bytes) -> Iterator[Message]:
    """The messages of a checked packet, in order; time tags are not obeyed."""
    for _, message in OscPacket(packet).messages:
        tags = type_tags(message.dgram)
        args = message.params
        if "f" in tags and "[" not in tags:
            args = [_shortest(arg) if tag == "f" else arg for tag, arg in zip(tags, args, strict=True)]
        yield Message(message.address, tuple(args))


def write(out: Out) -> bytes:
    """An answer as a datagram."""
    word, args = out
    builder = OscMessageBuilder(PREFIX + word)
    for arg in args:
        builder.add_arg(_wire_text(arg) if isinstance(arg, str) else arg)
    return builder.build().dgram


def take_req(args: tuple[Any, ...], first_key: int) -> Asked:
    """Take the `req` key out of the key-value pairs that begin at `first_key`.

    Raises:
        UsageError: `req` has no value, or one that cannot be echoed.
    """
    for index in range(first_key, len(args), 2):
        if args[index] == REQ:
            value = args[index + 1] if index + 1 < len(args) else None
            if not isinstance(value, str | int | float) or value == "":
                raise UsageError("The key req needs a value: a text or a number.")
            return Asked((*args[:index], *args[index + 2 :]), value)
    return Asked(args)


def take_states(args: tuple[Any, ...]) -> tuple[frozenset[State], Asked]:
    """The states that a list is asked for, none for all of them, and the rest. A button's 1.0 is passed over.

    Raises:
        UsageError: there is no such state.
    """
    first_key = args.index(REQ) if REQ in args else len(args)
    words = [arg for arg in args[:first_key] if isinstance(arg, str)]
    unknown = sorted(set(words) - set(State))
    if unknown:
        raise UsageError(f"There is no state {unknown[0]!r}.", f"Known are {', '.join(State)}.")
    return frozenset(map(State, words)), take_req(args, first_key)


def params_of(args: tuple[Any, ...]) -> dict[str, Value]:
    """Key-value pairs as parameters.

    Raises:
        UsageError: a key has no value, or one of a type that is not taken.
    """
    if len(args) % 2:
        raise UsageError(f"The key {args[-1]!r} has no value.", "Send keys and values in pairs.")
    return {_key(key): checked_value(key, value) for key, value in zip(args[::2], args[1::2], strict=True)}


def checked_value(key: object, value: object) -> Value:
    """The value of a parameter: text, number, truth value, nothing, or a list of these.

    Raises:
        UsageError: it is of another type, or not a number.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"The value of {key} is not a number.", "Send a number, or leave the key out.")
    if isinstance(value, list):
        return [checked_value(key, item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise UsageError(f"The value of {key} is of a type that is not taken.", "Send a text or a number.")


def accepted(send: SendView) -> Out:
    return "accepted", (send.id, send.operation, _path_text(send.clip))


def state_of(send: SendView) -> Out:
    return "state", (send.id, send.state.value, float(send.progress), cut(send.text))


def error(sentence: str) -> Out:
    return "error", (cut(sentence),)


def told_of(event: Event) -> Iterable[Out]:
    """What listeners hear of an event."""
    send, returned = event.send, event.returned
    if returned is not None:
        where = (str(returned.path), returned.position_samples, returned.sample_rate_hz)
        yield "return", (send.id, returned.take, returned.kind.value, returned.name, *where)
        return
    yield state_of(send)
    if send.state is State.DONE:
        yield "done", (send.id, _path_text(send.folder), len(send.returns))
    elif send.state is State.FAILED:
        yield "failed", (send.id, cut(send.text))


def cut(text: str) -> str:
    """A text of at most `TEXT_BYTES` bytes."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= TEXT_BYTES:
        return text
    return encoded[: TEXT_BYTES - 3].decode("utf-8", "ignore") + "…"


def service_and_session(params: Mapping[str, Value]) -> tuple[str | None, str | None, dict[str, Value]]:
    """The service and the session that a message names, and the other parameters."""
    rest = dict(params)
    service, session = rest.pop("service", None), rest.pop("session", None)
    return _text_or_none(service), _text_or_none(session), rest


def _text_or_none(value: Value) -> str | None:
    return None if value in (None, "") else str(value)


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise UsageError(f"{key!r} stands where the name of a parameter is expected.", "Send keys and values in pairs.")
    return key


def _path_text(path: Path | None) -> str:
    return "" if path is None else str(path)


def _wire_text(text: str) -> str:
    """Text without NUL (which would end it) and without half characters (from file names that are no UTF-8)."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _shortest(value: float) -> float:
    """The shortest decimal that is this 32-bit float: 0.7 arrives as 0.699999988079071 and is 0.7 again."""
    if not math.isfinite(value):
        return value
    packed = struct.pack(">f", value)
    for digits in range(6, 9):
        short = float(f"{value:.{digits}g}")
        if struct.pack(">f", short) == packed:
            return short
    return value
