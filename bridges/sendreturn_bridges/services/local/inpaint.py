"""Replace a section of a clip with material from elsewhere in it, so that both seams match and the length holds.

The section's beats are filled along the cheapest path through the clip's other beats: it begins where the clip sounds
as it does before the section, ends where it sounds as it does after it, and leaps between only where beats match.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from sendreturn.audio.beats import Beats, check_tempo, find_beats
from sendreturn.audio.buffer import Audio
from sendreturn.audio.listening import Listening, listen
from sendreturn.errors import Refusal

from sendreturn_bridges.services.local import seams, walk
from sendreturn_bridges.services.local.extend import MOST_MATERIAL_S, check_clip
from sendreturn_bridges.services.local.filling import DARING, NO_ANCHOR, Section, fill
from sendreturn_bridges.services.local.similarity import FUTURE, PAST, Memory, differences

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sendreturn.audio.buffer import Samples

LEAST_OUTSIDE_S = 0.2
"""With less material than this outside of the section, the section's own sound is used as well."""
REPAIR_S = 0.002
"""A shorter section (a click, a dropout) is predicted from both sides. Measured on small songs, what is restored
differs from what was lost by a median of -44 dB over 0.2 ms and -14 dB over 2 ms; longer ones get a passage."""
EDGE_FADE_S = 0.015
REACH_S = 0.006


@dataclass(frozen=True)
class Inpainting:
    """A clip with one section replaced.

    Attributes:
        audio: As long as the clip; outside of the section every sample is the clip's own.
        bpm: The tempo that was followed; None where no beat was found.
        notes: Sentences on what was done, or could not be done.
    """

    audio: Audio
    bpm: float | None
    notes: tuple[str, ...]


def inpaint(
    audio: Audio,
    *,
    section_s: tuple[float, float],
    bpm: float | None = None,
    seed: int = 0,
    progress: seams.Progress = lambda _: None,
) -> Inpainting:
    """Replace a section of a clip.

    Args:
        audio: The clip, 0.2 s or longer.
        section_s: Start and end of the section, in seconds of the clip.
        bpm: The tempo, where it is known.
        seed: Another seed may give another filling, where the clip has more than one in it.
        progress: Told 0 to 1.

    Raises:
        Refusal: A value with which there is nothing to be done.
    """
    check_clip(audio)
    check_tempo(bpm)
    start, end = _section_frames(audio, section_s)
    if end - start < REPAIR_S * audio.rate_hz:
        progress(1.0)
        return _repair(audio, start, end)
    near, skipped, notes = _nearby(audio, start, end)
    start, end = start - skipped, end - skipped
    listening = listen(near)
    progress(0.2)
    beats = find_beats(listening, bpm)
    if listening.silent:
        return Inpainting(audio, None, (*notes, "The clip is silent, and so it stays."))
    section, scarce = _section(near, start, end)
    notes += scarce
    pieces = _choose(near, listening, section, beats, seed)
    progress(0.5)
    filling = _render(near, pieces, start, end, beats)
    samples = audio.samples.copy()
    samples[start + skipped : end + skipped] = filling
    progress(1.0)
    tempo = beats.bpm if beats.confidence > 0 else None
    return Inpainting(Audio(samples, audio.rate_hz), tempo, (*notes, _describe(beats, len(pieces))))


def _repair(audio: Audio, start: int, end: int) -> Inpainting:
    memory = round(seams.MEMORY_S * audio.rate_hz)
    samples = audio.samples.copy()
    before, after = samples[max(start - memory, 0) : start], samples[end : end + memory]
    samples[start:end] = seams.bridge(before, after, end - start)
    note = "The section is shorter than any passage, so it was drawn from the sound on both sides of it."
    return Inpainting(Audio(samples, audio.rate_hz), None, (note,))


def _section_frames(audio: Audio, section_s: tuple[float, float]) -> tuple[int, int]:
    start_s, end_s = section_s
    clip = f"The clip is {audio.duration_s:.3f} s long."
    if not (np.isfinite(start_s) and np.isfinite(end_s)) or end_s <= start_s:
        raise Refusal(f"The section from {start_s:g} to {end_s:g} s is empty.", "Give section_s as start and end.")
    if start_s < 0 or end_s > audio.duration_s + 0.5 / audio.rate_hz:
        raise Refusal(f"The section from {start_s:g} to {end_s:g} s does not lie inside the clip.", clip)
    start, end = round(start_s * audio.rate_hz), min(round(end_s * audio.rate_hz), audio.frames)
    if end <= start:
        raise Refusal(f"The section from {start_s:g} to {end_s:g} s holds no sample.", "Make it longer.")
    return start, end


