"""How exactly clips are found again, that nothing false is claimed, and how long it takes.

Run with `pytest -m bench -s tests/bench/test_bench_align.py`; truth is defined in `aligned_cases`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from aligned_cases import clip, joined, normal, other_song, random_treatment, resampled, treated
from clips import needs_ffmpeg
from sendreturn.audio.align import align
from sendreturn.audio.buffer import Audio
from sendreturn.audio.resample import resample
from small_songs import clicks, noise, pad, silence, song

pytestmark = pytest.mark.bench
CASES = 500
CONFIDENT = 0.5

Case = tuple[str, Audio, Audio, float | None]
"""What it is, source, returned audio, and the one lag that would be right (None where none is)."""


@needs_ffmpeg
@pytest.mark.timeout(3600)
def test_alignment_through_real_encoders(tmp_path: Path) -> None:
    errors, confidences, by_codec = [], [], {}
    for seed in range(CASES):
        source, how = clip(seed % 48), random_treatment(np.random.default_rng(seed))
        returned, true_lag = treated(source, how, tmp_path, seed)
        found = align(source, returned)
        error = np.inf if found.lag_samples is None else abs(found.lag_samples - true_lag)
        errors.append(error)
        confidences.append(found.confidence)
        by_codec.setdefault(how.codec, []).append(error)
    wrong = sum(c >= CONFIDENT and e > 0.5 for c, e in zip(confidences, errors, strict=True))
    print(f"\n{CASES} cases: {np.mean(np.array(errors) <= 0.5):.1%} within half a sample;")
    print(
        f"  error median {np.median(errors):.4f}, 99 % {np.quantile(errors, 0.99):.4f}, most {max(errors):.4f} samples"
    )
    print(
        f"  confidence least {min(confidences):.2f}, median {np.median(confidences):.2f}; confident and wrong: {wrong}"
    )
    for codec, each in sorted(by_codec.items()):
        print(f"  {codec:18} {len(each):3} cases, most {max(each):.4f}")
    assert np.mean(np.array(errors) <= 0.5) >= 0.99
    assert wrong == 0


@pytest.mark.timeout(3600)
def test_nothing_false_is_claimed() -> None:
    rows = []
    for name, source, returned, true_lag in traps():
        found = align(source, returned)
        right = true_lag is not None and found.lag_samples is not None and abs(found.lag_samples - true_lag) <= 0.5
        rows.append((name, found.confidence, found.method, right))
    wrong = [row for row in rows if row[1] >= CONFIDENT and not row[3]]
    print(f"\n{len(rows)} traps; confident and wrong: {len(wrong)}")
    for name in dict.fromkeys(row[0] for row in rows):
        mine = [row for row in rows if row[0] == name]
        print(f"  {name:28} {len(mine):3} cases, highest confidence {max(row[1] for row in mine):.2f}")
    assert not wrong


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_ten_minutes(rate_hz: int) -> None:
    source = song(600.0)
    returned = Audio(np.pad(resample(source, rate_hz).samples * 0.5, ((1500, 0), (0, 0))), rate_hz)
    began = time.perf_counter()
    found = align(source, returned)
    took_s = time.perf_counter() - began
    print(f"\nten minutes at 44,100 Hz found in {rate_hz} Hz: {took_s:.2f} s, confidence {found.confidence:.2f}")
    assert found.lag_samples == pytest.approx(1500 * 44_100 / rate_hz, abs=0.5)


def traps() -> Iterator[Case]:
    for seed in range(8):
        for number in (1, 2):
            yield "same sounds and tempo", other_song(seed, 0), other_song(seed, number), None
        yield "same backing", song(9.0, seed=1), song(9.0, seed=2 + seed), None
        source = clip(seed)
        yield from _spoiled(source)
        yield from _looped(source, other_song(seed, 1, source.rate_hz))
    for audio in (pad(), clicks()):
        moved = Audio(np.pad(audio.samples, ((9000, 0), (0, 0))), audio.rate_hz)
        yield "tones and clicks", audio, moved, 9000.0


def _spoiled(source: Audio) -> Iterator[Case]:
    yield "silence", source, silence(), None
    yield "noise", source, noise(source.duration_s, rate_hz=source.rate_hz), None
    yield "reversed", source, Audio(source.samples[::-1].copy(), source.rate_hz), None
    for part in (0.5, 0.3):
        yield "the first part", source, Audio(source.samples[: int(source.frames * part)], source.rate_hz), 0.0
    for speed in (0.9999, 0.999, 0.997, 0.99, 0.97, 1.001, 1.003, 1.01, 1.03, 44_100 / 48_000, 48_000 / 44_100):
        yield "another speed", source, resampled(source, speed), None


def _looped(source: Audio, new: Audio) -> Iterator[Case]:
    loops = joined(*[source] * 3)
    behind = Audio(np.repeat(normal(new).samples[:, :1], source.channels, axis=1), source.rate_hz)
    yield "loop, then other music", loops, joined(loops, behind), 0.0
    yield "other music, then loop", loops, joined(behind, loops), float(behind.frames)
    # Between repeats only the expected place decides; here it is half a loop away from either.
    ahead = Audio(source.samples[source.frames // 2 :], source.rate_hz)
    yield "loop of more repeats", loops, joined(ahead, *[source] * 6), None
