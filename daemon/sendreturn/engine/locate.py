"""Locate: where the user's clip lies in what a service gave back, and what became of its level on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sendreturn.audio.align import Alignment, align
from sendreturn.audio.align_header import encoder_delay, header_notes
from sendreturn.audio.buffer import Audio
from sendreturn.audio.decode import open_decoder
from sendreturn.engine.outputs import FetchedFile, Source
from sendreturn.words import Kind

SURE = 0.5
"""From this confidence on a place is acted upon."""
LEAD_S = 0.5
"""More than this before the clip is music that the service has put there, not a codec's delay: it is kept."""
NEAR_S = 0.1


def is_sure(alignment: Alignment) -> bool:
    return alignment.lag_samples is not None and alignment.confidence >= SURE


def mono_of(paths: Sequence[Path]) -> Audio:
    """The mean of the channels, of several files their sum; at the rate of the first."""
    total, rate = np.zeros(0, np.float32), 0
    for path in paths:
        with open_decoder(path) as decoder:
            info = decoder.info
            if rate not in (0, info.sample_rate_hz):
                continue  # a stem at another rate; the others are enough to find the clip in
            rate = info.sample_rate_hz
            if info.frames > len(total):
                total = np.concatenate([total, np.zeros(info.frames - len(total), np.float32)])
            at = 0
            for block in decoder.blocks():
                total[at : at + len(block)] += block.mean(axis=1)
                at += len(block)
    return Audio(total[:, None], rate)


def locate(
    source: Source,
    files: Sequence[FetchedFile],
    *,
    kept: tuple[int, int] | None = None,
    section_s: tuple[float, float] | None = None,
    at_end: bool = False,
) -> Alignment | None:
    """Find the clip in the files of a take; None where none of them starts with it.

    Args:
        kept: The frames of the clip that should be in them, where that is not all of it.
        section_s: The part of the clip that was made anew, and in which it cannot be found.
        at_end: Whether the clip is expected at the end of them, as behind a new head, and not at their start.

    Raises:
        ClipError: a file cannot be decoded.
    """
    reference = _reference(files)
    if not reference:
        return None
    clip, heard = mono_of([source.staged]), mono_of(reference)
    found = _part_in(clip, kept or (0, clip.frames), heard, at_end=at_end)
    if not is_sure(found):
        return found
    if section_s is not None:
        found = _outside(section_s, clip, heard, found)
    return replace(found, notes=(*found.notes, *_header(reference[0], found, source)))


def _part_in(clip: Audio, kept: tuple[int, int], heard: Audio, *, at_end: bool) -> Alignment:
    """Where the clip would start, as a part of it tells."""
    part = Audio(clip.samples[slice(*kept)], clip.rate_hz)
    expected_s = max(heard.duration_s - part.duration_s, 0.0) if at_end else 0.0
    found = align(part, heard, expected_lag_s=expected_s)
    return found if found.lag_samples is None else replace(found, lag_samples=found.lag_samples - kept[0])


def stems_late_s(files: Sequence[FetchedFile]) -> float:
    """How much later the stems of a take start than its mix does: each may have come through a codec of its own.

    Raises:
        ClipError: a file cannot be decoded.
    """
    stems = [file.path for file in files if file.kind is Kind.STEM and file.covers == "all"]
    mix = next((file.path for file in files if file.kind is Kind.MIX and file.covers == "all"), None)
    if mix is None or len(stems) < 2:
        return 0.0
    whole = mono_of([mix])
    found = align(whole, mono_of(stems), search_s=NEAR_S)
    return found.lag_samples / whole.rate_hz if found.lag_samples is not None and is_sure(found) else 0.0


def _outside(section_s: tuple[float, float], clip: Audio, heard: Audio, found: Alignment) -> Alignment:
    """The same with what is new left out of both, so that it is not taken for a change of the clip's own sound."""
    assert found.lag_samples is not None
    lag_s = found.lag_samples / clip.rate_hz
    for audio, late_s in ((clip, 0.0), (heard, lag_s)):
        start, end = (max(0, round((edge_s + late_s) * audio.rate_hz)) for edge_s in section_s)
        audio.samples[start:end] = 0.0
    again = align(clip, heard, expected_lag_s=lag_s, search_s=NEAR_S)
    return again if is_sure(again) else replace(found, gain_db=None)


def _header(path: Path, found: Alignment, source: Source) -> tuple[str, ...]:
    """Whether the codec's delay that the file tells is really gone, where the clip lies near the start."""
    assert found.lag_samples is not None
    delay = encoder_delay(path)
    if delay is None or abs(found.lag_samples) > LEAD_S * source.sample_rate_hz:
        return ()
    return header_notes(delay, found, source.sample_rate_hz)


def _reference(files: Sequence[FetchedFile]) -> list[Path]:
    """What the clip is looked for in: the mix, else the sum of all stems."""
    whole = [file for file in files if file.covers == "all"]
    mix = next((file.path for file in whole if file.kind is Kind.MIX), None)
    return [mix] if mix is not None else [file.path for file in whole if file.kind is Kind.STEM]
