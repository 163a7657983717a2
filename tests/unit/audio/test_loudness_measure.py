from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING

import clips
import numpy as np
import pyloudnorm
import pytest
from pyloudnorm.iirfilter import IIRfilter
from scipy.signal import lfilter
from sendreturn.audio.buffer import Audio
from sendreturn.audio.k_weighting import KWeighting, coefficients
from sendreturn.audio.loudness import Loudness, measure

if TYPE_CHECKING:
    from pathlib import Path


def audio(samples: np.ndarray, rate_hz: int = 48_000) -> Audio:
    return Audio(samples.astype(np.float32), rate_hz)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
def test_a_full_scale_tone_in_one_channel_has_3_01_lufs(rate_hz: int) -> None:
    """BS.1770-5, annex 1: 997 Hz at 0 dBFS in one front channel reads −3.01 LKFS."""
    tone = np.concatenate([clips.sine(5.0, rate_hz, level=1.0), np.zeros((5 * rate_hz, 1))], axis=1)
    assert measure(audio(tone, rate_hz)).integrated_lufs == pytest.approx(-3.01, abs=0.02)


@pytest.mark.parametrize("channels", [1, 2])
def test_music_with_pauses_reads_as_pyloudnorms_own_meter_does(tmp_path: Path, channels: int) -> None:
    sound = clips.music(12.34, channels=channels)
    sound[100_000:250_000] *= 0.01
    sound[300_000:400_000] = 0.0
    path = clips.write_clip(tmp_path / "a.wav", sound, subtype="DOUBLE")
    expected = pyloudnorm.Meter(48_000, filter_class="DeMan").integrated_loudness(sound)
    assert measure(path).integrated_lufs == pytest.approx(expected, abs=0.01)
    assert measure(audio(sound)).integrated_lufs == pytest.approx(expected, abs=0.01)


def test_the_low_frequency_channel_does_not_count_and_the_surrounds_count_more() -> None:
    def loudness(place: int) -> float | None:
        sound = np.zeros((96_000, 6))
        sound[:, [place]] = clips.sine(2.0, level=0.5)
        return measure(audio(sound)).integrated_lufs

    front, low, surround = loudness(0), loudness(3), loudness(4)
    assert low is None
    assert front is not None
    assert surround == pytest.approx(front + 1.49, abs=0.01)


@pytest.mark.parametrize("frames", [0, 19_199])
def test_less_than_400_ms_have_no_loudness_but_a_peak(frames: int) -> None:
    result = measure(audio(clips.sine(0.5, level=0.5)[:frames]))
    assert result.integrated_lufs is None
    assert (result.true_peak_dbtp is None) == (frames == 0)


def test_silence_has_neither_loudness_nor_peak() -> None:
    result = measure(audio(np.zeros((96_000, 2))))
    assert (result.integrated_lufs, result.true_peak_dbtp) == (None, None)


def test_a_peak_between_the_samples_is_found() -> None:
    """A sine at a quarter of the rate, 45° off: its samples reach −3.01 dBFS, the wave itself 0 dBFS."""
    time = np.arange(96_000)
    fade = np.minimum(1, np.minimum(time, time[::-1]) / 4_800)
    sound = (fade * np.sin(np.pi / 2 * time + np.pi / 4))[:, None]
    assert 20 * np.log10(np.abs(sound).max()) == pytest.approx(-3.01, abs=0.01)
    assert measure(audio(sound)).true_peak_dbtp == pytest.approx(0.0, abs=0.1)


def test_ten_minutes_are_measured_in_bounded_memory(tmp_path: Path) -> None:
    minute = clips.music(60.0, 16_000)
    path = clips.write_clip(tmp_path / "long.wav", np.tile(minute, (10, 1)), 16_000, subtype="PCM_16")
    tracemalloc.start()
    result = measure(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.integrated_lufs is not None
    assert peak < 16_000_000


STANDARD = (
    ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)),
)
"""BS.1770-5, annex 1, tables 1 and 2: the two filters at 48 kHz."""


