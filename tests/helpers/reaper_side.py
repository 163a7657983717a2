"""A running REAPER, as far as scripts can tell: each script has a Lua of its own, deferred functions run once a tick."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import soundfile
from lupa import lua54
from reaper_api import PROPERTIES, SINCE, WrongCall, checked, signatures
from reaper_session import AudioAccessor, MediaItem, MediaItem_Take, MediaTrack, PCM_source, ReaProject, media, ppq_at

ARRAY = """
return function (size)
  local data, array = {}, {}
  function array.clear (value) for index = 1, size do data[index] = value or 0.0 end end
  function array.table (first, count) return table.move (data, first or 1, (first or 1) + (count or size) - 1, 1, {}) end
  function array._fill (values) for index = 1, #values do data[index] = values[index] end end
  array.clear ()
  return array
end
"""
STRICT = """
return function (functions, absent)
  return setmetatable ({}, { __index = function (_, name)
    if absent[name] then return nil end
    return functions[name] or error ('REAPER has no function ' .. name .. ' that is known here', 2)
  end })
end
"""
TICK_S = 0.1


class Reaper:
    """One run of REAPER.

    Attributes:
        dialogs, console, help: What a user was shown.
        answers: What the user answers to the dialogs that ask, in order; None is Cancel.
        menu: What the user takes from the next menu.
        drawn: The texts of the panel's last picture, with their places.
    """

    def __init__(self, resources: Path, project: ReaProject, version: str = "7.25/linux-x86_64") -> None:
        self.resources, self.project, self.version = resources, project, version
        self.dialogs: list[str] = []
        self.console: list[str] = []
        self.help: list[str] = []
        self.answers: list[str | None] = []
        self.menu = 0
        self.menus: list[str] = []
        self.drawn: list[tuple[str, float, float]] = []
        self.running: dict[str, Script] = {}
        self.unblocked: list[str] = []
        self.now = 1000.0
        self.ext: dict[tuple[str, str], str] = {}
        self.commands = self._registered()
        self.refreshes = 0
        self.open_accessors = 0
        self.device_rate: int | None = 44_100
        self._block: Any = None
        self.unreadable: set[str] = set()

    def press(self, name: str) -> Script:
        """Run an action, as its key would."""
        running = self.running.get(name)
        if running is not None and running.options & 1:
            running.end()
            if not running.options & 2:
                return running
        script = Script(self, name)
        self.running[name] = script
        script.start()
        return script

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.now += TICK_S
            for script in list(self.running.values()):
                script.tick()

    def quit(self) -> None:
        for script in list(self.running.values()):
            script.end()

    def undo(self) -> str:
        """What the user does with Ctrl+Z."""
        title, shape = self.project.undo.pop()
        self.project.restore(shape)
        return title

    def click(self, text: str, *, dx: float = 4, button: int = 1) -> None:
        """Press and let go the mouse in the panel, on what is drawn under this text."""
        x, y = next((x, y) for drawn, x, y in self.drawn if drawn == text)
        gfx = self.running["sendreturn_panel.lua"].gfx
        gfx.mouse_x, gfx.mouse_y, gfx.mouse_cap = x + dx, y + 4, button
        self.tick()
        gfx.mouse_cap = 0
        self.tick()

    @property
    def texts(self) -> list[str]:
        return [text for text, _, _ in self.drawn]

    def _registered(self) -> dict[int, tuple[str, str]]:
        """Scripts that reaper-kb.ini knows: command, name and file."""
        kb = self.resources / "reaper-kb.ini"
        lines = kb.read_text("utf-8").splitlines() if kb.is_file() else []
        rows = [shlex.split(line) for line in lines if line.startswith("SCR ")]
        return {50_000 + number: (row[3], Path(row[5]).name) for number, row in enumerate(rows)}


class Script:
    """One script that runs."""

    def __init__(self, reaper: Reaper, name: str) -> None:
        self._reaper, self.name = reaper, name
        self.path = reaper.resources / "Scripts" / "sendreturn" / name
        self.options = 0
        self.deferred: list[Any] = []
        self.at_exit: list[Any] = []
        self._lua = lua54.LuaRuntime(unpack_returned_tuples=True, register_eval=False, attribute_filter=_opaque)
        self._new_array = self._lua.execute(ARRAY)
        self.gfx: Any = None

    def start(self) -> None:
        globals_ = self._lua.globals()
        api = Api(self._reaper, self)
        functions = {name: checked(name, getattr(api, name)) for name in signatures()}
        version = tuple(int(part) for part in self._reaper.version.split("/")[0].split("."))
        absent = {name: version < since for name, since in SINCE.items()}
        strict = self._lua.execute(STRICT)
        globals_.reaper = strict(self._lua.table_from(functions), self._lua.table_from(absent))
        self.gfx = globals_.gfx = self._lua.table_from(Gfx(self._reaper, self).functions())
        globals_.require = None
        self._lua.execute(self.path.read_text("utf-8"))
        self._end_if_done()

    def tick(self) -> None:
        due, self.deferred = self.deferred, []
        for function in due:
            function()
        self._end_if_done()

    def end(self) -> None:
        if self._reaper.running.get(self.name) is self:
            del self._reaper.running[self.name]
        for function in self.at_exit:
            function()
        self.deferred, self.at_exit = [], []

    def new_array(self, size: int) -> Any:
        return self._new_array(size)

    def list_from(self, values: list[float]) -> Any:
        return self._lua.table_from(values)

    def _end_if_done(self) -> None:
        if not self.deferred:
            self.end()


def _opaque(holder: object, name: Any, is_setting: bool) -> Any:
    """Pointers of REAPER have no parts that a script could reach."""
    raise AttributeError(f"{type(holder).__name__} has no {name}")


class Gfx:
    """The window that REAPER draws for a script."""

    def __init__(self, reaper: Reaper, script: Script) -> None:
        self._reaper, self._script = reaper, script
        self._picture: list[tuple[str, float, float]] = []
        self._is_open = False

    def functions(self) -> dict[str, Any]:
        names = ("init", "setfont", "set", "rect", "drawstr", "showmenu", "update", "getchar", "quit")
        start = {"x": 0, "y": 0, "w": 0, "h": 0, "mouse_x": 0, "mouse_y": 0, "mouse_cap": 0}
        return {**start, **{name: getattr(self, name) for name in names}}

    def init(self, title: str, width: int, height: int) -> None:
        assert title
        self._is_open = True
        self._script.gfx.w, self._script.gfx.h = width, height

    def setfont(self, index: int, face: str, size: int) -> None:
        assert 1 <= index <= 16
        assert face
        assert size > 0

    def set(self, red: float, green: float, blue: float, alpha: float) -> None:
        assert all(0 <= part <= 1 for part in (red, green, blue, alpha))

    def rect(self, x: float, y: float, width: float, height: float, filled: int) -> None:
        assert width >= 0
        assert height >= 0

    def drawstr(self, text: str, flags: int, right: float, bottom: float) -> None:
        self._picture.append((text, self._script.gfx.x, self._script.gfx.y))

    def showmenu(self, text: str) -> int:
        self._reaper.menus.append(text)
        return self._reaper.menu

    def update(self) -> None:
        self._reaper.drawn, self._picture = self._picture, []

    def getchar(self) -> int:
        return 0 if self._is_open else -1

    def quit(self) -> None:
        self._is_open = False


class Api:
    """What scripts call, on a session."""

    def __init__(self, reaper: Reaper, script: Script) -> None:
        self._r, self._script = reaper, script

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("Update") or name in ("TrackList_AdjustWindows",):
            return (lambda *_: True) if name == "UpdateItemLanes" else (lambda *_: None)
        raise AttributeError(name)

    # The script itself

    def atexit(self, function: Any) -> None:
        self._script.at_exit.append(function)

    def defer(self, function: Any) -> None:
        self._script.deferred.append(function)

    def set_action_options(self, flag: int) -> None:
        self._script.options = flag

    def get_action_context(self) -> tuple[Any, ...]:
        return False, str(self._script.path), 0, 0, -1, -1, 0.0, ""

    def new_array(self, size: int) -> Any:
        return self._script.new_array(size)

    def time_precise(self) -> float:
        return self._r.now

    def NamedCommandLookup(self, name: str) -> int:  # noqa: N802
        return next((command for command, (known, _) in self._r.commands.items() if f"_{known}" == name), 0)

    def AddRemoveReaScript(self, add: bool, section: int, path: str, commit: bool) -> int:  # noqa: N802
        assert add
        assert Path(path).is_file()
        command = 60_000 + len(self._r.commands)
        self._r.commands[command] = (f"RS{command}", Path(path).name)
        return command

    def Main_OnCommand(self, command: int, flag: int) -> None:  # noqa: N802
        self._r.press(self._r.commands[command][1])

    # What a user sees

    def ShowMessageBox(self, text: str, title: str, kind: int) -> int:  # noqa: N802
        self._r.dialogs.append(text)
        return 1

    def ShowConsoleMsg(self, text: str) -> None:  # noqa: N802
        self._r.console.append(text)

    def Help_Set(self, text: str, is_temporary: bool) -> None:  # noqa: N802
        self._r.help.append(text)

    def GetUserInputs(self, title: str, count: int, captions: str, values: str) -> tuple[bool, str]:  # noqa: N802
        answer = self._r.answers.pop(0)
        return answer is not None, answer or ""

    def GetAppVersion(self) -> str:  # noqa: N802
        return self._r.version

    # State that scripts share

    def GetExtState(self, section: str, key: str) -> str:  # noqa: N802
        return self._r.ext.get((section, key), "")

    def SetExtState(self, section: str, key: str, value: str, persist: bool) -> None:  # noqa: N802
        assert "\n" not in value
        self._r.ext[section, key] = value

    def DeleteExtState(self, section: str, key: str, persist: bool) -> None:  # noqa: N802
        self._r.ext.pop((section, key), None)

    # The project

    def EnumProjects(self, index: int) -> tuple[ReaProject, str]:  # noqa: N802
        assert index == -1
        return self._r.project, self._r.project.path

    def GetProjectPathEx(self, proj: ReaProject) -> str:  # noqa: N802
        return str(Path(proj.path).parent / "Media")

    def RecursiveCreateDirectory(self, path: str, ignored: int) -> int:  # noqa: N802
        try:
            Path(path).mkdir(parents=True, exist_ok=True)
        except OSError:
            return 0
        return 1

    def file_exists(self, path: str) -> bool:
        return Path(path).is_file()

    def GetSetProjectInfo(self, proj: ReaProject, name: str, value: float, is_set: bool) -> float:  # noqa: N802
        assert not is_set
        return float({"PROJECT_SRATE": proj.rate_hz, "PROJECT_SRATE_USE": proj.uses_rate}[name])

    def GetAudioDeviceInfo(self, attribute: str) -> tuple[bool, str]:  # noqa: N802
        assert attribute == "SRATE"
        return self._r.device_rate is not None, str(self._r.device_rate or "")

    def GetSet_LoopTimeRange2(self, proj: ReaProject, is_set: bool, *_: Any) -> tuple[float, float]:  # noqa: N802
        assert not is_set
        return proj.range_s

    def CountTempoTimeSigMarkers(self, proj: ReaProject) -> int:  # noqa: N802
        return len(proj.tempo)

    def GetTempoTimeSigMarker(self, proj: ReaProject, index: int) -> tuple[Any, ...]:  # noqa: N802
        at_s, bpm, top, bottom, glides = proj.tempo[index]
        return True, at_s, 0, 0.0, bpm, top, bottom, glides

    def TimeMap_GetTimeSigAtTime(self, proj: ReaProject, at_s: float) -> tuple[int, int, float]:  # noqa: N802
        marked = [(top, bottom) for start, _, top, bottom, _ in proj.tempo if start <= at_s and top > 0]
        return (*(marked[-1] if marked else proj.signature), proj.bpm_at(at_s))

    def ValidatePtr2(self, proj: ReaProject, pointer: Any, kind: str) -> bool:  # noqa: N802
        assert kind == "MediaItem_Take*"
        return any(pointer in item.takes for item in proj.items)

    # Undo

    def PreventUIRefresh(self, count: int) -> None:  # noqa: N802
        self._r.refreshes += count

    def Undo_BeginBlock2(self, proj: ReaProject) -> None:  # noqa: N802
        assert self._r._block is None
        self._r._block = proj.shape()

    def Undo_EndBlock2(self, proj: ReaProject, title: str, flags: int) -> None:  # noqa: N802
        assert self._r._block is not None
        proj.undo.append((title, self._r._block))
        self._r._block = None

    def Undo_DoUndo2(self, proj: ReaProject) -> int:  # noqa: N802
        self._r.undo()
        return 1

    def _change(self, what: str) -> None:
        if self._r._block is None:
            self._r.unblocked.append(what)

    # Tracks

    def CountTracks(self, proj: ReaProject) -> int:  # noqa: N802
        return len(proj.tracks)

    def GetTrack(self, proj: ReaProject, index: int) -> MediaTrack:  # noqa: N802
        return proj.tracks[int(index)]

    def GetTrackName(self, track: MediaTrack) -> tuple[bool, str]:  # noqa: N802
        return True, track.name or f"Track {self._r.project.tracks.index(track) + 1}"

    def InsertTrackAtIndex(self, index: int, defaults: bool) -> None:  # noqa: N802
        self._change("InsertTrackAtIndex")
        self._r.project.tracks.insert(int(index), MediaTrack())

    def GetMediaTrackInfo_Value(self, track: MediaTrack, name: str) -> float:  # noqa: N802
        return _get(track, name)

    def SetMediaTrackInfo_Value(self, track: MediaTrack, name: str, value: float) -> bool:  # noqa: N802
        self._change(name)
        return _set(track, name, value)

    def GetSetMediaTrackInfo_String(self, track: MediaTrack, name: str, value: str, is_set: bool) -> tuple[bool, str]:  # noqa: N802
        assert is_set
        self._change(name)
        if name == "P_NAME":
            track.name = value
        else:
            assert name.startswith("P_LANENAME:")
            track.strings[name] = value
        return True, value

    def ColorToNative(self, red: int, green: int, blue: int) -> int:  # noqa: N802
        return red << 16 | green << 8 | blue

    # Items

    def CountMediaItems(self, proj: ReaProject) -> int:  # noqa: N802
        return len(proj.items)

    def GetMediaItem(self, proj: ReaProject, index: int) -> MediaItem:  # noqa: N802
        return proj.items[int(index)]

    def GetMediaItem_Track(self, item: MediaItem) -> MediaTrack:  # noqa: N802
        return item.track

    def GetMediaItemInfo_Value(self, item: MediaItem, name: str) -> float:  # noqa: N802
        return _get(item, name)

    def SetMediaItemInfo_Value(self, item: MediaItem, name: str, value: float) -> bool:  # noqa: N802
        self._change(name)
        return _set(item, name, value)

    def GetSetMediaItemInfo_String(self, item: MediaItem, name: str, value: str, is_set: bool) -> tuple[bool, str]:  # noqa: N802
        assert name.startswith("P_EXT:")
        if is_set:
            self._change(name)
            item.strings[name] = value
        return name in item.strings, item.strings.get(name, "")

    def AddMediaItemToTrack(self, track: MediaTrack) -> MediaItem:  # noqa: N802
        self._change("AddMediaItemToTrack")
        track.items.append(MediaItem(track))
        return track.items[-1]

    def CreateNewMIDIItemInProj(self, track: MediaTrack, start: float, end: float, is_qn: bool = False) -> MediaItem:  # noqa: N802
        assert not is_qn
        item = self.AddMediaItemToTrack(track)
        item.values |= {"D_POSITION": start, "D_LENGTH": end - start}
        item.takes.append(MediaItem_Take(item, PCM_source(kind="MIDI")))
        return item

    # Takes

    def GetActiveTake(self, item: MediaItem) -> MediaItem_Take | None:  # noqa: N802
        return item.active

    def AddTakeToMediaItem(self, item: MediaItem) -> MediaItem_Take:  # noqa: N802
        self._change("AddTakeToMediaItem")
        item.takes.append(MediaItem_Take(item))
        return item.takes[-1]

    def GetMediaItemTake_Source(self, take: MediaItem_Take) -> PCM_source | None:  # noqa: N802
        return take.source

    def SetMediaItemTake_Source(self, take: MediaItem_Take, source: PCM_source) -> bool:  # noqa: N802
        self._change("SetMediaItemTake_Source")
        take.source = source
        return True

    def GetMediaItemTakeInfo_Value(self, take: MediaItem_Take, name: str) -> float:  # noqa: N802
        return _get(take, name)

    def SetMediaItemTakeInfo_Value(self, take: MediaItem_Take, name: str, value: float) -> bool:  # noqa: N802
        self._change(name)
        return _set(take, name, value)

    def GetSetMediaItemTakeInfo_String(
        self, take: MediaItem_Take, name: str, value: str, is_set: bool
    ) -> tuple[bool, str]:  # noqa: N802
        assert name == "P_NAME"
        if is_set:
            self._change(name)
            take.name = value
        return True, take.name

    def TakeIsMIDI(self, take: MediaItem_Take) -> bool:  # noqa: N802
        return take.is_midi

    def TakeFX_GetCount(self, take: MediaItem_Take) -> int:  # noqa: N802
        return take.fx

    def GetTakeNumStretchMarkers(self, take: MediaItem_Take) -> int:  # noqa: N802
        return take.stretch_markers

    def MIDI_GetPPQPosFromProjTime(self, take: MediaItem_Take, at_s: float) -> float:  # noqa: N802
        return ppq_at(self._r.project, take, at_s)

    def MIDI_InsertNote(  # noqa: N802
        self,
        take: MediaItem_Take,
        _s: bool,
        _m: bool,
        start: float,
        end: float,
        channel: int,
        pitch: int,
        velocity: int,
        no_sort: bool = False,
    ) -> bool:
        self._change("MIDI_InsertNote")
        assert take.is_midi
        assert 0 <= channel < 16
        assert 0 <= pitch < 128
        assert 0 < velocity < 128
        take.notes.append((start, end, channel, pitch, velocity))
        take.is_sorted = not no_sort
        return True

    def MIDI_Sort(self, take: MediaItem_Take) -> None:  # noqa: N802
        take.is_sorted = True

    # Sources

    def PCM_Source_CreateFromFileEx(self, path: str, no_midi: bool) -> PCM_source | None:  # noqa: N802
        if not Path(path).is_file() or path in self._r.unreadable:
            return None
        try:
            return media(Path(path))
        except soundfile.LibsndfileError:
            return None

    def PCM_Source_Destroy(self, source: PCM_source) -> None:  # noqa: N802
        assert not any(take.source is source for item in self._r.project.items for take in item.takes)

    def PCM_Source_BuildPeaks(self, source: PCM_source, mode: int) -> int:  # noqa: N802
        steps = {0: 2, 1: max(source.peaks - 1, 0), 2: 0}
        source.peaks = steps[int(mode)]
        return source.peaks

    def PCM_Source_GetSectionInfo(self, source: PCM_source) -> tuple[bool, float, float, bool]:  # noqa: N802
        return (True, *source.section) if source.section else (False, 0.0, 0.0, False)

    def GetMediaSourceParent(self, source: PCM_source) -> PCM_source | None:  # noqa: N802
        return source.parent

    def GetMediaSourceFileName(self, source: PCM_source) -> str:  # noqa: N802
        return source.path

    def GetMediaSourceLength(self, source: PCM_source) -> tuple[float, bool]:  # noqa: N802
        return source.length_s, source.kind == "MIDI"

    def GetMediaSourceNumChannels(self, source: PCM_source) -> int:  # noqa: N802
        return source.channels

    def GetMediaSourceSampleRate(self, source: PCM_source) -> int:  # noqa: N802
        return source.rate_hz

    def GetMediaSourceType(self, source: PCM_source) -> str:  # noqa: N802
        return source.kind

    # Audio

    def CreateTakeAudioAccessor(self, take: MediaItem_Take) -> AudioAccessor:  # noqa: N802
        self._r.open_accessors += 1
        return AudioAccessor(take, None)

    def CreateTrackAudioAccessor(self, track: MediaTrack) -> AudioAccessor:  # noqa: N802
        self._r.open_accessors += 1
        return AudioAccessor(None, track)

    def DestroyAudioAccessor(self, accessor: AudioAccessor) -> None:  # noqa: N802
        assert accessor.is_open
        accessor.is_open = False
        self._r.open_accessors -= 1

    def GetAudioAccessorStartTime(self, accessor: AudioAccessor) -> float:  # noqa: N802
        return 0.0

    def GetAudioAccessorSamples(  # noqa: N802
        self, accessor: AudioAccessor, rate: int, channels: int, start_s: float, count: int, buffer: Any
    ) -> int:
        assert accessor.is_open
        found = accessor.read(int(rate), int(channels), start_s, int(count))
        if found is None:
            return 0
        buffer["_fill"](self._script.list_from(found.reshape(-1).tolist()))
        return 1


def _get(thing: MediaItem | MediaItem_Take | MediaTrack, name: str) -> float:
    _check(thing, name)
    return thing.values.get(name, 0.0)


def _set(thing: MediaItem | MediaItem_Take | MediaTrack, name: str, value: float) -> bool:
    _check(thing, name)
    thing.values[name] = float(value)
    return True


def _check(thing: object, name: str) -> None:
    kind = type(thing).__name__
    if name not in PROPERTIES[kind].split():
        raise WrongCall(f"{kind} has no {name}")
