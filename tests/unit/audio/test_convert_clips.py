from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import clips
import numpy as np
import pytest
import soundfile
from sendreturn.audio import writer
from sendreturn.audio.convert import BEYOND, convert
from sendreturn.audio.decode import read_audio
from sendreturn.audio.probe import inspect
from sendreturn.errors import ClipError, SendReturnError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LAYOUT = {"WAV": "PCM_24", "FLAC": "PCM_24", "AIFF": "PCM_24", "MP3": "MPEG_LAYER_III", "OGG": "VORBIS"}


def steps_of(path: Path, bits: int) -> NDArray[np.int32]:
    data: NDArray[np.int32] = soundfile.read(path, dtype="int32", always_2d=True)[0]
    return data >> (32 - bits)


def snr_db(samples: NDArray[np.floating], rate_hz: int, hz: float) -> float:
    """A sine against all that is left beside it, a quarter of a second from both ends."""
    edge = rate_hz // 4
    heard = samples[edge:-edge, 0].astype(np.float64)
    time = np.arange(edge, edge + len(heard)) / rate_hz
    basis = np.stack([np.sin(2 * np.pi * hz * time), np.cos(2 * np.pi * hz * time)], axis=1)
    rest = heard - basis @ np.linalg.lstsq(basis, heard, rcond=None)[0]
    return float(10 * np.log10((heard**2).sum() / (rest**2).sum()))


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("fmt", LAYOUT)
def test_every_format_keeps_length_rate_and_place(tmp_path: Path, fmt: str, channels: int) -> None:
    sound = clips.music(2.0, 44_100, channels)
    source = clips.write_clip(tmp_path / "in.wav", sound, 44_100)
    info = convert(source, tmp_path / "out", fmt=fmt)
    assert (info.container, info.subtype) == (fmt, LAYOUT[fmt])
    assert (info.sample_rate_hz, info.channels, info.frames) == (44_100, channels, 88_200)
    assert clips.lag_of(sound, read_audio(info.path).samples) == 0


@pytest.mark.parametrize("fmt", ["WAV", "FLAC", "AIFF"])
@pytest.mark.parametrize(("subtype", "bits"), [("PCM_16", 16), ("PCM_24", 24)])
def test_16_and_24_bits_reach_24_bits_without_dither(tmp_path: Path, fmt: str, subtype: str, bits: int) -> None:
    steps = np.random.default_rng(8).integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (50_000, 2))
    source = clips.write_clip(tmp_path / "in.wav", steps / 2.0 ** (bits - 1), subtype=subtype)
    convert(source, tmp_path / "out", fmt=fmt)
    assert np.array_equal(steps_of(tmp_path / "out", 24), steps << (24 - bits))


def test_float_stays_float_bit_by_bit_even_beyond_full_scale(tmp_path: Path) -> None:
    sound = (3 * np.random.default_rng(8).standard_normal((20_000, 2))).astype(np.float32)
    source = clips.write_clip(tmp_path / "in.wav", sound, subtype="FLOAT")
    info = convert(source, tmp_path / "out.wav", bit_depth="float")
    assert info.subtype == "FLOAT"
    assert info.notes == ()
    assert np.array_equal(soundfile.read(info.path, dtype="float32")[0], sound)


def test_24_bits_that_become_16_are_dithered_so_that_the_error_is_even_noise(tmp_path: Path) -> None:
    level = 0.6 / 2**15  # a tone of less than one step of 16 bits: gone without dither
    source = clips.write_clip(tmp_path / "in.wav", clips.sine(4.0, hz=1000.0, level=level))
    info = convert(source, tmp_path / "out.wav", bit_depth=16)
    assert info.subtype == "PCM_16"
    error = steps_of(info.path, 16)[:, 0] - clips.sine(4.0, hz=1000.0, level=level)[:, 0] * 2**15
    spectrum = np.abs(np.fft.rfft(error)) ** 2
    assert abs(error.mean()) < 0.01
    assert error.var() == pytest.approx(1 / 4, rel=0.05)  # 1/12 from rounding and 2/12 from triangular dither
    assert max(spectrum[4000 * order] for order in (1, 2, 3, 5)) < 15 * spectrum.mean()
    tone = np.fft.rfft(steps_of(info.path, 16)[:, 0])[4000] / (len(error) / 2)
    assert abs(tone) == pytest.approx(level * 2**15, rel=0.05)


