"""Clips and what services make of them, with the truth known: material for the tests and figures of the aligner.

The truth of a case is the time at which the source's first sample lies in the returned audio, counted in samples at the
source's rate. A change of rate (soxr, linear phase) moves no time: a delay of 480 samples at 48 kHz is one of 441 at
44.1 kHz. Files are decoded as the daemon does it; only "MP3 without a tag" keeps its codec's delay, which is then part
of the truth.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import soxr
from random_songs import random_song
from sendreturn.audio.buffer import Audio
from sendreturn.audio.decode import read_audio
from sendreturn.synth import Sound, render
from sendreturn.synth.kits import KITS
from small_songs import song

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

UNTAGGED_MP3_DELAY = 1105
"""LAME's encoder delay of 576 and a decoder's 529 (lame.sourceforge.io/tech-FAQ.txt): both stay without a tag."""
PEAK = 0.2
"""Loudest sample of a source, so that 12 dB more stay under full scale."""


@dataclass(frozen=True)
class Treatment:
    """What a service does to a clip. `delay` counts samples of the returned audio's rate."""

    codec: str
    delay: int = 0
    gain_db: float = 0.0
    rate_hz: int = 44_100
    noise_db: float | None = None
    inverted: bool = False
    channels: int = 2
    tail_s: float = 0.0


CODECS = (
    "mp3 128", "mp3 160", "mp3 192", "mp3 256", "mp3 320", "mp3 192 untagged", "opus 96", "opus 128", "vorbis 3",
    "vorbis 6", "wav",
)  # fmt: skip


def random_treatment(rng: np.random.Generator) -> Treatment:
    """Every codec alike often; delays up to 2,257 samples, up to 12 dB, and noise in every other case."""
    codec = str(rng.choice(CODECS))
    return Treatment(
        codec=codec,
        delay=int(rng.integers(0, 2258)),
        gain_db=float(rng.uniform(-12, 12)),
        rate_hz=48_000 if codec.startswith("opus") else int(rng.choice([44_100, 48_000])),
        noise_db=float(rng.uniform(20, 40)) if rng.random() < 0.5 else None,
        inverted=bool(rng.random() < 0.2),
        channels=int(rng.choice([1, 2])),
        tail_s=float(rng.choice([0.0, 3.0])),
    )


def treated(source: Audio, how: Treatment, folder: Path, seed: int = 0) -> tuple[Audio, float]:
    """What comes back, and the true lag in samples at the source's rate."""
    rng = np.random.default_rng(seed)
    sound = _channels(source.samples.astype(np.float64), how.channels)
    if source.rate_hz != how.rate_hz:
        sound = soxr.resample(sound, source.rate_hz, how.rate_hz, quality="VHQ")
    sound = sound * 10 ** (how.gain_db / 20) * (-1.0 if how.inverted else 1.0)
    # What is behind the clip is other music at the same level, as in a continuation.
    tail = _tail(how, float(np.sqrt(np.mean(sound**2))), seed)
    sound = np.concatenate([np.zeros((how.delay, how.channels)), sound, tail])
    if how.noise_db is not None:
        power = float(np.mean(sound**2)) / 10 ** (how.noise_db / 10)
        sound = sound + rng.normal(0.0, np.sqrt(power), sound.shape)
    returned = through_codec(Audio(sound.astype(np.float32), how.rate_hz), how.codec, folder)
    delay = how.delay + (UNTAGGED_MP3_DELAY if "untagged" in how.codec else 0)
    return returned, delay * source.rate_hz / how.rate_hz


