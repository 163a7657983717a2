"""A running Bitwig Studio, as far as our controller script can tell: the real script in a real JavaScript engine.

What the script asks for happens with the next tick, and is seen the tick after; a file takes longer. OSC goes through
real sockets of this machine.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import quickjs
from bitwig_api import IN_INIT_ONLY, Value, WrongCallError, check_call
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

TICK_MS = 100
FILE_TICKS = 3
SETTINGS_MS = 300
AUDIO, NOTES = (".wav", ".flac", ".aif", ".mp3"), (".mid",)
PRELUDE = """
var functions = [];
function wrapped(value) {
  if (typeof value === "function") return { f: functions.push(value) - 1 };
  if (value && value.__handle !== undefined) return { h: value.__handle };
  return Array.isArray(value) ? { l: value } : { v: value === undefined ? null : value };
}
function unwrapped(answer) {
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer.h === undefined ? answer.v : object(answer.h);
}
function object(handle) {
  return new Proxy({}, { get: function (_, name) {
    if (name === "__handle") return handle;
    return function () {
      return unwrapped(JSON.parse(__call(handle, name, JSON.stringify(Array.from(arguments, wrapped)))));
    };
  } });
}
function __invoke(index, args) { functions[index].apply(null, JSON.parse(args).map(unwrapped)); }
var host = object(0);
var loadAPI = host.loadAPI, println = host.println;
"""


@dataclass
class Track:
    name: str
    type: str = "Audio"
    color: tuple[float, float, float] = (0.5, 0.5, 0.5)
    clip: str | None = None


@dataclass
class Song:
    """A project of Bitwig's. `settings` are what scripts keep in it, by label."""

    name: str
    tracks: list[Track] = field(default_factory=lambda: [Track("Drums", "Instrument"), Track("Gtr", clip="riff.wav")])
    settings: dict[str, str] = field(default_factory=dict)
    scenes: int = 8
    bpm: float = 120.0
    signature: tuple[int, int] = (4, 4)

    def copy(self) -> Song:
        """What a file holds, once it was saved."""
        tracks = [Track(track.name, track.type, track.color, track.clip) for track in self.tracks]
        return Song(self.name, tracks, dict(self.settings), self.scenes, self.bpm, self.signature)


