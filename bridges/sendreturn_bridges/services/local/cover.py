"""Cover: the transcribed notes of a clip, played anew in another sound.

This is signal processing: every note that is heard was in the clip, at its own time and in its own key, but for a
groove that a style may add and the arpeggios of its chords.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyloudnorm
from sendreturn.audio.buffer import Audio
from sendreturn.audio.notes import Meter, NoteTrack
from sendreturn.synth import Sound, mix_down, peak_db, render, sum_stems
from sendreturn.synth.mixdown import PEAK_DB
from sendreturn.synth.patches import PROGRAMS

from sendreturn_bridges.services.local.arrangement import Notes, Role, assign_roles, lay_groove, play_in
from sendreturn_bridges.services.local.style_words import (
    Choice,
    Wish,
    choose_style,
    colour,
    passed_over,
    read_wish,
    style_names,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sendreturn_bridges.services.local.styles import Part, Style

Progress = Callable[[float], None]

DEFAULT_LUFS = -16.0
"""How loud a cover is where no source tells."""

_MOST_LIMITING_DB = 6.0
_CLOSE_ENOUGH_LU = 1.0
_SHORTEST_MEASURED_S = 0.4
"""One block of ITU-R BS.1770."""
_KICKS = (35, 36)
_PUMP_S = 0.16
_VELOCITY_SWING = 4
_STAND_INS = {
    Role.CHORDS: ("electric_piano", "nylon_guitar", "warm_pad"),
    Role.BASS: ("finger_bass", "upright_bass", "synth_bass"),
}
_ANYONE = ("vibraphone", "soft_lead", "flute")


@dataclass(frozen=True)
class Cover:
    """A cover.

    Attributes:
        mix: Stereo; peaks at or below −1 dB of full scale.
        stems: Standard stem name → stereo audio; their sum in float32, in this order, is the mix.
        tracks: The notes as they were played; names are those of the stems.
        notes: Sentences for the user: which style was taken, what was added or left out.
    """

    mix: Audio
    stems: dict[str, Audio]
    tracks: tuple[NoteTrack, ...]
    style_name: str
    notes: tuple[str, ...]


def cover(
    tracks: Sequence[NoteTrack],
    *,
    style: str | Sequence[str],
    duration_s: float,
    rate_hz: int,
    meter: Meter,
    negative_style: str | Sequence[str] = "",
    seed: int = 0,
    source: Audio | None = None,
    progress: Progress | None = None,
) -> Cover:
    """Plays `tracks` in the style that the text asks for.

    Args:
        style: Free text or tags; words that no style knows are passed over, and where none is known the text and the
            seed choose.
        duration_s: Length of the result: exactly `round(duration_s * rate_hz)` frames.
        meter: For arpeggios, and for the groove that some styles add where the clip has no drums.
        negative_style: What should not be heard: roles ("drums"), instruments ("flute") or styles.
        seed: Chooses between the instruments of a style and varies the touch.
        source: The clip; the cover is made as loud as it is.
        progress: Hears the part that is done, 0–1.
    """
    wish = read_wish(style, negative_style)
    choice = choose_style(wish, seed=seed)
    lines, line_notes = _cast(tracks, choice.style, wish, meter, duration_s)
    parts, part_notes = _hire(lines, choice.style, wish, seed)
    played = tuple(_track(parts[role], role, notes, meter, seed) for role, notes in lines.items() if role in parts)
    sounds = {part.stem: part.sounds[0] for part in parts.values()}
    stems = render(played, sounds, rate_hz=rate_hz, duration_s=duration_s, seed=seed, progress=_share(progress, 0.9))
    _pump(stems, choice.style, parts, lines)
    mix, stems, level_notes = _set_level(stems, source, round(duration_s * rate_hz), rate_hz)
    if progress is not None:
        progress(1.0)
    return Cover(mix, stems, played, choice.style.name, (_about(choice, wish), *line_notes, *part_notes, *level_notes))


def _cast(
    tracks: Sequence[NoteTrack], style: Style, wish: Wish, meter: Meter, duration_s: float
) -> tuple[dict[Role, Notes], list[str]]:
    """The lines that this style plays, and what there is to say about those that it doesn't or that it adds."""
    heard = [replace(track, notes=tuple(n for n in track.notes if n.start_s < duration_s)) for track in tracks]
    lines = assign_roles(heard)
    if not lines:
        return {}, ["No notes were found in the clip, so the cover is silent."]
    if Role.PAD in style.parts and Role.CHORDS in lines:
        lines[Role.PAD] = lines[Role.CHORDS]
    said = []
    if Role.DRUMS not in lines and style.groove is not None and Role.DRUMS not in wish.roles:
        lines[Role.DRUMS] = lay_groove(style.groove, meter, duration_s)
        said.append(
            f"The clip has no drums; a light {style.name} groove was added at {meter.bpm:g} bpm in {meter.signature}, "
            "counted from the clip's start."
        )
    missing = [role.value for role in lines if role not in style.parts and role not in wish.roles]
    if missing:
        said.append(f"The style {style.name} has no {' and no '.join(missing)}, so that was left out.")
    unwanted = [role.value for role in lines if role in wish.roles]
    if unwanted:
        said.append(f"Left out as you asked: {', '.join(unwanted)}.")
    return {role: notes for role, notes in lines.items() if role in style.parts and role not in wish.roles}, said


