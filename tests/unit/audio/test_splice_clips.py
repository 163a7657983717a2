from __future__ import annotations

from typing import TYPE_CHECKING, Any

import clips
import numpy as np
import pytest
import soundfile
from sendreturn.audio.buffer import Audio
from sendreturn.audio.splice import cut_part, exact_subtype, join_tail, splice_section
from sendreturn.errors import ClipError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE_HZ = 48_000
HELD = [
    ("WAV", "PCM_U8", "PCM_24", "int32"),
    ("WAV", "PCM_16", "PCM_24", "int32"),
    ("WAV", "PCM_24", "PCM_24", "int32"),
    ("WAV", "PCM_32", "PCM_32", "int32"),
    ("WAV", "FLOAT", "FLOAT", "float64"),
    ("WAV", "DOUBLE", "DOUBLE", "float64"),
    ("RF64", "PCM_24", "PCM_24", "int32"),
    ("AIFF", "PCM_24", "PCM_24", "int32"),
    ("FLAC", "PCM_16", "PCM_24", "int32"),
    ("OGG", "VORBIS", "FLOAT", "float64"),
    ("MP3", "MPEG_LAYER_III", "FLOAT", "float64"),
]


def noise(frames: int, channels: int = 2, seed: int = 1) -> NDArray[np.float64]:
    return 0.2 * np.random.default_rng(seed).standard_normal((frames, channels))


def decoded(path: Path, dtype: str) -> NDArray[Any]:
    samples: NDArray[Any] = soundfile.read(path, dtype=dtype, always_2d=True)[0]
    return samples


@pytest.mark.parametrize(("fmt", "subtype", "held", "dtype"), HELD)
def test_everything_outside_the_section_stays_bit_by_bit(
    tmp_path: Path, fmt: str, subtype: str, held: str, dtype: str
) -> None:
    source = clips.write_clip(tmp_path / "in", noise(96_000), RATE_HZ, fmt, subtype)
    new = Audio(noise(96_000, seed=2).astype(np.float32), RATE_HZ)
    report = splice_section(source, new, (0.5, 1.25), tmp_path / "out.wav")
    before, after = decoded(source, dtype), decoded(tmp_path / "out.wav", dtype)
    assert (report.subtype, report.section_frames, report.frames) == (held, (24_000, 60_000), 96_000)
    assert soundfile.info(tmp_path / "out.wav").subtype == held
    assert np.array_equal(before[:24_000], after[:24_000])
    assert np.array_equal(before[60_000:], after[60_000:])
    inside = soundfile.read(tmp_path / "out.wav", always_2d=True)[0][24_480:59_520]
    assert np.abs(inside - new.samples[24_480:59_520]).max() < 2**-22


def test_a_float_source_beyond_full_scale_is_not_touched(tmp_path: Path) -> None:
    sound = 4 * noise(96_000).astype(np.float32)
    source = clips.write_clip(tmp_path / "in.wav", sound, subtype="FLOAT")
    new = Audio(np.zeros((24_000, 2), np.float32), RATE_HZ)
    splice_section(source, new, (1.0, 1.5), tmp_path / "out.wav")
    after = decoded(tmp_path / "out.wav", "float32")
    assert np.array_equal(after[:48_000], sound[:48_000])
    assert np.array_equal(after[72_000:], sound[72_000:])


