"""Sets of stems with a known fault each, and sets without any."""

from __future__ import annotations

import tracemalloc
from functools import cache
from typing import TYPE_CHECKING

import clips
import numpy as np
import pytest
from sendreturn.audio.buffer import Audio
from sendreturn.audio.resample import resample
from sendreturn.audio.stem_checks import StemReport, check_stems
from sendreturn.demo.song import render_demo_stems
from stem_mixes import song_with_voice

if TYPE_CHECKING:
    from pathlib import Path

RATE = 44_100
Stems = dict[str, np.ndarray]


@cache
def song() -> Stems:
    """Drums, bass, other and a voice, at half level so that changes do not clip."""
    parts = {name: 0.5 * audio.samples.astype(np.float64) for name, audio in song_with_voice(6.0, RATE).items()}
    return {name: part - part.mean(axis=0) for name, part in parts.items()}


def two_stems() -> Stems:
    parts = song()
    return {"vocals": parts["vocals"], "instrumental": parts["drums"] + parts["bass"] + parts["other"]}


def report(folder: Path, stems: Stems, mix: np.ndarray | None = None, subtype: str = "FLOAT") -> StemReport:
    whole = sum(song().values()) if mix is None else mix
    path = clips.write_clip(folder / "mix.wav", whole, RATE, subtype=subtype)
    paths = [
        (name, clips.write_clip(folder / f"{name}.wav", samples, RATE, subtype=subtype))
        for name, samples in stems.items()
    ]
    return check_stems(path, paths)


def said(report: StemReport, stems: Stems, name: str) -> tuple[str, ...]:
    return report.checks[list(stems).index(name)]


@pytest.mark.parametrize("stems", [song, two_stems])
def test_stems_that_are_right_get_no_word_and_leave_nothing(tmp_path: Path, stems: object) -> None:
    parts = stems()  # type: ignore[operator]
    result = report(tmp_path, parts)
    quiet = [[check for check in checks if "mono" not in check] for checks in result.checks]
    assert quiet == [[]] * len(parts)
    assert (result.set_checks, result.gain_db) == ((), None)
    assert result.residual_db is not None
    assert result.residual_db < -120


def test_the_demo_songs_stems_are_right(tmp_path: Path) -> None:
    stems = {name: audio.samples.astype(np.float64) for name, audio in render_demo_stems(RATE).items()}
    result = report(tmp_path, stems, sum(stems.values()), "PCM_24")
    assert result.set_checks == ()
    assert result.residual_db is not None
    assert result.residual_db < -90


def test_the_residual_is_what_is_missing_against_the_mix(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).standard_normal(song()["bass"].shape)
    mix = sum(song().values())
    noise *= 0.1 * np.sqrt((mix**2).mean() / (noise**2).mean())
    stems = {**song(), "other": song()["other"] + noise}
    assert report(tmp_path, stems).residual_db == pytest.approx(-20.0, abs=0.1)


@pytest.mark.parametrize("gain_db", [-4.0, 3.0])
def test_one_gain_for_all_is_found_and_told(tmp_path: Path, gain_db: float) -> None:
    louder = {name: stem * 10 ** (-gain_db / 20) for name, stem in song().items()}
    result = report(tmp_path, louder)
    assert result.gain_db == pytest.approx(gain_db, abs=0.01)
    assert result.residual_db is not None
    assert result.residual_db < -100
    assert f"one gain of {gain_db:+.1f} dB" in result.set_checks[0]


def test_levels_of_their_own_are_told_and_no_gain_is_given(tmp_path: Path) -> None:
    levels = dict(zip(song(), (2.0, 0.4, 1.6, 0.3), strict=True))
    result = report(tmp_path, {name: stem * levels[name] for name, stem in song().items()})
    assert result.gain_db is None
    assert "do not add up" in result.set_checks[0]
    assert "level of its own" in result.set_checks[0]


def test_stems_of_another_song_are_told_not_to_add_up(tmp_path: Path) -> None:
    other = np.random.default_rng(2).standard_normal(song()["bass"].shape) * 0.1
    result = report(tmp_path, song(), other)
    assert result.gain_db is None
    assert any("do not add up" in check for check in result.set_checks)


def test_an_instrumental_beside_its_instruments_is_not_counted_twice(tmp_path: Path) -> None:
    result = report(tmp_path, {**song(), "instrumental": two_stems()["instrumental"]})
    assert result.residual_db is not None
    assert result.residual_db < -120


def test_a_single_stem_has_no_sum(tmp_path: Path) -> None:
    result = report(tmp_path, {"vocals": song()["vocals"]})
    assert (result.residual_db, result.gain_db, result.set_checks) == (None, None, ())


