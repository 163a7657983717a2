from __future__ import annotations

import numpy as np
import pytest
from seam_measures import levels_db, step_at, usual_step
from sendreturn.audio.buffer import Audio
from sendreturn.errors import Refusal
from sendreturn_bridges.services.local.inpaint import inpaint
from small_songs import clicks, noise, onset_times_s, pad, silence, song

SONG = song(16.0)
CASES = {
    "a bar": (SONG, (6.0, 8.0)),
    "off the beat": (SONG, (6.13, 8.37)),
    "a syllable": (SONG, (6.13, 6.2)),
    "three milliseconds": (SONG, (6.13, 6.133)),
    "the start": (SONG, (0.0, 3.3)),
    "the end": (SONG, (12.2, 16.0)),
    "most": (SONG, (0.5, 15.5)),
    "nearly everything": (SONG, (0.1, 15.95)),
    "everything": (SONG, (0.0, 16.0)),
    "pad": (pad(), (2.0, 3.1)),
    "noise": (noise(), (1.0, 2.0)),
    "short clip": (song(0.3), (0.1, 0.2)),
    "one second": (song(1.0), (0.4, 0.6)),
    "six channels": (song(6.0, channels=6), (1.0, 4.0)),
    "low rate": (song(6.0, rate_hz=8_000, channels=1), (1.0, 4.0)),
    "odd rate": (song(6.0, rate_hz=37_801), (1.001, 4.003)),
    "high rate": (song(3.0, rate_hz=192_000), (1.0, 2.0)),
}


def frames(clip: Audio, section_s: tuple[float, float]) -> tuple[int, int]:
    return round(section_s[0] * clip.rate_hz), round(section_s[1] * clip.rate_hz)


@pytest.mark.parametrize("name", CASES)
def test_outside_of_the_section_every_sample_is_the_clips_own(name: str) -> None:
    clip, section_s = CASES[name]
    start, end = frames(clip, section_s)
    out = inpaint(clip, section_s=section_s).audio
    assert out.samples.shape == clip.samples.shape
    assert out.samples.dtype == np.float32
    assert out.rate_hz == clip.rate_hz
    assert out.samples[:start].tobytes() == clip.samples[:start].tobytes()
    assert out.samples[end:].tobytes() == clip.samples[end:].tobytes()


@pytest.mark.parametrize("name", CASES)
def test_the_section_is_filled_with_something_else(name: str) -> None:
    clip, section_s = CASES[name]
    start, end = frames(clip, section_s)
    new, old = inpaint(clip, section_s=section_s).audio.samples[start:end], clip.samples[start:end]
    assert np.isfinite(new).all()
    assert np.abs(new - old).max() > 0.02
    assert np.abs(new).max() <= max(1.0, float(np.abs(clip.samples).max()))


@pytest.mark.parametrize("name", CASES)
def test_both_seams_match(name: str) -> None:
    clip, section_s = CASES[name]
    out = inpaint(clip, section_s=section_s).audio.samples
    for seam in frames(clip, section_s):
        if 0 < seam < clip.frames:
            # A hit may begin right at the seam: then the clip itself has a large step there.
            assert step_at(out, seam) <= max(usual_step(clip.samples), 1.1 * step_at(clip.samples, seam))
    assert usual_step(out, 1.0) <= 1.2 * usual_step(clip.samples, 1.0)


@pytest.mark.parametrize("section_s", [(2.2, 4.4), (0.0, 3.0), (5.05, 8.0), (2.3, 2.9), (1.0, 7.0)])
def test_clicks_stay_in_time(section_s: tuple[float, float]) -> None:
    clip = clicks(8.0, bpm=112.0)
    out = inpaint(clip, section_s=section_s).audio
    was_s, is_s = onset_times_s(clip), onset_times_s(out)
    assert len(was_s) == len(is_s)
    assert np.abs(was_s - is_s).max() <= 0.010


@pytest.mark.parametrize("clip", [pad(), noise()])
def test_the_level_of_a_held_sound_does_not_dip(clip: Audio) -> None:
    out = inpaint(clip, section_s=(1.3, 2.9)).audio
    own = levels_db(clip.samples, clip.rate_hz, 0.04)
    assert levels_db(out.samples, clip.rate_hz, 0.04).min() > own.min() - 3.0


