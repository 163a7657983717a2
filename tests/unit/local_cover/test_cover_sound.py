"""A cover keeps the clip's notes, times and length, and sounds like its style."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations, pairwise

import numpy as np
import pytest
from sendreturn.audio.buffer import Audio
from sendreturn.audio.notes import Meter, Note, NoteTrack
from sendreturn.demo.song import demo_song, render_demo
from sendreturn.synth import peak_db, sum_stems
from sendreturn.words import STEMS
from sendreturn_bridges.services.local.cover import DEFAULT_LUFS, Cover, cover, loudness_lufs
from sendreturn_bridges.services.local.style_words import style_names

RATE = 24_000
METER = Meter(100.0)
LENGTH_S = 4.8


def band() -> tuple[NoteTrack, ...]:
    """The first two bars of the demo's song."""
    return tuple(
        NoteTrack(t.name, tuple(n for n in t.notes if n.end_s <= LENGTH_S), t.program, t.is_drums)
        for t in demo_song().tracks
    )


@lru_cache
def covered(style: str, seed: int = 0) -> Cover:
    return cover(band(), style=style, duration_s=LENGTH_S, rate_hz=RATE, meter=METER, seed=seed)


def without_drums() -> tuple[NoteTrack, ...]:
    return tuple(track for track in band() if not track.is_drums)


def spectrum_db(audio: Audio) -> np.ndarray:
    """Level in each third of an octave from 60 Hz, in dB of the whole."""
    mono = audio.mono()
    power = np.abs(np.fft.rfft(mono)) ** 2
    f_hz = np.fft.rfftfreq(len(mono), 1 / audio.rate_hz)
    edges_hz = 60 * 2 ** (np.arange(24) / 3)
    bands = np.array([power[(f_hz >= a) & (f_hz < b)].sum() for a, b in pairwise(edges_hz)])
    return 10 * np.log10(bands / power.sum() + 1e-9)


@pytest.mark.parametrize("style", style_names())
def test_every_style_plays_the_band(style: str) -> None:
    done = covered(style)
    assert done.style_name == style
    assert done.mix.samples.shape == (round(LENGTH_S * RATE), 2)
    assert np.array_equal(sum_stems(done.stems).samples, done.mix.samples)
    assert {stem.samples.shape for stem in done.stems.values()} == {done.mix.samples.shape}
    assert done.stems.keys() <= set(STEMS)
    assert list(done.stems) == [track.name for track in done.tracks]
    assert len(done.stems) >= 3
    assert all(loudness_lufs(stem) is not None for stem in done.stems.values())


@pytest.mark.parametrize("style", style_names())
def test_no_style_clips_or_has_direct_current(style: str) -> None:
    mix = covered(style).mix
    assert np.isfinite(mix.samples).all()
    assert peak_db(mix) <= -1.0
    assert np.abs(mix.samples.mean(axis=0)).max() < 1e-3
    assert loudness_lufs(mix) == pytest.approx(DEFAULT_LUFS, abs=1.0)


def test_the_styles_are_spectrally_distinct() -> None:
    pictures = {style: spectrum_db(covered(style).mix) for style in style_names()}
    distances = {
        (one, two): float(np.abs(pictures[one] - pictures[two]).mean()) for one, two in combinations(pictures, 2)
    }
    assert min(distances.values()) > 1
    assert np.median(list(distances.values())) > 4


@pytest.mark.parametrize("style", style_names())
def test_melody_and_bass_keep_their_times_and_their_key(style: str) -> None:
    done = covered(style)
    played = {track.name: track for track in done.tracks}
    for source in band():
        if source.name in ("vocals", "bass"):
            wanted = [(note.start_s, note.pitch % 12) for note in source.notes]
            assert wanted in [[(n.start_s, n.pitch % 12) for n in track.notes] for track in played.values()]


