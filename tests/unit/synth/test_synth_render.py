"""What the synthesizer plays is what the notes say: pitch, time, length and level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt
from sendreturn.audio.notes import Note, NoteTrack
from sendreturn.synth import Sound, default_sound, pitch_hz, render
from sendreturn.synth.kits import KITS
from sendreturn.synth.patches import PATCHES, PROGRAMS

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 48_000
STRUCK = ("electric_piano", "piano", "nylon_guitar", "steel_guitar", "finger_bass", "vibraphone", "marimba", "bells")


def play(patch: str, *notes: Note, duration_s: float = 1.5, rate_hz: int = RATE, seed: int = 0) -> NDArray[np.float32]:
    """Dry samples of shape (frames, 2)."""
    track = NoteTrack("it", notes, is_drums=patch in KITS)
    sounds = {"it": Sound(patch, reverb=0.0)}
    return render([track], sounds, rate_hz=rate_hz, duration_s=duration_s, seed=seed)["it"].samples


def power(samples: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mono = samples.mean(axis=1)
    windowed = mono * np.hanning(len(mono))
    return np.fft.rfftfreq(4 * len(mono), 1 / RATE), np.abs(np.fft.rfft(windowed, 4 * len(mono))) ** 2


def first_sounding_s(samples: NDArray[np.float32], part: float) -> float:
    loud = np.abs(samples).max(axis=1)
    return int(np.argmax(loud > part * loud.max())) / RATE


def cents(f_hz: float, wanted_hz: float) -> float:
    return float(1200 * np.log2(f_hz / wanted_hz))


@pytest.mark.parametrize("patch", sorted(PATCHES))
def test_every_patch_plays_in_tune(patch: str) -> None:
    key = 45 if "bass" in patch else 64
    f_hz, p = power(play(patch, Note(0.0, 1.4, key, 100)))
    wanted_hz = pitch_hz(key)
    near = np.abs(1200 * np.log2(np.maximum(f_hz, 1) / wanted_hz)) < 60
    middle_hz = float((f_hz[near] * p[near]).sum() / p[near].sum())
    assert abs(cents(middle_hz, wanted_hz)) < 5
    assert p[near].sum() > 0.02 * p.sum()


@pytest.mark.parametrize("patch", ["electric_piano", "nylon_guitar", "finger_bass", "sub_bass", "chip_bass", "marimba"])
@pytest.mark.parametrize("key", [33, 57, 69])
def test_the_peak_of_the_spectrum_is_the_pitch(patch: str, key: int) -> None:
    f_hz, p = power(play(patch, Note(0.0, 1.4, key, 60)))
    near = (f_hz > 0.75 * pitch_hz(key)) & (f_hz < 1.4 * pitch_hz(key))
    assert abs(cents(float(f_hz[near][np.argmax(p[near])]), pitch_hz(key))) < 10


@pytest.mark.parametrize("patch", STRUCK)
def test_a_struck_note_sounds_within_five_milliseconds(patch: str) -> None:
    samples = play(patch, Note(0.5, 1.0, 60, 110))
    assert not np.any(samples[: int(0.5 * RATE) - 1])
    assert 0 <= first_sounding_s(samples, 0.15) - 0.5 < 0.005


@pytest.mark.parametrize("kit", sorted(KITS))
@pytest.mark.parametrize("key", [36, 38, 42])
def test_a_drum_sounds_within_five_milliseconds(kit: str, key: int) -> None:
    assert 0 <= first_sounding_s(play(kit, Note(0.5, 0.6, key, 110)), 0.15) - 0.5 < 0.005


@pytest.mark.parametrize("patch", sorted(PATCHES))
def test_no_patch_is_heard_before_its_note_or_long_after(patch: str) -> None:
    samples = play(patch, Note(0.3, 0.6, 57, 100), duration_s=9.0)
    assert not np.any(samples[: int(0.3 * RATE) - 1])
    assert np.abs(samples[-RATE:]).max() < 1e-4
    assert np.abs(samples).max() > 0.02


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("duration_s", [0.0, 0.01, 0.77777])
def test_the_length_is_exact(rate_hz: int, duration_s: float) -> None:
    tracks = [NoteTrack("keys", (Note(0.0, 2.0, 60),)), NoteTrack("drums", (Note(0.0, 0.1, 36),), is_drums=True)]
    stems = render(tracks, rate_hz=rate_hz, duration_s=duration_s)
    assert {stem.samples.shape for stem in stems.values()} == {(round(duration_s * rate_hz), 2)}


def test_no_notes_are_silence() -> None:
    stems = render([NoteTrack("a", ()), NoteTrack("b", (), is_drums=True)], rate_hz=RATE, duration_s=0.5)
    assert all(not np.any(stem.samples) for stem in stems.values())


def test_notes_outside_the_clip_are_left_out() -> None:
    late_and_mute = (Note(2.0, 3.0, 60), Note(0.1, 0.4, 60, 0))
    assert not np.any(play("piano", *late_and_mute, duration_s=1.0))


def test_a_note_that_began_before_the_clip_is_heard_from_its_start() -> None:
    assert np.array_equal(play("organ", Note(-0.5, 0.5, 60)), play("organ", Note(0.0, 0.5, 60)))


@pytest.mark.parametrize("patch", [*STRUCK, "strings", "ooh", "acoustic_kit"])
def test_the_same_seed_gives_the_same_samples_and_another_gives_others(patch: str) -> None:
    notes = (Note(0.0, 0.4, 50), Note(0.4, 0.8, 38), Note(0.8, 1.2, 42))
    assert np.array_equal(play(patch, *notes, seed=3), play(patch, *notes, seed=3))


@pytest.mark.parametrize("patch", ["strings", "acoustic_kit", "piano"])
def test_another_seed_gives_other_samples(patch: str) -> None:
    notes = tuple(Note(0.1 * n, 0.1 * n + 0.1, 38) for n in range(8))
    assert not np.array_equal(play(patch, *notes, seed=1), play(patch, *notes, seed=2))


@pytest.mark.parametrize("patch", [*sorted(PATCHES), *sorted(KITS)])
def test_nothing_has_direct_current(patch: str) -> None:
    samples = play(patch, *(Note(0.2 * n, 0.2 * n + 0.18, 36 + n, 110) for n in range(7)), duration_s=2.0)
    assert np.abs(samples.mean(axis=0)).max() < 0.002 * np.abs(samples).max()


@pytest.mark.parametrize("patch", [p for p in sorted(PATCHES) if "chip" not in p and p != "organ"])
def test_a_harder_stroke_is_louder_and_not_duller(patch: str) -> None:
    soft, hard = (play(patch, Note(0.0, 1.0, 57, velocity)) for velocity in (40, 120))
    assert np.sqrt(np.mean(hard**2)) > 2.5 * np.sqrt(np.mean(soft**2))
    brightness = [float((f * p).sum() / p.sum()) for f, p in (power(soft), power(hard))]
    assert brightness[1] > 0.98 * brightness[0]


@pytest.mark.parametrize("patch", ["organ", "sub_bass", "strings", "warm_pad"])
def test_a_note_neither_starts_nor_ends_nor_is_cut_with_a_click(patch: str) -> None:
    """A click is treble where the sound itself has none."""
    samples = play(patch, Note(0.2, 0.7, 40, 100), Note(1.0, 3.0, 40, 100), duration_s=1.3)
    treble = sosfiltfilt(butter(4, 15_000, "highpass", fs=RATE, output="sos"), np.pad(samples[:, 0], 200))
    assert np.abs(treble).max() < 0.003 * np.abs(samples).max()


@pytest.mark.parametrize("patch", ["lead", "chip_lead", "synth_brass", "strings", "steel_guitar"])
@pytest.mark.parametrize("key", [97, 103])
def test_high_notes_do_not_alias(patch: str, key: int) -> None:
    """Whatever is folded back would lie below the lowest oscillator."""
    f_hz, p = power(play(patch, Note(0.0, 1.4, key, 110))[RATE // 10 : RATE])
    below = (f_hz > 60) & (f_hz < 0.9 * pitch_hz(key))
    assert p[below].sum() < 1e-5 * p.sum()


def test_every_patch_and_kit_plays_from_the_lowest_key_to_the_highest() -> None:
    scale = tuple(Note(0.01 * n, 0.01 * n + 0.02, key, 100) for n, key in enumerate((*range(0, 127, 6), 126, 127)))
    for patch in (*PATCHES, *KITS):
        samples = play(patch, *scale, duration_s=0.5, rate_hz=22_050)
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() < 4


def test_thousands_of_notes_stay_finite() -> None:
    rng = np.random.default_rng(5)
    starts_s = rng.uniform(0, 10, 2000)
    notes = tuple(
        Note(float(s), float(s) + 0.1, int(k), 90) for s, k in zip(starts_s, rng.integers(0, 128, 2000), strict=True)
    )
    samples = play("piano", *notes, duration_s=10.0, rate_hz=16_000)
    assert np.isfinite(samples).all()
    assert np.sqrt(np.mean(samples**2)) > 0.01


def test_tracks_of_one_name_are_played_together() -> None:
    one, two = NoteTrack("keys", (Note(0.0, 0.3, 60),)), NoteTrack("keys", (Note(0.5, 0.8, 67),))
    both = render([one, two], rate_hz=RATE, duration_s=1.0)["keys"].samples
    first = render([one], rate_hz=RATE, duration_s=1.0)["keys"].samples
    assert np.allclose(both[: RATE // 2], first[: RATE // 2], atol=1e-6)
    assert np.abs(both[RATE // 2 :]).max() > 2 * np.abs(first[RATE // 2 :]).max()


def test_a_closed_hat_shuts_an_open_one() -> None:
    alone = play("acoustic_kit", Note(0.0, 0.1, 46, 110))
    shut = play("acoustic_kit", Note(0.0, 0.1, 46, 110), Note(0.15, 0.2, 42, 1))
    after = slice(int(0.18 * RATE), int(0.3 * RATE))
    assert np.abs(shut[after]).max() < 0.1 * np.abs(alone[after]).max()


def test_a_sound_stands_where_it_is_panned() -> None:
    track = NoteTrack("it", (Note(0.0, 0.5, 60),))
    left = render([track], {"it": Sound("piano", pan=-0.8)}, rate_hz=RATE, duration_s=1.0)["it"].samples
    assert np.sqrt(np.mean(left[:, 0] ** 2)) > 2 * np.sqrt(np.mean(left[:, 1] ** 2))


def test_a_room_rings_on_and_keeps_the_onset() -> None:
    track = NoteTrack("it", (Note(0.2, 0.3, 72, 110),))
    dry, wet = (
        render([track], {"it": Sound("marimba", reverb=r, room_s=2.0)}, rate_hz=RATE, duration_s=2.5)["it"].samples
        for r in (0.0, 0.5)
    )
    assert np.sqrt(np.mean(wet[-RATE:] ** 2)) > 10 * np.sqrt(np.mean(dry[-RATE:] ** 2))
    assert not np.any(np.abs(wet[: int(0.2 * RATE) - 1]) > 1e-5)


def test_progress_rises_to_one() -> None:
    heard: list[float] = []
    tracks = [NoteTrack(str(n), (Note(0.0, 0.1, 60),)) for n in range(3)]
    render(tracks, rate_hz=8000, duration_s=0.2, progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


def test_every_patch_has_a_midi_program_and_every_program_a_patch() -> None:
    assert PROGRAMS.keys() == PATCHES.keys()
    assert {default_sound(NoteTrack("x", (), program=p)).patch for p in range(128)} <= PATCHES.keys()
