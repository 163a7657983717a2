"""The session's tempo: from the send, else the DAW's project file, else the clip; and who says it.

What stands in `defaults.yaml` beside a clip is part of the send by now.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, replace

from sendreturn.audio.clip import ClipInfo
from sendreturn.audio.notes import Meter
from sendreturn.contract import Clip
from sendreturn.engine.errands import errand
from sendreturn.engine.run import Run
from sendreturn.params import Params
from sendreturn.project_files import Found, read_session

SAME_TEMPO = 1e-3
"""Tempi whose ratio is nearer to 1 than this are the same: a DAW's display shows two or three decimals."""

UNPLACED = (
    "The session's tempo changes, and the clip does not say where it lies, so the tempo at the session's start was"
    " taken. Say where it lies with position_s."
)


@dataclass(frozen=True)
class SessionTempo:
    """The session's meter where the clip lies.

    Attributes:
        session: The same from the start of the session's timeline on.
        tempo_from, signature_from: "send", "project", "file" (the clip's own tag), "measured" or "default".
        notes: Sentences for `checks`.
    """

    meter: Meter
    session: Meter
    tempo_from: str
    signature_from: str
    notes: tuple[str, ...] = ()


async def read_project(run: Run) -> Found | None:
    """The project file of the send's session, and what it says."""
    return await asyncio.to_thread(read_session, run.send.session)


def session_rate_hz(found: Found | None) -> int | None:
    """The session's sample rate, where its project file tells it."""
    return found.project.sample_rate_hz if found and found.project else None


async def session_tempo(
    run: Run, found: Found | None, clip: Clip | None = None, info: ClipInfo | None = None, start_s: float = 0.0
) -> SessionTempo:
    """The tempo and time signature that the returns are made to.

    Args:
        clip: What the service gets; None for an operation without a clip.
        info: Of the user's own file.
        start_s: Where the clip starts on the session's timeline, as far as that is known.
    """
    is_placed = info is not None and _is_placed(run.params, info)
    whole = _meter_in_project(found)
    project = whole.starting_at(start_s if is_placed else 0.0) if whole is not None else None
    bpm, tempo_from = await _bpm(run, project, clip, info)
    if project is not None and abs(bpm / project.bpm - 1.0) > SAME_TEMPO:
        # Its changes are those of another tempo than the send's; the signature there still holds.
        project, whole = replace(project, changes=()), None
    meter, signature_from = _signed(run.params, project, bpm)
    session, _ = _signed(run.params, whole, whole.bpm) if whole is not None else (replace(meter, changes=()), "")
    notes = _notes(found, tempo_from, meter, is_placed=is_placed or clip is None)
    return SessionTempo(meter, session, tempo_from, signature_from, notes)


async def _bpm(run: Run, project: Meter | None, clip: Clip | None, info: ClipInfo | None) -> tuple[float, str]:
    if run.params.bpm:
        return run.params.bpm, "send"
    if project is not None:
        return project.bpm, "project"
    if info is not None and info.bpm:
        return info.bpm, "file"
    if clip is None:
        return 120.0, "default"
    takes = await errand(run, "bpm", clip, Params(), Meter(), run.folder / "bpm")
    measured = next((take.bpm for take in takes if take.bpm), None)
    return (measured, "measured") if measured else (120.0, "default")


def _signed(params: Params, project: Meter | None, bpm: float) -> tuple[Meter, str]:
    """The meter with its time signature, and who says that."""
    changes = project.changes if project is not None else ()
    if params.time_signature:
        beats, unit = (int(part) for part in params.time_signature.split("/"))
        steady = tuple(replace(change, numerator=beats, denominator=unit) for change in changes)
        return Meter(bpm, beats, unit, steady), "send"
    if project is not None:
        return Meter(bpm, project.beats, project.beat_unit, changes), "project"
    return Meter(bpm), "default"


def _meter_in_project(found: Found | None) -> Meter | None:
    tempo_map = found.project.tempo_map if found and found.project else None
    return tempo_map.meter_at(0.0, math.inf) if tempo_map else None


def _is_placed(params: Params, info: ClipInfo) -> bool:
    given = params.position_s is not None or params.position_samples is not None
    return given or info.time_reference_samples is not None


def _notes(found: Found | None, tempo_from: str, meter: Meter, *, is_placed: bool) -> tuple[str, ...]:
    if found is None or tempo_from == "send":
        return ()
    if found.note:
        return (found.note,)
    if meter.changes and not is_placed:
        return (UNPLACED,)
    return ()
