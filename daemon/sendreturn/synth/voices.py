"""What plays a single note: table oscillators, frequency modulation, and ringing modes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from sendreturn.synth.wavetables import Spectrum, Tables, build_tables, read_tables

if TYPE_CHECKING:
    from sendreturn.synth.envelopes import Envelope

Stereo = NDArray[np.float32]
"""Shape (frames, 2)."""

_VELOCITY_STEPS = 16


@dataclass(frozen=True)
class Stroke:
    """One note to be played.

    Attributes:
        velocity: 0–1.
        room_samples: How many samples are left until the end of the clip; no voice needs more.
        rate_hz: Of the audio.
    """

    f_hz: float
    held_s: float
    velocity: float
    room_samples: int
    rate_hz: int

    @property
    def loudness(self) -> float:
        """Level of the velocity: about 40 dB from the softest to the hardest."""
        return float(self.velocity**1.6)


class Voice(Protocol):
    """Plays one note at a time."""

    def play(self, stroke: Stroke, rng: np.random.Generator) -> Stereo: ...


@dataclass(frozen=True)
class Unison:
    """One of several oscillators of a note: its detuning, its level and its place (−1 left … 1 right)."""

    cents: float = 0.0
    level: float = 1.0
    pan: float = 0.0
    octave: int = 0


@dataclass(frozen=True)
class Vibrato:
    depth_cents: float
    rate_hz: float = 5.4
    delay_s: float = 0.25


@dataclass(frozen=True)
class Noise:
    """The noise of a note: a hammer or a pick, falling with `decay_s`, or breath, which lasts (`decay_s` None)."""

    level: float
    centre_hz: float = 2000.0
    decay_s: float | None = 0.01


@dataclass(frozen=True)
class TableVoice:
    """Oscillators on band-limited tables; the workhorse."""

    spectrum: Spectrum
    envelope: Envelope
    unison: tuple[Unison, ...] = (Unison(),)
    vibrato: Vibrato | None = None
    noise: Noise | None = None
    moving: bool = True
    random_phases: bool = False
    level: float = 1.0

    def play(self, stroke: Stroke, rng: np.random.Generator) -> Stereo:
        frames = min(stroke.room_samples, self.envelope.frames(stroke.held_s, stroke.rate_hz))
        bent = _bend(self.vibrato, frames, stroke.rate_hz)
        sides = np.zeros((2, frames), dtype=np.float32)
        for one in self.unison:
            self._add_oscillator(sides, one, stroke, bent, rng)
        if self.noise is not None:
            sides += _noise(self.noise, stroke, frames, rng)
        sides *= self.envelope.curve(stroke.held_s, frames, stroke.rate_hz) * np.float32(self.level * stroke.loudness)
        return sides.T

    def _add_oscillator(
        self,
        sides: NDArray[np.float32],
        one: Unison,
        stroke: Stroke,
        bent: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> None:
        """Adds one oscillator to `sides` of shape (2, frames)."""
        f_hz = stroke.f_hz * 2.0 ** (one.octave + one.cents / 1200)
        tables = _tables(self, round(f_hz, 3), round(stroke.velocity * _VELOCITY_STEPS), stroke.rate_hz)
        if tables is None:
            return
        start = rng.uniform() if len(self.unison) > 1 else 0.0
        sound = read_tables(tables, bent * (f_hz / stroke.rate_hz) + start, stroke.rate_hz)
        for side, gain in zip(sides, pan_gains(one.pan), strict=True):
            side += sound * np.float32(gain * one.level)


@dataclass(frozen=True)
class FmPair:
    """A carrier that one modulator bends.

    Attributes:
        ratio: Carrier's frequency over the note's.
        by: Modulator's frequency over the note's.
        index: Depth at full velocity, in radians.
        falls_s: Time constant of the depth.
        rests: What part of the depth stays.
        decay_s: Time constant of the carrier's own level; None where the envelope alone decides.
    """

    ratio: float = 1.0
    by: float = 1.0
    index: float = 1.0
    falls_s: float = 0.5
    rests: float = 0.2
    level: float = 1.0
    decay_s: float | None = None


@dataclass(frozen=True)
class FmVoice:
    """Frequency modulation (in the form of phase modulation) with one or more pairs."""

    pairs: tuple[FmPair, ...]
    envelope: Envelope
    noise: Noise | None = None
    level: float = 1.0

    def play(self, stroke: Stroke, rng: np.random.Generator) -> Stereo:
        frames = min(stroke.room_samples, self.envelope.frames(stroke.held_s, stroke.rate_hz))
        t = np.arange(frames, dtype=np.float64) / stroke.rate_hz
        sound = np.zeros(frames, dtype=np.float64)
        for pair in self.pairs:
            sound += _modulated(pair, stroke, t)
        if self.noise is not None:
            sound += _noise(self.noise, stroke, frames, rng)
        sound *= self.envelope.curve(stroke.held_s, frames, stroke.rate_hz) * (0.35 * self.level * stroke.loudness)
        return np.repeat(sound.astype(np.float32)[:, None], 2, axis=1)


@dataclass(frozen=True)
class Mode:
    """One ringing partial: frequency over the note's, level, and time constant at middle C."""

    ratio: float
    level: float
    decay_s: float


