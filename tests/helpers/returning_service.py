"""A service that gives back exactly the files that a test has laid ready, and what real services make of a clip."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from engine_rig import Rig
from fake_service import FakeService
from sendreturn.audio.buffer import Audio
from sendreturn.contract import Made, Manifest, OperationSpec, Report
from sendreturn.contract import MadeTake as Take
from sendreturn.returns.sidecar import verify
from sendreturn.sends.wish import SendView
from sendreturn.settings import ReturnsSettings, Settings
from sendreturn.words import Kind, State

PLAIN = ReturnsSettings(stems=0, midi=False, dawproject=False, reaper=False)
OPERATIONS = (
    *("extend", "inpaint", "cover", "generate", "stems", "midi", "remaster", "add_instrumental"),
    *("add_vocals", "lyrics"),
)
CODECS = {
    "lame 192": ("mp3", ["-c:a", "libmp3lame", "-b:a", "192k"]),
    "lame 192 untagged": ("mp3", ["-c:a", "libmp3lame", "-b:a", "192k", "-write_xing", "0", "-id3v2_version", "0"]),
    "opus 160": ("opus", ["-c:a", "libopus", "-b:a", "160k"]),
    "vorbis 6": ("ogg", ["-c:a", "libvorbis", "-q:a", "6"]),
}


@dataclass
class ReturningService(FakeService):
    """Gives back `returns`, one tuple of files for each take; their `ref` is a path."""

    returns: tuple[tuple[Made, ...], ...] = ()
    bpm: float | None = None
    fetched: list[str] = field(default_factory=list)

    async def look(self, call: Any, task_id: str, folder: Path) -> Report:
        takes = tuple(Take(files, clip_id=f"clip-{n}", bpm=self.bpm) for n, files in enumerate(self.returns))
        return Report(done=True, takes=takes)

    async def fetch(self, made: Made, target: Path, folder: Path) -> None:
        self.fetched.append(made.ref)
        shutil.copyfile(made.ref, target)


@dataclass(frozen=True)
class Returned:
    """What lies in the session after a send."""

    send: SendView
    sidecars: tuple[dict[str, Any], ...]

    def entry(self, kind: str, stem: str | None = None, take: int = 1) -> dict[str, Any]:
        table = next(table for table in self.sidecars if table["take"] == take)
        return next(file for file in table["returns"] if (file["kind"], file["stem"]) == (kind, stem))

    def path(self, kind: str, stem: str | None = None, take: int = 1) -> Path:
        assert self.send.folder is not None
        return self.send.folder / self.entry(kind, stem, take)["path"]

    def samples(self, kind: str, stem: str | None = None, dtype: str = "float64") -> np.ndarray:
        return soundfile.read(self.path(kind, stem), dtype=dtype, always_2d=True)[0]

    def checks(self, kind: str = "mix", stem: str | None = None) -> str:
        return " ".join(self.entry(kind, stem)["checks"])


def manifest(*, free: bool = False) -> Manifest:
    wishes = ("side", "from_s", "extend_s", "section_s", "stems", "midi", "style")
    operations = {
        name: OperationSpec(name, needs_clip=name not in ("generate", "lyrics"), honours=wishes, credits=1.0)
        for name in OPERATIONS
    }
    return Manifest("studio", "Studio", "A service of the tests.", operations, free=free, poll_s=0.001)


async def returned(
    folder: Path,
    clip: Path | None,
    operation: str,
    files: tuple[Made, ...] | list[tuple[Made, ...]],
    returns: ReturnsSettings = PLAIN,
    timeout_s: float = 60.0,
    **params: object,
) -> Returned:
    """Send a clip to a service that gives back `files`, or one tuple of files for each take; wait until it is done."""
    takes = tuple(files) if isinstance(files, list) else (files,)
    service = ReturningService(manifest=manifest(), returns=takes)
    async with Rig(folder, service, settings=Settings(service="studio", returns=returns)) as rig:
        send = rig.send(clip, operation, params=params)
        ended = await rig.until(lambda view: view.state.ended, send.id, timeout_s)
    assert ended.state is State.DONE, ended.text
    assert ended.folder is not None
    paths = sorted(ended.folder.glob("*.json"))
    assert [problem for path in paths for problem in verify(path)] == []
    return Returned(ended, tuple(json.loads(path.read_text("utf-8")) for path in paths))


def mix(path: Path, covers: str = "all") -> Made:
    return Made(Kind.MIX, str(path), covers=covers, made_by="Studio")


def stem(path: Path, name: str) -> Made:
    return Made(Kind.STEM, str(path), stem=name, made_by="Studio")


def encoded(path: Path, audio: Audio, codec: str = "wav") -> Path:
    """`audio` as a service would give it out, beside `path` with the codec's own suffix."""
    plain = path.with_suffix(".wav")
    soundfile.write(plain, audio.samples, audio.rate_hz, subtype="FLOAT")
    if codec == "wav":
        return plain
    suffix, options = CODECS[codec]
    target = path.with_suffix(f".{suffix}")
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", str(plain), "-map_metadata", "-1", *options]
    subprocess.run([*command, str(target)], check=True, timeout=60)
    plain.unlink()
    return target


@dataclass(frozen=True)
class Treated:
    """What a service does to audio: silence or an intro before it, its level, polarity and rate."""

    delay: float = 0.0
    gain_db: float = 0.0
    inverted: bool = False
    rate_hz: int | None = None
    channels: int | None = None

    def __call__(self, audio: Audio) -> Audio:
        sound = audio.samples.astype(np.float64)
        if self.channels == 1:
            sound = sound.mean(axis=1, keepdims=True)
        if self.rate_hz and self.rate_hz != audio.rate_hz:
            sound = soxr.resample(sound, audio.rate_hz, self.rate_hz, quality="VHQ")
        sound = delayed(sound, self.delay) * 10 ** (self.gain_db / 20) * (-1 if self.inverted else 1)
        return Audio(sound.astype(np.float32), self.rate_hz or audio.rate_hz)


def delayed(sound: np.ndarray, by: float) -> np.ndarray:
    """`sound` with `by` frames of silence before it; the part of a frame by a turn of its phases."""
    whole = int(np.floor(by))
    moved = np.pad(sound, ((whole, 0), (0, 0)))
    part = by - whole
    if part:
        size = len(moved) + 4096
        turn = np.exp(-2j * np.pi * np.fft.rfftfreq(size) * part)
        moved = np.fft.irfft(np.fft.rfft(moved, size, axis=0) * turn[:, None], size, axis=0)[: len(moved)]
    return moved


def level(audio: Audio, gain: float) -> Audio:
    return replace(audio, samples=(audio.samples * gain).astype(np.float32))