def test_the_new_audio_may_be_the_section_or_the_whole_clip(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", noise(96_000))
    new = noise(96_000, seed=2).astype(np.float32)
    splice_section(source, Audio(new, RATE_HZ), (0.5, 1.0), tmp_path / "whole.wav")
    splice_section(source, Audio(new[24_000:48_000], RATE_HZ), (0.5, 1.0), tmp_path / "part.wav")
    assert (tmp_path / "whole.wav").read_bytes() == (tmp_path / "part.wav").read_bytes()


@pytest.mark.parametrize("likeness", ["like", "unlike"])
def test_the_level_holds_through_the_crossfade(tmp_path: Path, likeness: str) -> None:
    old = noise(96_000, 1)
    new = old if likeness == "like" else noise(96_000, 1, seed=9)
    source = clips.write_clip(tmp_path / "in.wav", old, subtype="FLOAT")
    splice_section(source, Audio(new.astype(np.float32), RATE_HZ), (0.5, 1.5), tmp_path / "out.wav", crossfade_s=0.2)
    after = decoded(tmp_path / "out.wav", "float64")
    for start in range(24_000, 33_600, 1_600):
        assert np.std(after[start : start + 1_600]) == pytest.approx(0.2, rel=0.12)


def test_a_section_that_reaches_the_clips_ends_has_nothing_to_fade_from(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", noise(48_000), subtype="FLOAT")
    new = noise(48_000, seed=2).astype(np.float32)
    splice_section(source, Audio(new, RATE_HZ), (0.0, 1.0), tmp_path / "out.wav")
    assert np.array_equal(decoded(tmp_path / "out.wav", "float32"), new)


def test_a_mono_patch_fits_a_stereo_clip_and_a_stereo_patch_a_mono_one(tmp_path: Path) -> None:
    stereo = clips.write_clip(tmp_path / "stereo.wav", noise(48_000))
    mono = clips.write_clip(tmp_path / "mono.wav", noise(48_000, 1))
    one = splice_section(stereo, Audio(np.zeros((48_000, 1), np.float32), RATE_HZ), (0.2, 0.4), tmp_path / "a.wav")
    two = splice_section(mono, Audio(np.zeros((48_000, 2), np.float32), RATE_HZ), (0.2, 0.4), tmp_path / "b.wav")
    assert (one.channels, two.channels) == (2, 1)


def test_new_audio_beyond_full_scale_is_clipped_and_counted(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", noise(48_000, 1))
    new = Audio(np.full((48_000, 1), 2.0, np.float32), RATE_HZ)
    report = splice_section(source, new, (0.5, 0.6), tmp_path / "out.wav", crossfade_s=0.0)
    assert report.clipped == 4_800


@pytest.mark.parametrize(("frames", "rate_hz"), [(48_000, 44_100), (30_000, 48_000)])
def test_a_patch_of_another_rate_or_length_is_the_callers_mistake(tmp_path: Path, frames: int, rate_hz: int) -> None:
    source = clips.write_clip(tmp_path / "in.wav", noise(48_000))
    with pytest.raises(ValueError, match="the new audio"):
        splice_section(source, Audio(np.zeros((frames, 2), np.float32), rate_hz), (0.2, 0.4), tmp_path / "out.wav")
    assert not (tmp_path / "out.wav").exists()


def test_a_section_outside_the_clip_is_refused(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", noise(48_000))
    with pytest.raises(ClipError, match="has nothing from 2 s"):
        splice_section(source, Audio(np.zeros((48_000, 2), np.float32), RATE_HZ), (2.0, 3.0), tmp_path / "out.wav")


def test_a_clip_is_never_spliced_onto_itself(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", noise(48_000))
    before = source.read_bytes()
    with pytest.raises(ValueError, match="onto itself"):
        splice_section(source, Audio(np.zeros((48_000, 2), np.float32), RATE_HZ), (0.2, 0.4), source)
    assert source.read_bytes() == before


@pytest.mark.parametrize(("fmt", "subtype", "held", "dtype"), HELD)
def test_a_tail_starts_where_the_kept_part_ends(tmp_path: Path, fmt: str, subtype: str, held: str, dtype: str) -> None:
    source = clips.write_clip(tmp_path / "in", noise(96_000), RATE_HZ, fmt, subtype)
    tail = Audio(noise(10_000, seed=3).astype(np.float32), RATE_HZ)
    report = join_tail(source, tail, 70_001, tmp_path / "out.wav")
    after = decoded(tmp_path / "out.wav", dtype)
    assert (report.subtype, report.frames, report.section_frames) == (held, 80_001, (70_001, 80_001))
    assert np.array_equal(after[:70_001], decoded(source, dtype)[:70_001])
    joined = soundfile.read(tmp_path / "out.wav", always_2d=True)[0][70_001:]
    assert np.abs(joined - tail.samples).max() < 2**-22


def test_a_head_ends_where_the_kept_part_starts(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", noise(96_000))
    head = Audio(noise(10_000, seed=3).astype(np.float32), RATE_HZ)
    report = join_tail(source, head, 500, tmp_path / "out.wav", side="left")
    after = decoded(tmp_path / "out.wav", "int32")
    assert (report.frames, report.section_frames) == (105_500, (0, 10_000))
    assert np.array_equal(after[10_000:], decoded(source, "int32")[500:])


def test_a_tail_can_be_joined_at_the_very_end_but_not_beyond(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", noise(96_000))
    tail = Audio(noise(10, seed=3).astype(np.float32), RATE_HZ)
    assert join_tail(source, tail, 96_000, tmp_path / "out.wav").frames == 96_010
    with pytest.raises(ValueError, match="outside a clip"):
        join_tail(source, tail, 96_001, tmp_path / "other.wav")


def test_unknown_formats_are_held_by_float() -> None:
    assert exact_subtype("AAC") == exact_subtype("ULAW") == "FLOAT"


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_a_part_that_is_cut_out_keeps_every_sample(tmp_path: Path, subtype: str):
    source = tmp_path / "a.wav"
    rng = np.random.default_rng(5)
    soundfile.write(source, rng.uniform(-0.9, 0.9, (20_000, 2)), 44_100, subtype=subtype)
    cut_part(source, 0.1, 0.3, tmp_path / "cut.wav")
    before, _ = soundfile.read(source, dtype="float64")
    after, rate_hz = soundfile.read(tmp_path / "cut.wav", dtype="float64")
    assert rate_hz == 44_100
    assert np.array_equal(after, before[4_410:13_230])
