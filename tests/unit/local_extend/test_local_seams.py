from __future__ import annotations

import numpy as np
import pytest
from seam_measures import levels_db
from sendreturn_bridges.services.local.seams import best_shift, blend, predict, run_on
from small_songs import noise, pad


def sine(frames: int, phase: float = 0.0, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * 220.0 * np.arange(frames) / 44_100 + phase))[:, None].astype(np.float32)


def test_blending_a_sound_with_itself_leaves_it_alone() -> None:
    sound = noise(0.1).samples
    np.testing.assert_allclose(blend(sound, sound, 1.0), sound, atol=1e-6)


def test_blending_unlike_sounds_holds_the_level() -> None:
    one, other = noise(1.0, seed=1).samples, noise(1.0, seed=2).samples
    levels = levels_db(blend(one, other, 1.0), 44_100, 0.05)
    assert np.abs(levels - levels_db(one, 44_100, 1.0)[0]).max() < 1.0


def test_blending_never_exceeds_the_ceiling_that_its_sources_keep() -> None:
    one, other = sine(4000, 0.0, 1.0), sine(4000, 1.2, 1.0)
    mixed = blend(one, other, 1.0)
    assert np.abs(mixed).max() <= 1.0
    np.testing.assert_allclose(mixed[0], one[0], atol=0.01)
    np.testing.assert_allclose(mixed[-1], other[-1], atol=0.01)


@pytest.mark.parametrize("shift", [-90, -7, 0, 31, 100])
def test_a_shifted_copy_is_found_to_the_sample(shift: int) -> None:
    sound = noise(1.0).samples
    copy = np.concatenate([sound, noise(0.3, seed=9).samples, sound])
    enter = len(sound) + round(0.3 * 44_100) + 20_000
    found, likeness = best_shift(copy, 20_000, enter - shift, (1000, 2000), (-120, 120))
    assert found == shift
    assert likeness > 0.99


def test_in_silence_nothing_is_shifted() -> None:
    assert best_shift(np.zeros((9000, 2), np.float32), 3000, 6000, (500, 500), (-100, 100)) == (0, 0.0)


def test_linear_prediction_carries_tones_on() -> None:
    whole = pad(1.0).samples
    ringing = predict(whole[20_000:24_000], 800)
    error = ringing - whole[24_000:24_800]
    assert np.abs(error).max() < 0.1 * np.abs(whole).max()


def test_linear_prediction_of_silence_is_silence() -> None:
    assert not predict(np.zeros((2000, 2), np.float32), 100).any()


def test_an_attack_at_the_joint_keeps_its_edge_while_the_past_rings_out() -> None:
    past, quiet = sine(4000, level=0.2), np.zeros((4000, 1), np.float32)
    attack = noise(0.03, level=0.3).samples
    joined = run_on(past, attack, quiet, 1.0)
    ringing = predict(past, len(attack))
    np.testing.assert_allclose(joined[:20] - ringing[:20], attack[:20], atol=0.005)
    np.testing.assert_allclose(joined[-5:], attack[-5:], atol=0.005)


def test_a_tone_runs_on_into_another_phase_without_a_step() -> None:
    past, other = sine(4000), sine(6000, 2.0)
    joined = np.concatenate([past, run_on(past, other[4000:5200], other[:4000], 1.0)])
    assert np.abs(np.diff(joined, axis=0)).max() < 1.6 * np.abs(np.diff(past, axis=0)).max()
