"""Ten minutes of audio through `convert`, beside ffmpeg where there is one; prints seconds."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import clips
import numpy as np
import pytest
from sendreturn.audio.convert import convert
from sendreturn.audio.loudness import measure
from sendreturn.audio.probe import probe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.bench


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def ffmpeg_seconds(*arguments: object) -> str:
    if shutil.which("ffmpeg") is None:
        return "no ffmpeg"
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    return f"{seconds(lambda: subprocess.run(command, check=True)):.2f} s"


def test_ten_minutes_of_stereo(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", np.tile(clips.music(60.0, 44_100), (10, 1)), 44_100)
    other = tmp_path / "other"
    mp3 = tmp_path / "in.mp3"
    print(f"\nwav to mp3   {seconds(lambda: convert(source, mp3, fmt='MP3')):.2f} s")
    peers = (
        ("wav to flac", source, {"fmt": "FLAC"}, ("-f", "flac")),
        ("mp3 to wav", mp3, {}, ("-c:a", "pcm_s24le", "-f", "wav")),
        ("44.1 to 48", source, {"rate_hz": 48_000}, ("-ar", "48000", "-c:a", "pcm_s24le", "-f", "wav")),
    )
    for name, path, options, arguments in peers:
        ours = seconds(lambda path=path, options=options: convert(path, tmp_path / "out", **options))
        print(f"{name:<12} {ours:.2f} s   ffmpeg {ffmpeg_seconds('-i', path, *arguments, other)}")
    print(f"probe mp3    {seconds(lambda: probe(mp3)):.3f} s, wav {seconds(lambda: probe(source)):.4f} s")
    print(f"loudness     {seconds(lambda: measure(source)):.2f} s")
