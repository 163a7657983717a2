"""A send's returns as one arrangement on the session's timeline: what project files for DAWs are written from.

Every lane is one track with one clip on it. Times are seconds from the start of the session's timeline.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from sendreturn.audio.midi_reading import read_content
from sendreturn.audio.probe import inspect
from sendreturn.errors import ClipError
from sendreturn.returns.naming import safe_stem
from sendreturn.words import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sendreturn.audio.notes import Meter, Note, NoteTrack, Timeline
    from sendreturn.returns.deliver import DeliveredFile

AUDIO = frozenset({Kind.MIX, Kind.TAIL, Kind.HEAD, Kind.STEM})


@dataclass(frozen=True)
class Sound:
    """An audio file; `file_name` is what it is called for the user."""

    path: Path
    file_name: str
    rate_hz: int
    channels: int
    frames: int

    @property
    def duration_s(self) -> float:
        return self.frames / self.rate_hz


@dataclass(frozen=True)
class Part:
    """The notes of one instrument, in seconds from the start of the lane."""

    track: NoteTrack
    duration_s: float

    def notes_from(self, at_s: float) -> list[Note]:
        """The notes that begin there or later."""
        return [note for note in self.track.notes if note.start_s >= at_s]


@dataclass(frozen=True)
class Lane:
    """One track with one clip.

    Attributes:
        take: The take that it belongs to; 0 is the clip that was sent.
        kind: What it is; None for the clip that was sent.
        colour: "#rrggbb".
        start_s: Where its clip starts; negative where that is before the session's start.
        muted: Whether the track is silent until the user wants to hear it.
    """

    take: int
    kind: Kind | None
    name: str
    colour: str
    start_s: float
    content: Sound | Part
    muted: bool = False

    @property
    def clip_start_s(self) -> float:
        """Where the clip can start: no DAW has a place before its timeline's start."""
        return max(self.start_s, 0.0)

    @property
    def left_off_s(self) -> float:
        """What of the content's front is left off for that."""
        return max(-self.start_s, 0.0)

    @property
    def end_s(self) -> float:
        return self.start_s + self.content.duration_s


@dataclass(frozen=True)
class Section:
    """A named place on the timeline; a stretch of it where the length is above 0."""

    label: str
    start_s: float
    length_s: float = 0.0


@dataclass(frozen=True)
class SentClip:
    """The clip that was sent: its cut, in a file that a DAW reads, and where that starts on the timeline."""

    name: str
    path: Path
    start_s: float


@dataclass(frozen=True)
class Arrangement:
    """Everything that one send brought back.

    Attributes:
        name: What the project is called.
        comment: Where it came from, in one sentence.
        session: The session's tempo map, from the start of its timeline on.
    """

    name: str
    comment: str
    session: Meter
    lanes: tuple[Lane, ...]
    sections: tuple[Section, ...] = ()

    @cached_property
    def _timeline(self) -> Timeline:
        return self.session.timeline

    def quarters(self, at_s: float) -> float:
        """Quarter notes from the start of the session's timeline to `at_s`."""
        return self._timeline.quarters(at_s)


def arrange(
    files: Sequence[DeliveredFile], clip: SentClip | None, session: Meter, *, name: str, comment: str
) -> Arrangement:
    """The arrangement of delivered files; lyrics, pictures and videos have no place in it.

    Only what belongs together sounds at first: the mix of the first take, else its stems, else the clip itself.

    Raises:
        ClipError: An audio file cannot be read. MIDI that cannot be read is left out.
    """
    origin_s = clip.start_s if clip else 0.0
    lanes = [] if clip is None else [_sent(clip)]
    starts_s: dict[int, float] = {}
    for file in files:
        if file.kind in AUDIO and file.sample_rate_hz:
            lane = _sounding(file)
            lanes.append(lane)
            if file.kind is Kind.MIX:
                starts_s.setdefault(file.take, lane.start_s)
    for file in files:
        if file.kind is Kind.MIDI:
            lanes += _parts(file, starts_s.get(file.take, origin_s))
    lanes.sort(key=lambda lane: lane.take)
    return Arrangement(name, comment, session, _with_one_thing_sounding(lanes))


_COLOURS = {
    None: "#8c8c8c",
    Kind.MIX: "#3a86c8",
    Kind.TAIL: "#2aa198",
    Kind.HEAD: "#2aa198",
    Kind.STEM: "#9aa0a6",
    Kind.MIDI: "#b58900",
}
_STEM_COLOURS = {
    "vocals": "#e0479e",
    "backing_vocals": "#f08cc0",
    "drums": "#d9482b",
    "percussion": "#e88a4a",
    "bass": "#7b52c7",
    "guitar": "#4f9d3a",
    "keyboard": "#d4a017",
    "strings": "#8a5a34",
    "synth": "#3bb3d9",
    "fx": "#6c7a89",
    "brass": "#c98b2b",
    "woodwinds": "#79a84b",
    "instrumental": "#5470a8",
}


def _sent(clip: SentClip) -> Lane:
    file_name = f"{safe_stem(clip.name)}{clip.path.suffix}"
    return Lane(0, None, f"{clip.name} (sent)", _COLOURS[None], clip.start_s, _sound(clip.path, file_name))


def _sounding(file: DeliveredFile) -> Lane:
    sound = _sound(file.path, file.path.name)
    label = (file.stem or "other") if file.kind is Kind.STEM else "" if file.kind is Kind.MIX else file.kind.value
    colour = _STEM_COLOURS.get(file.stem or "", _COLOURS[file.kind])
    start_s = (file.position_samples or 0) / sound.rate_hz
    name = f"take {file.take} {label.replace('_', ' ')}".strip()
    return Lane(file.take, file.kind, name, colour, start_s, sound)


def _sound(path: Path, file_name: str) -> Sound:
    info = inspect(path)
    return Sound(path, file_name, info.sample_rate_hz, info.channels, info.frames)


def _parts(file: DeliveredFile, start_s: float) -> list[Lane]:
    try:
        tracks = read_content(file.path).tracks
    except ClipError:
        return []  # it was delivered as it came, and says so there
    end_s = max((note.end_s for track in tracks for note in track.notes), default=0.0)
    return [
        Lane(
            file.take,
            Kind.MIDI,
            f"take {file.take} {track.name} (notes)",
            _STEM_COLOURS.get(track.name.lower(), _COLOURS[Kind.MIDI]),
            start_s,
            Part(track, end_s),
        )
        for track in tracks
    ]


def _with_one_thing_sounding(lanes: Sequence[Lane]) -> tuple[Lane, ...]:
    first = min((lane.take for lane in lanes if lane.take and lane.kind in AUDIO), default=0)
    kinds = [lane.kind for lane in lanes if lane.take == first]
    heard = next((kind for kind in (Kind.MIX, Kind.STEM) if kind in kinds), None)
    sounding = (first if heard else 0, heard)
    return tuple(
        lane if lane.kind is Kind.MIDI else replace(lane, muted=(lane.take, lane.kind) != sounding) for lane in lanes
    )
