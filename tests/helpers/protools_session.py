"""A session of Pro Tools as a test has it: tracks with audio on them, a selection, a Clips list."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

CHANNELS = {"TF_Mono": 1, "TF_Stereo": 2, "TF_LCR": 3, "TF_Quad": 4, "TF_5_1": 6, "TF_7_1": 8}


@dataclass
class Clip:
    """One or more channels of a file, in the Clips list."""

    ids: list[str]
    path: Path
    frames: int
    is_online: bool = True

    @property
    def name(self) -> str:
        return self.path.stem


@dataclass
class Track:
    name: str
    id: str
    type: str = "TT_Audio"
    channels: int = 2
    color: int | None = None
    hidden_for: int = 0
    clips: list[tuple[Clip, int]] = field(default_factory=list)
    """With the sample at which each starts."""

    def audio(self, start: int, end: int) -> NDArray[np.float64]:
        """What is heard from one sample of the timeline to before another."""
        heard = np.zeros((end - start, self.channels))
        for clip, position in self.clips:
            samples, _ = soundfile.read(clip.path, always_2d=True)
            first, last = max(start, position), min(end, position + clip.frames)
            if first < last:
                heard[first - start : last - start] = samples[first - position : last - position]
        return heard


@dataclass
class Session:
    """
    Attributes:
        selected: The names of the tracks that the edit selection is on.
        range: Its first sample, and the one after its last.
        in_clips_list: The clips that are selected there; None where they follow the edit selection.
        undo: What could be undone, the latest last.
    """

    folder: Path
    name: str = "Song"
    rate_hz: int = 48_000
    depth: str = "Bit24"
    tracks: list[Track] = field(default_factory=list)
    clips: list[Clip] = field(default_factory=list)
    selected: list[str] = field(default_factory=list)
    range: tuple[int, int] = (0, 0)
    in_clips_list: list[Clip] | None = None
    transport: str = "TS_TransportStopped"
    undo: list[str] = field(default_factory=list)
    last_id: int = 0

    @property
    def path(self) -> Path:
        return self.folder / f"{self.name}.ptx"

    @property
    def media(self) -> Path:
        return self.folder / "Audio Files"

    def named(self, name: str) -> Track:
        return next(track for track in self.tracks if track.name == name)

    def new_id(self) -> str:
        self.last_id += 1
        return f"{{00000000-2a000000-{self.last_id:08x}-d4cbe0df}}"

    def add_track(self, name: str, kind: str = "TT_Audio", channels: int = 2, behind: str = "") -> Track:
        """A track; one whose name is taken gets another."""
        taken = {track.name for track in self.tracks}
        free = next(n for n in itertools.chain([name], (f"{name}.{i}" for i in itertools.count(1))) if n not in taken)
        track = Track(free, self.new_id(), kind, channels)
        at = next((i + 1 for i, other in enumerate(self.tracks) if other.name == behind), len(self.tracks))
        self.tracks.insert(at, track)
        return track

    def add_clip(self, path: Path) -> Clip:
        info = soundfile.info(path)
        clip = Clip([self.new_id() for _ in range(info.channels)], path, info.frames)
        self.clips.append(clip)
        return clip

    def record(self, name: str, audio: NDArray[np.float64], position: int) -> Clip:
        """Audio on a track of that name, as if it had been recorded there."""
        self.media.mkdir(parents=True, exist_ok=True)
        path = self.media / f"{name}_{sum(clip.name.startswith(name) for clip in self.clips) + 1:02}.wav"
        soundfile.write(path, audio, self.rate_hz, "PCM_24")
        known = {track.name: track for track in self.tracks}
        track = known.get(name) or self.add_track(name, channels=audio.shape[1])
        clip = self.add_clip(path)
        track.clips.append((clip, position))
        return clip

    def select(self, track: str, start: int, end: int) -> None:
        self.selected, self.range = [track], (start, end)

    def selected_clips(self) -> list[Clip]:
        """Those that lie wholly in the selection: only they are selected in the Clips list."""
        start, end = self.range
        return [
            clip
            for track in self.tracks
            if track.name in self.selected
            for clip, position in track.clips
            if start <= position and position + clip.frames <= end
        ]
