"""The words of PTSL, read and written; no I/O.

A call is a number and a JSON object, and so is its answer. Newer versions of Pro Tools have other names for the same
values ("TT_Audio", "TType_Audio", "AudioTrack"), and some answer with numbers; all of them are taken.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMANDS = {
    "Import": 2,
    "GetTrackList": 3,
    "RenameTargetTrack": 8,
    "ExportClipsAsFiles": 10,
    "HostReadyCheck": 13,
    "GetFileLocation": 16,
    "GetSessionSampleRate": 35,
    "GetSessionBitDepth": 36,
    "GetSessionPath": 43,
    "GetPTSLVersion": 55,
    "GetTransportState": 59,
    "RegisterConnection": 70,
    "CreateNewTracks": 72,
    "GetTimelineSelection": 82,
    "ImportAudioToClipList": 123,
    "SpotClipsByID": 124,
    "GetClipList": 125,
    "GetEditSelection": 131,
    "SubscribeToEvents": 132,
    "BounceTrack": 134,
    "PollEvents": 135,
    "InstallMenuHandler": 151,
    "UninstallMenuHandler": 152,
    "SetTrackColor": 153,
    "GetColorPalette": 156,
    "DeleteTracks": 157,
}
"""CommandId, those that are used here."""
COMPLETED, FAILED = (3, 6), (4, 7)
"""TaskStatus: how a call has ended. The others stand for one that goes on, or waits for the user."""

MIDI, AUDIO, INSTRUMENT = 1, 2, 11
_TRACK_TYPES = {"midi": MIDI, "audiotrack": AUDIO, "audio": AUDIO, "instrument": INSTRUMENT}
_TRANSPORT_STATES = {"transportrecording": 3, "transportrecordinghalfspeed": 5}
RECORDING = frozenset(_TRANSPORT_STATES.values())
_BIT_DEPTHS = {"bit16": 2, "16": 2, "bit24": 3, "24": 3, "bit32float": 4, "32float": 4}
FLOAT = 4
_SELECTED = {"none": 1, "setexplicitly": 2, "setimplicitly": 3, "setexplicitlyandimplicitly": 4}
_EVENTS = {"sessionopened": 1, "sessioncreated": 2, "sessionclosed": 3, "menuitemselected": 5}
SESSION_OPENED, SESSION_CREATED, SESSION_CLOSED, MENU_ITEM_SELECTED = _EVENTS.values()
TRACK_FORMATS = {1: "TF_Mono", 2: "TF_Stereo", 3: "TF_LCR", 4: "TF_Quad", 6: "TF_5_1", 8: "TF_7_1"}
"""The format of a track for a file of so many channels."""

_ERRORS = {
    1: "OS_ErrorCode",
    106: "PT_NoOpenedSession",
    107: "PT_NoTrackFound",
    108: "PT_NoClipsFound",
    109: "PT_NoSelection",
    123: "PT_FileNotFound",
    124: "PT_InvalidSelection",
    125: "PT_ReadOnlySession",
    127: "PT_Forbidden",
    130: "PT_ForbiddenTrackType",
    133: "PT_UnsupportedCommand",
    134: "PT_HostNotReady",
    135: "PT_CannotBeDone",
    137: "PT_CommandTimeout",
    138: "PT_HostIsBusy",
    401: "SDK_VersionMismatch",
    402: "SDK_NotImplemented",
    403: "SDK_SessionIdParseError",
}
"""CommandErrorType, those that something is known to do about."""
UNSUPPORTED = ("PT_UnsupportedCommand", "SDK_NotImplemented")
UNKNOWN_TO_IT = "SDK_SessionIdParseError"
"""Another run of Pro Tools answers than the one that we have registered with."""
BUSY = ("PT_HostNotReady", "PT_HostIsBusy", "PT_CommandTimeout")


@dataclass(frozen=True)
class Problem:
    """Why Pro Tools has not done something: the name of the error, and its own words."""

    kind: str
    message: str


@dataclass(frozen=True)
class Event:
    """Something that has happened in Pro Tools; `menu_item` is "" for what is no click."""

    kind: int
    menu_item: str = ""


def read_body(text: str) -> dict[str, Any]:
    """An answer's JSON object; empty where there is none."""
    try:
        body = json.loads(text) if text else {}
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def read_problem(text: str) -> Problem:
    """The first error of a refused call."""
    body = read_body(text)
    errors = body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else body
    kind = first.get("command_error_type", first.get("command_error", ""))
    return Problem(_error_name(kind), str(first.get("command_error_message") or text))


def read_event(text: str) -> Event | None:
    """What `PollEvents` tells; None for what says nothing."""
    event = read_body(text).get("event")
    if not isinstance(event, dict):
        return None
    kind = _number(event.get("event_id"), _EVENTS)
    data = read_body(str(event.get("event_data_json") or ""))
    return Event(kind, str(data.get("menu_item_id") or "")) if kind else None


def track_type(value: object) -> int:
    """TrackType; 0 for one that is not spoken of here."""
    return _number(value, _TRACK_TYPES)


def bit_depth(value: object) -> int:
    """BitDepth: 2 for 16 bit, 3 for 24 bit, FLOAT."""
    return _number(value, _BIT_DEPTHS)


def transport_state(value: object) -> int:
    """TransportState; RECORDING holds those that matter here."""
    return _number(value, _TRANSPORT_STATES)


def is_set(value: object) -> bool:
    """TrackAttributeState, or the plain truth value of older versions."""
    return value is True or _number(value, _SELECTED) > 1


def sample_rate(value: object) -> int:
    """SampleRate, whose numbers are the rates."""
    digits = str(value).rpartition("_")[2]
    return int(digits) if digits.isdigit() else 0


def samples(value: object) -> int | None:
    """A place on the timeline in samples; None for what is no number."""
    text = str(value).strip()
    return int(text) if text.lstrip("-").isdigit() else None


def at_samples(position: int) -> dict[str, str]:
    """A TimelineLocation."""
    return {"location": str(position), "time_type": "TLType_Samples"}


def table(body: Mapping[str, Any], *names: str) -> list[dict[str, Any]]:
    """The objects of a list in an answer, under the first of the names that it has. An empty one may be an object."""
    found: object = next((body[name] for name in names if name in body), [])
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _number(value: object, names: Mapping[str, int]) -> int:
    """A value by its number or by any of its names, whose parts before the last underscore say only its family."""
    if isinstance(value, bool) or value is None:
        return 0
    text = str(value)
    return int(text) if text.isdigit() else names.get(text.rpartition("_")[2].lower(), 0)


def _error_name(value: object) -> str:
    text = str(value)
    return _ERRORS.get(int(text), text) if text.isdigit() else text.removeprefix("CEType_")
