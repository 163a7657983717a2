"""How many of the known notes are heard: onset within 50 ms and the right pitch or drum, F1 by mir_eval.

The demo's clip is what the product shows; the random songs say how it does on music that nothing was fitted to.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import mir_eval
import numpy as np
import pytest
from random_songs import random_song
from sendreturn.demo.song import demo_song, render_demo, render_demo_stems
from sendreturn.synth.kits import KITS
from sendreturn_bridges.services.local import basic_pitch
from sendreturn_bridges.services.local.separate import separate
from sendreturn_bridges.services.local.transcribe import transcribe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sendreturn.audio.buffer import Audio
    from sendreturn.audio.notes import Meter, Note, NoteTrack

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

GOAL = 0.8
RANDOM_SONGS = range(10)
DRUM_OFFSET = 200
"""Keeps drums apart from pitches when all notes are counted together."""


def models_folder() -> Path:
    folder = os.environ.get("SENDRETURN_TEST_MODELS") or str(Path(os.environ.get("SENDRETURN_HOME", ".")) / "models")
    return Path(folder)


def f1(known: Sequence[Note], heard: Sequence[Note]) -> float:
    if not known or not heard:
        return float(not known and not heard)
    pairs = mir_eval.transcription.match_notes(*arrays(known), *arrays(heard), offset_ratio=None)
    return 2 * len(pairs) / (len(known) + len(heard))


def arrays(notes: Iterable[Note]) -> tuple[np.ndarray, np.ndarray]:
    spans = np.array([[note.start_s, max(note.end_s, note.start_s + 0.01)] for note in notes])
    return spans, np.array([440.0 * 2 ** ((note.pitch - 69) / 12) for note in notes])


def pitched(tracks: Iterable[NoteTrack]) -> list[Note]:
    return [note for track in tracks if not track.is_drums for note in track.notes]


def struck(tracks: Iterable[NoteTrack]) -> list[Note]:
    return [replace(n, pitch=n.pitch + DRUM_OFFSET) for track in tracks if track.is_drums for n in track.notes]


def measure(label: str, known: Sequence[NoteTrack], audio: Audio, meter: Meter, **options: object) -> float:
    began = time.perf_counter()
    heard = transcribe(audio, meter=meter, **options)  # type: ignore[arg-type]
    took_s = time.perf_counter() - began
    everything = f1(pitched(known) + struck(known), pitched(heard.tracks) + struck(heard.tracks))
    by_name = {track.name: track.notes for track in heard.tracks}
    tracks = " ".join(f"{t.name} {f1(t.notes, by_name[t.name]):.2f}" for t in known if t.name in by_name)
    print(
        f"{label:44} all {everything:.3f}  pitched {f1(pitched(known), pitched(heard.tracks)):.3f}  "
        f"drums {f1(struck(known), struck(heard.tracks)):.3f}  {took_s:5.1f} s  [{tracks}]"
    )
    return everything


def test_the_notes_of_the_demo_are_heard(capsys: pytest.CaptureFixture[str]) -> None:
    models, song, clip = models_folder(), demo_song(), render_demo()
    has_model = basic_pitch.find_model(models) is not None
    if not has_model:
        pytest.skip(f"Basic Pitch is not installed in {models} (set SENDRETURN_TEST_MODELS)")
    parts = separate(clip, stems=4, models=models).stems
    none = models / "none"
    with capsys.disabled():
        print()
        as_delivered = measure("mix, separated stems", song.tracks, clip, song.meter, models=models, stems=parts)
        alone = measure("mix alone", song.tracks, clip, song.meter, models=models)
        measure("true stems", song.tracks, clip, song.meter, models=models, stems=render_demo_stems())
        measure("classical: mix, separated stems", song.tracks, clip, song.meter, models=none, stems=parts)
        measure("classical: mix alone", song.tracks, clip, song.meter, models=none)
    assert max(as_delivered, alone) >= GOAL


def test_the_notes_of_random_songs_are_heard(capsys: pytest.CaptureFixture[str]) -> None:
    models = models_folder()
    if basic_pitch.find_model(models) is None:
        pytest.skip(f"Basic Pitch is not installed in {models} (set SENDRETURN_TEST_MODELS)")
    figures: dict[str, list[float]] = {"mix alone": [], "classical: mix alone": []}
    with capsys.disabled():
        print()
        for seed in RANDOM_SONGS:
            song = random_song(seed, tuple(KITS))
            for label, folder in zip(figures, (models, models / "none"), strict=True):
                figures[label].append(
                    measure(f"song {seed}: {label}", song.tracks, song.mix, song.meter, models=folder)
                )
        for label, values in figures.items():
            print(f"mean of {len(values)} random songs, {label}: {np.mean(values):.3f}")
    assert np.mean(figures["mix alone"]) > np.mean(figures["classical: mix alone"])
