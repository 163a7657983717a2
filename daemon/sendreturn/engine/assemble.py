"""Assemble: what a service gave back, joined with the user's own audio where it belongs to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from sendreturn.audio.buffer import Audio
from sendreturn.audio.decode import read_audio
from sendreturn.audio.resample import resample
from sendreturn.audio.splice import HANDLE_S, SpliceReport, join_tail, splice_section
from sendreturn.engine.fit import Fit
from sendreturn.engine.outputs import FetchedFile, Prepared, Source
from sendreturn.engine.pieces import AUDIO, Piece
from sendreturn.engine.run import Run
from sendreturn.engine.sections import join_frame
from sendreturn.words import Kind

NOTHING_NEW = "Nothing of it is new: it ends before the place where the clip should go on."


def assemble(run: Run, prepared: Prepared, fit: Fit, folder: Path) -> list[Piece]:
    """The take's files, each with its place against the clip. Runs in a thread: it reads and writes whole clips."""
    pieces: list[Piece] = []
    for file in fit.files:
        source = prepared.source if file.kind in AUDIO and file.kind is not Kind.STEM else None
        if source is not None and run.send.operation == "extend":
            pieces += _extended(run, source, file, fit, folder)
        elif source is not None and run.send.operation == "inpaint":
            pieces.append(_patched(run, source, file, fit, folder))
        else:
            pieces.append(_as_it_is(file, fit))
    return [_with_notes_at(piece, prepared.source, fit, pieces) for piece in pieces]


def _with_notes_at(piece: Piece, source: Source | None, fit: Fit, pieces: list[Piece]) -> Piece:
    """Notes of the service are counted from the start of its audio; in the session they start with the mix."""
    if piece.kind is not Kind.MIDI or source is None:
        return piece
    mix = next((other for other in pieces if other.kind is Kind.MIX), None)
    start = mix.start_frame if mix is not None else 0
    shift_s = fit.shift_s - (fit.lead_frames + start) / source.sample_rate_hz
    return replace(piece, start_frame=start, shift_s=shift_s)


def _as_it_is(file: FetchedFile, fit: Fit, checks: tuple[str, ...] = ()) -> Piece:
    lead = fit.lead_frames if file.covers == "all" else 0
    return Piece(file.kind, file.path, file.stem, file.made_by, -lead, checks=checks, is_aligned=file.covers == "all")


def _extended(run: Run, source: Source, file: FetchedFile, fit: Fit, folder: Path) -> list[Piece]:
    """The mix of clip and new audio, and the new audio alone as a part of it, so that they agree to the sample."""
    right = run.params.side != "left"
    at_frame = join_frame(run.params, source)
    new, beside = _at_rate(read_audio(file.path), source), None
    if file.covers == "all":
        # The service gave the whole song back; only what is new of it is used.
        join = at_frame + (fit.lead_frames if fit.is_sure else _nominal_lead(source, new, right=right))
        if not 0 < join < new.frames:
            return [_as_it_is(file, fit, (NOTHING_NEW,))]
        new, beside = _parted(new, join, source, right=right)
        beside = beside if fit.is_sure else None
    mix = folder / "joined.wav"
    report = join_tail(source.staged, new, at_frame, mix, "right" if right else "left", beside)
    start = 0 if right else at_frame - new.frames
    kind = Kind.TAIL if right else Kind.HEAD
    whole = Piece(
        Kind.MIX, mix, None, file.made_by, start, checks=_join_checks(report), is_aligned=file.covers == "all"
    )
    part_start = at_frame if right else start
    return [whole, replace(whole, kind=kind, start_frame=part_start, cut=report.section_frames)]


def _parted(song: Audio, join: int, source: Source, *, right: bool) -> tuple[Audio, Audio]:
    """What is new in a whole song, and what lies beside it on the clip's side of the join."""
    handle = round(HANDLE_S * source.sample_rate_hz)
    if right:
        return _part(song, join, song.frames), _part(song, max(join - handle, 0), join)
    return _part(song, 0, join), _part(song, join, join + handle)


def _nominal_lead(source: Source, new: Audio, *, right: bool) -> int:
    """Where the clip should lie in a song in which it cannot be found: at its start, or for a head at its end."""
    return 0 if right else new.frames - source.frames


def _join_checks(report: SpliceReport) -> tuple[str, ...]:
    if not report.crossfade_frames:
        return ()
    fade_ms = 1000 * report.crossfade_frames / report.sample_rate_hz
    return (f"At the join the new audio is drawn to the clip over {fade_ms:.0f} ms, so that it does not click.",)


def _patched(run: Run, source: Source, file: FetchedFile, fit: Fit, folder: Path) -> Piece:
    """The clip with the section made anew; what the service changed elsewhere is left out."""
    assert run.params.section_s is not None
    start, end = (round(edge_s * source.sample_rate_hz) for edge_s in run.params.section_s)
    end = min(end, source.frames)
    new = _at_rate(read_audio(file.path), source)
    first = start + (fit.lead_frames if fit.is_sure else 0)
    section = new if file.covers == "section" else _part(new, max(first, 0), first + end - start)
    if section.frames <= 0:
        return _as_it_is(file, fit, ("It ends before the section that was to be made anew, so it was not patched in.",))
    missing_s = (end - start - section.frames) / source.sample_rate_hz
    mix = folder / "patched.wav"
    report = splice_section(source.staged, _fitted(section, end - start), run.params.section_s, mix)
    checks = _patch_checks(report, missing_s)
    is_aligned = file.covers == "all"
    return Piece(Kind.MIX, mix, None, file.made_by, exact=True, checks=checks, is_aligned=is_aligned)


def _patch_checks(report: SpliceReport, missing_s: float) -> tuple[str, ...]:
    fade_ms = 1000 * report.crossfade_frames / report.sample_rate_hz
    checks = [f"Outside the section it is the clip, bit by bit; inside, its ends are crossfaded over {fade_ms:.0f} ms."]
    if missing_s > 0.05:
        checks.append(f"The service's section ends {missing_s:.2f} s too early; the rest of it is silence.")
    return tuple(checks)


def _at_rate(audio: Audio, source: Source) -> Audio:
    return audio if audio.rate_hz == source.sample_rate_hz else resample(audio, source.sample_rate_hz)


def _part(audio: Audio, start: int, end: int) -> Audio:
    return Audio(audio.samples[start:end], audio.rate_hz)


def _fitted(audio: Audio, frames: int) -> Audio:
    """The audio cut, or filled up with silence, to a length."""
    missing = max(frames - audio.frames, 0)
    return Audio(np.pad(audio.samples[:frames], ((0, missing), (0, 0))), audio.rate_hz)
