"""How single drums sound. Every function gives one hit: samples of shape (frames,), peak about 1 before its level."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

Mono = NDArray[np.float32]
"""Shape (frames,)."""

Hit = Callable[[int, float, np.random.Generator], Mono]
"""(rate in Hz, velocity 0–1, random numbers) → one hit at full level; the velocity changes its colour only."""

_FADE_IN_S = 0.0004
_FADE_OUT_S = 0.008


def kick(low_hz: float, sweep_hz: float, falls_s: float, ring_s: float, click: float, length_s: float = 0.6) -> Hit:
    """A sine that falls from `low_hz + sweep_hz` to `low_hz`, and the beater's click."""

    def hit(rate_hz: int, velocity: float, rng: np.random.Generator) -> Mono:
        t = _time(length_s, rate_hz)
        turns = low_hz * t + sweep_hz * (0.6 + 0.4 * velocity) * falls_s * (1 - np.exp(-t / falls_s))
        body = np.sin(2 * np.pi * turns) * np.exp(-t / ring_s)
        beater = _noise(len(t), rng, rate_hz, 1200, 5000) * np.exp(-t / 0.004) * click * velocity
        return _finish(body + beater, rate_hz)

    return hit


def snare(
    tone_hz: float, tone_s: float, wires_s: float, wires: float, band_hz: tuple[float, float], snap: float = 0.5
) -> Hit:
    """Two modes of the skin and the noise of the wires; harder hits have more of the wires."""

    def hit(rate_hz: int, velocity: float, rng: np.random.Generator) -> Mono:
        t = _time(max(0.3, wires_s * 6), rate_hz)
        bend = 1 + 0.35 * np.exp(-t / 0.012)
        turn = 2 * np.pi * np.cumsum(tone_hz * bend) / rate_hz
        skin = (np.sin(turn) + 0.55 * np.sin(1.59 * turn)) * np.exp(-t / tone_s)
        rattle = _noise(len(t), rng, rate_hz, *band_hz) * np.exp(-t / wires_s) * wires * (0.5 + 0.5 * velocity)
        crack = _noise(len(t), rng, rate_hz, 1500, 9000) * np.exp(-t / 0.006) * snap * velocity
        return _finish(0.6 * skin + rattle + crack, rate_hz)

    return hit


def metal(
    length_s: float, ring_s: float, band_hz: tuple[float, float], *, tones: float = 0.5, base_hz: float = 410.0
) -> Hit:
    """Cymbals and hats: inharmonic partials and noise in a band; soft hits are darker."""

    def hit(rate_hz: int, velocity: float, rng: np.random.Generator) -> Mono:
        t = _time(length_s, rate_hz)
        top_hz = band_hz[1] * (0.55 + 0.45 * velocity)
        hiss = _noise(len(t), rng, rate_hz, band_hz[0], top_hz)
        ringing = _partials(t, rate_hz, base_hz, band_hz, rng)
        return _finish(((1 - tones) * hiss + tones * ringing) * np.exp(-t / ring_s), rate_hz)

    return hit


def ride(ping_hz: float, ring_s: float, wash: float, length_s: float = 1.6) -> Hit:
    """A ride cymbal: the stick's ping over a wash."""

    def hit(rate_hz: int, velocity: float, rng: np.random.Generator) -> Mono:
        t = _time(length_s, rate_hz)
        ping = sum(np.sin(2 * np.pi * ping_hz * r * t + rng.uniform(0, 6)) * np.exp(-t / (ring_s / r)) for r in _BELL)
        stick = _noise(len(t), rng, rate_hz, 3000, 9000) * np.exp(-t / 0.01)
        hiss = _noise(len(t), rng, rate_hz, 3500, 11000) * np.exp(-t / (0.7 * ring_s)) * wash * (0.4 + 0.6 * velocity)
        return _finish(0.14 * ping + 0.5 * stick + hiss, rate_hz)

    return hit


def tom(pitch_hz: float, ring_s: float = 0.22, skin: float = 0.25) -> Hit:
    """A tom, a conga or a timpani: a falling tone with a second mode."""

    def hit(rate_hz: int, velocity: float, rng: np.random.Generator) -> Mono:
        t = _time(ring_s * 6, rate_hz)
        turn = 2 * np.pi * np.cumsum(pitch_hz * (1 + 0.3 * velocity * np.exp(-t / 0.03))) / rate_hz
        body = (np.sin(turn) + 0.3 * np.sin(1.5 * turn) * np.exp(-t / 0.05)) * np.exp(-t / ring_s)
        return _finish(body + _noise(len(t), rng, rate_hz, 500, 4000) * np.exp(-t / 0.012) * skin, rate_hz)

    return hit