class Bitwig:
    """One run of Bitwig Studio with our script.

    Attributes:
        popups, console: What the user was shown.
        wrong: Calls that Bitwig refuses.
        refuses: Files that it passes over without a word.
        selects_new: Whether a new track becomes the selected one.
        throws: Methods that throw something once.
        loses: Whether the next datagram is lost, in either direction.
    """

    def __init__(self, script: str, song: Song, version: str = "5.3.1") -> None:
        self.song, self.settings, self.version = song, song.settings, version
        self.selected: Track | None = song.tracks[-1] if song.tracks else None
        self.pinned: Track | None = None
        self.is_playing = self.is_recording = False
        self.popups: list[str] = []
        self.console: list[str] = []
        self.wrong: list[Exception] = []
        self.refuses: set[str] = set()
        self.throws: set[str] = set()
        self.selects_new = True
        self.loses: Callable[[], bool] = lambda: False
        self.now_ms = 0
        self.values: list[Value] = []
        self.sockets: list[socket.socket] = []
        self.buttons: dict[str, Callable[..., Any]] = {}
        self.server: OscServer | None = None
        self._later: list[tuple[int, Callable[..., Any]]] = []
        self._handles: list[Any] = []
        self._is_init = False
        self._js = quickjs.Context()
        self._js.add_callable("__call", self._called)
        self._handle(ControllerHost(self))
        self._js.eval(PRELUDE)
        self._js.eval(script)
        self._is_init = True
        self._js.eval("init()")
        self._is_init = False
        for value in self.values:
            value.deliver(first=True)

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.now_ms += TICK_MS
            if self.server is not None:
                self.server.take()
            due = [work for at, work in self._later if at <= self.now_ms]
            self._later = [(at, work) for at, work in self._later if at > self.now_ms]
            for work in due:
                work()
            for value in self.values:
                value.deliver()

    def later(self, work: Callable[..., Any], ms: int = TICK_MS) -> None:
        self._later.append((self.now_ms + ms, work))

    def press(self, label: str) -> None:
        """Click a button of the Studio I/O panel."""
        self.buttons[label]()

    def open(self, song: Song) -> None:
        """Bring another project to the front; its settings come a little later."""
        self.song = song
        self.selected = song.tracks[-1] if song.tracks else None
        self.pinned = None
        self.later(lambda: setattr(self, "settings", song.settings), SETTINGS_MS)

    def quit(self) -> None:
        self._js.eval("exit()")
        for found in self.sockets:
            found.close()
        self._later.clear()

    @property
    def cursor(self) -> Track | None:
        return self.pinned or self.selected

    # The bridge between the two languages

    def _called(self, handle: float, method: str, text: str) -> str:
        target = self._handles[int(handle)]
        try:
            args = [self._unwrapped(arg) for arg in json.loads(text)]
            check_call(target.KIND if hasattr(target, "KIND") else type(target).__name__, method, args)
            if method in self.throws:
                self.throws.remove(method)
                raise OSError(0, "NullPointerException")
            if method in IN_INIT_ONLY and not self._is_init:
                raise WrongCallError(f"{method} was called after init()")
            return json.dumps(self._wrapped(getattr(target, method)(*args)))
        except OSError as error:  # what Java throws, and a script may catch
            return json.dumps({"error": f"java.io.IOException: {error.strerror}"})
        except Exception as error:  # an exception may not pass through the engine
            self.wrong.append(error)
            return json.dumps({"error": str(error)})

    def _unwrapped(self, arg: dict[str, Any]) -> Any:
        if "f" in arg:
            index = arg["f"]
            return lambda *args: self._invoke(index, args)
        if "h" in arg:
            return self._handles[arg["h"]]
        return arg["l"] if "l" in arg else arg["v"]

    def _invoke(self, index: int, args: tuple[Any, ...]) -> None:
        wrapped = json.dumps([self._wrapped(arg) for arg in args])
        try:
            self._js.get("__invoke")(index, wrapped)
        except quickjs.JSException as error:
            self.wrong.append(error)

    def _wrapped(self, value: Any) -> dict[str, Any]:
        if value is None or isinstance(value, str | int | float | bool):
            return {"v": value}
        return {"h": self._handle(value)}

    def _handle(self, value: Any) -> int:
        if isinstance(value, Value) and value not in self.values:
            self.values.append(value)
        if value not in self._handles:
            self._handles.append(value)
        return self._handles.index(value)


class _Part:
    """Something that Bitwig hands to a script."""

    def __init__(self, bitwig: Bitwig) -> None:
        self._bitwig = bitwig
        self._kept: dict[str, Any] = {}

    def _value(self, name: str, read: Callable[[], Any], write: Callable[[Any], None] | None = None) -> Any:
        """The same value each time; what is set comes true with the next tick."""

        def late(value: Any) -> None:
            assert write is not None
            self._bitwig.later(lambda: write(value))

        return self._keep(name, lambda: Value(read, late if write else None))

    def _keep(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]


class ControllerHost(_Part):
    def loadAPI(self, version: int) -> None:  # noqa: N802
        assert version <= 13

    def defineController(self, *texts: str) -> None: ...  # noqa: N802

    def defineMidiPorts(self, ins: int, outs: int) -> None: ...  # noqa: N802

    def createApplication(self) -> Application:  # noqa: N802
        return Application(self._bitwig)

    def getProject(self) -> Project:  # noqa: N802
        return Project(self._bitwig)

    def createTransport(self) -> Transport:  # noqa: N802
        return Transport(self._bitwig)

    def createTrackBank(self, tracks: int, sends: int, scenes: int, is_flat: bool) -> Bank:  # noqa: N802
        return Bank(self._bitwig, lambda: len(self._bitwig.song.tracks), [])

    def createSceneBank(self, count: int) -> Bank:  # noqa: N802
        return Bank(self._bitwig, lambda: self._bitwig.song.scenes, [])

    def createCursorTrack(self, name: str, title: str, sends: int, scenes: int, follows: bool) -> CursorTrack:  # noqa: N802
        assert follows
        return CursorTrack(self._bitwig)

    def getDocumentState(self) -> DocumentState:  # noqa: N802
        return DocumentState(self._bitwig)

    def getOscModule(self) -> OscModule:  # noqa: N802
        return OscModule(self._bitwig)

    def scheduleTask(self, work: Callable[..., Any], ms: int) -> None:  # noqa: N802
        self._bitwig.later(work, ms)

    def showPopupNotification(self, text: str) -> None:  # noqa: N802
        self._bitwig.popups.append(text)

    def println(self, text: str) -> None:
        self._bitwig.console.append(text)

    def getHostVersion(self) -> str:  # noqa: N802
        return self._bitwig.version


