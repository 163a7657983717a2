"""A Live Set as scripts see it: the song with its tracks, slots, scenes and take lanes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from live_boost import ArgumentError, CrashError, LimitationError, LiveObject, holds, reads, takes
from live_clips import Clip, audio_clip

LAST_BEAT = 1_576_800.0


class ClipSlot(LiveObject):
    def __init__(self, track: Track) -> None:
        self._track = track
        self._clip: Clip | None = None

    clip = reads("clip")

    @property
    def has_clip(self) -> bool:
        return self._clip is not None

    @property
    def canonical_parent(self) -> Track:
        return self._track

    @takes(object)
    def create_audio_clip(self, path: Any) -> Clip:
        self._track._accepts(is_audio=True)
        return self._fill(audio_clip(self._track._song, self, path, None, self._track._song._imports))

    @takes(float)
    def create_clip(self, length: float) -> Clip:
        self._track._accepts(is_audio=False)
        clip = Clip(self._track._song, self, start_time=None, name="")
        clip._loop_end = clip._end_marker = float(length)
        clip._looping = True
        return self._fill(clip)

    @takes()
    def delete_clip(self) -> None:
        if self._clip is None:
            raise RuntimeError("The slot is empty")
        self._track._song._changes()
        self._clip = None

    def _fill(self, clip: Clip) -> Clip:
        if self._clip is not None:
            raise RuntimeError("The slot is not empty")
        self._track._song._changes()
        self._clip = clip
        return clip


class TakeLane(LiveObject):
    def __init__(self, track: Track) -> None:
        self._track, self._name = track, ""
        self._clips: list[Clip] = []

    name = holds("name", str)

    def _changes(self) -> None:
        self._track._song._changes()

    @property
    def canonical_parent(self) -> Track:
        return self._track

    @takes(object, float)
    def create_audio_clip(self, path: Any, start: float) -> Clip:
        return self._track._lay_audio(self, self._clips, path, start)

    @takes(float, float)
    def create_midi_clip(self, start: float, length: float) -> Clip:
        return self._track._lay_notes(self, self._clips, start, length)


class Track(LiveObject):
    def __init__(self, song: Song, name: str, *, is_audio: bool) -> None:
        self._song, self._name, self._is_audio = song, name, is_audio
        self._color, self._is_foldable, self._is_frozen = 0, False, False
        self._slots = [ClipSlot(self) for _ in song._scenes]
        self._clips: list[Clip] = []
        self._lanes: list[TakeLane] = []

    name, color = holds("name", str), holds("color", int)
    is_foldable, is_frozen = reads("is_foldable"), reads("is_frozen")

    def _changes(self) -> None:
        self._song._changes()

    @property
    def canonical_parent(self) -> Song:
        return self._song

    @property
    def clip_slots(self) -> tuple[ClipSlot, ...]:
        return tuple(self._slots)

    @property
    def arrangement_clips(self) -> tuple[Clip, ...]:
        return tuple(self._clips)

    @takes(object, float)
    def create_audio_clip(self, path: Any, start: float) -> Clip:
        return self._lay_audio(self, self._clips, path, start)

    @takes(float, float)
    def create_midi_clip(self, start: float, length: float) -> Clip:
        return self._lay_notes(self, self._clips, start, length)

    @takes()
    def create_take_lane(self) -> TakeLane:
        self._changes()
        self._lanes.append(TakeLane(self))
        return self._lanes[-1]

    @takes(Clip, float)
    def duplicate_clip_to_arrangement(self, clip: Clip, start: float) -> Clip:
        self._accepts(is_audio=clip.is_audio_clip)
        self._within(start)
        if clip.is_arrangement_clip and any(
            c.start_time < start + c._beats and c.end_time > start for c in self._clips
        ):
            raise CrashError("Live 12 crashes here")
        self._changes()
        copy = Clip(self._song, self, start_time=float(start), name=clip.name)
        for name, value in vars(clip).items():
            if name not in ("_parent", "_start_time"):
                object.__setattr__(copy, name, value)
        copy._edge = clip.loop_end - clip.loop_start
        self._clips.append(copy)
        return copy

    @takes(Clip)
    def delete_clip(self, clip: Clip) -> None:
        if clip not in self._clips:
            raise RuntimeError("The clip belongs to another track")
        self._changes()
        self._clips.remove(clip)

    def _lay_audio(self, parent: Any, clips: list[Clip], path: Any, start: float) -> Clip:
        self._accepts(is_audio=True)
        self._within(start)
        clip = audio_clip(self._song, parent, path, float(start), self._song._imports)
        self._changes()
        clips.append(clip)
        return clip

    def _lay_notes(self, parent: Any, clips: list[Clip], start: float, length: float) -> Clip:
        self._accepts(is_audio=False)
        self._within(start)
        clip = Clip(self._song, parent, start_time=float(start), name="")
        clip._loop_end = clip._end_marker = clip._edge = float(length)
        self._changes()
        clips.append(clip)
        return clip

    def _accepts(self, *, is_audio: bool) -> None:
        if is_audio != self._is_audio or self._is_frozen:
            raise RuntimeError("This track takes no such clip")

    def _within(self, start: float) -> None:
        if not 0.0 <= start <= LAST_BEAT:
            raise RuntimeError("The time is outside of the Arrangement")


class View(LiveObject):
    def __init__(self) -> None:
        self._selected_track: Any = None
        self._detail_clip: Any = None
        self._highlighted_clip_slot: Any = None
        self._focused_document_view = "Arranger"

    selected_track, detail_clip = holds("selected_track", object), holds("detail_clip", object)
    highlighted_clip_slot, focused_document_view = reads("highlighted_clip_slot"), reads("focused_document_view")

    def _changes(self) -> None:
        pass  # what is selected is no change of the set


class Parameter(LiveObject):
    def __init__(self) -> None:
        self._automation_state = 0

    automation_state = reads("automation_state")


class Holder(LiveObject):
    """A track or device that is only a way to something else."""

    def __init__(self, **parts: Any) -> None:
        for name, part in parts.items():
            object.__setattr__(self, name, part)


class Song(LiveObject):
    """The set, with what Live would show under Edit, Undo.

    Attributes:
        _imports: "plain", or what the user's settings make of new audio: "warped", "late" (a moment after it was
            imported) or "stubborn" (however often it is switched off).
        _undo: The steps back, each with the set as it was.
        _loose: Changes outside of an undo step that a script had opened.
    """

    def __init__(self, path: str = "", *, tempo: float = 120.0, scenes: int = 4) -> None:
        self._file_path, self._tempo = path, tempo
        self._signature_numerator, self._signature_denominator = 4, 4
        self._scenes: list[Any] = [object() for _ in range(scenes)]
        self._tracks: list[Track] = []
        self._view = View()
        self._is_playing = self._record_mode = self._session_record = False
        self._loop, self._loop_start, self._loop_length = False, 0.0, 4.0
        self._data: dict[str, str] = {}
        self._tempo_parameter = Parameter()
        self._imports, self._track_limit = "plain", 1000
        self._undo: list[Any] = []
        self._open: Any = None
        self._loose = 0

    file_path, tempo, view = reads("file_path"), reads("tempo"), reads("view")
    signature_numerator, signature_denominator = reads("signature_numerator"), reads("signature_denominator")
    is_playing, record_mode, session_record = reads("is_playing"), reads("record_mode"), reads("session_record")
    loop, loop_start, loop_length = reads("loop"), reads("loop_start"), reads("loop_length")

    @property
    def tracks(self) -> tuple[Track, ...]:
        return tuple(self._tracks)

    @property
    def scenes(self) -> tuple[Any, ...]:
        return tuple(self._scenes)

    @property
    def master_track(self) -> Any:
        return Holder(mixer_device=Holder(song_tempo=self._tempo_parameter))

    @takes(object, optional=1)
    def create_audio_track(self, index: Any = None) -> Track:
        return self._new_track(index, "Audio", is_audio=True)

    @takes(object, optional=1)
    def create_midi_track(self, index: Any = None) -> Track:
        return self._new_track(index, "MIDI", is_audio=False)

    @takes(int)
    def delete_track(self, index: int) -> None:
        if len(self._tracks) == 1:
            raise RuntimeError("The last track cannot be deleted")
        self._changes()
        del self._tracks[index]

    @takes(int)
    def create_scene(self, index: int) -> Any:
        if not -1 <= index <= len(self._scenes):
            raise RuntimeError("Invalid index")
        self._changes()
        self._scenes.append(object())
        for track in self._tracks:
            track._slots.append(ClipSlot(track))
        return self._scenes[-1]

    @takes()
    def begin_undo_step(self) -> None:
        assert self._open is None
        self._open = self._shape()

    @takes()
    def end_undo_step(self) -> None:
        assert self._open is not None
        self._undo.append(self._open)
        self._open = None

    @takes(object, object)
    def get_data(self, key: Any, default: Any) -> Any:
        return json.loads(self._data[key]) if key in self._data else default

    @takes(object, object)
    def set_data(self, key: Any, value: Any) -> None:
        self._data[key] = json.dumps(value)

    def _new_track(self, index: Any, name: str, *, is_audio: bool) -> Track:
        if index is not None and (not isinstance(index, int) or isinstance(index, bool)):
            raise ArgumentError(f"no index: {index!r}")
        if index is not None and not -1 <= index <= len(self._tracks):
            raise RuntimeError("Invalid index")
        if len(self._tracks) >= self._track_limit:
            raise LimitationError("The track limit is reached")
        self._changes()
        track = Track(self, name, is_audio=is_audio)
        self._tracks.insert(len(self._tracks) if index in (None, -1) else index, track)
        self._view._selected_track, self._view._detail_clip = track, None
        return track

    def _changes(self) -> None:
        if self._open is None:
            self._loose += 1

    def _shape(self) -> Any:
        return [(track, track.name, list(track._clips), [slot.clip for slot in track._slots]) for track in self._tracks]

    def _undone(self) -> None:
        """What the user does with Cmd+Z."""
        shape = self._undo.pop()
        self._tracks = [track for track, *_ in shape]
        for track, _, clips, slots in shape:
            track._clips = clips
            for slot, clip in zip(track._slots, slots, strict=False):
                slot._clip = clip

    def _kept(self) -> Any:
        """What a save writes to the disk."""
        lanes = {track: [(lane, list(lane._clips)) for lane in track._lanes] for track in self._tracks}
        return self._shape(), lanes, dict(self._data)

    def _found_again(self, kept: Any) -> None:
        """What is there when the set is opened after Live was killed; steps back are gone."""
        shape, lanes, self._data = kept
        self._undo = [shape]
        self._undone()
        for track, name, *_ in shape:
            track._name = name
            track._lanes = [lane for lane, _ in lanes[track]]
        for lane, clips in (row for rows in lanes.values() for row in rows):
            lane._clips = clips
        self._open = None

    def _track(self, name: str) -> Track:
        return next(track for track in self._tracks if track.name == name)

    def _add(self, name: str, *, is_audio: bool = True) -> Track:
        self._tracks.append(Track(self, name, is_audio=is_audio))
        return self._tracks[-1]

    def _saved_as(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        self._file_path = str(path)
