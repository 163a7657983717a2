"""Continue a clip with its own material, on the beat: signal processing, not a generative model.

    listen  →  beats  →  which moments may follow one another  →  a walk through them  →  pieces, aligned  →  audio

The walk leaves a passage only where another one matches in timbre, harmony, loudness and place in the bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from sendreturn.audio.beats import Beats, find_beats
from sendreturn.audio.buffer import Audio
from sendreturn.audio.listening import listen
from sendreturn.errors import Refusal

from sendreturn_bridges.services.local import seams, walk
from sendreturn_bridges.services.local.similarity import FUTURE, PAST, Memory, differences

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sendreturn.audio.buffer import Samples

SHORTEST_CLIP_S = 0.2
LEAST_S, MOST_S = 1.0, 600.0
MOST_MATERIAL_S = 600.0
"""Of longer clips only the part next to the new audio is used, so that memory and time stay bounded."""
LEAST_BEFORE_CUT_S = 4.0
"""With `from_s`, what follows the cut is used as material only where less than this lies before it."""
LONGEST_RUN_BEATS = 24
FIRST_CANDIDATES = 12
RING_S = 0.025
"""How long what rings at the clip's edge takes to give way to the new audio."""
SHORT_RING_S = 0.002
"""Likewise before an attack."""


@dataclass(frozen=True)
class Extension:
    """New audio that butt-joins a clip.

    Attributes:
        new: The new audio alone, at the clip's rate and with its channels.
        bpm: The tempo that was followed; None where no beat was found.
        notes: Sentences on what was done, or could not be done.
    """

    new: Audio
    bpm: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """A clip with the place where it is continued. All frames count from the start of `samples`.

    Attributes:
        samples: The part of the clip that is used.
        edge: The frame that the new audio joins: its first frame takes the place of this one (right), or its
            last comes right before it (left).
        right: True for a continuation to the right.
        last: Frame after the last of the material.
    """

    samples: Samples
    rate_hz: int
    edge: int
    right: bool
    last: int

    @property
    def ceiling(self) -> float:
        """No new sample exceeds full scale, unless the clip itself does."""
        return seams.ceiling_of(self.samples)


def extend(
    audio: Audio,
    *,
    extend_s: float,
    side: str = "right",
    from_s: float | None = None,
    bpm: float | None = None,
    seed: int = 0,
    progress: seams.Progress = lambda _: None,
) -> Extension:
    """Continue a clip to the right or to the left.

    Args:
        audio: The clip, 0.2 s or longer.
        extend_s: Length of the new audio, 1 to 600 s; met to the frame.
        side: `right`: the new audio begins where the clip ends, or at `from_s`; `left`: it ends where the clip begins.
        from_s: Where in the clip the continuation begins (right only); what follows there is left out.
        bpm: The tempo, where it is known.
        seed: Another seed gives another continuation, where the clip has more than one in it.
        progress: Told 0 to 1.

    Raises:
        Refusal: A value with which there is nothing to be done.
    """
    check_clip(audio)
    _check(audio, extend_s, side, from_s)
    frames = round(extend_s * audio.rate_hz)
    job, notes = _prepare(audio, side, from_s)
    listening = listen(Audio(job.samples, job.rate_hz))
    progress(0.1)
    beats = find_beats(listening, bpm)
    if listening.silent:
        return Extension(_silent(audio, frames), None, (*notes, "The clip is silent, and so is what was added."))
    grid = walk.lay_grid(beats, *_sounding(listening.loudness_db, listening.hop_s, job))
    usable = (np.arange(listening.frames) * listening.hop_s * job.rate_hz < job.last) | (not job.right)
    pieces = _plan(job, Memory(listening, usable), grid, frames, seed)
    progress(0.3)
    fades = seams.choose_fades(beats.confidence > 0, grid.unit_s, job.rate_hz)
    new = seams.lay(job.samples, pieces, frames, fades, job.ceiling, lambda share: progress(0.3 + 0.65 * share))
    _meet_clip(job, new, pieces, fades)
    progress(1.0)
    return Extension(Audio(new, audio.rate_hz), _tempo(beats), (*notes, *_describe(beats, pieces)))