SPOILED = {
    "empty": (lambda x: x * 0, "It is empty: there is no sound in it."),
    "faint": (lambda x: x * 4e-3, "It is all but empty: it lies 56 dB below the mix."),
    "clipped": (lambda x: np.clip(x * 30, -1, 1), "It is clipped in "),
    "offset": (lambda x: x + 0.01, "It has a DC offset of 1.0 % of full scale."),
    "mono": (lambda x: np.repeat(x[:, :1], 2, axis=1), "It is mono: both sides are the same."),
    "one channel": (lambda x: x[:, :1], "It is mono: both sides are the same."),
    "short": (lambda x: x[:-441], "It is 441 samples (0.010 s) shorter than the mix."),
    "long": (lambda x: np.pad(x, ((0, 882), (0, 0))), "It is 882 samples (0.020 s) longer than the mix."),
}


@pytest.mark.parametrize("fault", SPOILED)
def test_a_stem_with_a_fault_is_told(tmp_path: Path, fault: str) -> None:
    spoil, expected = SPOILED[fault]
    stems = {**song(), "other": spoil(song()["other"])}
    result = report(tmp_path, stems)
    assert any(check.startswith(expected) for check in said(result, stems, "other"))
    assert not [check for check in said(result, stems, "drums") if "mono" not in check]


def test_a_stem_at_another_rate_is_told_and_compared_all_the_same(tmp_path: Path) -> None:
    mix = clips.write_clip(tmp_path / "mix.wav", sum(song().values()), RATE, subtype="FLOAT")
    paths = []
    for name, samples in song().items():
        rate = 48_000 if name == "bass" else RATE
        audio = resample(Audio(samples.astype(np.float32), RATE), rate)
        paths.append((name, clips.write_clip(tmp_path / f"{name}.wav", audio.samples, rate, subtype="FLOAT")))
    result = check_stems(mix, paths)
    assert "It has 48,000 Hz, and the mix 44,100 Hz." in result.checks[list(song()).index("bass")]
    assert result.residual_db is not None
    assert result.residual_db < -60


def test_the_same_stem_under_two_names_is_told_once(tmp_path: Path) -> None:
    stems = {**song(), "bass": 0.7 * song()["drums"]}
    result = report(tmp_path, stems)
    assert "It is the same audio as drums." in said(result, stems, "bass")
    assert not any("same audio" in check for check in said(result, stems, "drums"))


def test_a_stem_that_is_the_whole_mix_is_told(tmp_path: Path) -> None:
    stems = {**song(), "vocals": sum(song().values())}
    assert "It is the whole mix and no part of it." in said(report(tmp_path, stems), stems, "vocals")


def test_the_backing_of_a_song_without_a_voice_is_its_whole_mix_and_right(tmp_path: Path) -> None:
    backing = two_stems()["instrumental"]
    stems = {"vocals": backing * 0, "instrumental": backing}
    result = report(tmp_path, stems, backing)
    assert said(result, stems, "instrumental") == ()
    assert said(result, stems, "vocals") == ("It is empty: there is no sound in it.",)


@pytest.mark.parametrize("other", ["vocals", "bass"])
def test_drums_under_another_name_are_told(tmp_path: Path, other: str) -> None:
    stems = {**song(), "drums": song()[other], other: song()["drums"]}
    result = report(tmp_path, stems)
    if other == "vocals":
        assert result.set_checks == ("The stems drums and vocals seem to be exchanged: the strokes are in vocals.",)
    else:
        # A plucked bass has strokes of its own: nothing is claimed where it is not clear.
        assert all("drums" in check for check in result.set_checks)


def test_a_nearly_empty_stem_of_strokes_is_not_taken_for_the_drums(tmp_path: Path) -> None:
    stems = {"drums": song()["vocals"], "vocals": song()["bass"], "woodwinds": song()["drums"] * 0.02}
    assert all("exchanged" not in check for check in report(tmp_path, stems).set_checks)


def test_a_voice_and_its_backing_under_each_others_names_are_told(tmp_path: Path) -> None:
    parts = two_stems()
    result = report(tmp_path, {"vocals": parts["instrumental"], "instrumental": parts["vocals"]})
    assert result.set_checks == ("The stems vocals and instrumental seem to be exchanged: the drums are in vocals.",)


@pytest.mark.parametrize("late", [1105, -529])
def test_stems_that_start_late_are_told(tmp_path: Path, late: int) -> None:
    stems = {name: np.roll(stem, late, axis=0) for name, stem in song().items()}
    result = report(tmp_path, stems)
    word = "after" if late > 0 else "before"
    told = [check for check in result.set_checks if check.endswith(f"starts {abs(late):,} samples {word} the mix.")]
    assert any("drums" in check for check in told)


def test_long_stems_are_checked_in_bounded_memory(tmp_path: Path) -> None:
    sound = clips.music(60.0, 8_000)
    long = np.tile(sound, (5, 1))
    mix = clips.write_clip(tmp_path / "mix.wav", long, 8_000, subtype="PCM_16")
    half = clips.write_clip(tmp_path / "half.wav", long / 2, 8_000, subtype="PCM_16")
    tracemalloc.start()
    check_stems(mix, [("vocals", half), ("instrumental", half)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40_000_000