def test_the_same_clip_always_gives_the_same_bytes(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", clips.music(1.0))
    for name in ("a.wav", "b.wav"):
        convert(source, tmp_path / name, bit_depth=16, rate_hz=44_100)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_digital_silence_stays_silent(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", np.zeros((50_000, 2)), subtype="FLOAT")
    convert(source, tmp_path / "out.wav", bit_depth=16)
    assert not steps_of(tmp_path / "out.wav", 16).any()


def test_what_is_beyond_full_scale_is_clipped_and_told(tmp_path: Path) -> None:
    sound = np.zeros((10_000, 1))
    sound[100:150] = 1.5
    sound[200:250] = -1.5
    sound[300] = np.nan
    source = clips.write_clip(tmp_path / "in.wav", sound, subtype="FLOAT")
    info = convert(source, tmp_path / "out.wav")
    steps = steps_of(info.path, 24)
    assert (steps.max(), steps.min(), steps[300, 0]) == (2**23 - 1, -(2**23), 0)
    assert info.notes == ("100 samples were beyond full scale and were clipped.",)


def test_what_would_clip_is_written_as_float_where_that_is_wanted(tmp_path: Path) -> None:
    sound = clips.music(1.0).astype(np.float32)
    source = clips.write_clip(tmp_path / "in.wav", 2 * sound / np.abs(sound).max(), subtype="FLOAT")
    info = convert(source, tmp_path / "out.wav", rather_float=True)
    assert (info.subtype, info.notes) == ("FLOAT", (BEYOND,))
    assert np.array_equal(read_audio(info.path).samples, read_audio(source).samples)
    quiet = clips.write_clip(tmp_path / "quiet.wav", sound / np.abs(sound).max(), subtype="FLOAT")
    assert convert(quiet, tmp_path / "out.wav", rather_float=True).subtype == "PCM_24"


@pytest.mark.parametrize(("from_hz", "to_hz"), [(44_100, 48_000), (48_000, 44_100), (96_000, 44_100), (22_050, 48_000)])
def test_another_rate_keeps_a_sine_clean_to_100_db(tmp_path: Path, from_hz: int, to_hz: int) -> None:
    source = clips.write_clip(tmp_path / "in.wav", clips.sine(3.0, from_hz, level=0.9), from_hz)
    info = convert(source, tmp_path / "out.wav", rate_hz=to_hz)
    assert (info.sample_rate_hz, info.frames) == (to_hz, 3 * to_hz)
    assert snr_db(read_audio(info.path).samples, to_hz, 997.0) > 120


@pytest.mark.parametrize("frames", [4_801, 44_100, 66_667, 131_072, 131_073])
@pytest.mark.parametrize("to_hz", [8_000, 44_100, 96_000])
def test_another_rate_has_exactly_the_length_that_follows(tmp_path: Path, frames: int, to_hz: int) -> None:
    source = clips.write_clip(tmp_path / "in.wav", clips.music(3.0)[:frames])
    info = convert(source, tmp_path / "out.wav", rate_hz=to_hz)
    assert info.frames == round(frames * to_hz / 48_000)


def test_a_click_stays_in_its_place_at_another_rate(tmp_path: Path) -> None:
    sound = np.zeros((96_000, 1))
    sound[[480, 48_000, 95_520]] = 0.5
    source = clips.write_clip(tmp_path / "in.wav", sound)
    samples = read_audio(convert(source, tmp_path / "out.wav", rate_hz=44_100).path).samples[:, 0]
    assert sorted(np.argsort(np.abs(samples))[-3:]) == [441, 44_100, 87_759]


def test_a_part_is_cut_to_the_sample(tmp_path: Path) -> None:
    sound = clips.music(2.0)
    source = clips.write_clip(tmp_path / "in.wav", sound, subtype="FLOAT")
    info = convert(source, tmp_path / "out.wav", start_s=0.25, end_s=1.5, bit_depth="float")
    assert np.array_equal(soundfile.read(info.path, dtype="float32")[0], sound[12_000:72_000].astype(np.float32))


def test_the_last_tenth_of_a_second_can_be_cut_out(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", clips.music(1.0))
    assert convert(source, tmp_path / "out.wav", start_s=0.95).frames == 2_400


@pytest.mark.parametrize(("channels", "name"), [(6, "5.1"), (8, "7.1")])
def test_surround_is_folded_down_without_clipping_and_noted(tmp_path: Path, channels: int, name: str) -> None:
    sound = np.sign(clips.sine(0.5, channels=channels)) * 0.99
    source = clips.write_clip(tmp_path / "in.wav", sound)
    info = convert(source, tmp_path / "out.wav", channels=2)
    peak = np.abs(read_audio(info.path).samples).max()
    assert 0.999 < peak < 1.0
    assert (info.channels, len(info.notes)) == (2, 1)
    assert info.notes[0].startswith(f"{name} was folded down to stereo")
    assert "so that it does not clip" in info.notes[0]


def test_a_soft_surround_keeps_its_level_and_its_sides(tmp_path: Path) -> None:
    gains = []
    for place in range(6):
        sound = np.zeros((9_600, 6))
        sound[:, [place]] = clips.sine(0.2, level=0.25)
        source = clips.write_clip(tmp_path / "in.wav", sound)
        samples = read_audio(convert(source, tmp_path / "out.wav", channels=2).path).samples
        gains.append([round(float(peak) / 0.25, 3) for peak in np.abs(samples).max(axis=0)])
    assert gains == [[1, 0], [0, 1], [0.707, 0.707], [0, 0], [0.707, 0], [0, 0.707]]


def test_mono_is_doubled_and_stereo_becomes_its_mean(tmp_path: Path) -> None:
    sound = clips.music(0.5)
    stereo = clips.write_clip(tmp_path / "in.wav", sound, subtype="FLOAT")
    mono = convert(stereo, tmp_path / "mono.wav", channels=1, bit_depth="float").path
    both = convert(mono, tmp_path / "both.wav", channels=2, bit_depth="float").path
    expected = sound.astype(np.float32).mean(axis=1, dtype=np.float64)
    assert np.allclose(read_audio(mono).samples[:, 0], expected, atol=1e-7)
    assert np.array_equal(read_audio(both).samples[:, 0], read_audio(both).samples[:, 1])


def test_surround_reaches_ogg_and_flac_with_every_channel_in_its_place(tmp_path: Path) -> None:
    tones = np.concatenate([clips.sine(0.5, hz=200.0 * (place + 1), level=0.3) for place in range(6)], axis=1)
    source = clips.write_clip(tmp_path / "in.wav", tones)
    for fmt in ("OGG", "FLAC"):
        samples = read_audio(convert(source, tmp_path / "out", fmt=fmt).path).samples
        spectrum = np.abs(np.fft.rfft(samples[:24_000], axis=0))
        assert [round(peak / 100) for peak in spectrum.argmax(axis=0)] == [1, 2, 3, 4, 5, 6]


@clips.needs_ffmpeg
def test_other_programs_find_the_channels_of_our_ogg_in_their_places(tmp_path: Path) -> None:
    tones = np.concatenate([clips.sine(0.5, hz=200.0 * (place + 1), level=0.3) for place in range(6)], axis=1)
    source = clips.write_clip(tmp_path / "in.wav", tones)
    path = convert(source, tmp_path / "out.ogg", fmt="OGG").path
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "f32le", "-"], check=True, capture_output=True)
    spectrum = np.abs(np.fft.rfft(np.frombuffer(raw.stdout, "<f4").reshape(-1, 6)[:24_000], axis=0))
    assert [round(peak / 100) for peak in spectrum.argmax(axis=0)] == [1, 2, 3, 4, 5, 6]


def test_an_mp3_gets_a_rate_and_channels_that_it_can_have(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", clips.music(0.5, 96_000, 6), 96_000)
    info = convert(source, tmp_path / "out.mp3", fmt="MP3")
    assert (info.sample_rate_hz, info.channels, info.frames) == (48_000, 2, 24_000)


def test_a_wav_past_4_gb_becomes_an_rf64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = clips.write_clip(tmp_path / "in.wav", clips.music(1.0))
    assert inspect(convert(source, tmp_path / "small.wav").path).container == "WAV"
    monkeypatch.setattr(writer, "RF64_FROM_BYTES", 200_000)
    info = convert(source, tmp_path / "large.wav")
    assert (info.container, info.frames) == ("RF64", 48_000)


def test_progress_rises_to_one(tmp_path: Path) -> None:
    told: list[float] = []
    source = clips.write_clip(tmp_path / "in.wav", clips.music(3.0))
    convert(source, tmp_path / "out.wav", rate_hz=44_100, progress=told.append)
    assert told == sorted(told)
    assert len(told) > 2
    assert told[-1] == 1.0


def test_a_clip_is_never_converted_onto_itself(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", clips.music(0.5))
    before = source.read_bytes()
    with pytest.raises(ValueError, match="onto itself"):
        convert(source, source)
    assert source.read_bytes() == before


def test_nothing_is_left_of_a_conversion_that_fails(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", clips.music(5.0))

    def cut_the_source(_: float) -> None:
        clips.cut(source, 0.2)

    with pytest.raises(ClipError, match=r"ends early|cannot be decoded"):
        convert(source, tmp_path / "out.wav", progress=cut_the_source)
    assert not (tmp_path / "out.wav").exists()


def test_a_target_without_a_folder_is_a_sentence(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", clips.music(0.5))
    with pytest.raises(SendReturnError, match=r"out\.wav.* could not be written .*No such file.*its folder"):
        convert(source, tmp_path / "missing" / "out.wav")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/dev/full is Linux")
def test_a_full_disk_is_a_sentence(tmp_path: Path) -> None:
    source = clips.write_clip(tmp_path / "in.wav", clips.music(2.0))
    target = tmp_path / "out.wav"
    target.symlink_to("/dev/full")
    with pytest.raises(SendReturnError, match=r"out\.wav.* could not be written .No space left.*disk has room"):
        convert(source, target)


MEMORY = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from peak_memory import peak_mib
from sendreturn.audio.convert import BEYOND, convert
folder = Path(sys.argv[1])
convert(folder / "short.wav", folder / "warm.wav", rate_hz=48_000, bit_depth=16)
before = peak_mib()
convert(folder / "long.wav", folder / "out.wav", rate_hz=48_000, bit_depth=16)
print(peak_mib() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the module resource is Unix's")
def test_ten_minutes_are_converted_in_a_few_megabytes(tmp_path: Path) -> None:
    minute = clips.music(60.0, 22_050)
    clips.write_clip(tmp_path / "long.wav", np.tile(minute, (10, 1)), 22_050)
    clips.write_clip(tmp_path / "short.wav", minute[:200_000], 22_050)
    command = [sys.executable, "-c", MEMORY, tmp_path, Path(clips.__file__).parent]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert float(done.stdout) < 12  # MiB, where the file holds 79 MB and its floats 212 MB