def check_clip(audio: Audio) -> None:
    """Refuse a clip that cannot be worked on.

    Raises:
        Refusal: Too short, or not made of numbers.
    """
    if audio.duration_s < SHORTEST_CLIP_S:
        raise Refusal(
            f"The clip is {audio.duration_s:.3f} s long; the local service needs at least {SHORTEST_CLIP_S} s.",
            "Send a longer part of the audio.",
        )
    if not np.isfinite(audio.samples).all():
        raise Refusal("The clip holds samples that are not numbers.", "Bounce it again and send the new file.")


def _check(audio: Audio, extend_s: float, side: str, from_s: float | None) -> None:
    if not LEAST_S <= extend_s <= MOST_S:
        raise Refusal(
            f"The local service extends by {LEAST_S:g} to {MOST_S:g} s, not by {extend_s:g} s.",
            "Change extend_s.",
        )
    if side not in ("right", "left"):
        raise Refusal(f"A clip has no side {side!r}.", "Give side as right or left.")
    if from_s is None:
        return
    if side == "left":
        raise Refusal("A continuation to the left begins at the clip's start.", "Leave out from_s, or use range_s.")
    if not SHORTEST_CLIP_S <= from_s <= audio.duration_s + 0.5 / audio.rate_hz:
        raise Refusal(
            f"from_s is {from_s:g}, but the clip can be continued from {SHORTEST_CLIP_S} to {audio.duration_s:.3f} s.",
            "Change from_s, or leave it out to continue from the end.",
        )


def _prepare(audio: Audio, side: str, from_s: float | None) -> tuple[Job, list[str]]:
    notes = []
    right = side == "right"
    edge = (audio.frames if from_s is None else min(round(from_s * audio.rate_hz), audio.frames)) if right else 0
    most = round(MOST_MATERIAL_S * audio.rate_hz)
    start = max(edge - most, 0) if right else 0
    samples = audio.samples[start : start + most]
    if len(samples) < audio.frames:
        notes.append(f"Only the {MOST_MATERIAL_S / 60:.0f} minutes of the clip next to the new audio were used.")
    last = len(samples)
    if right and edge - start >= LEAST_BEFORE_CUT_S * audio.rate_hz:
        last = edge - start
    return Job(samples, audio.rate_hz, edge - start, right, last), notes


def _sounding(loudness_db: NDArray[np.float32], hop_s: float, job: Job) -> tuple[float, float]:
    """The material without the silence at its ends: from and to, in seconds."""
    last_s = job.last / job.rate_hz
    moments_s = np.arange(len(loudness_db)) * hop_s
    loud_s = moments_s[(loudness_db > loudness_db.max() - 50.0) & (moments_s <= last_s)]
    if not len(loud_s) or loud_s[-1] - loud_s[0] < SHORTEST_CLIP_S:
        return 0.0, last_s
    return _unless_near(loud_s[0], 0.0), _unless_near(loud_s[-1], last_s)


def _unless_near(found_s: float, edge_s: float) -> float:
    return edge_s if abs(found_s - edge_s) < 0.25 else float(found_s)


