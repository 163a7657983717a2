"""How long extend and inpaint take, and what their seams measure; run with `pytest -m bench -s tests/bench`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from seam_measures import levels_db, likeness_in, step_at, usual_step
from sendreturn.audio.beats import track_beats
from sendreturn_bridges.services.local.extend import extend
from sendreturn_bridges.services.local.inpaint import inpaint
from small_songs import song

if TYPE_CHECKING:
    from sendreturn.audio.buffer import Audio

pytestmark = pytest.mark.bench
CASES = [(30.0, 30.0, 48_000, 2), (8.0, 600.0, 48_000, 2), (600.0, 60.0, 44_100, 1), (30.0, 30.0, 192_000, 8)]


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(("clip_s", "extend_s", "rate_hz", "channels"), CASES)
def test_extend(clip_s: float, extend_s: float, rate_hz: int, channels: int, side: str) -> None:
    clip = song(clip_s, rate_hz=rate_hz, channels=channels, start_s=0.17)
    began = time.perf_counter()
    extension = extend(clip, extend_s=extend_s, side=side)
    took_s = time.perf_counter() - began
    new = extension.new.samples
    around = (clip.samples[-rate_hz:], new[:rate_hz]) if side == "right" else (new[-rate_hz:], clip.samples[:rate_hz])
    step, usual = step_at(np.concatenate(around), rate_hz), usual_step(clip.samples)
    print(
        f"\nextend {side} {clip_s:g}+{extend_s:g} s, {rate_hz} Hz, {channels} ch: {took_s:.2f} s;"
        f" step at the seam {step:.4f} (the clip's 99.9 %: {usual:.4f});"
        f" quietest half second {levels_db(new, rate_hz, 0.5).min():.1f} dB"
        f" (clip {levels_db(clip.samples, rate_hz, 0.5).min():.1f})"
    )
    assert len(new) == round(extend_s * rate_hz)
    assert step <= usual


@pytest.mark.parametrize("duration_s", [30.0, 600.0])
def test_inpaint(duration_s: float) -> None:
    clip = song(duration_s, rate_hz=44_100, channels=1)
    section_s = (duration_s * 0.31, duration_s * 0.62)
    began = time.perf_counter()
    out = inpaint(clip, section_s=section_s).audio.samples
    took_s = time.perf_counter() - began
    steps = [step_at(out, round(each_s * 44_100)) for each_s in section_s]
    print(f"\ninpaint {section_s[0]:.0f}–{section_s[1]:.0f} of {duration_s:g} s: {took_s:.2f} s; steps {steps}")
    assert out.shape == clip.samples.shape


def test_beats_and_variety_of_a_long_continuation() -> None:
    clip = song(30.0, rate_hz=22_050, channels=1, start_s=0.17)
    new = extend(clip, extend_s=300.0).new
    sources = heard_seconds(clip, new)
    beats = track_beats(new)
    print(f"\n300 s from 30 s: {beats.bpm:.3f} bpm, {len(set(sources))} of 30 seconds heard in {len(sources)} probes")
    assert len(set(sources)) > 15


def heard_seconds(clip: Audio, new: Audio) -> list[int]:
    probes = range(0, new.frames - new.rate_hz, new.rate_hz)
    places = (likeness_in(clip.samples, new.samples[at : at + new.rate_hz // 2]) for at in probes)
    return [at // clip.rate_hz for at, likeness in places if likeness > 0.98]