@dataclass(frozen=True)
class ModalVoice:
    """Bars and bells: partials that need not be harmonic, each with its own decay."""

    modes: tuple[Mode, ...]
    envelope: Envelope
    noise: Noise | None = None
    tremolo_hz: float = 0.0
    level: float = 1.0

    def play(self, stroke: Stroke, rng: np.random.Generator) -> Stereo:
        frames = min(stroke.room_samples, self.envelope.frames(stroke.held_s, stroke.rate_hz))
        t = np.arange(frames, dtype=np.float64) / stroke.rate_hz
        shorter = min(3.0, max(0.25, (261.6 / stroke.f_hz) ** 0.5))
        sound = np.zeros(frames, dtype=np.float64)
        for mode in self.modes:
            f_hz = stroke.f_hz * mode.ratio
            if f_hz < 0.45 * stroke.rate_hz:
                level = mode.level * (1 if mode.ratio <= 1 else 0.3 + 0.7 * stroke.velocity)
                sound += level * np.sin(2 * np.pi * f_hz * t) * np.exp(-t / (mode.decay_s * shorter))
        if self.noise is not None:
            sound += _noise(self.noise, stroke, frames, rng)
        if self.tremolo_hz:
            sound *= 1 - 0.18 * (1 - np.cos(2 * np.pi * self.tremolo_hz * t))
        sound *= self.envelope.curve(stroke.held_s, frames, stroke.rate_hz) * (0.35 * self.level * stroke.loudness)
        return np.repeat(sound.astype(np.float32)[:, None], 2, axis=1)


def pan_gains(pan: float) -> tuple[float, float]:
    """Left and right gains of equal power; the centre is 1, 1 so that a mono sound keeps its level."""
    angle = (np.clip(pan, -1, 1) + 1) * np.pi / 4
    return float(np.cos(angle) * np.sqrt(2)), float(np.sin(angle) * np.sqrt(2))


def band_noise(centre_hz: float, rate_hz: int) -> NDArray[np.float32]:
    """Two seconds of noise around `centre_hz`, RMS 0.25; the same each time."""
    return _band_noise(min(centre_hz, 0.35 * rate_hz), rate_hz)


@lru_cache(maxsize=32)
def _band_noise(centre_hz: float, rate_hz: int) -> NDArray[np.float32]:
    white = np.random.default_rng(int(centre_hz)).standard_normal(2 * rate_hz)
    spectrum = np.fft.rfft(white)
    f_hz = np.maximum(np.fft.rfftfreq(len(white), 1 / rate_hz), 1.0)
    shaped = np.fft.irfft(spectrum * np.exp(-0.5 * (np.log(f_hz / centre_hz) / 0.6) ** 2), n=len(white))
    return np.asarray(shaped * (0.25 / np.sqrt(np.mean(shaped**2))), dtype=np.float32)


@lru_cache(maxsize=96)
def _tables(voice: TableVoice, f_hz: float, velocity_step: int, rate_hz: int) -> Tables | None:
    velocity = velocity_step / _VELOCITY_STEPS
    return build_tables(voice.spectrum, f_hz, velocity, rate_hz, moving=voice.moving, random_phases=voice.random_phases)


def _bend(vibrato: Vibrato | None, frames: int, rate_hz: int) -> NDArray[np.float64]:
    """Time in samples as the oscillators see it, shape (frames,)."""
    n = np.arange(frames, dtype=np.float64)
    if vibrato is None:
        return n
    t = n / rate_hz
    comes = np.clip((t - vibrato.delay_s) / 0.3, 0, 1)
    # A swing of `d` in relative frequency is a swing of d / (2π·rate) in time.
    swing_s = (2 ** (vibrato.depth_cents / 1200) - 1) / (2 * np.pi * vibrato.rate_hz)
    return np.asarray(n + swing_s * rate_hz * comes * np.sin(2 * np.pi * vibrato.rate_hz * t), dtype=np.float64)


def _modulated(pair: FmPair, stroke: Stroke, t: NDArray[np.float64]) -> NDArray[np.float64]:
    nyquist_hz = 0.45 * stroke.rate_hz
    if stroke.f_hz * pair.ratio >= nyquist_hz:
        return np.zeros(len(t))
    # By Carson's rule the band reaches to about carrier + (index + 1) · modulator; beyond Nyquist the index gives way.
    room = (nyquist_hz / stroke.f_hz - pair.ratio) / pair.by - 1
    index = min(pair.index * (0.15 + 0.85 * stroke.velocity), max(0.0, room))
    depth = index * (pair.rests + (1 - pair.rests) * np.exp(-t / pair.falls_s))
    turn = 2 * np.pi * stroke.f_hz * t
    sound = pair.level * np.sin(pair.ratio * turn + depth * np.sin(pair.by * turn))
    return sound if pair.decay_s is None else sound * np.exp(-t / pair.decay_s)


def _noise(noise: Noise, stroke: Stroke, frames: int, rng: np.random.Generator) -> NDArray[np.float32]:
    source = band_noise(noise.centre_hz, stroke.rate_hz)
    heard = frames if noise.decay_s is None else min(frames, int(noise.decay_s * 8 * stroke.rate_hz) + 1)
    start = int(rng.integers(len(source)))
    out = np.zeros(frames, dtype=np.float32)
    out[:heard] = np.take(source, np.arange(start, start + heard), mode="wrap") * np.float32(noise.level)
    if noise.decay_s is not None:
        out[:heard] *= np.exp(-np.arange(heard, dtype=np.float32) / np.float32(noise.decay_s * stroke.rate_hz))
    return out