def _hire(lines: Mapping[Role, Notes], style: Style, wish: Wish, seed: int) -> tuple[dict[Role, Part], list[str]]:
    """The players, each with the one sound that the seed chose and the wish coloured."""
    hired: dict[Role, Part] = {}
    said = []
    turn = abs(seed)
    for place, role in enumerate(role for role in style.parts if role in lines):
        part = style.parts[role]
        sounds = [sound for sound in part.sounds if sound.patch not in wish.patches]
        # Where there are two sounds, seeds 0 and 1 share none of them; the next two mix them.
        number = turn + place * (turn // 2)
        sound = sounds[number % len(sounds)] if sounds else _stand_in(role, wish, part.sounds[0])
        if not sounds:
            said.append(f"The {role.value} is played by a {sound.patch.replace('_', ' ')} instead, as you asked.")
        if part.manner.arpeggio_beats:
            said.append(f"The {role.value} are broken into arpeggios, as {style.name} has them.")
        hired[role] = replace(part, sounds=(colour(sound, wish.text),))
    return hired, said


def _stand_in(role: Role, wish: Wish, unwanted: Sound) -> Sound:
    patches = [patch for patch in _STAND_INS.get(role, _ANYONE) if patch not in wish.patches]
    return replace(unwanted, patch=(patches or ["soft_lead"])[0])


def _track(part: Part, role: Role, notes: Notes, meter: Meter, seed: int) -> NoteTrack:
    rng = np.random.default_rng([abs(seed), list(Role).index(role)])
    swings = rng.integers(-_VELOCITY_SWING, _VELOCITY_SWING + 1, len(notes))
    touched = tuple(
        replace(note, velocity=min(127, max(1, note.velocity + int(swing))))
        for note, swing in zip(notes, swings, strict=True)
    )
    if role is Role.DRUMS:
        return NoteTrack(part.stem, touched, is_drums=True)
    return NoteTrack(part.stem, play_in(part.manner, touched, meter), PROGRAMS[part.sounds[0].patch])


def _pump(stems: dict[str, Audio], style: Style, parts: Mapping[Role, Part], lines: Mapping[Role, Notes]) -> None:
    """Pushes chords and pads down under each kick drum, in place."""
    kicks_s = [note.start_s for note in lines.get(Role.DRUMS, ()) if note.pitch in _KICKS]
    for role in (Role.CHORDS, Role.PAD):
        if style.pump and kicks_s and role in parts:
            stem = stems[parts[role].stem]
            dips = _dips(kicks_s, stem.frames, stem.rate_hz)
            stems[parts[role].stem] = Audio(stem.samples * (1 - np.float32(style.pump) * dips)[:, None], stem.rate_hz)


def _dips(kicks_s: Sequence[float], frames: int, rate_hz: int) -> NDArray[np.float32]:
    """1 at each kick, back to 0 after it, shape (frames,)."""
    t = np.arange(round(4 * _PUMP_S * rate_hz), dtype=np.float32) / np.float32(rate_hz)
    # The fall takes 5 ms, which is too slow to click.
    dip = np.minimum(t / 0.005, 1) * np.exp(-t / _PUMP_S) * np.linspace(1, 0, len(t), dtype=np.float32)
    out = np.zeros(frames, dtype=np.float32)
    for kick_s in kicks_s:
        at = round(max(0.0, kick_s) * rate_hz)
        part = out[at : at + len(dip)]
        np.maximum(part, dip[: len(part)], out=part)
    return out


def _set_level(
    stems: Mapping[str, Audio], source: Audio | None, frames: int, rate_hz: int
) -> tuple[Audio, dict[str, Audio], list[str]]:
    """Mix and stems, as loud as the source where peaks allow it."""
    silent = Audio(np.zeros((frames, 2), dtype=np.float32), rate_hz)
    raw_lufs = loudness_lufs(sum_stems(stems)) if stems else None
    if raw_lufs is None:
        return silent, dict(stems), []
    target_lufs = DEFAULT_LUFS if source is None else loudness_lufs(source)
    gain_db = (DEFAULT_LUFS if target_lufs is None else target_lufs) - raw_lufs
    most_db = PEAK_DB - peak_db(sum_stems(stems)) + _MOST_LIMITING_DB
    done = mix_down(stems, gain_db=min(gain_db, most_db))
    reached_lufs = loudness_lufs(done.mix)
    if source is None or target_lufs is None or reached_lufs is None or target_lufs - reached_lufs < _CLOSE_ENOUGH_LU:
        return done.mix, done.stems, []
    quieter = target_lufs - reached_lufs
    return done.mix, done.stems, [f"The cover is {quieter:.1f} LU quieter than the clip, to keep its peaks whole."]


def loudness_lufs(audio: Audio) -> float | None:
    """Integrated loudness after ITU-R BS.1770, mono heard from both sides; None for silence.

    Audio that is shorter than one block of the measurement is repeated until it fills one.
    """
    samples = audio.samples if audio.channels > 1 else np.repeat(audio.samples, 2, axis=1)
    if not np.any(samples):
        return None
    shortest = round(_SHORTEST_MEASURED_S * audio.rate_hz) + 1
    samples = np.tile(samples, (-(-shortest // len(samples)), 1)) if len(samples) < shortest else samples
    with np.errstate(divide="ignore"):
        lufs = float(pyloudnorm.Meter(audio.rate_hz).integrated_loudness(samples[:, :5]))
    return lufs if np.isfinite(lufs) else None


def _about(choice: Choice, wish: Wish) -> str:
    name = choice.style.name
    if not choice.asked:
        why = f'No style that is known here was found in "{wish.text}"' if wish.text else "No style was asked for"
        return f"{why}; played as {name}. Known are: {', '.join(style_names())}."
    rest = passed_over(choice, wish)
    unused = f" These words changed nothing: {', '.join(rest)}." if rest else ""
    return f"Played as {name}, asked for by: {', '.join(choice.words)}.{unused}"


def _share(progress: Progress | None, part: float) -> Progress | None:
    if progress is None:
        return None
    return lambda done: progress(part * done)