def through_codec(audio: Audio, codec: str, folder: Path) -> Audio:
    """`audio` written by a real encoder and read as the daemon reads it."""
    kind, *words = codec.split()
    plain = folder / "plain.wav"
    soundfile.write(plain, audio.samples, audio.rate_hz, subtype="FLOAT")
    if kind == "wav":
        return read_audio(plain)
    target = folder / f"coded.{ {'mp3': 'mp3', 'opus': 'opus', 'vorbis': 'ogg'}[kind] }"
    options = {
        "mp3": ["-c:a", "libmp3lame", "-b:a", f"{words[0]}k", "-write_xing", "0" if "untagged" in words else "1"],
        "opus": ["-c:a", "libopus", "-b:a", f"{words[0]}k"],
        "vorbis": ["-c:a", "libvorbis", "-q:a", words[0]],
    }[kind]
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-nostdin",
        "-y",
        "-i",
        str(plain),
        "-map_metadata",
        "-1",
        *options,
        str(target),
    ]
    subprocess.run(command, check=True, timeout=60)
    return read_audio(target)


@lru_cache(maxsize=64)
def clip(seed: int) -> Audio:
    """A clip nobody tuned anything to, of 4 to 12 seconds, mono or stereo, at 44.1 or 48 kHz."""
    rng = np.random.default_rng(seed + 1000)
    rate_hz = int(rng.choice([44_100, 48_000]))
    if seed % 3 == 2:
        made = song(
            float(rng.uniform(4, 12)), bpm=float(rng.integers(80, 150)), rate_hz=rate_hz, seed=seed, start_s=0.1
        )
    else:
        made = random_song(seed, tuple(KITS), rate_hz=rate_hz).mix
    channels = int(rng.choice([1, 2]))
    return normal(Audio(_channels(made.samples.astype(np.float64), channels).astype(np.float32), rate_hz))


@lru_cache(maxsize=64)
def other_song(seed: int, number: int, rate_hz: int = 44_100) -> Audio:
    """Songs of one `seed` share tempo, synth, kit and all instruments; each `number` has its own notes."""
    song = random_song(seed * 100 + number, ("acoustic_kit",), bars=2, rate_hz=8000)
    bpm = 80.0 + 7.0 * (seed % 9)
    stretch = song.meter.bpm / bpm
    tracks = [
        replace(
            track,
            notes=tuple(replace(n, start_s=n.start_s * stretch, end_s=n.end_s * stretch) for n in track.notes),
        )
        for track in song.tracks
    ]
    sounds = {
        "drums": Sound("acoustic_kit"),
        "bass": Sound("finger_bass"),
        "keyboard": Sound("electric_piano"),
        "vocals": Sound("flute"),
    }
    stems = render(tracks, sounds, rate_hz=rate_hz, duration_s=2 * 4 * 60 / bpm)
    return normal(Audio(np.sum([stem.samples for stem in stems.values()], axis=0), rate_hz))


def resampled(audio: Audio, speed: float) -> Audio:
    """`audio` played at another speed, pitch and all, at the same nominal rate."""
    samples = soxr.resample(audio.samples.astype(np.float64), audio.rate_hz * speed, audio.rate_hz, quality="HQ")
    return Audio(samples.astype(np.float32), audio.rate_hz)


def normal(audio: Audio) -> Audio:
    return Audio((audio.samples * (PEAK / float(np.abs(audio.samples).max()))).astype(np.float32), audio.rate_hz)


def joined(*parts: Audio) -> Audio:
    return Audio(np.concatenate([part.samples for part in parts]), parts[0].rate_hz)


def _channels(samples: NDArray[np.float64], channels: int) -> NDArray[np.float64]:
    mono = samples.mean(axis=1, keepdims=True)
    return np.repeat(mono, channels, axis=1) if samples.shape[1] != channels else samples


def _tail(how: Treatment, level: float, seed: int) -> NDArray[np.float64]:
    if how.tail_s == 0.0:
        return np.zeros((0, how.channels))
    music = song(how.tail_s, bpm=107.0, rate_hz=how.rate_hz, channels=1, seed=seed % 7 + 90).samples.astype(np.float64)
    music = music * (level / float(np.sqrt(np.mean(music**2))))
    return np.repeat(music, how.channels, axis=1)
