"""What a DAW bridge owes the daemon.

A bridge is a folder `sendreturn_bridges/daws/<name>/` with a manifest `bridge.toml` and the files that the user
installs in the DAW; everything known about the DAW lives there. The DAW's side stays thin: it says what is selected,
and places what comes back. The daemon cuts, sends, waits and keeps what was not placed yet.

Most DAWs talk through a mailbox of files (`mailbox.py`), which needs nothing but reading, writing and renaming. A DAW
that speaks OSC, HTTP or gRPC has a `bridge.py` with `open_link(setup: LinkSetup) -> Link` beside its manifest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from sendreturn.daws.selection import Selection

System = Literal["linux", "darwin", "win32"]


@dataclass(frozen=True)
class Capabilities:
    """What works in the DAW, as its manifest declares it.

    Attributes:
        exact_range: It tells source files and samples, so that the daemon cuts the audible range itself.
        render: It can render where a cut would be wrong.
        place_audio, place_midi: It puts returns onto tracks by itself.
        lanes: Takes of one send lie as lanes of one track.
        tempo_out: It tells tempo and meter.
        progress: It shows how a send stands.
    """

    exact_range: bool = False
    render: bool = False
    place_audio: bool = False
    place_midi: bool = False
    lanes: bool = False
    tempo_out: bool = False
    progress: bool = False


@dataclass(frozen=True)
class InstallFile:
    """A file that the user's DAW reads.

    Attributes:
        source: Its name in the bridge's folder.
        targets: Where it goes, by system (`sys.platform`); `~` and `%APPDATA%` are expanded, `$NAME` and
            `${NAME:-default}` stand for the environment.
        filled: Whether `@MAILBOX@`, `@VERSION@` and `@OSC_PORT@` in it are replaced, and a line `--@include <path>` by
            that file of the bridges.
    """

    source: str
    targets: Mapping[str, str]
    filled: bool = False


@dataclass(frozen=True)
class DawManifest:
    """`bridge.toml`, read.

    Attributes:
        transport: "mailbox", or what its own `bridge.py` speaks; "none" for recipes without a part inside the DAW;
            "surface" for control surfaces, which speak OSC like anyone.
        files: What `bridge install` puts where the DAW looks for it.
        clicks: What the user does once after that, in order, as sentences.
        recipe: The file of the bridge's folder that says how to work with this DAW, one page.
    """

    name: str
    title: str
    about: str
    transport: str = "mailbox"
    capabilities: Capabilities = field(default_factory=Capabilities)
    files: tuple[InstallFile, ...] = ()
    clicks: tuple[str, ...] = ()
    recipe: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_link(self) -> bool:
        """Whether the daemon speaks with something of ours inside it."""
        return self.transport not in ("none", "surface")


@dataclass(frozen=True)
class Note:
    """Something that a DAW is told of a send of its own.

    Attributes:
        kind: "accepted", "state", "done", "failed" or "error".
        session: The session as the DAW named it; "" for one that is not saved.
        request: The DAW's name of the request; "" where there was none.
        send_id: "" for what never became a send.
        progress: From 0 to 1.
    """

    kind: str
    session: str
    request: str = ""
    send_id: str = ""
    state: str = ""
    progress: float = 0.0
    text: str = ""


@dataclass(frozen=True)
class PlacedFile:
    """One return, and where it goes.

    Attributes:
        path: Absolute.
        name: For the track.
        position_samples: Where its first audible sample goes, at the placement's rate.
        offset_samples: How much of the file's beginning is not shown, at its own rate: context that was sent along.
        length_samples: How much of it is shown, at its own rate; None for all that follows the offset.
        gain: What the source was played with in the DAW, so that the return sounds as loud.
        color: "#rrggbb".
        size_bytes: What the file has when it is whole; None where that is not known.
    """

    path: Path
    kind: str
    take: int
    stem: str | None
    name: str
    position_samples: int
    offset_samples: int = 0
    length_samples: int | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None
    gain: float = 1.0
    color: str = "#808080"
    checks: tuple[str, ...] = ()
    size_bytes: int | None = None


@dataclass(frozen=True)
class Placement:
    """All that is to be placed for one send, in one undo step.

    Attributes:
        rate_hz: The session's rate, in whose samples the positions are.
        track: Where the clip came from.
    """

    send_id: str
    request: str
    session: str
    operation: str
    title: str
    rate_hz: int
    files: tuple[PlacedFile, ...]
    bpm: float | None = None
    time_signature: str | None = None
    track: str = ""


@dataclass(frozen=True)
class Press:
    """A wish from outside of a DAW, such as a control surface's: send what is selected in it.

    Attributes:
        operation: An operation or a preset.
        params: Contract 2's names; they go before what the DAW's side would say itself.
        request: The selection comes back under this name (`press_request`).
    """

    operation: str
    params: Mapping[str, object]
    request: str


def press_request(way: str, key: str) -> str:
    """The name of a press that came a way under a key, made fit for a file: DAWs name what they render after it."""
    return f"{way}-{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:20]}"


class DawDesk(Protocol):
    """What a link may ask of the daemon. Every call is quick and durable; none raises for what a user did."""

    def send(self, daw: str, selection: Selection) -> Note:
        """Take a selection as a send: "accepted", or "error" with a sentence. The same request is the same send."""
        ...

    def refused(self, daw: str, request: str, sentence: str) -> None:
        """A press came to nothing: nobody has taken it, or nothing that can be sent is selected."""
        ...

    def act(self, daw: str, word: str, send_id: str) -> Note:
        """`cancel`, `retry` or `approve` a send."""
        ...

    def placed(self, daw: str, send_id: str) -> None:
        """The DAW has placed the send's returns: they are not offered again."""
        ...

    def opened(self, daw: str, session: str) -> None:
        """A session is open now: what is ready for it and not placed yet is offered."""
        ...

    def adopt(self, daw: str, session: str, since: str) -> None:
        """For a DAW that cannot say what is selected: the returns of all sends of a session, named by its folder, are
        its own to place, whatever way they came, where they were made after `since` (UTC, ISO 8601). `opened` then
        offers them."""
        ...


class Link(Protocol):
    """The daemon's side of a DAW. Notes may be lost, placements may not: they are offered until they are placed."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def tell(self, note: Note) -> None: ...

    def offer(self, placement: Placement) -> None:
        """Have it placed, now or when its session is open; offering the same send again changes nothing."""
        ...

    def press(self, press: Press) -> None:
        """Have what is selected sent, at most once. It comes by `DawDesk.send` with the press's request and its
        parameters merged over the DAW's own, or `DawDesk.refused` says why not.

        Raises:
            UsageError: it cannot be pressed now.
        """
        ...

    async def ping(self, timeout_s: float) -> str | None:
        """What the DAW answers (its name and version), or None where nothing answers."""
        ...


@dataclass(frozen=True)
class LinkSetup:
    """What a link is opened with.

    Attributes:
        folder: The bridge's own folder in the state folder; the mailbox lies in it.
        options: The bridge's settings.
        tell: Hears what is wrong, as a sentence by topic, or None where it is well again.
        sessions: The session folders that the daemon knows.
    """

    manifest: DawManifest
    folder: Path
    desk: DawDesk
    version: str
    options: Mapping[str, Any] = field(default_factory=dict)
    tell: Callable[[str, str | None], None] = lambda _topic, _sentence: None
    sessions: Callable[[], Sequence[Path]] = tuple