def test_a_bad_noise_is_gone() -> None:
    clip = song(16.0, channels=1)
    start, end = frames(clip, (6.1, 7.9))
    spoilt = clip.samples.copy()
    spoilt[start + 1000 : end - 1000] += noise(3.0, level=0.4).samples[: end - start - 2000]
    out = inpaint(Audio(spoilt, clip.rate_hz), section_s=(6.1, 7.9)).audio
    loudest_db = levels_db(clip.samples, clip.rate_hz, 0.3).max()
    assert levels_db(out.samples[start:end], clip.rate_hz, 0.3).max() < loudest_db + 1.0


@pytest.mark.parametrize("length_s", [0.00003, 0.0002, 0.001, 0.0019])
def test_a_click_is_drawn_over_from_both_sides(length_s: float) -> None:
    section_s = (6.13, 6.13 + length_s)
    start, end = frames(SONG, section_s)
    spoilt = SONG.samples.copy()
    spoilt[start:end] = 0.9
    out = inpaint(Audio(spoilt, SONG.rate_hz), section_s=section_s).audio.samples
    np.testing.assert_allclose(out[start:end], SONG.samples[start:end], atol=0.03)
    assert np.array_equal(out[:start], spoilt[:start])
    assert np.array_equal(out[end:], spoilt[end:])


@pytest.mark.parametrize("section_s", [(0.0, 0.0015), (15.9985, 16.0)])
def test_a_click_at_an_end_of_the_clip_is_drawn_over_from_one_side(section_s: tuple[float, float]) -> None:
    start, end = frames(SONG, section_s)
    out = inpaint(SONG, section_s=section_s).audio.samples
    assert np.isfinite(out).all()
    assert step_at(out, start or end) <= usual_step(SONG.samples)


def test_a_repeated_part_restores_what_was_lost() -> None:
    bar = song(8.0)
    clip = Audio(np.tile(bar.samples, (3, 1)), bar.rate_hz)
    start, end = frames(clip, (10.3, 12.4))
    lost = clip.samples.copy()
    lost[start + 700 : end - 700] = 0.0
    out = inpaint(Audio(lost, bar.rate_hz), section_s=(10.3, 12.4)).audio
    np.testing.assert_allclose(out.samples[start:end], clip.samples[start:end], atol=0.01)


def test_seeds_vary_the_filling_where_the_clip_allows() -> None:
    fillings = [inpaint(SONG, section_s=(4.0, 12.0), seed=seed).audio.samples for seed in (0, 0, 1, 2, 3)]
    assert np.array_equal(fillings[0], fillings[1])
    assert any(not np.allclose(fillings[0], other, atol=0.01) for other in fillings[2:])


def test_notes_say_where_little_lies_outside() -> None:
    assert "own sound" in inpaint(SONG, section_s=(0.1, 15.95)).notes[0]
    assert "repeats itself" in inpaint(SONG, section_s=(1.0, 15.5)).notes[0]
    assert len(inpaint(SONG, section_s=(6.0, 8.0)).notes) == 1


def test_silence_stays_silent() -> None:
    inpainting = inpaint(silence(), section_s=(1.0, 2.0))
    assert not inpainting.audio.samples.any()
    assert "silent" in inpainting.notes[-1]


def test_progress_rises_to_one() -> None:
    told: list[float] = []
    inpaint(SONG, section_s=(4.0, 12.0), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize(
    ("section_s", "said"),
    [
        ((3.0, 3.0), "empty"),
        ((5.0, 3.0), "empty"),
        ((-1.0, 3.0), "inside the clip"),
        ((14.0, 16.5), "inside the clip"),
        ((float("nan"), 3.0), "empty"),
        ((3.0, 3.000001), "no sample"),
    ],
)
def test_sections_that_cannot_be_are_refused(section_s: tuple[float, float], said: str) -> None:
    with pytest.raises(Refusal, match=said):
        inpaint(SONG, section_s=section_s)


@pytest.mark.parametrize("section_s", [(3.0, 3.002), (3.0, 4.0)])
def test_what_is_no_tempo_is_refused(section_s: tuple[float, float]) -> None:
    with pytest.raises(Refusal, match="tempo"):
        inpaint(SONG, section_s=section_s, bpm=-1.0)


def test_a_clip_that_is_too_short_is_refused() -> None:
    with pytest.raises(Refusal, match="at least"):
        inpaint(song(0.15), section_s=(0.05, 0.1))
