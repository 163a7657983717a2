"""Test clips: sounds that are the same on every run, and files of every container, whole or spoiled."""

from __future__ import annotations

import os
import shutil
import stat
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CONTAINERS = {
    "wav16": ("clip.wav", "WAV", "PCM_16"),
    "wav24": ("clip.wav", "WAV", "PCM_24"),
    "wav32": ("clip.wav", "WAV", "PCM_32"),
    "float": ("clip.wav", "WAV", "FLOAT"),
    "double": ("clip.wav", "WAV", "DOUBLE"),
    "rf64": ("clip.wav", "RF64", "PCM_24"),
    "aiff": ("clip.aiff", "AIFF", "PCM_24"),
    "aifc": ("clip.aif", "AIFF", "FLOAT"),
    "flac": ("clip.flac", "FLAC", "PCM_24"),
    "ogg": ("clip.ogg", "OGG", "VORBIS"),
    "opus": ("clip.opus", "OGG", "OPUS"),
    "mp3": ("clip.mp3", "MP3", "MPEG_LAYER_III"),
}
"""File name, format and subtype as soundfile calls them."""

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg on this machine")


def sine(
    seconds: float, rate_hz: int = 48_000, hz: float = 997.0, channels: int = 1, level: float = 0.5
) -> NDArray[np.float64]:
    """A sine, the same in all channels; shape (frames, channels)."""
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.repeat(level * np.sin(2 * np.pi * hz * time)[:, None], channels, axis=1)


def music(seconds: float, rate_hz: int = 48_000, channels: int = 2, seed: int = 1) -> NDArray[np.float64]:
    """Four plucked notes a second over a little noise, different in each channel; peak 0.5."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    beat = (time * 4) % 1
    step = (time * 4).astype(int)
    pitch = 110.0 * 2 ** (random.integers(0, 13, int(seconds * 4) + 2)[step] / 12)
    sound = np.stack(
        [np.sin(2 * np.pi * pitch * (1 + 0.25 * channel) * beat / 4) for channel in range(channels)], axis=1
    )
    sound = sound * np.exp(-5 * beat)[:, None] + 0.01 * random.standard_normal((len(time), channels))
    return 0.5 * sound / np.abs(sound).max()


def write_clip(
    path: Path, samples: NDArray[np.floating], rate_hz: int = 48_000, fmt: str = "WAV", subtype: str = "PCM_24"
) -> Path:
    """Writes a file with soundfile, in pieces that its Vorbis encoder can take; gives the path back."""
    with soundfile.SoundFile(path, "w", rate_hz, samples.shape[1], subtype, format=fmt) as file:
        for at in range(0, len(samples), 8192):
            file.write(samples[at : at + 8192])
    return path


def write_kind(folder: Path, kind: str, samples: NDArray[np.floating], rate_hz: int = 48_000) -> Path:
    """Writes one of `CONTAINERS`."""
    name, fmt, subtype = CONTAINERS[kind]
    return write_clip(folder / name, samples, rate_hz, fmt, subtype)


def ffmpeg_clip(path: Path, samples: NDArray[np.floating], rate_hz: int, *options: str) -> Path:
    """Writes a file with the real ffmpeg."""
    source = write_clip(path.with_name(f"{path.stem}-source.wav"), samples, rate_hz, subtype="FLOAT")
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", source, *options, path], check=True)
    source.unlink()
    return path


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """A RIFF chunk, whose header may promise another size than it has."""
    return struct.pack("<4sI", name, len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def wave_format(rate_hz: int = 48_000, channels: int = 2, bits: int = 16, codec: int = 1) -> bytes:
    """A `fmt ` chunk."""
    block = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", codec, channels, rate_hz, rate_hz * block, block, bits))


def wave_file(*chunks: bytes, magic: bytes = b"RIFF", size: int | None = None) -> bytes:
    """A WAV of these chunks."""
    body = b"WAVE" + b"".join(chunks)
    return magic + struct.pack("<I", len(body) if size is None else size) + body


def cut(path: Path, part: float) -> Path:
    """Cuts the file to a part of its length."""
    os.truncate(path, int(path.stat().st_size * part))
    return path


def fake_ffmpeg(folder: Path, script: str) -> Path:
    """A program named ffmpeg that runs this Python text; returns the folder for the PATH."""
    folder.mkdir(exist_ok=True)
    program = folder / "ffmpeg"
    program.write_text(f"#!{sys.executable} -IS\n{script}", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


def lag_of(reference: NDArray[np.floating], other: NDArray[np.floating]) -> int:
    """By how many frames `other` is late, from the correlation of their first channels."""
    length = 2 * max(len(reference), len(other))
    spectrum = np.fft.rfft(reference[:, 0], length).conj() * np.fft.rfft(other[:, 0], length)
    peak = int(np.argmax(np.fft.irfft(spectrum)))
    return peak if peak <= length // 2 else peak - length
