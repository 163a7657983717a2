"""A gRPC server that answers as Pro Tools does, made from the protobuf of py-ptsl.

Every request is read strictly by that protobuf: a field or a word that it does not know is noted in `misuses`, and so
is an answer of our own that does not fit it. What a test wants to go wrong is put into `faults`.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import soundfile
from google.protobuf import json_format
from protools_session import CHANNELS, Clip, Session, Track
from ptsl import PTSL_pb2 as pt
from ptsl import PTSL_pb2_grpc

BASE, MODERN, MENU = (1, 0, 0), (2025, 6, 0), (2025, 10, 0)
SINCE = {
    "ImportAudioToClipList": MODERN,
    "SpotClipsByID": MODERN,
    "GetEditSelection": MODERN,
    "SubscribeToEvents": MODERN,
    "PollEvents": MODERN,
    "BounceTrack": MODERN,
    "InstallMenuHandler": MENU,
    "UninstallMenuHandler": MENU,
    "SetTrackColor": MENU,
    "GetColorPalette": MENU,
    "DeleteTracks": MENU,
}
"""The version that each command came with; the others were always there."""
NEEDS_NO_SESSION = {
    "HostReadyCheck",
    "RegisterConnection",
    "GetPTSLVersion",
    "SubscribeToEvents",
    "InstallMenuHandler",
    "UninstallMenuHandler",
}
PALETTE = ["#ff5b8def", "#ffe8710a", "#ffd93025", "#ff8430ce", "#ff80868b"]


class Refusal(Exception):  # noqa: N818
    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass
class Fault:
    """What goes wrong with a command, so many times.

    Attributes:
        refuse: An error's name: nothing is done.
        quits: "before" or "after" it is done: no answer comes.
        hangs: It is done, and answered when `release` is called.
        late: It is done when `release` is called, and nothing else before.
        after: How often it goes well before.
    """

    command: str
    refuse: str = ""
    quits: str = ""
    hangs: bool = False
    late: bool = False
    times: int = 1
    after: int = 0


@dataclass
class ProTools:
    """One Pro Tools on a port of its own. `start` it and `quit` it as often as is wanted."""

    session: Session | None = None
    version: tuple[int, int, int] = MENU
    spells: Callable[[Path], str] = str
    folder_ends: str = "/"
    faults: list[Fault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    misuses: list[str] = field(default_factory=list)
    menu: dict[str, str] = field(default_factory=dict)
    after_crash: Callable[[], Session | None] | None = None
    """The session that is open after it has quit in a call; the same one where none is given."""
    then: dict[str, Callable[[Session], object]] = field(default_factory=dict)
    """What the user does, once, right after a command."""
    lag: int = 0
    """How many looks at the tracks it takes until a new one is there."""
    port: int = 0
    host_ready: bool = True
    tells_no_track_ids: bool = False

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self.listeners: list[queue.SimpleQueue[dict[str, Any] | None]] = []
        self._released = threading.Event()
        self._runs = 0
        self._server: grpc.Server | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> ProTools:
        self._released.clear()
        self._pool = ThreadPoolExecutor(8)
        self._server = grpc.server(self._pool, options=[("grpc.so_reuseport", 0)])
        PTSL_pb2_grpc.add_PTSLServicer_to_server(_Servicer(self), self._server)
        self.port = self._server.add_insecure_port(self.address)
        self._server.start()
        return self

    def quit(self) -> None:
        """As when Pro Tools is quit, or crashes."""
        if self._server is None:
            return
        self.release()
        for listener in self.listeners:
            listener.put(None)
        self._server.stop(0).wait()
        self._pool.shutdown()
        self._server = None
        self._runs += 1  # whoever was registered is not any more
        self.menu.clear()

    def release(self) -> None:
        """Answer what hangs."""
        self._released.set()

    def click(self, label: str) -> None:
        """Choose one of our items in the menu."""
        with self._lock:
            item = next(item for item, shown in self.menu.items() if shown == f"sendreturn: {label}")
        self.say("EId_MenuItemSelected", {"menu_item_id": item})

    def open(self, session: Session | None) -> None:
        """Open another session, or close this one."""
        with self._lock:
            self.session = session
        self.say("EId_SessionOpened" if session else "EId_SessionClosed", {})

    def say(self, event: str, data: dict[str, Any]) -> None:
        for listener in list(self.listeners):
            listener.put({"event": {"event_id": event, "event_data_json": json.dumps(data)}})

    def until(self, is_so: Callable[[ProTools], object], timeout_s: float = 20.0) -> None:
        """Wait until something has been called that makes it so."""
        with self._changed:
            assert self._changed.wait_for(lambda: is_so(self), timeout_s), f"it never came to that; {self.calls[-20:]}"

    # Answering

    def answer(self, request: Any, context: grpc.ServicerContext) -> Any:
        command = pt.CommandId.Name(request.header.command).removeprefix("CId_")
        fault = self._fault(command)
        if fault is not None and fault.quits == "before":
            self._crash(context)
        try:
            if fault is not None and fault.refuse:
                raise Refusal(fault.refuse, f"{command} cannot be done")
            with self._lock:
                if fault is not None and fault.late:
                    self._released.wait(30)
                body = self._done(command, request)
        except Refusal as refusal:
            return _failed(refusal.kind, str(refusal))
        finally:
            with self._changed:
                self.calls.append(command)
                self._changed.notify_all()
        if fault is not None and fault.quits == "after":
            self._crash(context)
        if fault is not None and fault.hangs:
            self._released.wait(30)
        return pt.Response(header=pt.ResponseHeader(status=pt.Completed), response_body_json=json.dumps(body))

    def listen(self, context: grpc.ServicerContext) -> Iterator[Any]:
        mine: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        context.add_callback(lambda: mine.put(None))
        with self._changed:
            self.listeners.append(mine)
            self._changed.notify_all()
        while (body := mine.get()) is not None:
            yield pt.Response(header=pt.ResponseHeader(status=pt.InProgress), response_body_json=json.dumps(body))
        with self._lock:
            self.listeners.remove(mine)

    def _done(self, command: str, request: Any) -> dict[str, Any]:
        body = self._read(command, request.request_body_json)
        with self._lock:
            if SINCE.get(command, BASE) > self.version:
                raise Refusal("PT_UnsupportedCommand", f"{command} is not supported")
            if command not in ("HostReadyCheck", "RegisterConnection") and request.header.session_id != self.run:
                raise Refusal("SDK_SessionIdParseError", "not registered")
            if self.session is None and command not in NEEDS_NO_SESSION:
                raise Refusal("PT_NoOpenedSession", "no session is open")
            try:
                answered: dict[str, Any] = getattr(_Commands(self), command)(body)
            except (AssertionError, LookupError, StopIteration, ValueError) as error:
                self.misuses.append(f"{command}: {error!r} at {body}")
                raise Refusal("PT_InvalidParameter", repr(error)) from error
            if self.session is not None and command in self.then:
                self.then.pop(command)(self.session)
        self._check_answer(command, answered)
        return answered

    @property
    def run(self) -> str:
        return f"run {self._runs}"

    def new_run(self) -> str:
        self._runs += 1
        return self.run

    def _read(self, command: str, text: str) -> Any:
        kind = getattr(pt, f"{command}RequestBody", None)
        if kind is None:
            return None
        try:
            return json_format.Parse(text or "{}", kind())
        except json_format.ParseError as error:
            self.misuses.append(f"{command}: {error}")
            raise Refusal("PT_InvalidParameter", str(error)) from error

    def _check_answer(self, command: str, body: dict[str, Any]) -> None:
        kind = getattr(pt, f"{command}ResponseBody", None)
        try:
            if kind is not None:
                json_format.ParseDict(body, kind())
        except json_format.ParseError as error:
            self.misuses.append(f"answer to {command}: {error}")

    def _fault(self, command: str) -> Fault | None:
        with self._lock:
            fault = next((fault for fault in self.faults if fault.command == command and fault.times > 0), None)
            if fault is None:
                return None
            if fault.after > 0:
                fault.after -= 1
                return None
            fault.times -= 1
            return fault

    def _crash(self, context: grpc.ServicerContext) -> None:
        """Everybody who listens hears nothing any more."""
        with self._lock:
            for listener in self.listeners:
                listener.put(None)
            if self.after_crash is not None:
                self.session = self.after_crash()
        context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")


class _Servicer(PTSL_pb2_grpc.PTSLServicer):
    def __init__(self, host: ProTools) -> None:
        self._host = host

    def SendGrpcRequest(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        return self._host.answer(request, context)

    def SendGrpcStreamingRequest(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        if SINCE["PollEvents"] > self._host.version:
            yield _failed("PT_UnsupportedCommand", "PollEvents is not supported")
            return
        if request.header.session_id != self._host.run:
            yield _failed("SDK_SessionIdParseError", "not registered")
            return
        yield from self._host.listen(context)


def _failed(kind: str, message: str) -> Any:
    error = {"command_error_type": kind, "command_error_message": message, "is_warning": False}
    return pt.Response(header=pt.ResponseHeader(status=pt.Failed), response_error_json=json.dumps({"errors": [error]}))


class _Commands:
    """What each command does. The host's lock is held."""

    def __init__(self, host: ProTools) -> None:
        self._host = host

    @property
    def _session(self) -> Session:
        assert self._host.session is not None
        return self._host.session

    def HostReadyCheck(self, _: Any) -> dict[str, Any]:  # noqa: N802
        return {"is_host_ready": self._host.host_ready}

    def RegisterConnection(self, body: Any) -> dict[str, Any]:  # noqa: N802
        assert body.company_name
        assert body.application_name
        return {"session_id": self._host.new_run()}

    def GetPTSLVersion(self, _: Any) -> dict[str, Any]:  # noqa: N802
        return dict(zip(("version", "version_minor", "version_revision"), self._host.version, strict=True))

    def GetSessionPath(self, _: Any) -> dict[str, Any]:  # noqa: N802
        return {"session_path": {"path": self._host.spells(self._session.path), "info": {"is_online": True}}}

    def GetSessionSampleRate(self, _: Any) -> dict[str, Any]:  # noqa: N802
        return {"sample_rate": f"SR_{self._session.rate_hz}"}

    def GetSessionBitDepth(self, _: Any) -> dict[str, Any]:  # noqa: N802
        return {"current_setting": self._session.depth, "possible_settings": ["Bit16", "Bit24", "Bit32Float"]}

    def GetTransportState(self, _: Any) -> dict[str, Any]:  # noqa: N802
        return {"current_setting": self._session.transport}

    def GetTrackList(self, body: Any) -> dict[str, Any]:  # noqa: N802
        shown = [track for track in self._session.tracks if track.hidden_for <= 0]
        for track in self._session.tracks:
            track.hidden_for = max(track.hidden_for - 1, 0)
        rows = [self._track_row(number, track) for number, track in enumerate(shown, start=1)]
        first = body.pagination_request.offset
        return {"track_list": rows[first : first + body.pagination_request.limit]}

    def _track_row(self, number: int, track: Track) -> dict[str, Any]:
        selected = "SetExplicitly" if track.name in self._session.selected else "None"
        attributes = {"is_selected": selected, "contains_clips": bool(track.clips)}
        if self._host.version >= MODERN:
            attributes["has_edit_selection"] = selected
        return {
            "name": track.name,
            "type": track.type,
            "id": track.id,
            "index": number,
            "track_attributes": attributes,
        }

    def GetEditSelection(self, body: Any) -> dict[str, Any]:  # noqa: N802
        assert body.location_type == pt.TLType_Samples
        return self._range()

    def GetTimelineSelection(self, body: Any) -> dict[str, Any]:  # noqa: N802
        assert body.time_scale == pt.Samples
        return self._range()

    def _range(self) -> dict[str, Any]:
        start, end = self._session.range
        return {"in_time": str(start), "out_time": str(end)}

    def GetFileLocation(self, body: Any) -> dict[str, Any]:  # noqa: N802
        session = self._session
        by_filter = {
            pt.SelectedClipsTimeline: session.selected_clips(),
            pt.SelectedClipsClipsList: self._exported(),
        }
        found = by_filter[body.file_filters[0]]
        return {
            "file_locations": [
                {"path": str(clip.path), "info": {"is_online": clip.is_online}, "file_id": clip.ids[0]}
                for clip in found
            ]
        }

    def _exported(self) -> list[Clip]:
        in_list = self._session.in_clips_list
        return self._session.selected_clips() if in_list is None else in_list

    # Out

    def ExportClipsAsFiles(self, body: Any) -> dict[str, Any]:  # noqa: N802
        if not body.file_path.endswith(self._host.folder_ends):
            raise Refusal("PT_UnknownError", "an unknown error")
        folder = self._folder(body.file_path)
        clips = self._exported()
        if not clips:
            raise Refusal("PT_NoClipsFound", "no clips are selected")
        subtype = {pt.Bit24: "PCM_24", pt.Bit32Float: "FLOAT"}[body.bit_depth]
        for clip in clips:
            samples, rate = soundfile.read(clip.path, always_2d=True)
            soundfile.write(folder / f"{clip.name}.wav", samples, rate, subtype)
        return {}

    def BounceTrack(self, body: Any) -> dict[str, Any]:  # noqa: N802
        track = next(track for track in self._session.tracks if track.id == body.src_track_id)
        assert body.in_location.time_type == body.out_location.time_type == pt.TLType_Samples
        assert body.audio_info.sample_rate == self._session.rate_hz
        samples = track.audio(int(body.in_location.location), int(body.out_location.location))
        path = self._folder(body.location_info.directory) / f"{track.name}.wav"
        subtype = {pt.BDepth_24: "PCM_24", pt.BDepth_32Float: "FLOAT"}[body.audio_info.bit_depth]
        soundfile.write(path, samples, self._session.rate_hz, subtype)
        return {"file_paths": [str(path)]}

    def _folder(self, spelled: str) -> Path:
        path = Path("/", *spelled.split(":")[1:]) if self._host.folder_ends == ":" else Path(spelled)
        assert path.is_dir()
        return path

    # In

    def CreateNewTracks(self, body: Any) -> dict[str, Any]:  # noqa: N802
        assert body.number_of_tracks == 1
        assert body.track_type == pt.TT_Audio
        channels = CHANNELS[pt.TrackFormat.Name(body.track_format)]
        behind = body.insertion_point_track_name
        if behind and behind not in {track.name for track in self._session.tracks}:
            raise Refusal("PT_NoTrackFound", f"no track {behind}")
        track = self._session.add_track(body.track_name, channels=channels, behind=behind)
        self._session.undo.append(f"New track {track.name}")
        track.hidden_for = self._host.lag
        ids = [] if self._host.tells_no_track_ids else [track.id]
        return {"number_of_tracks": 1, "created_track_names": [track.name], "created_track_ids": ids}

    def ImportAudioToClipList(self, body: Any) -> dict[str, Any]:  # noqa: N802
        clip = self._imported(Path(body.file_list[0]), body.audio_operations)
        copy = {"file_id": clip.ids[0], "file_path": str(clip.path), "clip_id_list": clip.ids}
        return {"file_list": [{"original_input_path": body.file_list[0], "destination_file_list": [copy]}]}

    def _imported(self, path: Path, way: int) -> Clip:
        """A copy in the session's own folder. The way must fit the file's rate."""
        if not path.is_file():
            raise Refusal("PT_FileNotFound", f"{path} is not there")
        samples, rate = soundfile.read(path, always_2d=True)
        if (way == pt.CopyAudio) != (rate == self._session.rate_hz):
            raise Refusal("PT_UnknownError", "No audio files were imported")
        self._session.media.mkdir(exist_ok=True)
        copy = self._session.media / path.name
        soundfile.write(copy, samples, self._session.rate_hz, "PCM_24")
        return self._session.add_clip(copy)

    def SpotClipsByID(self, body: Any) -> dict[str, Any]:  # noqa: N802
        location = body.dst_location_data.location
        if not location.location:
            raise Refusal("PT_UnknownError", "location")
        assert location.time_type == pt.TLType_Samples
        track = next((track for track in self._session.tracks if track.id == body.dst_track_id), None)
        clip = next((clip for clip in self._session.clips if clip.ids == list(body.src_clips)), None)
        if track is None or clip is None:
            raise Refusal("PT_NoTrackFound" if track is None else "PT_NoClipsFound", "it is not there")
        if len(clip.ids) != track.channels:
            raise Refusal("PT_InvalidParameter", "the clip does not fit the track")
        track.clips.append((clip, int(location.location)))
        self._session.undo.append(f"Spot {clip.name}")
        return {}

    def Import(self, body: Any) -> dict[str, Any]:  # noqa: N802
        data = body.audio_data
        assert body.import_type == pt.Audio
        assert data.audio_destination == pt.MD_NewTrack
        assert data.audio_location == pt.ML_Spot
        assert data.location_data.location_options == pt.Samples
        clip = self._imported(Path(data.file_list[0]), data.audio_operations)
        track = self._session.add_track(clip.name, channels=len(clip.ids))
        track.clips.append((clip, int(data.location_data.location_value)))
        track.hidden_for = self._host.lag
        self._session.undo.append(f"Import {clip.name}")
        return {}

    def RenameTargetTrack(self, body: Any) -> dict[str, Any]:  # noqa: N802
        self._session.named(body.current_name).name = body.new_name
        self._session.undo.append(f"Rename {body.new_name}")
        return {}

    def GetColorPalette(self, body: Any) -> dict[str, Any]:  # noqa: N802
        assert body.color_palette_target == pt.CPTarget_Tracks
        return {"color_list": PALETTE}

    def SetTrackColor(self, body: Any) -> dict[str, Any]:  # noqa: N802
        for track in self._session.tracks:
            if track.id in body.track_ids:
                track.color = body.color_index
        self._session.undo.append("Color")
        return {"success_count": 1}

    def DeleteTracks(self, body: Any) -> dict[str, Any]:  # noqa: N802
        self._session.tracks = [track for track in self._session.tracks if track.id not in body.track_ids]
        return {"success_count": len(body.track_ids)}

    # The menu and events

    def InstallMenuHandler(self, body: Any) -> dict[str, Any]:  # noqa: N802
        assert body.menu_info.menu_area == pt.MArea_Export
        item = f"item {len(self._host.calls)}"
        self._host.menu[item] = body.menu_info.menu_label[0].ui_string
        return {"menu_item_id": item}

    def UninstallMenuHandler(self, body: Any) -> dict[str, Any]:  # noqa: N802
        if self._host.menu.pop(body.menu_item_id, None) is None:
            raise Refusal("PT_InvalidParameter", "no such item")
        return {}

    def SubscribeToEvents(self, body: Any) -> dict[str, Any]:  # noqa: N802
        assert len(body.events) == 1
        return {}