def _nearby(audio: Audio, start: int, end: int) -> tuple[Audio, int, list[str]]:
    """The part of a long clip around the section, how many frames come before it, and what to say about it."""
    spare = round(MOST_MATERIAL_S * audio.rate_hz / 2)
    low, high = max(start - spare, 0), min(end + spare, audio.frames)
    notes = []
    if (low, high) != (0, audio.frames):
        notes.append(f"Only {MOST_MATERIAL_S / 120:.0f} minutes on each side of the section were used.")
    return Audio(audio.samples[low:high], audio.rate_hz), low, notes


def _section(audio: Audio, start: int, end: int) -> tuple[Section, list[str]]:
    """The section, and a note where little lies outside of it."""
    section = Section(start / audio.rate_hz, end / audio.rate_hz, audio.duration_s)
    outside_s = audio.duration_s - section.length_s
    if outside_s < LEAST_OUTSIDE_S:
        section = replace(section, everything=True)
        return section, ["Hardly anything lies outside of the section, so its own sound was put together anew."]
    if outside_s < section.length_s / 2:
        return section, [f"Only {outside_s:.1f} s lie outside of the section, so the filling repeats itself."]
    return section, []


def _choose(audio: Audio, listening: Listening, section: Section, beats: Beats, seed: int) -> list[seams.Piece]:
    """The pieces that fill the section, in frames of the section and of the clip."""
    grid = _grid(beats, section)
    moments_s = np.arange(listening.frames) * listening.hop_s
    usable = ((moments_s < section.start_s) | (moments_s > section.end_s)) | section.everything
    memory = Memory(listening, usable)
    here = memory.contexts(grid.times_s, grid.beat_s, PAST + FUTURE)
    leaps = walk.leap_costs(differences(here, here), grid, max(grid.per_bar, 2))
    rng = np.random.default_rng(seed)
    first, last = section.units(grid.times_s)
    starts = _edge_costs(audio, memory, grid, section.start_s, first, before=True)
    ends = _edge_costs(audio, memory, grid, section.end_s, last, before=False)
    starts = starts - DARING * rng.gumbel(size=len(starts))
    runs = fill(grid.times_s, section, leaps, starts, ends, rng)
    return _pieces(grid, section, runs, audio.rate_hz)


def _grid(beats: Beats, section: Section) -> walk.Grid:
    """The clip's grid, fine enough that the section's surroundings hold several units, continued over both ends."""
    outside_s = section.clip_s if section.everything else section.clip_s - section.length_s
    parts = walk.LEAST_UNITS * section.clip_s / max(outside_s, 1e-3)
    longest = max(section.start_s, section.clip_s - section.end_s)
    if not section.everything:
        parts = max(parts, 4 * section.clip_s / longest)
    grid = walk.lay_grid(beats, 0.0, section.clip_s, min(int(parts), 4000))
    before, after = grid.times_s[0] - grid.unit_s, grid.times_s[-1] + grid.unit_s
    missing_s = (grid.times_s[0], section.clip_s - grid.times_s[-1])
    count = [int(np.ceil(max(gap_s, 0.0) / grid.unit_s)) for gap_s in missing_s]
    lead = before - grid.unit_s * np.arange(count[0])[::-1]
    tail = after + grid.unit_s * np.arange(count[1])
    return replace(grid, times_s=np.concatenate([lead, grid.times_s, tail]))


def _edge_costs(
    audio: Audio, memory: Memory, grid: walk.Grid, edge_s: float, unit: int, *, before: bool
) -> NDArray[np.float64]:
    """For each unit, what it costs in the place of the unit at the section's edge; nothing at an end of the clip."""
    units = len(grid.times_s) - 1
    if edge_s <= 0.0 or edge_s >= audio.duration_s - 0.5 / audio.rate_hz:
        return np.full(units, NO_ANCHOR)
    windows = PAST if before else FUTURE
    places_s = grid.times_s[:-1] + (edge_s - grid.times_s[unit])
    there = memory.contexts(places_s, grid.beat_s, windows)
    cost = differences(memory.contexts(np.array([edge_s]), grid.beat_s, windows), there)[0].astype(np.float64)
    return np.asarray(cost + walk.metre_costs(np.arange(units) - unit, grid))