def burst(
    band_hz: tuple[float, float], fade_s: float, starts_s: Sequence[float] = (0.0,), attack_s: float = 0.001
) -> Hit:
    """Bursts of noise: one for a shaker or a brush, several for a clap or a tambourine."""

    def hit(rate_hz: int, velocity: float, rng: np.random.Generator) -> Mono:
        t = _time(starts_s[-1] + fade_s * 6 + attack_s, rate_hz)
        level = np.zeros(len(t))
        for number, start_s in enumerate(starts_s):
            since = t - start_s
            falls_s = fade_s if number == len(starts_s) - 1 else 0.008
            level = np.maximum(level, np.clip(since / attack_s, 0, 1) * np.exp(-np.maximum(since, 0) / falls_s))
        return _finish(_noise(len(t), rng, rate_hz, *band_hz) * level, rate_hz)

    return hit


def block(tones_hz: Sequence[float], ring_s: float, click: float = 0.2) -> Hit:
    """Wood, rims, cowbells and claves: a few short tones and a click."""

    def hit(rate_hz: int, velocity: float, rng: np.random.Generator) -> Mono:
        t = _time(ring_s * 6, rate_hz)
        heard_hz = [f_hz for f_hz in tones_hz if f_hz < 0.45 * rate_hz]
        body = sum((np.sin(2 * np.pi * f_hz * t) for f_hz in heard_hz), np.zeros(len(t))) / len(tones_hz)
        knock = _noise(len(t), rng, rate_hz, 1500, 7000) * np.exp(-t / 0.003) * click
        return _finish((body + knock) * np.exp(-t / ring_s), rate_hz)

    return hit


_BELL = (1.0, 1.47, 2.09, 2.56, 3.61)
"""Ratios of the partials of a ride cymbal's ping, chosen by ear to be inharmonic."""


def _time(length_s: float, rate_hz: int) -> NDArray[np.float64]:
    return np.arange(max(2, round(length_s * rate_hz))) / rate_hz


def _noise(frames: int, rng: np.random.Generator, rate_hz: int, low_hz: float, high_hz: float) -> NDArray[np.float64]:
    """Noise in a band; the band gives way where the rate is too low for it."""
    high_hz = min(high_hz, 0.48 * rate_hz)
    low_hz = min(low_hz, 0.5 * high_hz)
    band = butter(2, (low_hz, high_hz), "bandpass", fs=rate_hz, output="sos")
    # The filter settles before the hit starts, so that its attack is the noise's own.
    settled = sosfilt(band, rng.standard_normal(frames + 256))[256:]
    return np.asarray(settled * (0.35 / (np.sqrt(np.mean(settled**2)) or 1.0)), dtype=np.float64)


def _partials(
    t: NDArray[np.float64], rate_hz: int, base_hz: float, band_hz: tuple[float, float], rng: np.random.Generator
) -> NDArray[np.float64]:
    low_hz, high_hz = band_hz[0], min(band_hz[1], 0.45 * rate_hz)
    ratios = np.array([1.0, 1.34, 1.73, 2.19, 2.63, 3.37])
    all_hz = np.concatenate([base_hz * ratios * number for number in (3, 5, 7, 9, 11, 13, 17)])
    heard_hz = all_hz[(all_hz > low_hz) & (all_hz < high_hz)]
    sound = np.zeros(len(t))
    for f_hz in heard_hz:
        sound += np.sin(2 * np.pi * f_hz * t + rng.uniform(0, 2 * np.pi))
    return np.asarray(sound * (0.5 / np.sqrt(max(1, len(heard_hz)))), dtype=np.float64)


def _finish(sound: NDArray[np.float64], rate_hz: int) -> Mono:
    """Soft ends, so that neither the start nor the cut of a hit clicks."""
    rise, fall = (min(len(sound) // 2, max(1, round(s * rate_hz))) for s in (_FADE_IN_S, _FADE_OUT_S))
    sound[:rise] *= np.arange(rise) / rise
    sound[-fall:] *= np.arange(fall)[::-1] / fall
    return np.asarray(sound, dtype=np.float32)
