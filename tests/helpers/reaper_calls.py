# ruff: noqa: N802 - the names are REAPER's
"""What scripts call in REAPER, on a scripted session; `reaper_api` holds every call against its signature."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import soundfile
from reaper_api import PROPERTIES, WrongCallError
from reaper_session import AudioAccessor, MediaItem, MediaItem_Take, MediaTrack, PCM_source, ReaProject, media, ppq_at

if TYPE_CHECKING:
    from reaper_side import Reaper, Script


class Api:
    """What scripts call, on a session."""

    def __init__(self, reaper: Reaper, script: Script) -> None:
        self._r, self._script = reaper, script

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith(("Update", "TrackList_")):
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

    def NamedCommandLookup(self, name: str) -> int:
        return next((command for command, (known, _) in self._r.commands.items() if f"_{known}" == name), 0)

    def AddRemoveReaScript(self, add: bool, section: int, path: str, commit: bool) -> int:
        assert add
        assert Path(path).is_file()
        command = 60_000 + len(self._r.commands)
        self._r.commands[command] = (f"RS{command}", Path(path).name)
        return command

    def Main_OnCommand(self, command: int, flag: int) -> None:
        self._r.press(self._r.commands[command][1])

    # What a user sees

    def ShowMessageBox(self, text: str, title: str, kind: int) -> int:
        self._r.dialogs.append(text)
        return 1

    def ShowConsoleMsg(self, text: str) -> None:
        self._r.console.append(text)

    def Help_Set(self, text: str, is_temporary: bool) -> None:
        self._r.help.append(text)

    def GetUserInputs(self, title: str, count: int, captions: str, values: str) -> tuple[bool, str]:
        answer = self._r.answers.pop(0)
        return answer is not None, answer or ""

    def GetAppVersion(self) -> str:
        return self._r.version

    def GetOS(self) -> str:
        return self._r.system

    # State that scripts share

    def GetExtState(self, section: str, key: str) -> str:
        return self._r.ext.get((section, key), "")

    def SetExtState(self, section: str, key: str, value: str, persist: bool) -> None:
        assert "\n" not in value
        self._r.ext[section, key] = value

    def DeleteExtState(self, section: str, key: str, persist: bool) -> None:
        self._r.ext.pop((section, key), None)

    # The project

    def EnumProjects(self, index: int) -> tuple[ReaProject, str]:
        assert index == -1
        return self._r.project, self._r.project.path

    def GetPlayStateEx(self, proj: ReaProject) -> int:
        return self._r.play_state

    def GetProjectPathEx(self, proj: ReaProject) -> str:
        return str(Path(proj.path).parent / "Media")

    def RecursiveCreateDirectory(self, path: str, ignored: int) -> int:
        try:
            Path(path).mkdir(parents=True, exist_ok=True)
        except OSError:
            return 0
        return 1

    def file_exists(self, path: str) -> bool:
        return Path(path).is_file()

    def GetSetProjectInfo(self, proj: ReaProject, name: str, value: float, is_set: bool) -> float:
        assert not is_set
        return float({"PROJECT_SRATE": proj.rate_hz, "PROJECT_SRATE_USE": proj.uses_rate}[name])

    def GetAudioDeviceInfo(self, attribute: str) -> tuple[bool, str]:
        assert attribute == "SRATE"
        return self._r.device_rate is not None, str(self._r.device_rate or "")

    def GetSet_LoopTimeRange2(self, proj: ReaProject, is_set: bool, *_: Any) -> tuple[float, float]:
        assert not is_set
        return proj.range_s

    def CountTempoTimeSigMarkers(self, proj: ReaProject) -> int:
        return len(proj.tempo)

    def GetTempoTimeSigMarker(self, proj: ReaProject, index: int) -> tuple[Any, ...]:
        at_s, bpm, top, bottom, glides = proj.tempo[index]
        return True, at_s, 0, 0.0, bpm, top, bottom, glides

    def TimeMap_GetTimeSigAtTime(self, proj: ReaProject, at_s: float) -> tuple[int, int, float]:
        marked = [(top, bottom) for start, _, top, bottom, _ in proj.tempo if start <= at_s and top > 0]
        return (*(marked[-1] if marked else proj.signature), proj.bpm_at(at_s))

    def ValidatePtr2(self, proj: ReaProject, pointer: Any, kind: str) -> bool:
        assert kind == "MediaItem_Take*"
        return any(pointer in item.takes for item in proj.items)

    # Undo

    def PreventUIRefresh(self, count: int) -> None:
        self._r.refreshes += count

    def Undo_BeginBlock2(self, proj: ReaProject) -> None:
        assert self._r.block is None
        self._r.block = proj.shape()

    def Undo_EndBlock2(self, proj: ReaProject, title: str, flags: int) -> None:
        assert self._r.block is not None
        proj.undo.append((title, self._r.block))
        self._r.block = None

    def Undo_DoUndo2(self, proj: ReaProject) -> int:
        self._r.undo()
        return 1

    def _change(self, what: str) -> None:
        if self._r.block is None:
            self._r.unblocked.append(what)

    # Tracks

    def CountTracks(self, proj: ReaProject) -> int:
        return len(proj.tracks)

    def GetTrack(self, proj: ReaProject, index: int) -> MediaTrack:
        return proj.tracks[int(index)]

    def GetTrackName(self, track: MediaTrack) -> tuple[bool, str]:
        return True, track.name or f"Track {self._r.project.tracks.index(track) + 1}"

    def InsertTrackAtIndex(self, index: int, defaults: bool) -> None:
        self._change("InsertTrackAtIndex")
        self._r.project.tracks.insert(int(index), MediaTrack())

    def GetMediaTrackInfo_Value(self, track: MediaTrack, name: str) -> float:
        return _get(track, name)

    def SetMediaTrackInfo_Value(self, track: MediaTrack, name: str, value: float) -> bool:
        self._change(name)
        return _set(track, name, value)

    def GetSetMediaTrackInfo_String(self, track: MediaTrack, name: str, value: str, is_set: bool) -> tuple[bool, str]:
        assert is_set
        self._change(name)
        if name == "P_NAME":
            track.name = value
        else:
            assert name.startswith("P_LANENAME:")
            track.strings[name] = value
        return True, value

    def ColorToNative(self, red: int, green: int, blue: int) -> int:
        return red << 16 | green << 8 | blue

    # Items

    def CountMediaItems(self, proj: ReaProject) -> int:
        return len(proj.items)

    def GetMediaItem(self, proj: ReaProject, index: int) -> MediaItem:
        return proj.items[int(index)]

    def GetMediaItem_Track(self, item: MediaItem) -> MediaTrack:
        return item.track

    def GetMediaItemInfo_Value(self, item: MediaItem, name: str) -> float:
        return _get(item, name)

    def SetMediaItemInfo_Value(self, item: MediaItem, name: str, value: float) -> bool:
        self._change(name)
        return _set(item, name, value)

    def GetSetMediaItemInfo_String(self, item: MediaItem, name: str, value: str, is_set: bool) -> tuple[bool, str]:
        assert name.startswith("P_EXT:")
        if is_set:
            self._change(name)
            item.strings[name] = value
        return name in item.strings, item.strings.get(name, "")

    def AddMediaItemToTrack(self, track: MediaTrack) -> MediaItem:
        self._change("AddMediaItemToTrack")
        track.items.append(MediaItem(track))
        return track.items[-1]

    def CreateNewMIDIItemInProj(self, track: MediaTrack, start: float, end: float, is_qn: bool = False) -> MediaItem:
        assert not is_qn
        item = self.AddMediaItemToTrack(track)
        item.values |= {"D_POSITION": start, "D_LENGTH": end - start}
        item.takes.append(MediaItem_Take(item, PCM_source(kind="MIDI")))
        return item

    # Takes

    def GetActiveTake(self, item: MediaItem) -> MediaItem_Take | None:
        return item.active

    def AddTakeToMediaItem(self, item: MediaItem) -> MediaItem_Take:
        self._change("AddTakeToMediaItem")
        item.takes.append(MediaItem_Take(item))
        return item.takes[-1]

    def GetMediaItemTake_Source(self, take: MediaItem_Take) -> PCM_source | None:
        return take.source

    def SetMediaItemTake_Source(self, take: MediaItem_Take, source: PCM_source) -> bool:
        self._change("SetMediaItemTake_Source")
        take.source = source
        return True

    def GetMediaItemTakeInfo_Value(self, take: MediaItem_Take, name: str) -> float:
        return _get(take, name)

    def SetMediaItemTakeInfo_Value(self, take: MediaItem_Take, name: str, value: float) -> bool:
        self._change(name)
        return _set(take, name, value)

    def GetSetMediaItemTakeInfo_String(
        self, take: MediaItem_Take, name: str, value: str, is_set: bool
    ) -> tuple[bool, str]:
        assert name == "P_NAME"
        if is_set:
            self._change(name)
            take.name = value
        return True, take.name

    def TakeIsMIDI(self, take: MediaItem_Take) -> bool:
        return take.is_midi

    def TakeFX_GetCount(self, take: MediaItem_Take) -> int:
        return take.fx

    def GetTakeNumStretchMarkers(self, take: MediaItem_Take) -> int:
        return take.stretch_markers

    def MIDI_GetPPQPosFromProjTime(self, take: MediaItem_Take, at_s: float) -> float:
        return ppq_at(self._r.project, take, at_s)

    def MIDI_InsertNote(
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

    def MIDI_Sort(self, take: MediaItem_Take) -> None:
        take.is_sorted = True

    # Sources

    def PCM_Source_CreateFromFileEx(self, path: str, no_midi: bool) -> PCM_source | None:
        if not Path(path).is_file() or path in self._r.unreadable:
            return None
        try:
            return media(Path(path))
        except soundfile.LibsndfileError:
            return None

    def PCM_Source_Destroy(self, source: PCM_source) -> None:
        assert not any(take.source is source for item in self._r.project.items for take in item.takes)

    def PCM_Source_BuildPeaks(self, source: PCM_source, mode: int) -> int:
        steps = {0: 2, 1: max(source.peaks - 1, 0), 2: 0}
        source.peaks = steps[int(mode)]
        return source.peaks

    def PCM_Source_GetSectionInfo(self, source: PCM_source) -> tuple[bool, float, float, bool]:
        return (True, *source.section) if source.section else (False, 0.0, 0.0, False)

    def GetMediaSourceParent(self, source: PCM_source) -> PCM_source | None:
        return source.parent

    def GetMediaSourceFileName(self, source: PCM_source) -> str:
        return source.path

    def GetMediaSourceLength(self, source: PCM_source) -> tuple[float, bool]:
        return source.length_s, source.kind == "MIDI"

    def GetMediaSourceNumChannels(self, source: PCM_source) -> int:
        return source.channels

    def GetMediaSourceSampleRate(self, source: PCM_source) -> int:
        return source.rate_hz

    def GetMediaSourceType(self, source: PCM_source) -> str:
        return source.kind

    # Audio

    def CreateTakeAudioAccessor(self, take: MediaItem_Take) -> AudioAccessor:
        self._r.open_accessors += 1
        return AudioAccessor(take, None)

    def CreateTrackAudioAccessor(self, track: MediaTrack) -> AudioAccessor:
        self._r.open_accessors += 1
        return AudioAccessor(None, track)

    def DestroyAudioAccessor(self, accessor: AudioAccessor) -> None:
        assert accessor.is_open
        accessor.is_open = False
        self._r.open_accessors -= 1

    def GetAudioAccessorStartTime(self, accessor: AudioAccessor) -> float:
        return 0.0

    def GetAudioAccessorSamples(
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
        raise WrongCallError(f"{kind} has no {name}")