class Application(_Part):
    def projectName(self) -> Value:  # noqa: N802
        value: Value = self._value("name", lambda: self._bitwig.song.name)
        return value

    def createAudioTrack(self, position: int) -> None:  # noqa: N802
        self._create(Track("Audio", "Audio"))

    def createInstrumentTrack(self, position: int) -> None:  # noqa: N802
        self._create(Track("Inst", "Instrument"))

    def _create(self, track: Track) -> None:
        def create() -> None:
            self._bitwig.song.tracks.append(track)
            if self._bitwig.selects_new:
                self._bitwig.selected = track

        self._bitwig.later(create)


class Project(_Part):
    def createScene(self) -> None:  # noqa: N802
        self._bitwig.song.scenes += 1


class Transport(_Part):
    def tempo(self) -> Parameter:
        tempo: Parameter = self._keep("tempo", lambda: Parameter(self._bitwig))
        return tempo

    def timeSignature(self) -> TimeSignatureValue:  # noqa: N802
        signature: TimeSignatureValue = self._keep("signature", lambda: TimeSignatureValue(self._bitwig))
        return signature

    def isPlaying(self) -> Value:  # noqa: N802
        value: Value = self._value("playing", lambda: self._bitwig.is_playing)
        return value

    def isArrangerRecordEnabled(self) -> Value:  # noqa: N802
        value: Value = self._value("recording", lambda: self._bitwig.is_recording)
        return value


class Parameter(_Part):
    def value(self) -> Value:
        value: Value = self._value("value", lambda: self._bitwig.song.bpm)
        return value


class TimeSignatureValue(_Part):
    """Of which scripts may only mark the parts."""

    def numerator(self) -> Value:
        value: Value = self._value("numerator", lambda: self._bitwig.song.signature[0])
        return value

    def denominator(self) -> Value:
        value: Value = self._value("denominator", lambda: self._bitwig.song.signature[1])
        return value


class Bank(_Part):
    def __init__(self, bitwig: Bitwig, count: Callable[[], int], items: list[Any]) -> None:
        super().__init__(bitwig)
        self._count, self._items = count, items

    def itemCount(self) -> Value:  # noqa: N802
        value: Value = self._value("count", self._count)
        return value

    def getItemAt(self, index: int) -> Any:  # noqa: N802
        return self._items[index]


class CursorTrack(_Part):
    """A cursor that follows the selection until it is pinned."""

    def clipLauncherSlotBank(self) -> Bank:  # noqa: N802
        bank: Bank = self._keep("slots", lambda: Bank(self._bitwig, lambda: 1, [ClipLauncherSlot(self._bitwig)]))
        return bank

    def exists(self) -> Value:
        value: Value = self._value("exists", lambda: self._bitwig.cursor is not None)
        return value

    def name(self) -> Value:
        value: Value = self._value("name", lambda: self._at.name, lambda name: setattr(self._at, "name", name))
        return value

    def position(self) -> Value:
        tracks = self._bitwig.song.tracks
        value: Value = self._value(
            "position", lambda: next((i for i, t in enumerate(self._bitwig.song.tracks) if t is self._at), len(tracks))
        )
        return value

    def trackType(self) -> Value:  # noqa: N802
        value: Value = self._value("type", lambda: self._at.type)
        return value

    def isPinned(self) -> Value:  # noqa: N802
        def pin(is_pinned: bool) -> None:
            self._bitwig.pinned = self._bitwig.selected if is_pinned else None

        value: Value = self._value("pinned", lambda: self._bitwig.pinned is not None, pin)
        return value

    def color(self) -> ColorValue:
        return ColorValue(self._bitwig)

    @property
    def _at(self) -> Track:
        return self._bitwig.cursor or Track("", "")


class ColorValue(_Part):
    def set(self, *rgb: float) -> None:
        track = self._bitwig.cursor
        assert track is not None
        self._bitwig.later(lambda: setattr(track, "color", rgb))


class ClipLauncherSlot(_Part):
    def hasContent(self) -> Value:  # noqa: N802
        value: Value = self._value("content", lambda: bool(self._bitwig.cursor and self._bitwig.cursor.clip))
        return value

    def replaceInsertionPoint(self) -> InsertionPoint:  # noqa: N802
        assert self._bitwig.cursor is not None
        return InsertionPoint(self._bitwig, self._bitwig.cursor)