def test_the_filters_are_the_standards_own_at_48_khz() -> None:
    for ours, expected in zip(coefficients(48_000), STANDARD, strict=True):
        np.testing.assert_allclose(np.array(ours), np.array(expected), atol=1e-8)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_the_weighting_is_that_of_pyloudnorms_recursive_filters_at_any_rate(rate_hz: int) -> None:
    sound = np.random.default_rng(4).standard_normal((int(2.55 * rate_hz), 2))
    expected = sound
    for name, q, gain, hz in (
        ("high_shelf_DeMan", 0.7071752369554193, 3.99984385397, 1681.9744509555319),
        ("high_pass_DeMan", 0.5003270373253953, 0.0, 38.13547087613982),
    ):
        stage = IIRfilter(gain, q, hz, rate_hz, name)
        expected = lfilter(stage.b, stage.a, expected, axis=0)
    weighting = KWeighting(rate_hz, 2)
    pieces = [piece for part in np.array_split(sound, 7) for piece in weighting.push(part)]
    weighted = np.concatenate([*pieces, weighting.finish()])
    assert len(weighted) == len(sound) // weighting.step * weighting.step
    np.testing.assert_allclose(weighted, expected[: len(weighted)], atol=1e-9)


def tones(*parts: tuple[float, float]) -> np.ndarray:
    """Stereo 1 kHz, piece after piece of (dBFS, seconds)."""
    time = np.arange(round(sum(seconds for _, seconds in parts) * 48_000)) / 48_000
    level = np.concatenate([np.full(round(seconds * 48_000), 10 ** (db / 20)) for db, seconds in parts])
    return np.repeat((level * np.sin(2 * np.pi * 1000 * time))[:, None], 2, axis=1)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(-23, 20)], -23.0),
        ([(-33, 20)], -33.0),
        ([(-36, 10), (-23, 60), (-36, 10)], -23.0),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),
    ],
)
def test_integrated_loudness_passes_cases_1_to_5_of_ebu_tech_3341(
    parts: list[tuple[float, float]], expected: float
) -> None:
    assert measure(audio(tones(*parts))).integrated_lufs == pytest.approx(expected, abs=0.1)


def test_integrated_loudness_passes_case_6_of_ebu_tech_3341_with_five_channels() -> None:
    levels = 10 ** (np.array([-28.0, -28.0, -24.0, -30.0, -30.0]) / 20)
    sound = clips.sine(20.0, hz=1000.0, channels=5, level=1.0) * levels
    assert measure(audio(sound)).integrated_lufs == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(-20, 20), (-30, 20)], 10.0),
        ([(-20, 20), (-15, 20)], 5.0),
        ([(-40, 20), (-20, 20)], 20.0),
        ([(-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)], 15.0),
    ],
)
def test_loudness_range_passes_cases_1_to_4_of_ebu_tech_3342(parts: list[tuple[float, float]], expected: float) -> None:
    assert measure(audio(tones(*parts))).range_lu == pytest.approx(expected, abs=1.0)


def test_the_loudest_moments_pass_cases_1_9_and_12_of_ebu_tech_3341() -> None:
    steady = measure(audio(tones((-23, 20))))
    assert steady.max_momentary_lufs == pytest.approx(-23.0, abs=0.1)
    assert steady.max_short_term_lufs == pytest.approx(-23.0, abs=0.1)
    slow = measure(audio(tones(*[(-20, 1.34), (-30, 1.66)] * 5)))
    assert slow.max_short_term_lufs == pytest.approx(-23.0, abs=0.1)
    fast = measure(audio(tones(*[(-20, 0.18), (-30, 0.22)] * 25)))
    assert fast.max_momentary_lufs == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("index", range(0, 20, 3))
def test_the_loudest_moment_is_found_wherever_it_lies(index: int) -> None:
    """EBU Tech 3341, cases 10 and 13: a tone as long as the window after a pause that grows from file to file."""
    short_term = measure(audio(tones((-200, 0.15 * index), (-23, 3.0), (-200, 1.0))))
    assert short_term.max_short_term_lufs == pytest.approx(-23.0, abs=0.1)
    momentary = measure(audio(tones((-200, 0.02 * index), (-23, 0.4), (-200, 1.0))))
    assert momentary.max_momentary_lufs == pytest.approx(-23.0, abs=0.1)


def test_less_than_3_s_have_no_range_and_no_short_term_loudness() -> None:
    result = measure(audio(tones((-23, 2.9))))
    assert (result.range_lu, result.max_short_term_lufs) == (None, None)
    assert result.max_momentary_lufs == pytest.approx(-23.0, abs=0.1)


