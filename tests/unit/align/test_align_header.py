from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from aligned_cases import clip
from clips import needs_ffmpeg
from sendreturn.audio.align import align
from sendreturn.audio.align_header import encoder_delay, header_notes
from sendreturn.audio.buffer import Audio
from sendreturn.audio.decode import read_audio


def coded(folder: Path, name: str, *options: str) -> Path:
    source = clip(1)
    plain, target = folder / "plain.wav", folder / name
    soundfile.write(plain, source.samples, source.rate_hz)
    subprocess.run(
        ["ffmpeg", "-v", "error", "-nostdin", "-i", str(plain), *options, str(target)], check=True, timeout=60
    )
    return target


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "options", "samples", "rate_hz", "told_by"),
    [
        ("a.mp3", ("-c:a", "libmp3lame", "-ar", "44100"), 576, 44_100, "The LAME tag"),
        ("a.opus", ("-c:a", "libopus"), 312, 48_000, "OpusHead"),
        ("a.m4a", ("-c:a", "aac", "-ar", "48000"), 1024, 48_000, "The edit list"),
    ],
)
def test_headers_tell_the_delay_and_the_waveform_agrees(
    name: str, options: tuple[str, ...], samples: int, rate_hz: int, told_by: str, tmp_path: Path
) -> None:
    path = coded(tmp_path, name, *options)
    delay = encoder_delay(path)
    assert delay is not None
    assert (delay.samples, delay.rate_hz, delay.told_by) == (samples, rate_hz, told_by)
    found = align(clip(1), read_audio(path))
    assert found.lag_samples == pytest.approx(0.0, abs=0.5)
    assert header_notes(delay, found, clip(1).rate_hz) == ()


@needs_ffmpeg
def test_an_mp3_without_a_tag_tells_nothing(tmp_path: Path) -> None:
    assert encoder_delay(coded(tmp_path, "a.mp3", "-write_xing", "0", "-id3v2_version", "0")) is None


def test_files_without_a_codec_tell_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", clip(1).samples, clip(1).rate_hz)
    (tmp_path / "b.mp3").write_bytes(b"no audio at all")
    assert encoder_delay(tmp_path / "a.wav") is None
    assert encoder_delay(tmp_path / "b.mp3") is None


@needs_ffmpeg
def test_a_delay_that_is_still_there_is_told_from_the_service_s_own(tmp_path: Path) -> None:
    path = coded(tmp_path, "a.mp3", "-c:a", "libmp3lame")
    delay = encoder_delay(path)
    assert delay is not None
    decoded = read_audio(path)

    def notes(shift: int) -> str:
        moved = Audio(np.pad(decoded.samples, ((shift, 0), (0, 0))), decoded.rate_hz)
        return " ".join(header_notes(delay, align(clip(1), moved), clip(1).rate_hz))

    assert "once more" in notes(576)
    assert "once more" in notes(1105)
    assert "another 4,000.0 samples late" in notes(4000)
