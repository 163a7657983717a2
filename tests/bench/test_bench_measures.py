"""Ten minutes of audio: loudness beside ffmpeg's meter, and stems against their mix; prints seconds and memory."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import clips
import numpy as np
import psutil
import pytest
from sendreturn.audio.loudness import measure
from sendreturn.audio.stem_checks import check_stems

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.bench
RATE = 48_000
NAMES = ("vocals", "drums", "bass", "other")


def spent(action: Callable[[], object]) -> str:
    process = psutil.Process()
    before, start, busy = process.memory_info().rss, time.perf_counter(), time.process_time()
    action()
    grown = (process.memory_info().rss - before) / 1e6
    return f"{time.perf_counter() - start:.2f} s, CPU {time.process_time() - busy:.2f} s, {grown:+.0f} MB kept"


def test_ten_minutes_are_measured(tmp_path: Path) -> None:
    parts = [clips.music(60.0, RATE, seed=seed) / len(NAMES) for seed in range(len(NAMES))]
    stems = [
        (name, clips.write_clip(tmp_path / f"{name}.wav", np.tile(part, (10, 1)), RATE))
        for name, part in zip(NAMES, parts, strict=True)
    ]
    mix = clips.write_clip(tmp_path / "mix.wav", np.tile(np.sum(parts, axis=0), (10, 1)), RATE)
    print(f"\nloudness          {spent(lambda: measure(mix))}")
    if shutil.which("ffmpeg"):
        command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(mix), "-af", "ebur128=peak=true", "-f", "null", "-"]
        print(f"ffmpeg's ebur128  {spent(lambda: subprocess.run(command, check=True))}")
    print(f"four stems        {spent(lambda: check_stems(mix, stems))}")
    result = check_stems(mix, stems)
    print(f"residual          {result.residual_db:.1f} dB, gain {result.gain_db}")
    assert result.set_checks == ()