def _plan(job: Job, memory: Memory, grid: walk.Grid, frames: int, seed: int) -> list[seams.Piece]:
    """The pieces of the clip to be played, aligned with one another, and cut to length at the far end."""
    rng = np.random.default_rng(seed)
    here = memory.contexts(grid.times_s, grid.beat_s, PAST + FUTURE)
    shortest = max(1, min(grid.per_bar if grid.per_bar > 1 else 8, grid.units // 2))
    costs = walk.leap_costs(differences(here, here), grid, shortest)
    line, meeting = _first_place(job, memory, grid, rng)
    units = int(frames / job.rate_hz / np.diff(grid.times_s).min()) + shortest + 2
    longest = max(shortest, round(LONGEST_RUN_BEATS * grid.beat_s / grid.unit_s))
    if job.right:
        runs = walk.Walk(costs, shortest, longest, rng).runs(line, units)
    else:
        mirror = walk.Walk(walk.mirrored(costs), shortest, longest, rng)
        runs = walk.unmirrored(mirror.runs(grid.units - line, units), grid.units + 1)
    spans = _spans(job, grid, runs, meeting)
    return _cut(job, _aligned(job, grid, spans), frames)


def _first_place(job: Job, memory: Memory, grid: walk.Grid, rng: np.random.Generator) -> tuple[int, int]:
    """Where the new audio meets the clip: a grid line, and the frame near it that matches the clip's edge.

    The edge lies somewhere in a unit of the grid; the places in question lie equally far into theirs.
    """
    edge_s = job.edge / job.rate_hz
    before, phase_s = _phase(grid, edge_s)
    lines = np.arange(0, grid.units) if job.right else np.arange(1, grid.units + 1)
    places_s = grid.times_s[lines] + (phase_s if job.right else phase_s - grid.unit_s * (phase_s > 0))
    lines, places_s = _playable(job, grid, lines, places_s)
    windows = PAST if job.right else FUTURE
    there = memory.contexts(places_s, grid.beat_s, windows)
    cost = differences(memory.contexts(np.array([edge_s]), grid.beat_s, windows), there)[0]
    if grid.per_bar > 1:
        behind = lines - (0 if job.right else int(phase_s > 0))
        cost = cost + walk.metre_costs(behind - before, grid)
    cost = cost - walk.DARING * rng.gumbel(size=len(cost))
    best = np.argsort(cost)[:FIRST_CANDIDATES]
    matches = [_match_edge(job, grid, float(places_s[each])) for each in best]
    totals = [float(cost[each]) - 0.6 * likeness for each, (_, likeness) in zip(best, matches, strict=True)]
    chosen = int(np.argmin(totals))
    return int(lines[best[chosen]]), matches[chosen][0]


def _phase(grid: walk.Grid, edge_s: float) -> tuple[int, float]:
    """The grid line before the edge, counted on beyond the ends of the grid, and how long after it the edge lies."""
    slack_s = min(0.012, grid.unit_s / 4)
    nearest = max(int(np.searchsorted(grid.times_s, edge_s + slack_s, side="right")) - 1, 0)
    beyond_s = edge_s - float(grid.times_s[nearest])
    lines = int(np.floor((beyond_s + slack_s) / grid.unit_s))
    return nearest + lines, beyond_s - lines * grid.unit_s


def _playable(
    job: Job, grid: walk.Grid, lines: NDArray[np.int_], places_s: NDArray[np.float64]
) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    """The places that lie in the material and are not the clip's edge itself."""
    margin_s = min(0.02, grid.unit_s / 4)
    low_s, high_s = grid.times_s[0], grid.times_s[-1]
    inside = (places_s >= low_s - 1e-6) & (places_s <= high_s - margin_s)
    if not job.right:
        inside = (places_s >= low_s + margin_s) & (places_s <= high_s + 1e-6)
    away = np.abs(places_s - job.edge / job.rate_hz) > margin_s
    for fits in (inside & away, inside):
        if fits.any():
            return lines[fits], places_s[fits]
    return lines, np.clip(places_s, low_s, high_s)


def _match_edge(job: Job, grid: walk.Grid, place_s: float) -> tuple[int, float]:
    """The frame nearest to the place at which the clip is in phase with its edge, and how alike they are."""
    at = round(place_s * job.rate_hz)
    before, after = round(0.06 * job.rate_hz), round(0.03 * job.rate_hz)
    spans = (before, after if job.edge < len(job.samples) else 0) if job.right else (0, before)
    reach = _reach(grid, job.rate_hz)
    shift, likeness = seams.best_shift(job.samples, job.edge, at, spans, (-reach, reach))
    return at + shift, likeness


def _reach(grid: walk.Grid, rate_hz: int) -> int:
    """How far a joint may be shifted: little on the beat, a period of the lowest tone where there is none."""
    return round(min(0.004 if grid.per_bar > 1 else 0.02, grid.unit_s / 8) * rate_hz)


def _spans(job: Job, grid: walk.Grid, runs: list[walk.Run], meeting: int) -> list[tuple[int, int]]:
    """The runs as frames of the clip, the one next to the clip beginning or ending at the meeting place."""
    lines = np.round(grid.times_s * job.rate_hz).astype(int)
    spans = [(int(lines[run.enter]), int(lines[run.leave])) for run in runs]
    if job.right:
        spans[0] = (meeting, max(spans[0][1], meeting + 1))
    else:
        spans[-1] = (min(spans[-1][0], meeting - 1), meeting)
    return spans


def _aligned(job: Job, grid: walk.Grid, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans with every entry moved into phase with the exit before it; the moves never add up to a drift."""
    reach = _reach(grid, job.rate_hz)
    window = (round(0.03 * job.rate_hz), round(0.06 * job.rate_hz))
    moved, drift = [spans[0]], 0
    known: dict[tuple[int, int, int], int] = {}
    for (_, leave), (enter, end) in pairwise(spans):
        key = (leave, enter, drift)
        if key not in known:
            known[key], _ = seams.best_shift(job.samples, leave, enter, window, (-reach - drift, reach - drift))
        shift = min(known[key], end - enter - 1)
        drift += shift
        moved.append((enter + shift, end))
    return moved


def _cut(job: Job, spans: list[tuple[int, int]], frames: int) -> list[seams.Piece]:
    """The spans laid end to end in the new audio; what is too much is cut off at the end away from the clip."""
    lengths = [end - start for start, end in spans]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    skip = 0 if job.right else int(starts[-1]) - frames
    pieces = []
    for (start, end), at in zip(spans, starts[:-1] - skip, strict=True):
        if at + (end - start) > 0 and at < frames:
            late = max(-int(at), 0)
            pieces.append(seams.Piece(int(at) + late, start + late))
    return pieces


def _meet_clip(job: Job, new: Samples, pieces: list[seams.Piece], fades: seams.Fades) -> None:
    """Make the new audio's end at the clip run on from the clip, or up to it. Changes `new`."""
    ring = max(4, min(round(RING_S * job.rate_hz), fades.length * 4, len(new)))
    memory = round(seams.MEMORY_S * job.rate_hz)
    if not job.right:
        meeting = pieces[-1].source + len(new) - pieces[-1].at
        clip, rest = job.samples[:memory], job.samples[meeting : meeting + memory]
        _lead_up(new, clip, rest, ring, job)
        return
    real = job.samples[job.edge : job.edge + ring]
    if len(real) == ring:
        new[:ring] = seams.blend(real, new[:ring], job.ceiling)
        return
    meeting = pieces[0].source
    past, other = job.samples[max(job.edge - memory, 0) : job.edge], job.samples[max(meeting - memory, 0) : meeting]
    new[:ring] = seams.run_on(past, new[:ring].copy(), other, job.ceiling)


def _lead_up(new: Samples, clip: Samples, rest: Samples, ring: int, job: Job) -> None:
    """Change the end of `new` so that it leads up to `clip`; heard backwards, it runs on from it."""
    for frames in (ring, max(4, min(ring, round(SHORT_RING_S * job.rate_hz)))):
        end = new[-frames:].copy()
        led = seams.run_on(clip[::-1], end[::-1], rest[::-1], job.ceiling)[::-1]
        # An attack at the clip's start, carried backwards, would be heard as an echo before it.
        if np.square(led - end).sum() <= np.square(end).sum():
            break
    new[-frames:] = led


def _silent(audio: Audio, frames: int) -> Audio:
    return Audio(np.zeros((frames, audio.channels), dtype=np.float32), audio.rate_hz)


def _tempo(beats: Beats) -> float | None:
    return beats.bpm if beats.confidence > 0 else None


def _describe(beats: Beats, pieces: list[seams.Piece]) -> list[str]:
    count = len(pieces)
    passages = "1 passage" if count == 1 else f"{count} passages"
    if beats.confidence > 0:
        return [f"The clip's own material goes on at {beats.bpm:.1f} bpm, in {passages} that match where they meet."]
    return [f"No beat was found, so {passages} of the clip's own material were joined where they sound alike."]
