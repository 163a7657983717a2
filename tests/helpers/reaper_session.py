"""A REAPER with a scripted session: projects, tracks, items, takes and sources, as its scripts see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile


@dataclass(eq=False)
class PCM_source:  # noqa: N801 - the names of REAPER's own types
    """A media file, or a section of another source, or notes within the project."""

    path: str = ""
    rate_hz: int = 0
    channels: int = 0
    length_s: float = 0.0
    kind: str = "WAVE"
    parent: PCM_source | None = None
    section: tuple[float, float, bool] | None = None
    peaks: int = 0

    @property
    def root(self) -> PCM_source:
        return self.parent.root if self.parent else self

    def samples(self) -> Any:
        """What it plays, frames by channels."""
        if self.parent is None:
            return soundfile.read(self.path, always_2d=True)[0]
        whole = self.parent.samples()
        if self.section is None:
            return whole
        start, length, is_reversed = self.section
        part = whole[round(start * self.root.rate_hz) :][: round(length * self.root.rate_hz)]
        return part[::-1] if is_reversed else part


@dataclass(eq=False)
class MediaItem_Take:  # noqa: N801
    item: MediaItem
    source: PCM_source | None = None
    name: str = ""
    stretch_markers: int = 0
    fx: int = 0
    notes: list[tuple[float, float, int, int, int]] = field(default_factory=list)
    is_sorted: bool = True
    values: dict[str, float] = field(
        default_factory=lambda: {"D_STARTOFFS": 0.0, "D_VOL": 1.0, "D_PLAYRATE": 1.0, "D_PITCH": 0.0, "I_CHANMODE": 0.0}
    )

    @property
    def is_midi(self) -> bool:
        return self.source is not None and self.source.kind == "MIDI"


@dataclass(eq=False)
class MediaItem:
    track: MediaTrack
    takes: list[MediaItem_Take] = field(default_factory=list)
    strings: dict[str, str] = field(default_factory=dict)
    values: dict[str, float] = field(
        default_factory=lambda: {
            "D_POSITION": 0.0,
            "D_LENGTH": 0.0,
            "D_VOL": 1.0,
            "B_LOOPSRC": 1.0,
            "D_FADEINLEN": 0.0,
            "D_FADEOUTLEN": 0.0,
            "C_BEATATTACHMODE": -1.0,
            "B_UISEL": 0.0,
            "I_CURTAKE": 0.0,
        }
    )

    @property
    def active(self) -> MediaItem_Take | None:
        return self.takes[int(self.values["I_CURTAKE"])] if self.takes else None


@dataclass(eq=False)
class MediaTrack:
    name: str = ""
    items: list[MediaItem] = field(default_factory=list)
    strings: dict[str, str] = field(default_factory=dict)
    values: dict[str, float] = field(
        default_factory=lambda: {"I_SELECTED": 0.0, "I_FREEMODE": 0.0, "I_FOLDERDEPTH": 0.0, "I_CUSTOMCOLOR": 0.0}
    )

    def add(self, source: PCM_source, position_s: float, length_s: float | None = None, **values: float) -> MediaItem:
        """An item as a user would have put it there: it is selected."""
        item = MediaItem(self)
        take = MediaItem_Take(item, source, Path(source.path).stem)
        item.takes.append(take)
        length = source.length_s if length_s is None else length_s
        item.values |= {"D_POSITION": position_s, "D_LENGTH": length, "B_UISEL": 1.0}
        for key, value in values.items():
            (take.values if key in take.values and key != "D_VOL" else item.values)[key] = value
        self.items.append(item)
        return item


@dataclass(eq=False)
class ReaProject:
    path: str = ""
    rate_hz: int = 48_000
    uses_rate: bool = True
    bpm: float = 120.0
    signature: tuple[int, int] = (4, 4)
    tempo: list[tuple[float, float, int, int, bool]] = field(default_factory=list)
    range_s: tuple[float, float] = (0.0, 0.0)
    tracks: list[MediaTrack] = field(default_factory=list)
    undo: list[tuple[str, list[tuple[MediaTrack, list[MediaItem]]]]] = field(default_factory=list)

    @property
    def items(self) -> list[MediaItem]:
        return [item for track in self.tracks for item in track.items]

    def shape(self) -> list[tuple[MediaTrack, list[MediaItem]]]:
        return [(track, list(track.items)) for track in self.tracks]

    def restore(self, shape: list[tuple[MediaTrack, list[MediaItem]]]) -> None:
        self.tracks = [track for track, _ in shape]
        for track, items in shape:
            track.items = items

    def track(self, name: str) -> MediaTrack:
        return next(track for track in self.tracks if track.name == name)

    def bpm_at(self, at_s: float) -> float:
        """The tempo at a time; a marker that glides goes in a straight line to the next one."""
        before = [row for row in self.tempo if row[0] <= at_s]
        if not before:
            return self.bpm
        start, bpm, _, _, glides = before[-1]
        after = [row for row in self.tempo if row[0] > at_s]
        if not glides or not after:
            return bpm
        return bpm + (after[0][1] - bpm) * (at_s - start) / (after[0][0] - start)


@dataclass(eq=False)
class AudioAccessor:
    take: MediaItem_Take | None
    track: MediaTrack | None
    is_open: bool = True

    def read(self, rate_hz: int, channels: int, start_s: float, count: int) -> Any:
        """Samples as heard before effects, or None where there are none. The nearest sample stands for one between."""
        times = start_s + np.arange(count) / rate_hz
        if self.take is not None:
            return read_take(self.take, times, channels)
        assert self.track is not None
        mixed = np.zeros((count, channels))
        for item in self.track.items:
            if item.active is None or item.active.source is None:
                continue
            inside = (times >= item.values["D_POSITION"]) & (
                times < item.values["D_POSITION"] + item.values["D_LENGTH"]
            )
            sound = read_take(item.active, times - item.values["D_POSITION"], channels)
            mixed += np.where(inside[:, None], 0 if sound is None else sound, 0) * item.values["D_VOL"]
        return mixed


def read_take(take: MediaItem_Take, times: Any, channels: int) -> Any:
    source = take.source
    assert source is not None
    if not Path(source.root.path).is_file() or source.root.rate_hz == 0:
        return None
    sound = source.samples()
    if sound.shape[1] < channels:
        sound = np.repeat(sound[:, :1], channels, axis=1)
    frames = np.round((take.values["D_STARTOFFS"] + times * take.values["D_PLAYRATE"]) * source.root.rate_hz).astype(
        int
    )
    if take.item.values["B_LOOPSRC"]:
        frames %= len(sound)
    inside = (frames >= 0) & (frames < len(sound))
    return np.where(inside[:, None], sound[np.clip(frames, 0, len(sound) - 1)][:, :channels], 0.0)


def media(path: Path, kind: str = "") -> PCM_source:
    """A file as a source."""
    info = soundfile.info(path)
    kinds = {".wav": "WAVE", ".flac": "FLAC", ".aiff": "AIFF", ".mp3": "MP3"}
    return PCM_source(
        str(path), info.samplerate, info.channels, info.frames / info.samplerate, kind or kinds[path.suffix]
    )


def ppq_at(project: ReaProject, take: MediaItem_Take, at_s: float, ppq: int = 960) -> float:
    """Ticks from the item's start; the model's sessions with notes keep one tempo."""
    return (at_s - take.item.values["D_POSITION"]) * project.bpm / 60 * ppq