@pytest.mark.parametrize("style", ["jazz trio", "acoustic folk", "synthwave", "chiptune", "solo piano"])
def test_the_bass_sounds_when_and_as_high_as_its_notes_say(style: str) -> None:
    done = covered(style)
    bass = done.stems["bass"]
    notes = next(track for track in done.tracks if track.name == "bass").notes
    for note in (n for n in notes if n.end_s - n.start_s > 0.5):
        mono = bass.cut(note.start_s + 0.02, note.end_s).mono()
        spectrum = np.abs(np.fft.rfft(mono * np.hanning(len(mono)), 32 * len(mono)))
        f_hz = np.fft.rfftfreq(32 * len(mono), 1 / RATE)
        wanted_hz = 440 * 2 ** ((note.pitch - 69) / 12)
        near = np.abs(f_hz / wanted_hz - 1) < 0.05
        assert abs(1200 * np.log2(f_hz[near][np.argmax(spectrum[near])] / wanted_hz)) < 20


def test_the_same_call_gives_the_same_cover() -> None:
    again = cover(band(), style="jazz trio", duration_s=LENGTH_S, rate_hz=RATE, meter=METER)
    assert np.array_equal(again.mix.samples, covered("jazz trio").mix.samples)
    assert again.tracks == covered("jazz trio").tracks


@pytest.mark.parametrize("style", style_names())
def test_another_seed_is_another_take(style: str) -> None:
    one, two = covered(style), covered(style, seed=1)
    assert one.style_name == two.style_name
    difference = one.mix.samples - two.mix.samples
    assert np.sqrt(np.mean(difference**2)) > 0.3 * np.sqrt(np.mean(one.mix.samples**2))


def test_a_cover_is_as_loud_as_its_source() -> None:
    clip = render_demo(RATE).cut(0.0, LENGTH_S)
    for gain in (0.1, 0.5, 1.0):
        source = Audio(clip.samples * np.float32(gain), RATE)
        done = cover(band(), style="soul", duration_s=LENGTH_S, rate_hz=RATE, meter=METER, source=source)
        assert loudness_lufs(done.mix) == pytest.approx(loudness_lufs(source), abs=0.5)


def test_a_cover_of_a_clip_that_is_too_loud_says_how_much_quieter_it_is() -> None:
    rng = np.random.default_rng(0)
    source = Audio(rng.uniform(-1, 1, (RATE, 2)).astype(np.float32), RATE)
    done = cover(band(), style="jazz", duration_s=LENGTH_S, rate_hz=RATE, meter=METER, source=source)
    assert peak_db(done.mix) <= -1.0
    assert any("quieter than the clip" in note for note in done.notes)


def test_a_silent_source_does_not_silence_the_cover() -> None:
    source = Audio(np.zeros((RATE, 1), dtype=np.float32), RATE)
    done = cover(band(), style="jazz", duration_s=LENGTH_S, rate_hz=RATE, meter=METER, source=source)
    assert loudness_lufs(done.mix) == pytest.approx(DEFAULT_LUFS, abs=0.5)


def test_mono_is_as_loud_as_it_is_heard_from_both_sides() -> None:
    clip = render_demo(RATE).cut(0.0, 2.0)
    mono = Audio(clip.mono()[:, None], RATE)
    both = Audio(np.repeat(mono.samples, 2, axis=1), RATE)
    assert loudness_lufs(mono) == loudness_lufs(both)


def test_a_very_short_clip_is_covered() -> None:
    done = cover([NoteTrack("keys", (Note(0.0, 0.1, 60),))], style="jazz", duration_s=0.05, rate_hz=RATE, meter=METER)
    assert done.mix.frames == round(0.05 * RATE)
    assert loudness_lufs(done.mix) is not None


