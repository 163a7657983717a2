"""Drum patterns in, the same strokes out."""

from __future__ import annotations

import numpy as np
import pytest
from note_sounds import play
from sendreturn.audio.notes import Note, NoteTrack
from sendreturn_bridges.services.local.drums import hear_drums

STEP_S = 0.125


def pattern(**rows: str) -> tuple[Note, ...]:
    """Rows of a drum machine: x is a stroke, o a soft one."""
    keys = {"kick": 36, "snare": 38, "hat": 42}
    return tuple(
        sorted(
            Note(step * STEP_S, step * STEP_S + 0.1, keys[name], 110 if mark == "x" else 50)
            for name, row in rows.items()
            for step, mark in enumerate(row)
            if mark in "xo"
        )
    )


def heard(notes: tuple[Note, ...], rate_hz: int = 44100) -> list[Note]:
    audio = play([NoteTrack("drums", notes, is_drums=True)], 4.2, rate_hz)
    return hear_drums(audio.mono(), audio.rate_hz)


def matched(known: tuple[Note, ...], strokes: list[Note], key: int) -> float:
    own = [n.start_s for n in known if n.pitch == key]
    found = [n.start_s for n in strokes if n.pitch == key]
    hits = sum(any(abs(at - other) <= 0.03 for other in found) for at in own)
    return 2 * hits / max(1, len(own) + len(found))


@pytest.mark.parametrize("rate_hz", [22050, 44100, 48000])
def test_kick_and_snare_are_told_apart(rate_hz: int) -> None:
    beat = pattern(kick="x.......x.......", snare="....x.......x...") + tuple(
        Note(n.start_s + 2.0, n.end_s + 2.0, n.pitch, n.velocity)
        for n in pattern(kick="x.......x.......", snare="....x.......x...")
    )
    strokes = heard(beat, rate_hz)
    assert matched(beat, strokes, 36) >= 0.85
    assert matched(beat, strokes, 38) >= 0.85


def test_hats_are_heard_between_and_under_the_others() -> None:
    beat = pattern(kick="x.......x.......x.......x.......", hat="x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.")
    strokes = heard(beat)
    hats = [n for n in strokes if n.pitch in (42, 46)]
    alone = [n for n in beat if n.pitch == 42 and round(n.start_s / STEP_S) % 8]
    assert sum(any(abs(h.start_s - n.start_s) < 0.03 for h in hats) for n in alone) >= 0.85 * len(alone)


def test_strokes_are_on_time() -> None:
    beat = pattern(kick="x...x...x...x...", snare="..x...x...x...x.")
    late = [min((s.start_s - n.start_s for s in heard(beat)), key=abs) for n in beat]
    assert np.abs(np.median(late)) < 0.005
    assert np.percentile(np.abs(late), 90) < 0.012


def test_a_soft_stroke_gets_a_lower_velocity() -> None:
    beat = pattern(snare="x...o...x...o...x...o...x...o...")
    velocities = {round(n.start_s / STEP_S): n.velocity for n in heard(beat) if n.pitch == 38}
    loud = [v for step, v in velocities.items() if step % 8 == 0]
    soft = [v for step, v in velocities.items() if step % 8 == 4]
    assert loud
    assert all(v < min(loud) for v in soft)


@pytest.mark.parametrize("frames", [0, 1, 700, 2205])
def test_a_clip_too_short_for_a_stroke_has_none(frames: int) -> None:
    noise = np.random.default_rng(0).standard_normal(frames).astype(np.float32)
    assert all(0 <= n.start_s <= frames / 44100 for n in hear_drums(noise, 44100))


def test_silence_has_no_strokes() -> None:
    assert hear_drums(np.zeros(44100, np.float32), 44100) == []