def _pieces(grid: walk.Grid, section: Section, runs: list[tuple[int, int]], rate_hz: int) -> list[seams.Piece]:
    """Each run as a piece; the first keeps step with the section's start, the last with its end."""
    first, last = section.units(grid.times_s)
    times_s, origin = grid.times_s, round(section.start_s * rate_hz)
    pieces = []
    for number, (unit, source) in enumerate(runs):
        in_step = last if number == len(runs) - 1 and number > 0 else unit
        offset = round((times_s[source + in_step - unit] - times_s[in_step]) * rate_hz)
        at = max(round(times_s[unit] * rate_hz), origin) if unit > first else origin
        pieces.append(seams.Piece(at - origin, at + offset))
    return pieces


def _render(audio: Audio, pieces: list[seams.Piece], start: int, end: int, beats: Beats) -> Samples:
    frames = end - start
    pieces = _in_phase(audio, pieces, start, end)
    shortest = float(np.diff([*(piece.at for piece in pieces), frames]).min())
    fades = seams.choose_fades(beats.confidence > 0, shortest / audio.rate_hz, audio.rate_hz)
    ceiling = seams.ceiling_of(audio.samples)
    filling = seams.lay(audio.samples, pieces, frames, fades, ceiling, lambda _: None)
    _meet_clip(audio, filling, start, end, ceiling)
    return filling


def _in_phase(audio: Audio, pieces: list[seams.Piece], start: int, end: int) -> list[seams.Piece]:
    """The first piece moved into phase with what comes before the section, the last with what comes after.

    Where one piece meets both sides and they ask for different moves, it is cut in two, and they meet in the middle.
    """
    reach = round(min(REACH_S * audio.rate_hz, (end - start) / 8))
    memory = round(seams.MEMORY_S * audio.rate_hz)
    first, last = pieces[0], pieces[-1]
    stop = last.source + (end - start) - last.at
    into, _ = seams.best_shift(audio.samples, start, first.source, (memory, 0), (-reach, reach)) if start else (0, 0.0)
    at_end = end >= audio.frames
    out_of, _ = (0, 0.0) if at_end else seams.best_shift(audio.samples, end, stop, (0, memory), (-reach, reach))
    if start == 0:
        into = out_of if len(pieces) == 1 else 0
    if at_end:
        out_of = into if len(pieces) == 1 else 0
    if len(pieces) == 1 and into != out_of:
        middle = (end - start) // 2
        pieces = [first, seams.Piece(middle, first.source + middle)]
    moved = [seams.Piece(piece.at, piece.source) for piece in pieces]
    moved[0] = seams.Piece(moved[0].at, moved[0].source + into)
    if len(moved) > 1:
        moved[-1] = seams.Piece(moved[-1].at, moved[-1].source + out_of)
    return [_inside(audio, piece, stop_at) for piece, stop_at in zip(moved, _stops(moved, end - start), strict=True)]


def _stops(pieces: list[seams.Piece], frames: int) -> list[int]:
    return [*(piece.at for piece in pieces[1:]), frames]


def _inside(audio: Audio, piece: seams.Piece, stop_at: int) -> seams.Piece:
    """A piece that the move took over an end of the clip, taken back."""
    most = max(audio.frames - (stop_at - piece.at), 0)
    return seams.Piece(piece.at, min(max(piece.source, 0), most))


def _meet_clip(audio: Audio, filling: Samples, start: int, end: int, ceiling: float) -> None:
    """Crossfade both ends of the filling with what the section held there. Changes `filling`."""
    fade = min(round(EDGE_FADE_S * audio.rate_hz), len(filling) // 2)
    if not fade:
        return
    if start > 0:
        filling[:fade] = seams.blend(audio.samples[start : start + fade], filling[:fade], ceiling)
    if end < audio.frames:
        filling[-fade:] = seams.blend(filling[-fade:], audio.samples[end - fade : end], ceiling)


def _describe(beats: Beats, count: int) -> str:
    passages = "1 passage" if count == 1 else f"{count} passages"
    if beats.confidence > 0:
        return f"The section was filled with {passages} from elsewhere in the clip, on its beat of {beats.bpm:.1f} bpm."
    return f"No beat was found; the section was filled with {passages} from elsewhere in the clip."
