"""Fits `heard_weights.json`: logistic regressions on random songs played by the built-in synth.

    python tests/bench/fit_weights.py MODELS_FOLDER [SONGS]

The demo's clip is not among the songs, and neither are those of `test_bench_transcription.py` (seeds 0 to 99).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import mir_eval
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from note_sounds import play
from random_songs import RandomSong, random_song
from sendreturn.audio.buffer import Audio
from sendreturn.audio.notes import Note
from sendreturn.synth.kits import KITS
from sendreturn_bridges.services.local import basic_pitch, candidates, drums, heard_weights
from sendreturn_bridges.services.local.note_decoding import LOWEST_PITCH
from sendreturn_bridges.services.local.views import view

FIRST_SEED = 1000
PULL = 1.5
"""Strength of the pull of all weights towards 0 (on features scaled to unit variance)."""
PULL_OF_PRODUCTS = 150.0
"""The same where there are hundreds of features; of 5 to 500 about the best on songs held back."""
Fitted = dict[str, object]
STRICTER = {38: 0.8, 47: 1.5, 49: 1.5}
"""Snares, toms and crashes are heard too often in music that nothing was fitted to; a note too few is soon mended."""
NOTHING: Fitted = {"of": [], "bias": 0.0, "threshold": 0.0}
RELATIVES = {drums.TOM: (41, 43, 45, 47, 48, 50)}

Features = NDArray[np.float64]
Answers = NDArray[np.float64]


def matches(at_s: Iterable[float], pitches: Iterable[int], notes: Iterable[Note]) -> Answers:
    """1 for each onset that is the onset of one of `notes` (±50 ms, same pitch), each note counting once."""
    found = [(at, pitch) for at, pitch in zip(at_s, pitches, strict=True)]
    known = [(note.start_s, note.pitch) for note in notes]
    answers = np.zeros(len(found))
    if found and known:
        pairs = mir_eval.transcription.match_notes(*_as_arrays(known), *_as_arrays(found), offset_ratio=None)
        answers[[index for _, index in pairs]] = 1.0
    return answers


def fit(
    songs: list[tuple[Features, Answers]],
    judged: Callable[[int, Features], Features] | None = None,
    pull: float = PULL,
) -> Fitted:
    """A logistic regression over all songs, and the threshold with the best F1.

    `judged` makes of a song's number and logits what the threshold is applied to.
    """
    features, answers = (np.concatenate(column) for column in zip(*songs, strict=True))
    of, bias = regress(features, answers, pull)
    logits = [found @ of + bias for found, _ in songs]
    if judged is not None:
        logits = [judged(number, own) for number, own in enumerate(logits)]
    threshold = best_threshold(np.concatenate(logits), answers)
    return {"of": [round(float(w), 4) for w in of], "bias": round(bias, 4), "threshold": round(threshold, 2)}


def regress(features: Features, answers: Answers, pull: float) -> tuple[Features, float]:
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    scaled = np.column_stack([(features - mean) / spread, np.ones(len(features))])

    def loss(weights: Features) -> tuple[float, Features]:
        logits = scaled @ weights
        chance = 1 / (1 + np.exp(-np.clip(logits, -50, 50)))
        pulled = np.append(weights[:-1], 0.0)
        gradient = scaled.T @ (chance - answers) + 2 * pull * pulled
        return float(np.sum(np.logaddexp(0, logits) - answers * logits) + pull * pulled @ pulled), gradient

    best = minimize(loss, np.zeros(scaled.shape[1]), jac=True, method="L-BFGS-B").x
    of = best[:-1] / spread
    return of, float(best[-1] - of @ mean)


def best_threshold(logits: Features, answers: Answers) -> float:
    tried = np.arange(-2.5, 0.6, 0.05)
    return float(max(tried, key=lambda t: 2 * answers[logits > t].sum() / (answers.sum() + (logits > t).sum() + 1e-9)))


def _as_arrays(notes: list[tuple[float, int]]) -> tuple[Features, Features]:
    times = np.array([[at, at + 0.1] for at, _ in notes])
    return times, np.array([440.0 * 2 ** ((pitch - 69) / 12) for _, pitch in notes])


def main(models: Path, count: int) -> None:
    model = basic_pitch.find_model(models)
    if model is None:
        raise SystemExit(f"No {'/'.join(basic_pitch.MODEL_PATH)} in {models}.")
    songs = [training_song(seed) for seed in range(FIRST_SEED, FIRST_SEED + count)]
    target = Path(heard_weights.__file__).with_name(heard_weights.DATA)
    fitted: dict[str, object] = {"drums": fit_drums(songs), "notes": NOTHING}
    write(target, fitted)
    # What is heard of the notes depends on the drums that were heard and taken out.
    write(target, fitted | {"notes": fit_notes(songs, model)})


def training_song(seed: int) -> RandomSong:
    """Every fourth song has other drums than the synth's."""
    song = random_song(seed, tuple(KITS), bars=3)
    if seed % 4 != 1:
        return song
    rng = np.random.default_rng(seed)
    length_s = song.mix.duration_s
    plain = play(song.tracks[:1], length_s, level=float(rng.uniform(0.3, 0.7)), size=float(rng.uniform(0.7, 1.4)))
    samples = np.zeros_like(song.stems["drums"].samples)
    samples[: plain.frames] = plain.samples[: len(samples)]
    return replace(song, stems=song.stems | {"drums": Audio(samples, plain.rate_hz)})


