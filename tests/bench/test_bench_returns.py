"""How well what comes back fits the session, through the whole engine, and what that costs.

Run with `pytest -m bench -s tests/bench/test_bench_returns.py`.
"""

from __future__ import annotations

import multiprocessing
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clips import needs_ffmpeg
from long_returns import finished
from random_songs import random_song
from returning_service import Treated, encoded, level, mix, returned, stem
from seam_measures import usual_step
from sendreturn.audio.buffer import Audio
from sendreturn.synth.kits import KITS

pytestmark = [pytest.mark.bench, needs_ffmpeg]
RATE_HZ = 44_100
CODECS = ("wav", "lame 192", "lame 192 untagged", "opus 160", "vorbis 6")
FORMATS = (("PCM_16", ".wav"), ("PCM_24", ".wav"), ("PCM_32", ".wav"), ("FLOAT", ".wav"), ("DOUBLE", ".wav"),
           ("PCM_16", ".flac"), ("PCM_24", ".flac"), ("PCM_16", ".aiff"), ("PCM_24", ".aiff"))  # fmt: skip
EXTENDS = 40
MOST_MIB = 600
LONG_S = 600


@lru_cache(maxsize=4)
def song(seed: int, bars: int = 4) -> Audio:
    made = random_song(seed, tuple(KITS), bars=bars, rate_hz=RATE_HZ).mix
    return level(made, 0.2 / float(np.abs(made.samples).max()))


def sent(folder: Path, clip: Audio, subtype: str = "PCM_24", suffix: str = ".wav") -> Path:
    (folder / "Song").mkdir(parents=True)
    path = folder / "Song" / f"riff{suffix}"
    soundfile.write(path, clip.samples, clip.rate_hz, subtype=subtype)
    return path


def cut(audio: Audio, start: int, end: int | None = None) -> Audio:
    return Audio(audio.samples[start:end], audio.rate_hz)


@pytest.mark.timeout(600)
async def test_the_null_outside_an_inpainted_section(tmp_path: Path) -> None:
    whole, section = cut(song(1), 0, 5 * RATE_HZ), slice(RATE_HZ, 3 * RATE_HZ)
    made = Audio(whole.samples.copy(), RATE_HZ)
    made.samples[section] = song(2).samples[section]
    print()
    for number, (subtype, suffix) in enumerate(FORMATS):
        folder = tmp_path / str(number)
        clip = sent(folder, whole, subtype, suffix)
        codec = CODECS[number % len(CODECS)]
        rate_hz = 48_000 if codec.startswith("opus") else RATE_HZ
        file = encoded(folder / "made", Treated(delay=251 * number, gain_db=-6, rate_hz=rate_hz)(made), codec)
        back = await returned(folder, clip, "inpaint", (mix(file),), bpm=120, section_s=[1, 3])
        difference = back.samples("mix") - soundfile.read(clip, dtype="float64")[0]
        peak = float(np.abs(np.delete(difference, section, axis=0)).max())
        told = "−∞ dB" if peak == 0 else f"{20 * np.log10(peak):.1f} dB"
        print(f"  {subtype:7}{suffix:6} patched from {codec:18}: null outside {told}")
        assert peak == 0


