"""The sounds of simulators: what music services would make of a clip, by signal processing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sendreturn.audio.buffer import Audio, Samples
from sendreturn.audio.notes import Meter, Note, NoteTrack

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_MODELS = Path("/nonexistent")
"""Simulators use classical methods only: they sound the same on every machine."""
LONGEST_HEARD_S = 30.0
"""Of longer clips only so much is transcribed, and played again and again: a rehearsal should not take minutes."""
LOW = frozenset({"drums"})
LOWEST_HZ, HIGHEST_HZ = 40.0, 16_000.0
SHORTEST_EXTEND_S = 1.0
"""What local makes at least; less is cut out of it."""
LOUDER_DB = 2.0
PEAK = 0.97


def extended(
    clip: Audio, extend_s: float, side: str, from_s: float | None, crop_s: float, seed: int, whole: bool
) -> Audio:
    """The clip, less `crop_s` at the side that is continued, with new audio; or the new audio alone."""
    from sendreturn_bridges.services.local.extend import extend

    kept = _cropped(clip, side, crop_s)
    made = extend(kept, extend_s=max(extend_s, SHORTEST_EXTEND_S), side=side, from_s=from_s, seed=seed).new
    new = made.cut(max(made.duration_s - extend_s, 0.0)) if side == "left" else made.cut(0.0, extend_s)
    if not whole:
        return new
    if side == "left":
        return Audio(np.concatenate([new.samples, kept.samples]), clip.rate_hz)
    before = kept if from_s is None else kept.cut(0.0, from_s)
    return Audio(np.concatenate([before.samples, new.samples]), clip.rate_hz)


def inpainted(clip: Audio, section_s: tuple[float, float], seed: int) -> Audio:
    from sendreturn_bridges.services.local.inpaint import inpaint

    return inpaint(clip, section_s=section_s, seed=seed).audio


def heard(clip: Audio, meter: Meter) -> tuple[NoteTrack, ...]:
    """The notes of a clip. Where none are heard it is one long note: a service never returns nothing."""
    from sendreturn_bridges.services.local.transcribe import transcribe

    part = clip.cut(0.0, min(clip.duration_s, LONGEST_HEARD_S))
    tracks = tuple(track for track in transcribe(part, models=NO_MODELS, meter=meter).tracks if track.notes)
    return tracks or (NoteTrack("other", (Note(0.0, part.duration_s, 57, 80),)),)


def covered(clip: Audio, notes: Sequence[NoteTrack], style: str, seed: int) -> Audio:
    """The notes in another sound, as long as the clip."""
    from sendreturn_bridges.services.local.cover import cover

    part_s = min(clip.duration_s, LONGEST_HEARD_S)
    made = cover(notes, style=style, duration_s=part_s, rate_hz=clip.rate_hz, meter=Meter(), seed=seed)
    return Audio(_fitted(made.mix.samples, clip.frames), clip.rate_hz)


def remastered(clip: Audio, seed: int) -> Audio:
    """Louder and brighter; the seed says by how much."""
    bright = 1 + 0.1 * (seed % 5)
    spectrum, hz = _spectrum(clip)
    tilt = 1 + (bright - 1) * np.clip(hz / 8_000, 0, 1)[:, None]
    samples = _samples(spectrum * tilt, clip.frames) * 10 ** (LOUDER_DB / 20)
    return Audio(_within(samples), clip.rate_hz)


def together(first: Audio, second: Audio) -> Audio:
    """Both at the same time, as long as the first and with its rate."""
    other = _like(second, first)
    both = _stereo(first.samples) + _fitted(_stereo(other), first.frames)
    return Audio(_within(both), first.rate_hz)


def in_a_row(parts: Sequence[Audio]) -> Audio:
    first = parts[0]
    pieces = [_like(part, first) for part in parts]
    channels = max(piece.shape[1] for piece in pieces)
    return Audio(np.concatenate([_stereo(piece) if channels == 2 else piece for piece in pieces]), first.rate_hz)


def split(clip: Audio, names: Sequence[str]) -> dict[str, Audio]:
    """One band of the spectrum for each name, from low to high, with soft edges; their sum is the clip.

    No service separates like this; it stands for a separation whose parts are audible, differ, and leave nothing out.
    """
    spectrum, hz = _spectrum(clip)
    rest = clip.samples.copy()
    rising = sorted(names, key=lambda name: name not in LOW)  # the strokes of a drum are heard there
    stems = {}
    for name, band in zip(rising[:-1], _bands(hz, len(names)), strict=False):
        part = _samples(spectrum * band[:, None], clip.frames)
        rest -= part
        stems[name] = Audio(part, clip.rate_hz)
    stems[rising[-1]] = Audio(rest, clip.rate_hz)
    return {name: stems[name] for name in names}


def song(seconds: float, seed: int) -> Audio:
    """Some of the demo song's bars, from the bar and in the balance that the seed says."""
    from sendreturn.demo.song import BARS, render_demo_stems

    stems = render_demo_stems()
    random = np.random.default_rng(seed)
    gains = 10 ** (random.uniform(-9, 0, len(stems)) / 20)
    mix = sum(stem.samples * np.float32(gain) for stem, gain in zip(stems.values(), gains, strict=True))
    rate_hz = next(iter(stems.values())).rate_hz
    turned = np.roll(np.asarray(mix), -(seed % BARS) * (len(np.asarray(mix)) // BARS), axis=0)
    return Audio(_within(_fitted(turned, round(seconds * rate_hz))), rate_hz)


def _bands(hz: NDArray[np.float64], count: int) -> list[NDArray[np.float64]]:
    """Shares that sum to 1 at every frequency, one for each band."""
    place = np.log(np.clip(hz, LOWEST_HZ, HIGHEST_HZ) / LOWEST_HZ) / np.log(HIGHEST_HZ / LOWEST_HZ) * (count - 1)
    triangles = [np.clip(1 - np.abs(place - band), 0, 1) for band in range(count)]
    return [np.sin(np.pi / 2 * triangle) ** 2 for triangle in triangles]


def _spectrum(clip: Audio) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    import scipy.fft

    size = scipy.fft.next_fast_len(clip.frames, real=True)
    return scipy.fft.rfft(clip.samples, size, axis=0), np.asarray(scipy.fft.rfftfreq(size, 1 / clip.rate_hz))


def _samples(spectrum: NDArray[np.complex128], frames: int) -> Samples:
    import scipy.fft

    size = scipy.fft.next_fast_len(frames, real=True)
    return np.asarray(scipy.fft.irfft(spectrum, size, axis=0)[:frames], dtype=np.float32)


def _cropped(clip: Audio, side: str, crop_s: float) -> Audio:
    if crop_s <= 0:
        return clip
    return clip.cut(crop_s) if side == "left" else clip.cut(0.0, clip.duration_s - crop_s)


def _like(audio: Audio, model: Audio) -> Samples:
    from sendreturn.audio.resample import resample

    return (audio if audio.rate_hz == model.rate_hz else resample(audio, model.rate_hz)).samples


def _stereo(samples: Samples) -> Samples:
    return np.repeat(samples, 2, axis=1) if samples.shape[1] == 1 else samples


def _fitted(samples: Samples, frames: int) -> Samples:
    """Exactly so many frames: cut, or repeated from the start."""
    times = -(-frames // max(len(samples), 1))
    return np.tile(samples, (times, 1))[:frames] if times > 1 else samples[:frames]


def _within(samples: NDArray[np.floating]) -> Samples:
    """Quieter where it would pass full scale."""
    peak = float(np.abs(samples).max(initial=0.0))
    return np.asarray(samples * min(1.0, PEAK / peak) if peak > 0 else samples, dtype=np.float32)
