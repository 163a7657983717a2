"""The part of REAPER's Lua interface that our scripts use, by its documented signatures.

The lines below are in the notation of REAPER's own ReaScript help (what `Help > ReaScript documentation` shows, and
reaper.fm/sdk/reascript/reascripthelp.html), with shorter names of arguments. A call with another number or types of
arguments fails, as does a call of anything that is not listed; what a model answers is checked too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

SIGNATURES = """
MediaItem AddMediaItemToTrack(MediaTrack tr)
integer AddRemoveReaScript(boolean add, integer sectionID, string scriptfn, boolean commit)
MediaItem_Take AddTakeToMediaItem(MediaItem item)
atexit(function f)
integer ColorToNative(integer r, integer g, integer b)
integer CountMediaItems(ReaProject proj)
integer CountTempoTimeSigMarkers(ReaProject proj)
integer CountTracks(ReaProject proj)
MediaItem CreateNewMIDIItemInProj(MediaTrack track, number starttime, number endtime, optional boolean qnIn)
AudioAccessor CreateTakeAudioAccessor(MediaItem_Take take)
AudioAccessor CreateTrackAudioAccessor(MediaTrack track)
defer(function f)
DeleteExtState(string section, string key, boolean persist)
DestroyAudioAccessor(AudioAccessor accessor)
ReaProject retval, optional string projfn = EnumProjects(integer idx)
boolean file_exists(string path)
boolean n, string filename, integer s, integer c, integer m, integer r, number v, string t = get_action_context()
optional MediaItem_Take GetActiveTake(MediaItem item)
string GetAppVersion()
integer GetAudioAccessorSamples(AudioAccessor a, integer srate, integer nch, number start, integer count, array buf)
number GetAudioAccessorStartTime(AudioAccessor accessor)
boolean retval, string desc = GetAudioDeviceInfo(string attribute)
string GetExtState(string section, string key)
MediaItem GetMediaItem(ReaProject proj, integer itemidx)
number GetMediaItemInfo_Value(MediaItem item, string parmname)
optional PCM_source GetMediaItemTake_Source(MediaItem_Take take)
number GetMediaItemTakeInfo_Value(MediaItem_Take take, string parmname)
MediaTrack GetMediaItem_Track(MediaItem item)
string filenamebuf = GetMediaSourceFileName(PCM_source source)
number retval, boolean lengthIsQN = GetMediaSourceLength(PCM_source source)
integer GetMediaSourceNumChannels(PCM_source source)
optional PCM_source GetMediaSourceParent(PCM_source src)
integer GetMediaSourceSampleRate(PCM_source source)
string typebuf = GetMediaSourceType(PCM_source source)
string GetOS()
number GetMediaTrackInfo_Value(MediaTrack tr, string parmname)
integer GetPlayStateEx(ReaProject proj)
string buf = GetProjectPathEx(ReaProject proj)
boolean retval, string s = GetSetMediaItemInfo_String(MediaItem item, string parmname, string s, boolean setNewValue)
boolean retval, string s = GetSetMediaItemTakeInfo_String(MediaItem_Take tk, string name, string s, boolean setNewValue)
boolean retval, string s = GetSetMediaTrackInfo_String(MediaTrack tr, string parmname, string s, boolean setNewValue)
number GetSetProjectInfo(ReaProject project, string desc, number value, boolean is_set)
number s, number e = GetSet_LoopTimeRange2(ReaProject p, boolean set, boolean isLoop, number s, number e, boolean seek)
integer GetTakeNumStretchMarkers(MediaItem_Take take)
boolean, number, integer, number, number bpm, integer, integer, boolean = GetTempoTimeSigMarker(ReaProject p, integer i)
MediaTrack GetTrack(ReaProject proj, integer trackidx)
boolean retval, string buf = GetTrackName(MediaTrack track)
boolean retval, string values = GetUserInputs(string title, integer num_inputs, string captions_csv, string values)
Help_Set(string helpstring, boolean is_temporary_help)
InsertTrackAtIndex(integer idx, boolean wantDefaults)
Main_OnCommand(integer command, integer flag)
number MIDI_GetPPQPosFromProjTime(MediaItem_Take take, number projtime)
boolean MIDI_InsertNote(MediaItem_Take, boolean, boolean, number, number, integer, integer, integer, optional boolean)
MIDI_Sort(MediaItem_Take take)
integer NamedCommandLookup(string command_name)
array new_array(integer size)
integer PCM_Source_BuildPeaks(PCM_source src, integer mode)
optional PCM_source PCM_Source_CreateFromFileEx(string filename, boolean forcenoMidiImp)
PCM_Source_Destroy(PCM_source src)
boolean retval, number offs, number len, boolean rev = PCM_Source_GetSectionInfo(PCM_source src)
PreventUIRefresh(integer prevent_count)
integer RecursiveCreateDirectory(string path, integer ignored)
SetExtState(string section, string key, string value, boolean persist)
boolean SetMediaItemInfo_Value(MediaItem item, string parmname, number newvalue)
boolean SetMediaItemTakeInfo_Value(MediaItem_Take take, string parmname, number newvalue)
boolean SetMediaItemTake_Source(MediaItem_Take take, PCM_source source)
boolean SetMediaTrackInfo_Value(MediaTrack tr, string parmname, number newvalue)
set_action_options(integer flag)
ShowConsoleMsg(string msg)
integer ShowMessageBox(string msg, string title, integer type)
integer TakeFX_GetCount(MediaItem_Take take)
boolean TakeIsMIDI(MediaItem_Take take)
integer num, integer denom, number tempo = TimeMap_GetTimeSigAtTime(ReaProject proj, number time)
number time_precise()
TrackList_AdjustWindows(boolean isMinor)
Undo_BeginBlock2(ReaProject proj)
integer Undo_DoUndo2(ReaProject proj)
Undo_EndBlock2(ReaProject proj, string descchange, integer extraflags)
UpdateArrange()
boolean UpdateItemLanes(ReaProject proj)
UpdateTimeline()
boolean ValidatePtr2(ReaProject proj, pointer p, string ctypename)
"""
SINCE = {"set_action_options": (7, 3), "UpdateItemLanes": (7, 0)}
"""What an older REAPER does not have."""
PROPERTIES = {
    "MediaItem": "B_LOOPSRC B_UISEL C_BEATATTACHMODE D_VOL D_POSITION D_LENGTH D_FADEINLEN D_FADEOUTLEN"
    " I_CURTAKE I_FIXEDLANE",
    "MediaItem_Take": "D_STARTOFFS D_VOL D_PLAYRATE D_PITCH I_CHANMODE",
    "MediaTrack": "I_CUSTOMCOLOR I_FREEMODE I_NUMFIXEDLANES I_SELECTED I_FOLDERDEPTH C_LANEPLAYS:0",
}
"""Names that `…Info_Value` knows; any other is none."""


class WrongCallError(AssertionError):
    """A script has called REAPER in a way that its documentation does not know."""


@dataclass(frozen=True)
class Value:
    kind: str
    is_optional: bool


@dataclass(frozen=True)
class Signature:
    name: str
    returns: tuple[Value, ...]
    takes: tuple[Value, ...]

    def check_arguments(self, given: tuple[Any, ...]) -> None:
        least = sum(not value.is_optional for value in self.takes)
        if not least <= len(given) <= len(self.takes):
            raise WrongCallError(
                f"{self.name} takes {least} to {len(self.takes)} arguments, was called with {len(given)}"
            )
        for number, (value, argument) in enumerate(zip(self.takes, given, strict=False), start=1):
            if not fits(argument, value):
                raise WrongCallError(f"{self.name}: argument {number} is to be {value.kind}, was {argument!r}")

    def check_answer(self, answer: Any) -> None:
        given = answer if isinstance(answer, tuple) else () if answer is None and not self.returns else (answer,)
        if len(given) != len(self.returns):
            raise WrongCallError(f"the model of {self.name} answers {len(given)} values, not {len(self.returns)}")
        for value, part in zip(self.returns, given, strict=True):
            if not fits(part, value):
                raise WrongCallError(f"the model of {self.name} answers {part!r} for {value.kind}")


def fits(argument: Any, value: Value) -> bool:
    """Whether REAPER takes the argument; like any Lua it takes 3.0 for an integer."""
    if argument is None:
        return value.is_optional
    is_number = isinstance(argument, (int, float)) and not isinstance(argument, bool)
    plain = {
        "boolean": isinstance(argument, bool),
        "number": is_number,
        "integer": is_number and float(argument).is_integer(),
        "string": isinstance(argument, str),
        "function": callable(argument),
        "array": True,
        "pointer": True,
    }
    return plain[value.kind] if value.kind in plain else type(argument).__name__ == value.kind


@cache
def signatures() -> dict[str, Signature]:
    return {signature.name: signature for signature in map(_parsed, SIGNATURES.strip().splitlines())}


def checked(name: str, function: Callable[..., Any], wrong: list[Exception]) -> Callable[..., Any]:
    """The function of a model, held against its signature. A script may catch what is raised; `wrong` keeps it."""
    signature = signatures()[name]

    def call(*given: Any) -> Any:
        try:
            signature.check_arguments(given)
            answer = function(*given)
            signature.check_answer(answer)
        except Exception as error:
            wrong.append(error)
            raise
        return answer

    return call


def _parsed(line: str) -> Signature:
    match = re.fullmatch(r"(?:(.*?)(?: = | (?=\w+\()))?(\w+)\((.*)\)", line)
    assert match is not None, line
    returns, name, takes = match.groups()
    return Signature(name, _values(returns or ""), _values(takes))


def _values(text: str) -> tuple[Value, ...]:
    words = (part.split() for part in text.split(",") if part.strip())
    return tuple(Value(next(w for w in row if w != "optional"), row[0] == "optional") for row in words)
