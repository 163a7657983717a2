"""Clips as Live has them: in slots, on the Arrangement, on take lanes; with audio or notes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import soundfile
from live_boost import ArgumentError, LiveObject, holds, reads, takes

HIDDEN_BEATS = 1 / 32


class WarpMarker(LiveObject):
    def __init__(self, sample_time: float, beat_time: float) -> None:
        self._sample_time, self._beat_time = float(sample_time), float(beat_time)

    sample_time, beat_time = reads("sample_time"), reads("beat_time")


class MidiNoteSpecification(LiveObject):
    def __init__(
        self, *, pitch: int, start_time: float, duration: float, velocity: float = 100.0, mute: bool = False
    ) -> None:
        if not 0 <= pitch <= 127 or duration <= 0 or not 1 <= velocity <= 127:
            raise RuntimeError("Invalid note")
        self._row = (start_time, duration, pitch, velocity, mute)


class Clip(LiveObject):
    """One clip. Times are beats, or seconds of the file where it is audio that is not warped."""

    def __init__(self, song: Any, parent: Any, *, start_time: float | None, name: str) -> None:
        self._song, self._parent, self._name = song, parent, name
        self._start_time = start_time
        self._loop_start, self._loop_end = 0.0, 4.0
        self._start_marker, self._end_marker = 0.0, 4.0
        self._looping, self._recording = False, False
        self._path, self._frames, self._rate = "", 0, 0.0
        self._warping = False
        self._markers: list[tuple[float, float]] = []
        self._gain, self._pitch_coarse, self._pitch_fine = 0.4, 0, 0.0
        self._shown_gain: str | None = None
        self._rows: list[Any] = []
        self._edge = 4.0
        self._warps_again = 0

    name = holds("name", str)
    gain = holds("gain", float)
    pitch_coarse, pitch_fine = holds("pitch_coarse", int), holds("pitch_fine", float)

    def _changes(self) -> None:
        self._song._changes()

    @property
    def canonical_parent(self) -> Any:
        return self._parent

    @property
    def is_audio_clip(self) -> bool:
        return bool(self._path)

    @property
    def is_midi_clip(self) -> bool:
        return not self._path

    @property
    def is_recording(self) -> bool:
        return self._recording

    @property
    def is_arrangement_clip(self) -> bool:
        return self._start_time is not None

    @property
    def gain_display_string(self) -> str:
        if self._shown_gain is not None:
            return self._shown_gain
        return f"{(self._gain - 0.4) * 40:.1f} dB"

    @property
    def file_path(self) -> str:
        self._only_audio()
        return self._path

    @property
    def sample_length(self) -> int:
        self._only_audio()
        return self._frames

    @property
    def sample_rate(self) -> float:
        self._only_audio()
        return self._rate

    @property
    def warp_markers(self) -> tuple[WarpMarker, ...]:
        self._only_audio()
        return tuple(WarpMarker(*marker) for marker in self._markers)

    @property
    def looping(self) -> bool:
        return self._looping

    @looping.setter
    def looping(self, value: bool) -> None:
        if self._path and not self._warping and value:
            raise RuntimeError("Only warped audio clips or MIDI clips can be looped")
        self._changes()
        self._looping = bool(value)

    @property
    def warping(self) -> bool:
        self._only_audio()
        return self._warping

    @warping.setter
    def warping(self, value: bool) -> None:
        self._only_audio()
        self._changes()
        self._warp(bool(value))

    def _warp(self, value: bool) -> None:
        if value == self._warping:
            return
        change = self._beat_of if value else self._second_of
        for name in ("_loop_start", "_loop_end", "_start_marker", "_end_marker"):
            setattr(self, name, change(getattr(self, name)))
        self._warping = value
        self._looping = self._looping and value

    @property
    def loop_start(self) -> float:
        return self._loop_start

    @loop_start.setter
    def loop_start(self, value: float) -> None:
        self._order(value, self._loop_end)
        if self._start_time is not None and not self._looping:
            # An Arrangement clip that begins earlier in its file begins earlier on the timeline too.
            self._start_time += (value - self._loop_start) * self._beats_per_unit
        self._loop_start = float(value)

    @property
    def loop_end(self) -> float:
        return self._loop_end

    @loop_end.setter
    def loop_end(self, value: float) -> None:
        self._order(self._loop_start, value)
        self._loop_end = float(value)
        if self._path and not self._warping:
            self._loop_end = min(self._loop_end, self._seconds)

    def _order(self, first: float, last: float) -> None:
        if not first < last:
            raise RuntimeError("Loop start must be before loop end")
        self._changes()

    @property
    def start_marker(self) -> float:
        return self._start_marker if self._looping else self._loop_start

    @start_marker.setter
    def start_marker(self, value: float) -> None:
        self._changes()
        if self._looping:  # else it is tied to loop_start, and what is written is dropped
            self._start_marker = float(value)

    @property
    def end_marker(self) -> float:
        return self._end_marker

    @property
    def length(self) -> float:
        return self._loop_end - self._loop_start

    @property
    def start_time(self) -> float:
        return self._start_time if self._start_time is not None else 0.0

    @property
    def end_time(self) -> float:
        if self._start_time is None:
            return self._loop_end
        return self._start_time + self._beats

    @property
    def _beats(self) -> float:
        """How long it is on the Arrangement."""
        return self._edge if self._looping else (self._loop_end - self._loop_start) * self._beats_per_unit

    @property
    def _beats_per_unit(self) -> float:
        return self._song._tempo / 60 if self._path and not self._warping else 1.0

    @property
    def _seconds(self) -> float:
        return self._frames / self._rate

    @takes(WarpMarker)
    def add_warp_marker(self, marker: WarpMarker) -> None:
        self._only_warped()
        visible = sorted([*self._markers[:-1], (marker.sample_time, marker.beat_time)])
        self._set_markers(visible)

    @takes(float)
    def remove_warp_marker(self, beat: float) -> None:
        self._only_warped()
        visible = [marker for marker in self._markers[:-1] if abs(marker[1] - beat) > 1e-9]
        if len(visible) == len(self._markers) - 1:
            raise RuntimeError("There is no such warp marker")
        self._set_markers(visible)

    def _set_markers(self, visible: list[tuple[float, float]]) -> None:
        """The hidden one goes on at the speed of the last two."""
        self._changes()
        if len(visible) > 1:
            (s0, b0), (s1, b1) = visible[-2:]
            per_s = (b1 - b0) / (s1 - s0)
        else:
            (s0, b0), (s1, b1) = self._markers[-2:]
            per_s = (b1 - b0) / (s1 - s0)
        last = visible[-1]
        self._markers = [*visible, (last[0] + HIDDEN_BEATS / per_s, last[1] + HIDDEN_BEATS)]

    @takes(object)
    def add_new_notes(self, notes: Any) -> None:
        if not self.is_midi_clip:
            raise RuntimeError("Not a MIDI clip")
        if not all(isinstance(note, MidiNoteSpecification) for note in notes):
            raise ArgumentError("add_new_notes takes MidiNoteSpecification objects")
        self._changes()
        self._rows += [note._row for note in notes]

    def _beat_of(self, second: float) -> float:
        (s0, b0), (s1, b1) = self._markers[0], self._markers[-1]
        return b0 + (second - s0) * (b1 - b0) / (s1 - s0)

    def _second_of(self, beat: float) -> float:
        (s0, b0), (s1, b1) = self._markers[0], self._markers[-1]
        return s0 + (beat - b0) * (s1 - s0) / (b1 - b0)

    def _only_audio(self) -> None:
        if not self._path:
            raise RuntimeError("Available for AudioClips only")

    def _only_warped(self) -> None:
        if not self._warping:
            raise RuntimeError("The clip is not warped")


def audio_clip(song: Any, parent: Any, path: str, start_time: float | None, imports: str = "plain") -> Clip:
    """A clip of a whole file, warped or not as the user's settings have it."""
    file = Path(path)
    try:
        info = soundfile.info(path)
    except (OSError, RuntimeError) as error:
        raise RuntimeError(f"Not a valid audio file: {path}") from error
    if not file.is_absolute():
        raise RuntimeError("The path must be absolute")
    clip = Clip(song, parent, start_time=start_time, name=file.stem)
    clip._path, clip._frames, clip._rate = path, info.frames, float(info.samplerate)
    clip._loop_end = clip._end_marker = clip._seconds
    clip._markers = [(0.0, 0.0), (60 / song._tempo * HIDDEN_BEATS, HIDDEN_BEATS)]
    if imports != "plain":
        begin_to_warp(clip)
        clip._warps_again = {"warped": 0, "late": 1, "stubborn": math.inf}[imports]  # type: ignore[assignment]
    return clip


def begin_to_warp(clip: Clip) -> None:
    """What Live makes of a long file by itself: it guesses a tempo, and begins at what it takes for the first beat."""
    clip._markers = [(0.05, 0.0), (1.0, 1.9), (1.0 + 0.02, 1.9 + HIDDEN_BEATS)]
    clip._warping = True
    clip._loop_start, clip._loop_end = 0.0, clip._beat_of(clip._seconds)
    clip._start_marker, clip._end_marker = clip._loop_start, clip._loop_end
    clip._edge = clip._loop_end - clip._loop_start
