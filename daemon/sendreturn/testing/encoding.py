"""Audio as music services give it out: encoded, resampled, a little louder or softer, and sometimes late."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sendreturn.audio.buffer import Audio
from sendreturn.errors import SendReturnError

MP3_RATES_HZ = (48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)
SUBTYPES = {"mp3": "MPEG_LAYER_III", "ogg": "VORBIS", "wav": "PCM_16", "flac": "PCM_24"}
FFMPEG_TIMEOUT_S = 300


@dataclass(frozen=True)
class Traits:
    """What a service does to audio before it gives it out.

    Attributes:
        codec: mp3, ogg, wav, flac or m4a.
        rate_hz: 0 keeps the audio's own.
        delay_s: Silence before the music, as encoders and services leave it.
    """

    codec: str = "mp3"
    rate_hz: int = 44_100
    delay_s: float = 0.0
    gain_db: float = 0.0


@dataclass(frozen=True)
class Encoded:
    """A finished file. `suffix` has its dot."""

    data: bytes
    suffix: str
    duration_s: float


def encode(audio: Audio, traits: Traits) -> Encoded:
    """The audio as a file.

    Raises:
        SendReturnError: m4a is wanted, and there is no ffmpeg.
    """
    treated = _treated(audio, traits)
    with tempfile.TemporaryDirectory(prefix="sendreturn-simulator-") as folder:
        path = Path(folder) / f"out.{traits.codec}"
        if traits.codec == "m4a":
            _write_m4a(treated, path)
        else:
            _write(treated, path, traits.codec)
        return Encoded(path.read_bytes(), path.suffix, treated.duration_s)


def _treated(audio: Audio, traits: Traits) -> Audio:
    import numpy as np

    from sendreturn.audio.resample import resample

    rate_hz = traits.rate_hz or audio.rate_hz
    if traits.codec == "mp3" and rate_hz not in MP3_RATES_HZ:
        rate_hz = MP3_RATES_HZ[0]
    samples = audio.samples * np.float32(10 ** (traits.gain_db / 20))
    samples = np.pad(samples, ((round(traits.delay_s * audio.rate_hz), 0), (0, 0)))
    return resample(Audio(samples, audio.rate_hz), rate_hz) if rate_hz != audio.rate_hz else Audio(samples, rate_hz)


def _write(audio: Audio, path: Path, codec: str) -> None:
    from sendreturn.audio.writer import SoundWriter

    with SoundWriter(path, codec.upper(), SUBTYPES[codec], audio.rate_hz, audio.channels, audio.frames) as file:
        file.write(audio.samples)


def _write_m4a(audio: Audio, path: Path) -> None:
    from sendreturn.audio.ffmpeg import find_ffmpeg

    ffmpeg = find_ffmpeg()
    if ffmpeg is None:
        raise SendReturnError("There is no ffmpeg, so no m4a can be made.", "Install it, or ask for another format.")
    source = path.with_suffix(".wav")
    _write(audio, source, "wav")
    command = [ffmpeg, "-v", "error", "-nostdin", "-i", str(source), "-c:a", "aac", "-b:a", "192k", str(path)]
    subprocess.run(command, check=True, timeout=FFMPEG_TIMEOUT_S, stdin=subprocess.DEVNULL)
