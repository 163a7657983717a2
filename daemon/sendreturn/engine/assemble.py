"""Assemble: what a service gave back, joined with the user's own audio where it belongs to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sendreturn.audio.buffer import Audio
from sendreturn.audio.decode import read_audio
from sendreturn.audio.resample import resample
from sendreturn.audio.splice import join_tail, splice_section
from sendreturn.engine.conform import AUDIO, Piece
from sendreturn.engine.outputs import FetchedFile, FetchedTake, Prepared, Source
from sendreturn.engine.run import Run
from sendreturn.engine.sections import join_frame
from sendreturn.words import Kind


def assemble(run: Run, prepared: Prepared, take: FetchedTake, folder: Path) -> list[Piece]:
    """The take's files, each with its place against the clip. Runs in a thread: it reads and writes whole clips."""
    pieces: list[Piece] = []
    for file in take.files:
        source = prepared.source if file.kind in AUDIO and file.kind is not Kind.STEM else None
        if source is not None and run.send.operation == "extend":
            pieces += _extended(run, source, file, folder)
        elif source is not None and run.send.operation == "inpaint":
            pieces.append(_patched(run, source, file, folder))
        else:
            pieces.append(Piece(file.kind, file.path, file.stem, file.made_by))
    return pieces


def _extended(run: Run, source: Source, file: FetchedFile, folder: Path) -> list[Piece]:
    """The mix of clip and new audio, and the new audio alone as a part of it, so that they agree to the sample."""
    right = run.params.side != "left"
    at_frame = join_frame(run.params, source)
    new = _at_rate(read_audio(file.path), source)
    if file.covers == "all":
        # The service gave the whole song back; only what is new of it is used.
        kept = source.frames - at_frame
        new = _part(new, at_frame, new.frames) if right else _part(new, 0, max(new.frames - kept, 0))
    mix = folder / "joined.wav"
    report = join_tail(source.staged, new, at_frame, mix, "right" if right else "left")
    start = 0 if right else at_frame - new.frames
    whole = Piece(Kind.MIX, mix, None, file.made_by, start)
    kind = Kind.TAIL if right else Kind.HEAD
    return [whole, Piece(kind, mix, None, file.made_by, at_frame if right else start, report.section_frames)]


def _patched(run: Run, source: Source, file: FetchedFile, folder: Path) -> Piece:
    """The clip with the section made anew; what the service changed elsewhere is left out."""
    assert run.params.section_s is not None
    start, end = (round(edge_s * source.sample_rate_hz) for edge_s in run.params.section_s)
    end = min(end, source.frames)
    new = _at_rate(read_audio(file.path), source)
    section = new if file.covers == "section" else _part(new, start, end)
    mix = folder / "patched.wav"
    splice_section(source.staged, _fitted(section, end - start), run.params.section_s, mix)
    return Piece(Kind.MIX, mix, None, file.made_by, exact=True)


def _at_rate(audio: Audio, source: Source) -> Audio:
    return audio if audio.rate_hz == source.sample_rate_hz else resample(audio, source.sample_rate_hz)


def _part(audio: Audio, start: int, end: int) -> Audio:
    return Audio(audio.samples[start:end], audio.rate_hz)


def _fitted(audio: Audio, frames: int) -> Audio:
    """The audio cut, or filled up with silence, to a length."""
    missing = max(frames - audio.frames, 0)
    return Audio(np.pad(audio.samples[:frames], ((0, missing), (0, 0))), audio.rate_hz)
