"""The programs that stretch time and keep pitch: a library where it is installed, else a program on the PATH.

Each takes a whole piece and gives back exactly as many frames as it is asked for, without delay.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from sendreturn.audio.buffer import Samples
from sendreturn.errors import Refusal
from sendreturn.keys import child_environment

TIME_LIMIT_S = 600.0

_Work = Callable[[Samples, int, int], Samples]


@dataclass(frozen=True)
class Stretcher:
    """Something that stretches. `work(samples, rate_hz, frames)` gives `frames` frames of the same sound."""

    name: str
    work: _Work

    def __call__(self, samples: Samples, rate_hz: int, frames: int) -> Samples:
        return _exactly(self.work(samples, rate_hz, frames), frames)


@cache
def find_stretcher() -> Stretcher:
    """The best stretcher of this machine. Raises Refusal where there is none."""
    for name, is_there, work in _STRETCHERS:
        if is_there():
            return Stretcher(name, work)
    raise Refusal(
        "There is nothing on this computer that can stretch audio.",
        'Run `pip install "sendreturn[stretch]"`, or install the program rubberband or ffmpeg.',
    )


def _has_signalsmith() -> bool:
    try:
        import python_stretch.Signalsmith  # noqa: F401
    except ImportError:
        return False
    return True


def _signalsmith(samples: Samples, rate_hz: int, frames: int) -> Samples:
    from python_stretch.Signalsmith import Stretch

    stretcher = Stretch()
    stretcher.preset(samples.shape[1], rate_hz)
    stretcher.setTimeFactor(len(samples) / frames)
    # Given a whole piece, it takes its own delay out, and is done with the piece.
    return np.asarray(stretcher.process(np.ascontiguousarray(samples.T)), np.float32).T


def _rubberband(samples: Samples, rate_hz: int, frames: int) -> Samples:
    command = ["rubberband", "--quiet", "--time", f"{frames / len(samples):.12f}"]
    return _through(lambda source, target: [*command, source, target], samples, rate_hz)


def _ffmpeg_rubberband(samples: Samples, rate_hz: int, frames: int) -> Samples:
    # With its default, crisp transients, it puts a steady tone 30 cents off (FFmpeg 5.1 with Rubber Band 3.1).
    return _ffmpeg(f"rubberband=tempo={len(samples) / frames:.12f}:transients=smooth", samples, rate_hz)


def _ffmpeg_atempo(samples: Samples, rate_hz: int, frames: int) -> Samples:
    return _ffmpeg(f"atempo={len(samples) / frames:.12f}", samples, rate_hz)


def _ffmpeg(audio_filter: str, samples: Samples, rate_hz: int) -> Samples:
    head = ["ffmpeg", "-nostdin", "-v", "error", "-f", "wav", "-i"]
    tail = ["-af", audio_filter, "-c:a", "pcm_f32le", "-f", "wav"]
    return _through(lambda source, target: [*head, source, *tail, target], samples, rate_hz)


def _through(command: Callable[[str, str], list[str]], samples: Samples, rate_hz: int) -> Samples:
    with tempfile.TemporaryDirectory() as folder:
        source, target = str(Path(folder, "in.wav")), str(Path(folder, "out.wav"))
        soundfile.write(source, samples, rate_hz, subtype="FLOAT")
        try:
            subprocess.run(
                command(source, target),
                check=True,
                capture_output=True,
                timeout=TIME_LIMIT_S,
                env=child_environment(),
            )
            stretched, _ = soundfile.read(target, dtype="float32", always_2d=True)
        except (subprocess.SubprocessError, OSError, soundfile.LibsndfileError) as error:
            detail = getattr(error, "stderr", None) or repr(error)
            raise Refusal("The audio could not be stretched.", "See the detail.", detail=str(detail)) from error
    return np.asarray(stretched, np.float32)


@cache
def _has_filter(name: str) -> bool:
    if shutil.which("ffmpeg") is None:
        return False
    told = subprocess.run(
        ["ffmpeg", "-hide_banner", "-filters"],  # noqa: S607 - the user's own ffmpeg, wherever it lies
        capture_output=True,
        check=False,
        timeout=TIME_LIMIT_S,
        env=child_environment(),
    )
    return any(line.split()[1:2] == [name.encode()] for line in told.stdout.splitlines())


def _exactly(samples: Samples, frames: int) -> Samples:
    missing = max(0, frames - len(samples))
    return np.asarray(np.pad(samples[:frames], ((0, missing), (0, 0))), np.float32)


_STRETCHERS: tuple[tuple[str, Callable[[], bool], _Work], ...] = (
    ("Signalsmith Stretch", _has_signalsmith, _signalsmith),
    ("Rubber Band", lambda: shutil.which("rubberband") is not None, _rubberband),
    ("Rubber Band in FFmpeg", lambda: _has_filter("rubberband"), _ffmpeg_rubberband),
    ("FFmpeg's atempo", lambda: _has_filter("atempo"), _ffmpeg_atempo),
)
"""Best first: what it is called, whether it is here, and how it is used."""
