"""From notes to audio: each track in its sound, all of the same exact length."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sendreturn.audio.buffer import Audio
from sendreturn.synth import effects
from sendreturn.synth.envelopes import fade_ends
from sendreturn.synth.kits import CLOSED_HAT, KITS, OPEN_HAT, PEDAL_HAT
from sendreturn.synth.patches import PATCHES
from sendreturn.synth.voices import Stereo, Stroke, pan_gains

if TYPE_CHECKING:
    from sendreturn.audio.notes import Note, NoteTrack
    from sendreturn.synth.drums import Mono

Progress = Callable[[float], None]
"""Hears the part that is done, 0–1."""

_SHORTEST_NOTE_S = 0.02
_END_FADE_S = 0.004
_VELOCITY_STEPS = 8
_TAKES_OF_A_HIT = 3
_CHOKE_S = 0.02


@dataclass(frozen=True)
class Sound:
    """What a track is played with.

    Attributes:
        patch: A name in `PATCHES`, or in `KITS` for drums.
        pan: −1 left … 1 right.
        reverb: Level of the room; 0 is dry.
        room_s: Reverberation time of the room.
        chorus: 0–1.
        drive: Rounding of loud peaks; 0 is none, 1 gentle, 10 a guitar amplifier's.
        lowpass_hz: Darkens the track; None leaves it.
        wobble_s: Drift of a tired tape, up to this far from the right time; 0 is none.
    """

    patch: str
    gain_db: float = 0.0
    pan: float = 0.0
    reverb: float = 0.12
    room_s: float = 0.9
    chorus: float = 0.0
    drive: float = 0.0
    lowpass_hz: float | None = None
    wobble_s: float = 0.0


def render(
    tracks: Sequence[NoteTrack],
    sounds: Mapping[str, Sound] | None = None,
    *,
    rate_hz: int,
    duration_s: float,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Audio]:
    """Plays every track in its sound.

    Args:
        sounds: Track name → sound; a track that is not named here gets one by its General MIDI program.
        duration_s: Length of every result; notes that start later are left out, what still rings then is faded.
        seed: Of the small irregularities (noise, oscillator phases); the same seed gives the same samples.

    Returns:
        Track name → stereo audio of `round(duration_s * rate_hz)` frames. Tracks of one name are played together. Peaks
        may pass full scale where many notes meet: see `mix_down`.

    Raises:
        KeyError: A sound names a patch that does not exist.
    """
    frames = round(duration_s * rate_hz)
    stems: dict[str, Audio] = {}
    for number, track in enumerate(tracks):
        sound = (sounds or {}).get(track.name) or default_sound(track)
        samples = _play(track, sound, frames, rate_hz, seed + number)
        if track.name in stems:
            samples = samples + stems[track.name].samples
        stems[track.name] = Audio(samples, rate_hz)
        if progress is not None:
            progress((number + 1) / len(tracks))
    return stems


def default_sound(track: NoteTrack) -> Sound:
    """The sound that fits the track's General MIDI program best."""
    if track.is_drums:
        return Sound("acoustic_kit")
    return Sound(_FAMILIES[min(127, max(0, track.program)) // 8])


_FAMILIES = (
    "electric_piano", "vibraphone", "organ", "steel_guitar", "finger_bass", "strings", "strings", "brass",
    "sax", "flute", "lead", "warm_pad", "airy_pad", "nylon_guitar", "marimba", "airy_pad",
)  # fmt: skip
"""A patch for each of the sixteen families of eight programs in General MIDI 1."""


def _play(track: NoteTrack, sound: Sound, frames: int, rate_hz: int, seed: int) -> Stereo:
    dry = np.zeros((frames, 2), dtype=np.float32)
    if frames == 0 or not track.notes:
        return dry
    play = _play_drums if track.is_drums else _play_notes
    play(dry, sorted(track.notes), sound, rate_hz, np.random.default_rng([abs(seed), 11]))
    dry *= np.array(pan_gains(sound.pan), dtype=np.float32) * np.float32(10 ** (sound.gain_db / 20))
    return fade_ends(_treat(dry, sound, rate_hz), rate_hz, 0.0005, _END_FADE_S)


def _play_notes(out: Stereo, notes: Sequence[Note], sound: Sound, rate_hz: int, rng: np.random.Generator) -> None:
    voice = PATCHES[sound.patch]
    for note in notes:
        at = round(max(0.0, note.start_s) * rate_hz)
        if at >= len(out) or note.velocity <= 0:
            continue
        held_s = max(_SHORTEST_NOTE_S, note.end_s - max(0.0, note.start_s))
        stroke = Stroke(pitch_hz(note.pitch), held_s, min(1.0, note.velocity / 127), len(out) - at, rate_hz)
        played = voice.play(stroke, rng)
        out[at : at + len(played)] += played


def _play_drums(out: Stereo, notes: Sequence[Note], sound: Sound, rate_hz: int, rng: np.random.Generator) -> None:
    kit = KITS[sound.patch]
    closings_s = [note.start_s for note in notes if note.pitch in (CLOSED_HAT, PEDAL_HAT)]
    for note in notes:
        at = round(max(0.0, note.start_s) * rate_hz)
        if at >= len(out) or note.velocity <= 0:
            continue
        velocity = min(1.0, note.velocity / 127)
        step = max(1, round(velocity * _VELOCITY_STEPS))
        hit = _hit(sound.patch, note.pitch, step, int(rng.integers(_TAKES_OF_A_HIT)), rate_hz)
        if note.pitch == OPEN_HAT:
            hit = _choke(hit, note.start_s, closings_s, rate_hz)
        piece = kit.piece(note.pitch)
        hit = hit[: len(out) - at]
        gains = np.array(pan_gains(piece.pan)) * (0.7 * kit.level * piece.level * velocity**1.6)
        out[at : at + len(hit)] += hit[:, None] * gains.astype(np.float32)


@lru_cache(maxsize=256)
def _hit(kit: str, key: int, velocity_step: int, take: int, rate_hz: int) -> Mono:
    rng = np.random.default_rng([key, velocity_step, take])
    return KITS[kit].piece(key).hit(rate_hz, velocity_step / _VELOCITY_STEPS, rng)


def _choke(hit: Mono, start_s: float, closings_s: Sequence[float], rate_hz: int) -> Mono:
    """An open hat ends where the pedal or a closed hat shuts it."""
    closing_s = next((c for c in closings_s if c > start_s), None)
    if closing_s is None:
        return hit
    open_frames = round((closing_s - start_s + _CHOKE_S) * rate_hz)
    return hit if open_frames >= len(hit) else fade_ends(hit[:open_frames], rate_hz, 1 / rate_hz, _CHOKE_S)


def _treat(dry: Stereo, sound: Sound, rate_hz: int) -> Stereo:
    # Saturation of an asymmetric sound makes direct current, so the filter comes after it.
    treated = effects.saturate(dry, sound.drive) if sound.drive else dry
    treated = effects.remove_rumble(treated, rate_hz)
    if sound.lowpass_hz:
        treated = effects.darken(treated, rate_hz, sound.lowpass_hz)
    if sound.wobble_s:
        treated = effects.wobble(treated, rate_hz, sound.wobble_s)
    if sound.chorus:
        treated = effects.widen(treated, rate_hz, sound.chorus)
    if sound.reverb:
        treated = effects.reverberate(treated, rate_hz, sound.reverb, sound.room_s)
    return treated


def pitch_hz(key: int) -> float:
    """Equal temperament, A4 (key 69) at 440 Hz."""
    return float(440.0 * 2 ** ((key - 69) / 12))