def faded(sound: np.ndarray) -> np.ndarray:
    """The sound without the click of a sudden start, whose own peak would be measured."""
    ramp = np.minimum(1, np.minimum(np.arange(len(sound)), np.arange(len(sound))[::-1]) / 2_400)
    return np.repeat((ramp * sound)[:, None], 2, axis=1)


@pytest.mark.parametrize(
    ("part_of_rate", "degrees", "level", "expected"),
    [(4, 0.0, 0.5, -6.0), (4, 45.0, 0.5, -6.0), (6, 60.0, 0.5, -6.0), (8, 67.5, 0.5, -6.0), (4, 45.0, 1.41, 3.0)],
)
def test_true_peaks_pass_cases_15_to_19_of_ebu_tech_3341(
    part_of_rate: int, degrees: float, level: float, expected: float
) -> None:
    sound = level * np.sin(2 * np.pi * np.arange(48_000) / part_of_rate + np.radians(degrees))
    peak = measure(audio(faded(sound))).true_peak_dbtp
    assert peak is not None
    assert -0.4 <= peak - expected <= 0.2


@pytest.mark.parametrize("offset", [0, 1, 2, 3])
def test_true_peaks_are_found_wherever_they_lie_between_samples(offset: int) -> None:
    """As cases 20 to 23 of EBU Tech 3341: one burst of full scale, made at four times the rate, sampled four ways."""
    time = np.arange(4 * 9_600) - 4 * 4_800
    quiet = 0.5 * np.cos(2 * np.pi * time / (4 * 6))
    burst = 0.5 * np.cos(2 * np.pi * time / (4 * 6)) * np.exp(-((time / (4 * 24)) ** 2))
    peak = measure(audio(faded((quiet + burst)[offset::4]))).true_peak_dbtp
    assert peak is not None
    assert -0.4 <= peak <= 0.2


def ffmpegs_loudness(path: Path) -> Loudness:
    """What ffmpeg's ebur128 filter, another program's own meter, says of a file."""
    command = ["ffmpeg", "-v", "info", "-nostdin", "-i", str(path), "-af", "ebur128=peak=true", "-f", "null", "-"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    summary = told[told.rindex("Integrated loudness") :]

    def value(name: str) -> float:
        return float(summary.split(f"{name}:")[1].split()[0])

    return Loudness(value("I"), value("Peak"), value("LRA"))


@clips.needs_ffmpeg
@pytest.mark.parametrize(("rate_hz", "channels"), [(44_100, 2), (48_000, 1), (48_000, 2), (96_000, 2)])
def test_ffmpegs_own_meter_agrees(tmp_path: Path, rate_hz: int, channels: int) -> None:
    sound = clips.music(14.3, rate_hz, channels)
    sound[: 4 * rate_hz] *= 0.05
    path = clips.write_clip(tmp_path / "a.wav", sound, rate_hz)
    ours, theirs = measure(path), ffmpegs_loudness(path)
    assert ours.integrated_lufs == pytest.approx(theirs.integrated_lufs, abs=0.1)
    assert ours.true_peak_dbtp == pytest.approx(theirs.true_peak_dbtp, abs=0.2)


@clips.needs_ffmpeg
def test_ffmpegs_own_meter_agrees_on_the_range(tmp_path: Path) -> None:
    sound = clips.music(60.0)
    sound *= 10 ** (-0.5 * (1 + np.sin(np.arange(len(sound)) * 2 * np.pi / (20 * 48_000))))[:, None]
    path = clips.write_clip(tmp_path / "a.wav", sound)
    # EBU Tech 3342 allows 1 LU; ffmpeg also counts the windows that are not filled yet.
    assert measure(path).range_lu == pytest.approx(ffmpegs_loudness(path).range_lu, abs=0.5)


def test_measuring_does_not_bring_scipy_into_the_daemon(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "a.wav", clips.music(1.0))
    script = (
        "import json, sys; from pathlib import Path; from sendreturn.audio.loudness import measure;"
        "measure(Path(sys.argv[1])); print(json.dumps(sorted(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", script, str(path)], check=True, capture_output=True, text=True)
    assert not {name.split(".")[0] for name in json.loads(told.stdout)} & {"scipy", "pyloudnorm"}
