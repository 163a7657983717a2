"""Stems have the mix's shape and sum up to it, by whatever means they were made."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from networks import spleeter_tensors, write_checkpoint, write_echo_htdemucs
from sendreturn.audio.buffer import Audio
from sendreturn.errors import ClipError, ModelError
from sendreturn.models import CARD, ModelStore
from sendreturn_bridges.services.local import separate as room
from sendreturn_bridges.services.local.separate import Separation, separate
from sendreturn_bridges.services.local.spleeter_weights import GRAPH_FILE, convert_checkpoints
from stem_mixes import mixed, sdr_db, song_with_voice, sung_voice

TWO = ("vocals", "instrumental")
FOUR = ("vocals", "drums", "bass", "other")


@pytest.fixture(scope="module")
def song() -> Mapping[str, Audio]:
    return song_with_voice(8.0)


@pytest.fixture(scope="module")
def flat_spleeter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder whose Spleeter gives the vocals nine tenths of everything."""
    models = tmp_path_factory.mktemp("models")
    folder = models / "spleeter-2"
    folder.mkdir()
    write_checkpoint(folder / "vocals.ckpt", spleeter_tensors(float(np.log(3))))
    write_checkpoint(folder / "accompaniment.ckpt", spleeter_tensors(-float(np.log(3))))
    convert_checkpoints(folder)
    card = '{"version": "0", "wheel_sha256": "0", "licence": "none", "files": {"%s": "0"}}'
    (folder / CARD).write_text(card % GRAPH_FILE, encoding="utf-8")
    return models


@pytest.fixture(scope="module")
def echo_htdemucs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("htdemucs") / "mine.onnx"
    write_echo_htdemucs(path)
    return path


@pytest.fixture
def no_models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def noise(seconds: float, channels: int, rate_hz: int) -> Audio:
    rng = np.random.default_rng(3)
    samples = 0.2 * rng.standard_normal((round(seconds * rate_hz), channels))
    return Audio(samples.astype(np.float32), rate_hz)


def assert_stems_of(mix: Audio, made: Separation, names: tuple[str, ...]) -> None:
    assert tuple(made.stems) == names
    for stem in made.stems.values():
        assert stem.samples.shape == mix.samples.shape
        assert stem.samples.dtype == np.float32
        assert stem.rate_hz == mix.rate_hz
        assert np.isfinite(stem.samples).all()
    assert sdr_db(mix.samples, mixed(dict(made.stems)).samples) > 60


@pytest.mark.parametrize(("stems", "names"), [(2, TWO), (4, FOUR)])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 96_000])
def test_draft_stems_sum_up_to_the_mix(
    no_models: Path, stems: int, names: tuple[str, ...], channels: int, rate_hz: int
) -> None:
    mix = noise(0.5, channels, rate_hz)
    made = separate(mix, stems=stems, models=no_models)
    assert made.tier == "classical"
    assert_stems_of(mix, made, names)


@pytest.mark.parametrize(("stems", "names"), [(2, TWO), (4, FOUR)])
@pytest.mark.parametrize(("channels", "rate_hz"), [(1, 44_100), (2, 8_000), (2, 96_000)])
def test_spleeter_stems_sum_up_to_the_mix(
    flat_spleeter: Path, stems: int, names: tuple[str, ...], channels: int, rate_hz: int
) -> None:
    mix = noise(0.7, channels, rate_hz)
    made = separate(mix, stems=stems, models=flat_spleeter)
    assert made.tier == "spleeter-2"
    assert_stems_of(mix, made, names)


@pytest.mark.parametrize(("channels", "rate_hz"), [(1, 48_000), (2, 44_100)])
def test_htdemucs_stems_sum_up_to_the_mix(no_models: Path, echo_htdemucs: Path, channels: int, rate_hz: int) -> None:
    mix = noise(1.0, channels, rate_hz)
    made = separate(mix, stems=4, models=no_models, htdemucs=echo_htdemucs)
    assert made.tier == "htdemucs"
    assert_stems_of(mix, made, FOUR)


