"""Assemble: what a service gave back, joined with the user's own audio where it belongs to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sendreturn.audio.buffer import Audio
from sendreturn.audio.convert import convert
from sendreturn.audio.decode import open_decoder
from sendreturn.audio.probe import inspect
from sendreturn.audio.splice import HANDLE_S, SpliceReport, join_tail, splice_section
from sendreturn.engine.fit import Fit
from sendreturn.engine.outputs import FetchedFile, Prepared, Source
from sendreturn.engine.pieces import AUDIO, Piece
from sendreturn.engine.run import Run
from sendreturn.engine.sections import join_frame
from sendreturn.words import Kind

MIN_SECTION_S = 0.02
SHORT_S = 0.05
NOTHING_NEW = "Nothing of what came back is new: it ends before the place where the clip should go on."
NOT_JOINED = "The mix is as the service gave it, and not joined to the clip."
NO_SECTION = "What came back ends before the section that was to be made anew, so it was not patched in."


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
            pieces.append(_stem_of_section(run, prepared.source, file) or _as_it_is(file, fit))
    return [_with_notes_at(piece, prepared.source, fit, pieces) for piece in pieces]


def _with_notes_at(piece: Piece, source: Source | None, fit: Fit, pieces: list[Piece]) -> Piece:
    """Notes of the service are counted from the start of its audio; in the session they start with the mix."""
    if piece.kind is not Kind.MIDI or source is None:
        return piece
    mix = next((other for other in pieces if other.kind is Kind.MIX), None)
    start = mix.start_frame if mix is not None else 0
    shift_s = fit.shift_s - (fit.lead_frames + start) / source.sample_rate_hz
    return replace(piece, start_frame=start, shift_s=shift_s)


def _stem_of_section(run: Run, source: Source | None, file: FetchedFile) -> Piece | None:
    """A stem that holds only the part that was asked about (a voice of a few seconds), at the place of that part."""
    if file.kind is not Kind.STEM or file.covers != "section" or source is None:
        return None
    start_s = run.params.section_s[0] if run.params.section_s else 0.0
    start = round(start_s * source.sample_rate_hz)
    return Piece(file.kind, file.path, file.stem, file.made_by, start, is_part=True)


def _as_it_is(file: FetchedFile, fit: Fit, *warnings: str) -> Piece:
    lead = fit.lead_frames if file.covers == "all" else 0
    is_aligned = file.covers == "all"
    return Piece(file.kind, file.path, file.stem, file.made_by, -lead, warnings=warnings, is_aligned=is_aligned)


def _extended(run: Run, source: Source, file: FetchedFile, fit: Fit, folder: Path) -> list[Piece]:
    """The mix of clip and new audio, and the new audio alone as a part of it, so that they agree to the sample."""
    right = run.params.side != "left"
    at_frame = join_frame(run.params, source)
    song = _at_rate(file.path, source, folder)
    if file.covers != "all":
        return _joined(run, source, file, song.part(0, song.frames), None, folder)
    # The service gave the whole song back; only what is new of it is used.
    join = at_frame + (fit.lead_frames if fit.is_sure else _nominal_lead(source, song.frames, right=right))
    if not 0 < join < song.frames:
        return [_as_it_is(file, fit, NOTHING_NEW)]
    if fit.is_absent:
        return _other_music(file, song, join, at_frame, right=right)
    handle = round(HANDLE_S * source.sample_rate_hz)
    new = song.part(join, song.frames) if right else song.part(0, join)
    beside = song.part(join - handle, join) if right else song.part(join, join + handle)
    return _joined(run, source, file, new, beside if fit.is_sure else None, folder)


def _joined(run: Run, source: Source, file: FetchedFile, new: Audio, beside: Audio | None, folder: Path) -> list[Piece]:
    right = run.params.side != "left"
    at_frame = join_frame(run.params, source)
    mix = folder / "joined.wav"
    report = join_tail(source.staged, new, at_frame, mix, "right" if right else "left", beside)
    start = 0 if right else at_frame - new.frames
    is_aligned = file.covers == "all"
    checks = (*_join_checks(report), *_folded(new, source))
    whole = Piece(Kind.MIX, mix, None, file.made_by, start, checks=checks, is_aligned=is_aligned)
    part_start = at_frame if right else start
    kind = Kind.TAIL if right else Kind.HEAD
    return [whole, replace(whole, kind=kind, start_frame=part_start, cut=report.section_frames)]


def _other_music(file: FetchedFile, song: _Song, join: int, at_frame: int, *, right: bool) -> list[Piece]:
    """A song without the clip in it: all of it, and the part of it that should be new."""
    start = at_frame - join
    whole = Piece(Kind.MIX, song.path, None, file.made_by, start, warnings=(NOT_JOINED,), is_aligned=True)
    kind, cut = (Kind.TAIL, (join, song.frames)) if right else (Kind.HEAD, (0, join))
    return [whole, replace(whole, kind=kind, start_frame=at_frame if right else start, cut=cut)]


def _nominal_lead(source: Source, frames: int, *, right: bool) -> int:
    """Where the clip should lie in a song in which it cannot be found: at its start, or for a head at its end."""
    return 0 if right else frames - source.frames


def _join_checks(report: SpliceReport) -> tuple[str, ...]:
    if not report.crossfade_frames:
        return ("Clip and new audio join without a step, and so without a crossfade.", *_clipped(report))
    fade_ms = 1000 * report.crossfade_frames / report.sample_rate_hz
    drawn = f"At the join the new audio is drawn to the clip over {fade_ms:.0f} ms, so that it does not click."
    return (drawn, *_clipped(report))


def _clipped(report: SpliceReport) -> tuple[str, ...]:
    if not report.clipped:
        return ()
    return (f"{report.clipped:,} samples of the new audio were beyond full scale and were clipped.",)


def _patched(run: Run, source: Source, file: FetchedFile, fit: Fit, folder: Path) -> Piece:
    """The clip with the section made anew; what the service changed elsewhere is left out."""
    assert run.params.section_s is not None
    rate = source.sample_rate_hz
    start, end = (min(round(edge_s * rate), source.frames) for edge_s in run.params.section_s)
    song = _at_rate(file.path, source, folder)
    first = 0 if file.covers == "section" else start + (fit.lead_frames if fit.is_sure else 0)
    section = song.part(first, first + end - start)
    if section.frames < MIN_SECTION_S * rate:
        return _as_it_is(file, fit, NO_SECTION)
    mix = folder / "patched.wav"
    report = splice_section(source.staged, section, (start / rate, (start + section.frames) / rate), mix)
    missing_s = (end - start - section.frames) / rate
    early = f"The new section ends {missing_s:.2f} s too early; the clip goes on there."
    warnings = (early,) if missing_s > SHORT_S else ()
    checks = (*_patch_checks(report), *_folded(section, source))
    is_aligned = file.covers == "all"
    return Piece(Kind.MIX, mix, None, file.made_by, exact=True, checks=checks, warnings=warnings, is_aligned=is_aligned)


def _patch_checks(report: SpliceReport) -> tuple[str, ...]:
    fade_ms = 1000 * report.crossfade_frames / report.sample_rate_hz
    patched = f"Outside the section it is the clip, bit by bit; inside, its ends are crossfaded over {fade_ms:.0f} ms."
    return (patched, *_clipped(report))


def _folded(new: Audio, source: Source) -> tuple[str, ...]:
    return (
        ("The new audio is stereo, and was folded to mono as the clip is.",) if new.channels > source.channels else ()
    )


@dataclass(frozen=True)
class _Song:
    """A service's audio at the clip's rate, of which only parts are read."""

    path: Path
    frames: int

    def part(self, start: int, end: int) -> Audio:
        with open_decoder(self.path) as decoder:
            rate_hz = decoder.info.sample_rate_hz
            start, end = max(start, 0), min(end, self.frames)
            samples = np.empty((max(end - start, 0), decoder.info.channels), np.float32)
            decoder.seek(min(start, self.frames))
            at = 0
            for block in decoder.blocks(len(samples)):
                samples[at : at + len(block)] = block
                at += len(block)
        return Audio(samples, rate_hz)


def _at_rate(path: Path, source: Source, folder: Path) -> _Song:
    info = inspect(path)
    if info.sample_rate_hz != source.sample_rate_hz:
        info = convert(path, folder / f"at-rate-{path.stem}.wav", rate_hz=source.sample_rate_hz, bit_depth="float")
    return _Song(info.path, info.frames)