class InsertionPoint(_Part):
    def __init__(self, bitwig: Bitwig, track: Track) -> None:
        super().__init__(bitwig)
        self._track = track

    def insertFile(self, path: str) -> None:  # noqa: N802
        """What cannot be inserted is passed over without a word."""
        fits = path.endswith(AUDIO if self._track.type == "Audio" else NOTES)
        if fits and Path(path).is_file() and path not in self._bitwig.refuses and self._bitwig.song.scenes:
            self._bitwig.later(lambda: setattr(self._track, "clip", path), FILE_TICKS * TICK_MS)


class DocumentState(_Part):
    def getSignalSetting(self, label: str, category: str, action: str) -> Signal:  # noqa: N802
        return Signal(self._bitwig, action)

    def getEnumSetting(self, label: str, category: str, options: list[str], initial: str) -> Value:  # noqa: N802
        return self._setting(label, initial)

    def getStringSetting(self, label: str, category: str, chars: int, initial: str) -> Value:  # noqa: N802
        return self._setting(label, initial)

    def _setting(self, label: str, initial: str) -> Value:
        def write(value: str) -> None:
            self._bitwig.settings[label] = value

        value: Value = self._value(label, lambda: self._bitwig.settings.get(label, initial), write)
        return value


class Signal(_Part):
    def __init__(self, bitwig: Bitwig, action: str) -> None:
        super().__init__(bitwig)
        self._action = action

    def addSignalObserver(self, observer: Callable[..., Any]) -> None:  # noqa: N802
        self._bitwig.buttons[self._action] = observer


class OscModule(_Part):
    def createAddressSpace(self) -> OscAddressSpace:  # noqa: N802
        return OscAddressSpace(self._bitwig)

    def createUdpServer(self, space: OscAddressSpace) -> OscServer:  # noqa: N802
        self._bitwig.server = OscServer(self._bitwig, space)
        return self._bitwig.server

    def connectToUdpServer(self, host: str, port: int, space: OscAddressSpace) -> OscConnection:  # noqa: N802
        return OscConnection(self._bitwig, (host, int(port)))


class OscAddressSpace(_Part):
    def __init__(self, bitwig: Bitwig) -> None:
        super().__init__(bitwig)
        self.default: Callable[..., Any] = lambda *_: None

    def setName(self, name: str) -> None: ...  # noqa: N802

    def registerDefaultMethod(self, callback: Callable[..., Any]) -> None:  # noqa: N802
        self.default = callback


class OscServer(_Part):
    def __init__(self, bitwig: Bitwig, space: OscAddressSpace) -> None:
        super().__init__(bitwig)
        self._space = space
        self._socket: socket.socket | None = None

    def start(self, port: int) -> None:
        found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            found.bind(("127.0.0.1", int(port)))
        except OSError:
            found.close()
            raise
        found.setblocking(False)
        self._socket = found
        self._bitwig.sockets.append(found)

    def take(self) -> None:
        while self._socket is not None:
            try:
                packet = self._socket.recv(65536)
            except BlockingIOError:
                return
            if self._bitwig.loses():
                continue
            for _, message in OscPacket(packet).messages:
                self._space.default(None, OscMessage(self._bitwig, message.address, message.params))


class OscConnection(_Part):
    def __init__(self, bitwig: Bitwig, to: tuple[str, int]) -> None:
        super().__init__(bitwig)
        self._to = to
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bitwig.sockets.append(self._socket)

    def sendMessage(self, address: str, *args: Any) -> None:  # noqa: N802
        builder = OscMessageBuilder(address)
        for arg in args:
            builder.add_arg(arg)
        if not self._bitwig.loses():
            self._socket.sendto(builder.build().dgram, self._to)


class OscMessage(_Part):
    def __init__(self, bitwig: Bitwig, address: str, args: list[Any]) -> None:
        super().__init__(bitwig)
        self._address, self._args = address, args

    def getAddressPattern(self) -> str:  # noqa: N802
        return self._address

    def getString(self, index: int) -> str | None:  # noqa: N802
        return self._typed(index, str)

    def getInt(self, index: int) -> int | None:  # noqa: N802
        return self._typed(index, int)

    def _typed(self, index: int, wanted: type[Any]) -> Any:
        """Java throws where it is of another type, and where there is none."""
        if index >= len(self._args) or not isinstance(self._args[index], wanted):
            raise OSError(0, "ClassCastException")
        return self._args[index]