def test_spleeter_masks_are_applied_to_the_whole_spectrum_without_seams(flat_spleeter: Path) -> None:
    mix = noise(15.0, 2, 44_100)
    vocals = separate(mix, stems=2, models=flat_spleeter).stems["vocals"]
    assert sdr_db(np.float32(0.9) * mix.samples, vocals.samples) > 60


def test_htdemucs_hears_what_it_is_given_and_both_its_halves_count(no_models: Path, echo_htdemucs: Path) -> None:
    voice = sung_voice(10.0, 44_100)
    voice -= voice.mean()
    mix = Audio(np.column_stack([voice, -0.5 * voice]).astype(np.float32), 44_100)
    made = separate(mix, stems=4, models=no_models, htdemucs=echo_htdemucs)
    # The network's spectrogram fades in and out at the very ends of a window, as it did in its training.
    inner = slice(4096, -4096)
    assert sdr_db(mix.samples[inner], made.stems["vocals"].samples[inner]) > 50
    assert sdr_db(np.float32(0.5) * mix.samples, made.stems["drums"].samples) > 60


@pytest.mark.parametrize("frames", [1, 2, 63, 5000])
def test_tiny_clips_can_be_separated(no_models: Path, frames: int) -> None:
    mix = Audio(noise(1, 2, 44_100).samples[:frames], 44_100)
    assert_stems_of(mix, separate(mix, stems=4, models=no_models), FOUR)


def test_tiny_clips_can_be_separated_at_other_rates_by_networks(flat_spleeter: Path, echo_htdemucs: Path) -> None:
    mix = Audio(noise(1, 1, 22_050).samples[:7], 22_050)
    assert_stems_of(mix, separate(mix, stems=2, models=flat_spleeter), TWO)
    assert_stems_of(mix, separate(mix, stems=2, models=flat_spleeter, htdemucs=echo_htdemucs), TWO)


@pytest.mark.parametrize("stems", [2, 4])
def test_silence_stays_silent(no_models: Path, flat_spleeter: Path, echo_htdemucs: Path, stems: int) -> None:
    mix = Audio(np.zeros((30_000, 2), np.float32), 48_000)
    for models, htdemucs in ((no_models, None), (flat_spleeter, None), (no_models, echo_htdemucs)):
        made = separate(mix, stems=stems, models=models, htdemucs=htdemucs)
        assert all(np.abs(stem.samples).max() < 1e-6 for stem in made.stems.values())


def test_six_channels_are_folded_to_stereo_and_that_is_said(no_models: Path) -> None:
    made = separate(noise(0.5, 6, 48_000), stems=2, models=no_models)
    assert {stem.channels for stem in made.stems.values()} == {2}
    assert made.notes[0].startswith("5.1 was folded down to stereo")


def test_the_same_mix_gives_the_same_stems(no_models: Path, flat_spleeter: Path) -> None:
    mix = noise(1.0, 2, 44_100)
    for models in (no_models, flat_spleeter):
        one, other = (separate(mix, stems=4, models=models, seed=seed) for seed in (0, 1))
        assert all(np.array_equal(one.stems[name].samples, other.stems[name].samples) for name in FOUR)


def test_the_mix_is_left_as_it_was(no_models: Path) -> None:
    mix = noise(0.5, 2, 44_100)
    before = mix.samples.copy()
    separate(mix, stems=4, models=no_models)
    assert np.array_equal(mix.samples, before)


def test_drafts_are_far_better_than_doing_nothing(no_models: Path, song: Mapping[str, Audio]) -> None:
    mix = mixed(dict(song))
    made = separate(mix, stems=4, models=no_models)

    def gain_db(name: str) -> float:
        wanted = song[name].samples
        return sdr_db(wanted, made.stems[name].samples) - sdr_db(wanted, mix.samples)

    assert gain_db("vocals") > 7
    assert gain_db("drums") > 10
    assert gain_db("bass") > 8
    assert gain_db("other") > 9