def fit_drums(songs: list[RandomSong]) -> dict[str, Fitted]:
    clips: list[tuple[RandomSong, Features]] = []
    rows: dict[int, list[tuple[Features, Answers]]] = {drum: [] for drum in drums.DRUMS}
    for number, song in enumerate(songs):
        for audio in (song.mix, song.stems["drums"])[: 2 if number % 3 == 0 else 1]:
            strokes = drums.find_strokes(audio.mono(), audio.rate_hz)
            if strokes is None:
                continue
            clips.append((song, strokes.at_s))
            for drum in drums.DRUMS:
                keys = RELATIVES.get(drum, (drum,))
                own = [Note(note.start_s, note.end_s, drum) for note in song.tracks[0].notes if note.pitch in keys]
                answers = matches(strokes.at_s, [drum] * strokes.at_s.size, own)
                rows[drum].append((strokes.features, answers))
    fitted = {
        str(drum): fit(found, lambda number, odds: repeated(*clips[number], odds)) for drum, found in rows.items()
    }
    for drum, more in STRICTER.items():
        fitted[str(drum)]["threshold"] = round(fitted[str(drum)]["threshold"] + more, 2)
    return fitted


def repeated(song: RandomSong, at_s: Features, odds: Features) -> Features:
    """`odds` of one drum as they are when the bar is known."""
    length_s = next(iter(song.stems.values())).duration_s
    return drums.with_repeats(odds[:, None], at_s, bar_s(song), length_s)[:, 0]


def bar_s(song: RandomSong) -> float:
    return song.meter.beats * 60 / song.meter.bpm


def fit_notes(songs: list[RandomSong], model: Path) -> Fitted:
    heard_weights.load_weights.cache_clear()
    rows: list[tuple[Features, Answers]] = []
    for number, song in enumerate(songs):
        # Every fourth song is mono.
        mix = Audio(song.mix.mono()[:, None], song.mix.rate_hz) if number % 4 == 2 else song.mix
        strokes = drums.hear_drums(mix.mono(), mix.rate_hz, bar_s(song))
        found = candidates.find_candidates(view(mix, strokes, model))
        at_s = found.frames * basic_pitch.HOP_SAMPLES / basic_pitch.RATE_HZ
        known = [note for track in song.tracks[1:] for note in track.notes]
        rows.append((candidates.with_products(found.features), matches(at_s, found.keys + LOWEST_PITCH, known)))
    return fit(rows, pull=PULL_OF_PRODUCTS)


def write(target: Path, fitted: dict[str, object]) -> None:
    target.write_text(json.dumps(fitted, indent=1).replace("\n   ", " ") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 120)
