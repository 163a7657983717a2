"""Stretched audio is exactly as long as asked, on the grid, in tune and at its level."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from sendreturn.audio import stretchers
from sendreturn.audio.buffer import Audio
from sendreturn.audio.notes import Meter, TempoChange
from sendreturn.audio.stretch import WarpMarker, stretch, stretch_to_grid
from sendreturn.errors import Refusal

RATE_HZ = 48_000
LENGTH_S = 8.0
FACTORS = [0.8, 0.97, 1.04, 1.3]

Times = NDArray[np.float64]


@pytest.fixture(autouse=True)
def look_again() -> Iterator[None]:
    stretchers.find_stretcher.cache_clear()
    yield
    stretchers.find_stretcher.cache_clear()


def clicks(times_s: Sequence[float] | Times, length_s: float = LENGTH_S, rate_hz: int = RATE_HZ) -> Audio:
    samples = np.zeros((round(length_s * rate_hz), 2), np.float32)
    at = np.arange(round(0.005 * rate_hz)) / rate_hz
    click = np.exp(-at * 1200) * np.sin(2 * np.pi * 3000 * at)
    for time_s in times_s:
        first = round(time_s * rate_hz)
        samples[first : first + len(click)] += click[:, None].astype(np.float32)
    return Audio(samples, rate_hz)


def tone(hz: float, length_s: float = LENGTH_S) -> Audio:
    at = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    return Audio((0.4 * np.sin(2 * np.pi * hz * at)).astype(np.float32)[:, None], RATE_HZ)


def worst_ms(audio: Audio, expected_s: Sequence[float] | Times) -> float:
    """How far the attacks lie from where they should be, at worst."""
    errors = []
    for time_s in expected_s:
        first = max(0, round((time_s - 0.03) * audio.rate_hz))
        level = np.abs(audio.samples[first : first + round(0.06 * audio.rate_hz), 0])
        errors.append((first + int(np.argmax(level > 0.3 * level.max()))) / audio.rate_hz - time_s)
    return 1000 * float(np.max(np.abs(errors)))


def pitch_hz(audio: Audio) -> float:
    samples = audio.samples[:, 0] * np.hanning(audio.frames)
    spectrum = np.log(np.abs(np.fft.rfft(samples, 4 * audio.frames)) + 1e-12)
    peak = int(np.argmax(spectrum))
    left, middle, right = spectrum[peak - 1 : peak + 2]
    return float((peak + 0.5 * (left - right) / (left - 2 * middle + right)) * audio.rate_hz / (4 * audio.frames))


def cents_off(audio: Audio, hz: float) -> float:
    return abs(1200 * float(np.log2(pitch_hz(audio) / hz)))


def levels_db(audio: Audio, against: float) -> NDArray[np.float32]:
    """The level of every 20 ms, away from the ends."""
    block = round(0.02 * audio.rate_hz)
    count = audio.frames // block
    power = np.mean(audio.samples[: count * block, 0].reshape(count, block) ** 2, axis=1)
    return np.asarray(10 * np.log10(power[10:-10]) - 20 * np.log10(against), np.float32)


def wandering_beats(usual_s: float = 0.5, share: float = 0.02) -> Times:
    """Beats whose tempo goes up and down by `share`."""
    steps = usual_s * (1 + share * np.sin(np.arange(int(LENGTH_S / usual_s) - 3) / 4))
    return 0.4 + np.concatenate([[0.0], np.cumsum(steps)])


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_the_length_is_exact_and_the_clicks_are_on_the_new_grid(factor: float, rate_hz: int) -> None:
    times_s = np.arange(0.5, 7.5, 0.5)
    audio = clicks(times_s, rate_hz=rate_hz)

    made = stretch(audio, factor)

    assert made.frames == round(audio.frames * factor)
    assert (made.rate_hz, made.channels) == (rate_hz, 2)
    assert worst_ms(made, times_s * factor) < 2.0


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("hz", [82.4, 440.0, 3520.0])
def test_a_tone_keeps_its_pitch_and_its_level(factor: float, hz: float) -> None:
    made = stretch(tone(hz), factor)

    assert cents_off(made, hz) < 2.0
    assert np.max(np.abs(levels_db(made, 0.4 / np.sqrt(2)))) < 0.5


def test_the_two_sides_stay_together() -> None:
    left = np.random.default_rng(5).normal(0, 0.1, 3 * RATE_HZ).astype(np.float32)

    made = stretch(Audio(np.stack([left, 0.5 * left], axis=1), RATE_HZ), 1.1)

    assert np.allclose(made.samples[:, 1], 0.5 * made.samples[:, 0], atol=1e-4)


@pytest.mark.parametrize("bpm", [112.0, 120.0, 127.5])
def test_beats_that_wander_land_on_the_sessions_grid(bpm: float) -> None:
    beats_s = wandering_beats()

    made = stretch_to_grid(clicks(beats_s), list(beats_s), Meter(bpm))

    grid_s = beats_s[0] + np.arange(len(beats_s)) * 60.0 / bpm
    assert worst_ms(made, grid_s) < 2.0


def test_the_first_downbeat_stays_where_it_is_and_the_upbeat_leads_to_it() -> None:
    beats_s = wandering_beats()

    made = stretch_to_grid(clicks(beats_s), list(beats_s), Meter(118.0), downbeat=2)

    grid_s = beats_s[2] + (np.arange(1, len(beats_s)) - 2) * 60.0 / 118.0
    assert worst_ms(made, grid_s) < 2.0


def test_missing_beats_and_beats_of_half_the_tempo_find_their_places() -> None:
    beats_s = wandering_beats()
    heard_s = np.delete(beats_s, [5, 11])

    made = stretch_to_grid(clicks(beats_s), list(heard_s), Meter(60.0 / 0.49))
    halved = stretch_to_grid(clicks(beats_s), list(beats_s[::2]), Meter(60.0 / 0.49))

    grid_s = beats_s[0] + np.arange(len(beats_s)) * 0.49
    assert worst_ms(made, np.delete(grid_s, [5, 11])) < 2.0
    assert worst_ms(halved, grid_s[::2]) < 2.0


def test_the_grid_may_change_its_tempo() -> None:
    beats_s = 0.5 + np.arange(14) * 0.5
    meter = Meter(120.0, 4, 4, (TempoChange(5.5, 110.0),))

    made = stretch_to_grid(clicks(beats_s), list(beats_s), meter)

    grid_s = [beat_s if beat_s <= 5.5 else 5.5 + (beat_s - 5.5) * 120 / 110 for beat_s in beats_s]
    assert worst_ms(made, grid_s) < 2.0


@pytest.mark.parametrize("hz", [110.0, 440.0, 1760.0])
def test_the_joins_at_the_beats_are_heard_in_no_tone(hz: float) -> None:
    made = stretch_to_grid(tone(hz), list(wandering_beats()), Meter(118.0))

    levels = levels_db(made, 0.4 / np.sqrt(2))
    # What is left of a difference in phase after the shift is greatest for the lowest notes.
    assert np.max(np.abs(levels - np.median(levels))) < (1.0 if hz < 200 else 0.25)
    assert cents_off(made, hz) < 3.0
    steepest = 0.4 * 2 * np.pi * hz / RATE_HZ
    assert np.max(np.abs(np.diff(made.samples[1000:-1000, 0]))) < 1.3 * steepest


def test_markers_on_one_line_are_one_stretch() -> None:
    audio = tone(330.0, 4.0)
    markers = [WarpMarker(at_s, 1.1 * at_s) for at_s in (0.0, 0.7, 2.2, 3.0, 4.0)]

    made, plain = stretch(audio, markers), stretch(audio, 1.1)

    assert made.frames == plain.frames
    assert np.array_equal(made.samples, plain.samples)


@pytest.mark.parametrize("later_s", [-0.3, 0.25])
def test_audio_that_starts_earlier_is_cut_and_later_is_delayed(later_s: float) -> None:
    times_s = np.arange(0.5, 5.5, 0.5)

    made = stretch(clicks(times_s, 6.0), [WarpMarker(1.0, 1.0 + later_s), WarpMarker(5.0, 5.2 + later_s)])

    assert made.frames == pytest.approx((6.0 * 1.05 - 0.05 + later_s) * RATE_HZ, abs=2)
    assert worst_ms(made, 1.0 + later_s + (times_s - 1.0) * 1.05) < 2.0


@pytest.mark.parametrize("warp", [0.1, 9.0, 0.0, -1.0, float("nan"), [WarpMarker(0.0, 0.0), WarpMarker(1.0, 20.0)]])
def test_what_no_stretcher_can_do_is_refused(warp: float | list[WarpMarker]) -> None:
    with pytest.raises(Refusal, match="times as long"):
        stretch(tone(440.0, 1.0), warp)


@pytest.mark.parametrize("markers", [[], [WarpMarker(0.0, 0.0)], [WarpMarker(1.0, 0.0), WarpMarker(1.0, 2.0)]])
def test_markers_that_do_not_rise_are_refused(markers: list[WarpMarker]) -> None:
    with pytest.raises(Refusal, match="must rise"):
        stretch(tone(440.0, 1.0), markers)


def test_a_tempo_that_is_not_the_sessions_is_refused() -> None:
    with pytest.raises(Refusal, match="too far from the session's 87 bpm"):
        stretch_to_grid(tone(440.0, 9.0), [0.5 * beat for beat in range(12)], Meter(87.0))
    with pytest.raises(Refusal, match="Too few beats"):
        stretch_to_grid(tone(440.0, 9.0), [0.5], Meter(120.0))


KINDS = [name for name, is_there, _ in stretchers._STRETCHERS if is_there()]


@pytest.mark.parametrize("name", KINDS)
def test_every_stretcher_that_is_here_gives_the_length_that_was_asked(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stretchers, "_STRETCHERS", [row for row in stretchers._STRETCHERS if row[0] == name])

    made = stretch(tone(440.0, 3.0), 1.1)

    assert stretchers.find_stretcher().name == name
    assert made.frames == round(3.0 * RATE_HZ * 1.1)
    assert cents_off(made, 440.0) < 2.0


def test_without_any_stretcher_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = [(name, lambda: False, work) for name, _, work in stretchers._STRETCHERS]
    monkeypatch.setattr(stretchers, "_STRETCHERS", absent)

    with pytest.raises(Refusal) as caught:
        stretch(tone(440.0, 1.0), 1.1)

    assert "sendreturn[stretch]" in caught.value.hint


def test_a_piece_of_a_beat_or_less_is_stretched_too() -> None:
    for frames, factor in itertools.product((1, 50, 4000), (0.9, 1.2)):
        made = stretch(Audio(np.full((frames, 1), 0.1, np.float32), RATE_HZ), factor)
        assert made.frames == round(frames * factor)