def test_a_voice_alone_in_mono_is_not_thrown_away(no_models: Path) -> None:
    rate_hz = 44_100
    voice = sung_voice(6.0, rate_hz)
    made = separate(Audio(voice[:, None], rate_hz), stems=2, models=no_models)
    assert np.sum(made.stems["vocals"].samples ** 2) > 0.3 * np.sum(voice**2)


def test_long_clips_are_separated_in_windows(no_models: Path) -> None:
    mix = noise(64.0, 1, 2_000)
    told: list[float] = []
    assert_stems_of(mix, separate(mix, stems=4, models=no_models, progress=told.append), FOUR)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) >= 6


def test_a_draft_is_called_a_draft_and_says_what_would_be_better(no_models: Path) -> None:
    notes = separate(noise(0.2, 2, 44_100), models=no_models).notes
    assert "draft" in notes[0]
    assert "models install spleeter-2" in notes[1]


def test_spleeter_without_onnxruntime_falls_back_and_says_so(
    flat_spleeter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(room.importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else find(name))
    made = separate(noise(0.2, 2, 44_100), models=flat_spleeter)
    assert made.tier == "classical"
    assert any("onnxruntime" in note for note in made.notes)


def test_a_damaged_spleeter_falls_back_and_says_so(flat_spleeter: Path, tmp_path: Path) -> None:
    folder = tmp_path / "spleeter-2"
    folder.mkdir()
    (folder / CARD).write_bytes((flat_spleeter / "spleeter-2" / CARD).read_bytes())
    (folder / GRAPH_FILE).write_bytes(b"rotten")
    made = separate(noise(0.2, 2, 44_100), models=tmp_path)
    assert made.tier == "classical"
    assert any("cannot be opened" in note for note in made.notes)


def test_a_users_own_network_is_never_silently_replaced(no_models: Path, tmp_path: Path) -> None:
    mix = noise(0.2, 2, 44_100)
    with pytest.raises(ModelError, match="is not there"):
        separate(mix, models=no_models, htdemucs=tmp_path / "gone.onnx")


def test_a_network_of_another_kind_is_refused_in_a_sentence(no_models: Path, flat_spleeter: Path) -> None:
    with pytest.raises(ModelError, match="is not an HTDemucs network"):
        separate(noise(0.2, 2, 44_100), models=no_models, htdemucs=flat_spleeter / "spleeter-2" / GRAPH_FILE)


def test_clips_that_cannot_be_separated_are_refused(no_models: Path) -> None:
    for samples in (np.zeros((0, 2)), np.full((100, 2), np.nan), np.zeros((100, 12))):
        with pytest.raises(ClipError):
            separate(Audio(samples.astype(np.float32), 44_100), models=no_models)


def test_real_spleeter_is_much_better_than_the_draft(no_models: Path, song: Mapping[str, Audio]) -> None:
    models = Path(os.environ.get("SENDRETURN_TEST_MODELS", "nowhere"))
    if ModelStore(models).get("spleeter-2") is None:
        pytest.skip("SENDRETURN_TEST_MODELS names no models folder with spleeter-2")
    mix, wanted = mixed(dict(song)), song["vocals"].samples
    real, draft = (separate(mix, stems=2, models=each) for each in (models, no_models))
    assert real.tier == "spleeter-2"
    assert_stems_of(mix, real, TWO)
    assert sdr_db(wanted, real.stems["vocals"].samples) > sdr_db(wanted, draft.stems["vocals"].samples) + 1
    assert sdr_db(wanted, real.stems["vocals"].samples) > 7.5


@pytest.mark.slow
def test_real_htdemucs_is_better_still(no_models: Path, song: Mapping[str, Audio]) -> None:
    if not (network := os.environ.get("SENDRETURN_TEST_HTDEMUCS")):
        pytest.skip("SENDRETURN_TEST_HTDEMUCS names no HTDemucs network")
    mix = mixed(dict(song))
    made = separate(mix, stems=4, models=no_models, htdemucs=Path(network))
    assert_stems_of(mix, made, FOUR)
    assert sdr_db(song["vocals"].samples, made.stems["vocals"].samples) > 10
    assert sdr_db(song["bass"].samples, made.stems["bass"].samples) > 9