@pytest.mark.timeout(1200)
async def test_the_step_at_the_join_of_extensions(tmp_path: Path) -> None:
    steps, faded, lags = [], 0, []
    for number in range(EXTENDS):
        rng = np.random.default_rng(number)
        whole = song(number % 4, 4)
        at = int(rng.integers(RATE_HZ * 2, whole.frames - RATE_HZ * 2))
        codec = CODECS[number % len(CODECS)]
        rate_hz = 48_000 if codec.startswith("opus") else RATE_HZ
        how = Treated(float(rng.uniform(0, 2257)), float(rng.uniform(-12, 12)), bool(rng.random() < 0.3), rate_hz)
        folder = tmp_path / str(number)
        clip = sent(folder, cut(whole, 0, at))
        covers = "all" if number % 4 else "tail"
        audio = whole if covers == "all" else cut(song((number + 1) % 4), at // 3)
        file = encoded(folder / "song", how(audio), codec)
        back = await returned(folder, clip, "extend", (mix(file, covers=covers),), bpm=120)
        samples = back.samples("mix")
        step = float(np.abs(samples[at] - samples[at - 1]).max())
        steps.append(step / usual_step(samples[at - RATE_HZ // 5 : at]))
        faded += "drawn to the clip" in back.checks()
        if covers == "all":
            extra = 1105 if "untagged" in codec else 0
            lags.append(abs(back.entry("mix")["alignment"]["lag_samples"] - how.delay * RATE_HZ / rate_hz - extra))
    print(f"\n{EXTENDS} extensions, one in four of other music: step at the join as a share of the clip's own 99.9 %:")
    print(f"  median {np.median(steps):.2f}, 90 % {np.quantile(steps, 0.9):.2f}, most {max(steps):.2f}; {faded} drawn")
    print(f"  lag in the sidecar out by {np.median(lags):.3f} samples in the middle, {max(lags):.3f} at most")
    assert max(steps) <= 1.0


@pytest.mark.timeout(600)
async def test_the_common_start_of_stems(tmp_path: Path) -> None:
    own = random_song(3, tuple(KITS), bars=4, rate_hz=RATE_HZ).stems
    whole = Audio(np.sum([part.samples for part in own.values()], axis=0) * np.float32(0.2), RATE_HZ)
    print()
    for number, (mix_codec, stem_codec) in enumerate((("wav", "wav"), ("lame 192 untagged", "wav"),
                                                      ("lame 192", "lame 192 untagged"))):  # fmt: skip
        folder, how = tmp_path / str(number), Treated(delay=300 * number)
        clip = sent(folder, cut(whole, 0, 5 * RATE_HZ))
        stems = (stem(encoded(folder / name, how(level(part, 0.2)), stem_codec), name) for name, part in own.items())
        files = (mix(encoded(folder / "mix", how(whole), mix_codec)), *stems)
        back = await returned(folder, clip, "add_instrumental", files, bpm=120)
        lengths = {len(back.samples("stem", name)) for name in own} | {len(back.samples("mix"))}
        positions = {file["position_samples"] for file in back.sidecars[0]["returns"]}
        late = [late_frames(back.samples("stem", name), part.samples) for name, part in own.items()]
        residual_db = back.entry("stem", "drums")["alignment"]["residual_db"]
        print(f"  mix {mix_codec}, stems {stem_codec}: start {late}, sum against the mix {residual_db:.1f} dB")
        assert len(lengths) == len(positions) == 1
        assert set(late) == {0}


def late_frames(got: np.ndarray, truth: np.ndarray) -> int:
    """By how many frames a stem comes later than it should."""
    size = 1 << 20
    one, other = (np.fft.rfft(samples[: size // 2].mean(axis=1), size) for samples in (got, truth))
    likeness = np.fft.irfft(one * np.conj(other))
    best = int(np.argmax(np.abs(likeness)))
    return best if best < size // 2 else best - size


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("operation", "params"),
    [("extend", {}), ("inpaint", {"section_s": [100, 160]}), ("remaster", {}), ("cover", {})],
)
def test_what_finishing_ten_minutes_takes(tmp_path: Path, operation: str, params: dict[str, object]) -> None:
    whole = long_song()
    clip_s = LONG_S - (60 if operation == "extend" else 0)
    clip = sent(tmp_path, cut(whole, 0, clip_s * RATE_HZ))
    file = encoded(tmp_path / "song", Treated(delay=1000.4, gain_db=-3)(whole), "lame 192")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        finish_s, before_mib, most_mib = pool.apply(finished, (tmp_path, clip, operation, file, params))
    print(f"\n  {operation} of {LONG_S / 60:g} minutes: {finish_s:.1f} s to finish, {most_mib:.0f} MiB at most")
    print(f"  (of those {before_mib:.0f} MiB before)")
    assert most_mib <= MOST_MIB


def long_song() -> Audio:
    """Songs in a row, none like another."""
    parts, frames = [], 0
    while frames < LONG_S * RATE_HZ:
        made = song(len(parts) + 10, 8)
        parts.append(made.samples)
        frames += made.frames
    return Audio(np.concatenate(parts)[: LONG_S * RATE_HZ], RATE_HZ)
