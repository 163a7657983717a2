# sendreturn-bridge @VERSION@
"""Makes clips: in slots, on the Arrangement and on its take lanes.

A clip of which only a part is to be shown, and any clip in a Live whose tracks cannot make one, is made in a slot of
its new track first and copied to the Arrangement: a slot's clip keeps its beginning and its end on the way. An
Arrangement clip that plays once lasts from `loop_start` to `loop_end`, whatever its other markers say; both are seconds
where it is not warped. [docs.cycling74.com/apiref/lom/clip; Producer Pal's dev/Arrangement-Operations.md]
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Generator, NamedTuple

from . import live_api
from .live_api import REFUSALS
from .mailbox import Message

Steps = Generator[None, None, None]

NOTES_AT_ONCE = 200
SHORTEST_BEATS = 1 / 128
UNWARPS = 3
"""Live may begin to warp a long file by itself a moment after it was imported."""
SAME_BEAT = 1e-3
SAME_BPM = 0.01


class Unplaced(Exception):
    """Half a sentence: why a file cannot be placed."""


class Spot(NamedTuple):
    """Where a clip goes.

    Attributes:
        holder: The track, or one of its take lanes.
        slot: A free slot of the track.
        beat: Where in the Arrangement; None to stay in the slot.
        hidden_s: How much of its beginning lies before the Arrangement does.
    """

    track: Any
    holder: Any
    slot: Any
    beat: float | None
    hidden_s: float


class Selected:
    """What the user has selected; Live selects each new track."""

    def __init__(self, song: Any) -> None:
        self._view = song.view
        self._track, self._clip = self._view.selected_track, self._view.detail_clip

    def restore(self) -> None:
        with suppress(*REFUSALS):  # the user may have deleted it meanwhile
            if self._view.selected_track != self._track:
                self._view.selected_track = self._track
            if self._clip is not None and self._view.detail_clip != self._clip:
                self._view.detail_clip = self._clip


def can_import(song: Any) -> bool:
    """Whether this Live takes audio files from a script: 12.0.5 and newer."""
    return any(hasattr(slot, "create_audio_clip") for track in song.tracks for slot in track.clip_slots[:1])


def has_lanes(song: Any) -> bool:
    return any(hasattr(track, "create_take_lane") for track in song.tracks)


def is_cut(file: Message) -> bool:
    """Whether not all of the file is shown."""
    return bool(file.get("offset_samples")) or file.get("length_samples") is not None


def new_lane(track: Any, file: Message) -> Any:
    lane = track.create_take_lane()
    lane.name = f"take {file['take']}"
    return lane


def add_audio(spot: Spot, file: Message, gain: float, bpm: float | None, wrong: list[str]) -> Steps:
    """Lay an audio file there. Where it does not lie as it should, a sentence is added to `wrong`."""
    is_plain = not is_cut(file) and not spot.hidden_s and not bpm
    if spot.beat is not None and is_plain and hasattr(spot.holder, "create_audio_clip"):
        clip = spot.holder.create_audio_clip(file["path"], spot.beat)
        yield from _dress(clip, spot, file, gain, bpm, wrong)
        if spot.holder is not spot.track or _is_at(clip, spot.beat):
            _check_place(clip, spot, wrong)
            return
        spot.track.delete_clip(clip)  # Live had begun it behind the file's beginning, and it has moved
    if spot.holder is not spot.track:
        raise Unplaced("it cannot lie on a take lane")
    clip = spot.slot.create_audio_clip(file["path"])
    yield from _dress(clip, spot, file, gain, bpm, wrong)
    _check_place(_to_arrangement(spot, clip), spot, wrong)


def _is_at(clip: Any, beat: float) -> bool:
    return bool(abs(clip.start_time - beat) <= SAME_BEAT)


def _check_place(clip: Any, spot: Spot, wrong: list[str]) -> None:
    if spot.beat is not None and not _is_at(clip, spot.beat):
        wrong.append(f"“{clip.name}” lies at beat {clip.start_time:g} and should lie at {spot.beat:g}: move it there.")


def add_notes(spot: Spot, file: Message, notes: Message, tempo: float) -> Steps:
    """Lay the notes of a MIDI file there, as a clip of its own."""
    per_s = tempo / 60
    length = max(float(notes["length_s"]) * per_s, 1.0)
    if spot.beat is not None and hasattr(spot.holder, "create_midi_clip"):
        clip = spot.holder.create_midi_clip(spot.beat, length)
        yield from _fill(clip, file, notes["notes"], per_s)
        return
    clip = spot.slot.create_clip(length)
    yield from _fill(clip, file, notes["notes"], per_s)
    _to_arrangement(spot, clip)


def _fill(clip: Any, file: Message, rows: list[Any], per_s: float) -> Steps:
    clip.name = file["name"]
    clip.looping = False
    for first in range(0, len(rows), NOTES_AT_ONCE):
        yield
        part = rows[first : first + NOTES_AT_ONCE]
        clip.add_new_notes(tuple(_note(row, per_s) for row in part))


def _note(row: Any, per_s: float) -> Any:
    start_s, end_s, pitch, velocity = row[:4]
    beats = max((end_s - start_s) * per_s, SHORTEST_BEATS)
    return live_api.note(int(pitch), max(start_s, 0.0) * per_s, beats, int(velocity))


def _to_arrangement(spot: Spot, clip: Any) -> Any:
    if spot.beat is None:
        return clip
    placed = spot.track.duplicate_clip_to_arrangement(clip, spot.beat)
    spot.slot.delete_clip()
    return placed


def _dress(clip: Any, spot: Spot, file: Message, gain: float, bpm: float | None, wrong: list[str]) -> Steps:
    """Name, gain, what is shown of the file, and at which speed."""
    clip.name = file["name"]
    if gain >= 0:
        clip.gain = gain
    for _ in range(UNWARPS):
        _show(clip, spot, file)
        yield
        if not clip.warping:
            break
    if clip.warping:
        wrong.append(f"Live warps “{clip.name}”, so that it may drift. Switch Warp off in its Clip View.")
    elif bpm:
        _warp(clip, float(bpm), wrong)


def _show(clip: Any, spot: Spot, file: Message) -> None:
    """Have it play as it is, once, from the first sample that is to be heard to the last."""
    if clip.warping:
        if clip.looping:
            clip.looping = False
        clip.warping = False
    rate = float(file.get("sample_rate_hz") or clip.sample_rate)
    whole_s = clip.sample_length / clip.sample_rate
    first = file.get("offset_samples", 0) / rate
    shown = file.get("length_samples")
    last = whole_s if shown is None else min(first + shown / rate, whole_s)
    _set_region(clip, min(first + spot.hidden_s, last - 1 / rate), last)


def _set_region(clip: Any, first: float, last: float) -> None:
    """The beginning never passes the end on the way."""
    if first < clip.loop_end:
        clip.loop_start = first
        clip.loop_end = last
    else:
        clip.loop_end = last
        clip.loop_start = first


def _warp(clip: Any, bpm: float, wrong: list[str]) -> None:
    """Warp it evenly by its measured tempo, so that it follows the set's."""
    first_s, last_s = clip.loop_start, clip.loop_end
    clip.warping = True
    markers = list(clip.warp_markers)
    origin = markers[0]
    for marker in markers[1:-1]:
        clip.remove_warp_marker(marker.beat_time)
    beats = max((last_s - origin.sample_time) * bpm / 60, 1.0)
    clip.add_warp_marker(live_api.warp_marker(origin.sample_time + beats * 60 / bpm, origin.beat_time + beats))
    one, other = list(clip.warp_markers)[:2]
    per_s = (other.beat_time - one.beat_time) / (other.sample_time - one.sample_time)
    if abs(per_s * 60 - bpm) > SAME_BPM:
        wrong.append(f"Live does not warp “{clip.name}” by {bpm:g} BPM; it plays as it is.")
        clip.warping = False
        _set_region(clip, first_s, last_s)
        return
    beat_of_first = origin.beat_time + (first_s - origin.sample_time) * per_s
    _set_region(clip, beat_of_first, beat_of_first + (last_s - first_s) * per_s)
