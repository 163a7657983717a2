"""What is open in Pro Tools, and what is selected there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sendreturn.errors import Stalled, UsageError

from sendreturn_bridges.daws.protools import paths
from sendreturn_bridges.daws.protools.host import Refused
from sendreturn_bridges.daws.protools.wire import (
    AUDIO,
    FLOAT,
    INSTRUMENT,
    MIDI,
    RECORDING,
    bit_depth,
    is_set,
    sample_rate,
    samples,
    table,
    track_type,
    transport_state,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sendreturn_bridges.daws.protools.host import Host

PAGE = 1000
ALL_TRACKS = {"track_filter_list": [{"filter": "All", "is_inverted": False}]}
IN_TIMELINE, IN_CLIPS_LIST = "SelectedClipsTimeline", "SelectedClipsClipsList"


@dataclass(frozen=True)
class Session:
    """The open session.

    Attributes:
        spelled: Its file as Pro Tools spells it.
        folder: Where it lies. It is what the session is called here: `Save As` gives its file another name.
        is_float: Whether it holds 32-bit floats.
    """

    spelled: str
    folder: Path
    rate_hz: int
    is_float: bool


@dataclass(frozen=True)
class Track:
    """One track, as far as it matters here."""

    name: str
    id: str
    type: int
    has_selection: bool = False
    has_clips: bool = False


@dataclass(frozen=True)
class Chosen:
    """What the user has selected: one audio track, from a sample of the timeline to before another."""

    track: Track
    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


def open_folder(host: Host) -> Path | None:
    """The folder of the open session; None where none is open, or it lies nowhere on this machine."""
    try:
        spelled = _spelled(host)
    except Refused as refused:
        if refused.is_busy:
            raise Stalled(refused.what, refused.hint, refused.detail) from refused
        return None
    file = paths.native(spelled)
    return file.parent if file is not None else None


def open_session(host: Host) -> Session:
    """The open session.

    Raises:
        UsageError: none is open, or it lies nowhere on this machine.
    """
    try:
        spelled = _spelled(host)
    except Refused as refused:
        if refused.kind != "PT_NoOpenedSession":
            raise
        raise UsageError("No session is open in Pro Tools.", "Open one and select an audio clip in it.") from refused
    file = paths.native(spelled)
    if file is None:
        raise UsageError(
            "This session lies nowhere on this machine.", "Save it to a drive (File > Save As), then try again."
        )
    depth = host.call("GetSessionBitDepth").get("current_setting")
    rate = sample_rate(host.call("GetSessionSampleRate").get("sample_rate"))
    return Session(spelled, file.parent, rate, bit_depth(depth) == FLOAT)


def tracks(host: Host) -> list[Track]:
    """All tracks, in their order."""
    try:
        return [_track(row) for row in _rows(host, "GetTrackList", ALL_TRACKS, "track_list")]
    except Refused as refused:
        if refused.kind != "PT_NoTracksFound":
            raise
        return []


def is_recording(host: Host) -> bool:
    """Whether the transport records."""
    return transport_state(host.call("GetTransportState").get("current_setting")) in RECORDING


def chosen(host: Host) -> Chosen:
    """What is selected.

    Raises:
        UsageError: nothing that can be sent is; the sentence says what to do.
    """
    start, end = _selected_range(host)
    marked = [track for track in tracks(host) if track.has_selection]
    audio = [track for track in marked if track.type == AUDIO]
    if end <= start or not marked:
        raise UsageError("Nothing is selected.", "Select an audio clip, or a range of one audio track, and try again.")
    if not audio:
        raise UsageError(_no_audio(marked[0]), "Select an audio clip, or commit the track to audio first.")
    if len(audio) > 1:
        listed = ", ".join(track.name for track in audio)
        raise UsageError(f"The selection spans several tracks ({listed}).", "Select on one audio track, and try again.")
    return Chosen(audio[0], start, end)


def selected_files(host: Host, where: str = IN_TIMELINE) -> dict[str, bool]:
    """The files of the selected clips, and whether Pro Tools finds them; some versions list none."""
    try:
        rows = _rows(host, "GetFileLocation", {"file_filters": [where]}, "file_locations")
    except Refused as refused:
        if refused.is_busy:
            raise
        return {}
    return {str(row.get("path")): (row.get("info") or {}).get("is_online") is not False for row in rows}


def list_follows(host: Host, timeline: Mapping[str, bool]) -> bool:
    """Whether the clips that are selected in the Clips list, which are those that are exported, are those of the
    timeline. It can be told apart only where Pro Tools lists both.
    """
    listed = selected_files(host, IN_CLIPS_LIST)
    return not listed or not timeline or set(listed) == set(timeline)


def _spelled(host: Host) -> str:
    """The session's file; older versions tell it as a text of its own."""
    told = host.call("GetSessionPath").get("session_path")
    return str(told.get("path") or "") if isinstance(told, dict) else str(told or "")


def _track(row: Mapping[str, Any]) -> Track:
    attributes = row.get("track_attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    selection = attributes.get("has_edit_selection", attributes.get("is_selected"))
    return Track(
        name=str(row.get("name") or ""),
        id=str(row.get("id") or ""),
        type=track_type(row.get("type")),
        has_selection=is_set(selection),
        has_clips=attributes.get("contains_clips") is True,
    )


def _selected_range(host: Host) -> tuple[int, int]:
    """The edit selection; before 2025.6 the timeline's, which it is linked with unless the user has unlinked them."""
    if host.speaks(2025, 6):
        answer = host.call("GetEditSelection", {"location_type": "TLType_Samples"})
    else:
        answer = host.call("GetTimelineSelection", {"time_scale": "Samples"})
    start, end = samples(answer.get("in_time")), samples(answer.get("out_time"))
    return (start, end) if start is not None and end is not None else (0, 0)


def _rows(host: Host, command: str, body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """All rows of a list that comes in pages. The total that an answer tells is not to be trusted; a page that is not
    full is the last one, and so is one that has come before.
    """
    found: list[dict[str, Any]] = []
    while True:
        page = {"limit": PAGE, "offset": len(found)}
        rows = table(host.call(command, {**body, "pagination_request": page}), name)
        if found and rows[:1] == found[:1]:
            return found
        found += rows
        if len(rows) != PAGE:
            return found


def _no_audio(track: Track) -> str:
    if track.type in (MIDI, INSTRUMENT):
        kind = "a MIDI" if track.type == MIDI else "an instrument"
        return f"“{track.name}” is {kind} track: it has notes and no audio."
    return f"“{track.name}” is no audio track."