@pytest.mark.parametrize("tracks", [(), (NoteTrack("keys", ()),), (NoteTrack("keys", (Note(9.0, 9.5, 60),)),)])
def test_no_notes_are_silence_of_the_right_length(tracks: tuple[NoteTrack, ...]) -> None:
    done = cover(tracks, style="house", duration_s=1.0, rate_hz=RATE, meter=METER)
    assert done.mix.samples.shape == (RATE, 2)
    assert not np.any(done.mix.samples)
    assert (done.stems, done.tracks) == ({}, ())
    assert any("No notes" in note for note in done.notes)


def test_very_many_and_very_extreme_notes_are_played() -> None:
    rng = np.random.default_rng(2)
    notes = tuple(
        Note(float(at), float(at) + 0.05, int(key), int(velocity))
        for at, key, velocity in zip(
            rng.uniform(0, 8, 2000), rng.integers(0, 128, 2000), rng.integers(0, 128, 2000), strict=True
        )
    )
    done = cover([NoteTrack("other", notes)], style="folk", duration_s=8.0, rate_hz=16_000, meter=METER)
    assert np.isfinite(done.mix.samples).all()
    assert peak_db(done.mix) <= -1.0


def test_arpeggios_are_told() -> None:
    assert any("arpeggios" in note for note in covered("chiptune").notes)
    assert not any("arpeggios" in note for note in covered("soul").notes)


def test_progress_rises_to_one() -> None:
    heard: list[float] = []
    cover(band(), style="chiptune", duration_s=1.0, rate_hz=RATE, meter=METER, progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


def test_a_style_adds_drums_only_where_it_wants_them_and_says_so() -> None:
    house = cover(without_drums(), style="house", duration_s=LENGTH_S, rate_hz=RATE, meter=METER)
    assert loudness_lufs(house.stems["drums"]) is not None
    assert any("no drums" in note and "added" in note for note in house.notes)
    ambient = cover(without_drums(), style="ambient", duration_s=LENGTH_S, rate_hz=RATE, meter=METER)
    assert "drums" not in ambient.stems


def test_drums_that_are_there_are_played_and_none_are_added() -> None:
    done = covered("jazz trio")
    drums = next(track for track in done.tracks if track.is_drums)
    source = next(track for track in band() if track.is_drums)
    assert [(n.start_s, n.pitch) for n in drums.notes] == [(n.start_s, n.pitch) for n in source.notes]
    assert not any("added" in note for note in done.notes)


@pytest.mark.parametrize(
    ("style", "negative"),
    [("house, no drums", ""), ("house", "drums"), ("drumless house", ""), ("house", ["no drums"])],
)
@pytest.mark.parametrize("tracks", [band(), without_drums()], ids=["drums", "no-drums"])
def test_unwanted_drums_are_neither_played_nor_added(
    tracks: tuple[NoteTrack, ...], style: str, negative: str | list[str]
) -> None:
    done = cover(tracks, style=style, negative_style=negative, duration_s=1.0, rate_hz=RATE, meter=METER)
    assert done.style_name == "house"
    assert not any(track.is_drums for track in done.tracks)


def test_a_cover_of_which_nothing_is_wanted_is_silent_and_says_why() -> None:
    drums = [track for track in band() if track.is_drums]
    done = cover(drums, style="house, no drums", duration_s=1.0, rate_hz=RATE, meter=METER)
    assert not np.any(done.mix.samples)
    assert any("Left out as you asked: drums" in note for note in done.notes)


def test_an_unwanted_instrument_is_replaced_and_that_is_said() -> None:
    done = cover(band(), style="acoustic folk", negative_style="guitars", duration_s=1.0, rate_hz=RATE, meter=METER)
    chords = next(track for track in done.tracks if track.name == "guitar")
    assert chords.program not in range(24, 32)
    assert any("instead" in note for note in done.notes)


def test_colour_words_change_the_tone() -> None:
    dark, plain = (
        cover(band(), style=style, duration_s=LENGTH_S, rate_hz=RATE, meter=METER) for style in ("dark rock", "rock")
    )
    assert spectrum_db(dark.mix)[-3:].max() < spectrum_db(plain.mix)[-3:].max() - 10
