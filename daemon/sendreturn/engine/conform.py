"""Conform: every return in the session's rate and depth, measured, with its place on the timeline written into it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sendreturn.audio.broadcast_wave import write_metadata
from sendreturn.audio.clip import ClipInfo
from sendreturn.audio.convert import BitDepth, convert
from sendreturn.audio.cue import Marker
from sendreturn.audio.flac_tags import tags_of, write_tags
from sendreturn.audio.loudness import measure
from sendreturn.audio.probe import probe
from sendreturn.audio.returned_midi import NotePlace, conform_midi
from sendreturn.audio.splice import exact_subtype
from sendreturn.audio.wave_metadata import WaveMetadata
from sendreturn.engine.frames import Frame, frame_of, stem_findings
from sendreturn.engine.journal import SendRow
from sendreturn.engine.outputs import Aligned, FinishedFile, Prepared
from sendreturn.engine.pieces import AUDIO, Piece, Ready
from sendreturn.engine.run import Run
from sendreturn.engine.sections import markers_in, sections_of
from sendreturn.params import Params
from sendreturn.words import Kind

NAMELESS = "song"
FIRST_WORDS = 4
"""Of what was asked for, as a name where there is no other."""
BITS = {"PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64}
FLAC_DEPTHS: dict[str, BitDepth] = {"PCM_16": 16, "PCM_24": 24}


def conform(
    run: Run,
    prepared: Prepared,
    pieces: Sequence[Piece],
    take: int,
    folder: Path,
    aligned: Aligned | None = None,
) -> list[FinishedFile]:
    """All pieces of a take, ready to be delivered; stems get exactly the mix's rate, start and length."""
    written = _written(run, prepared, pieces, folder)
    mix = next((ready for ready in written.values() if ready.piece.kind is Kind.MIX), None)
    frame = frame_of(prepared, mix, run.send.operation)
    ready = {index: frame.fitted(one) for index, one in written.items()}
    found = stem_findings(ready, prepared, folder)
    files = []
    for index, piece in enumerate(pieces):
        if index in ready:
            one = ready[index].with_checks(found.checks.get(index, ()))
            own = found.aligned(aligned) if piece.kind is Kind.STEM else aligned
            file = _measured(run, prepared, one.piece, one.info, take)
            warnings = (*piece.warnings, *found.warnings.get(index, ()))
            files.append(replace(file, alignment=own if piece.is_aligned else None, warnings=warnings))
        elif piece.kind is Kind.MIDI:
            files.append(_notes(run, prepared, piece, folder / f"out-{index}.mid", frame))
        else:
            files.append(FinishedFile(piece.kind, piece.path, piece.stem, piece.made_by, checks=piece.told))
    return files


def clip_name(send: SendRow, params: Params) -> str:
    """What the returns are named after: the clip, as the user had named it, else the title, else what was asked for."""
    named = send.found_at or send.clip
    return named.stem if named else params.title or _first_words(params) or NAMELESS


def _first_words(params: Params) -> str:
    """The beginning of what the user has written, without headings such as "[Verse]"."""
    written = re.sub(r"\[[^\]]*\]", " ", params.prompt or params.lyrics or params.style_text)
    words = (word.strip('.,;:!?"“”()') for word in written.split())
    return " ".join([word for word in words if word][:FIRST_WORDS])


def _written(run: Run, prepared: Prepared, pieces: Sequence[Piece], folder: Path) -> dict[int, Ready]:
    """The audio of all pieces in the session's rate and depth, by the index of the piece."""
    rate_hz = _rate(run, prepared, pieces)
    whole: dict[Path, Path] = {}
    return {
        index: Ready(piece, _write(run, prepared, piece, folder / f"out-{index}.wav", rate_hz, whole))
        for index, piece in enumerate(pieces)
        if piece.kind in AUDIO
    }


def _notes(run: Run, prepared: Prepared, piece: Piece, target: Path, frame: Frame) -> FinishedFile:
    """Notes at the session's tempo, moved with the audio that they belong to."""
    meter = prepared.meter.starting_at(frame.start_s)
    wanted = run.means.settings.returns.quantize
    quantizing = wanted.quantizing if wanted else None
    place = NotePlace(
        meter, frame.duration_s, piece.shift_s, prepared.session, prepared.start_s + frame.start_s, quantizing
    )
    report = conform_midi(piece.path, target, place, title=clip_name(run.send, run.params))
    warnings = report.checks if report.is_raw else ()
    checks = (*piece.told, *report.checks)
    return FinishedFile(piece.kind, target, piece.stem, piece.made_by, checks=checks, warnings=warnings)


def _write(
    run: Run, prepared: Prepared, piece: Piece, target: Path, rate_hz: int | None, whole: dict[Path, Path]
) -> ClipInfo:
    """The piece's audio at `target`. A part is cut out of the finished mix, so that the two agree to the sample."""
    if piece.exact:
        shutil.copyfile(piece.path, target)
        return probe(target)
    if piece.cut is None:
        whole[piece.path] = target
        loud = _may_exceed(prepared)
        return convert(piece.path, target, rate_hz=rate_hz, bit_depth=_depth(run), rather_float=loud)
    mix = probe(whole[piece.path])
    own = probe(piece.path)
    first, last = (round(frame * mix.sample_rate_hz / own.sample_rate_hz) for frame in piece.cut)
    rate = mix.sample_rate_hz
    depth = "float" if mix.subtype == "FLOAT" else _depth(run)
    return convert(mix.path, target, start_s=first / rate, end_s=min(last, mix.frames) / rate, bit_depth=depth)


def _may_exceed(prepared: Prepared) -> bool:
    """Whether the clip's own samples may lie beyond full scale; what is made from it is not clipped then."""
    return prepared.source is not None and exact_subtype(prepared.source.subtype) in ("FLOAT", "DOUBLE")


def _rate(run: Run, prepared: Prepared, pieces: Sequence[Piece]) -> int | None:
    """The session's rate. A mix whose samples must stay as they are keeps its own, and its stems go with it."""
    exact = next((piece for piece in pieces if piece.exact), None)
    if exact is not None:
        return probe(exact.path).sample_rate_hz
    configured = run.means.settings.returns.rate_hz
    return configured or prepared.session_rate_hz or (prepared.source.sample_rate_hz if prepared.source else None)


def _depth(run: Run) -> BitDepth:
    depth = run.means.settings.returns.bit_depth
    return 16 if depth == 16 else 24 if depth == 24 else "float"


def _position(prepared: Prepared, piece: Piece, rate_hz: int) -> int:
    """Where the piece starts on the timeline, in samples at `rate_hz`."""
    if prepared.source is None:
        return 0
    own_hz = prepared.source.sample_rate_hz
    start = round(prepared.source.position_samples * rate_hz / own_hz)
    return start + round(piece.start_frame * rate_hz / own_hz)


def _measured(run: Run, prepared: Prepared, piece: Piece, info: ClipInfo, take: int) -> FinishedFile:
    loudness = measure(info.path)
    position = _position(prepared, piece, info.sample_rate_hz)
    checks = (*piece.told, *info.notes)
    if position < 0:
        checks = (*checks, f"It starts {-position} samples before the session does; its time reference says 0.")
    name = clip_name(run.send, run.params)
    label = piece.stem or piece.kind.value
    metadata = WaveMetadata(
        description=f"{name}: {run.send.operation} take {take}, {label}",
        originated_at=datetime.now().astimezone(),
        time_reference_samples=max(position, 0),
        originator_reference=run.send.id,
        coding_history=_coding_history(info),
        loudness_lufs=loudness.integrated_lufs,
        true_peak_dbtp=loudness.true_peak_dbtp,
        loudness_range_lu=loudness.range_lu,
        max_momentary_lufs=loudness.max_momentary_lufs,
        max_short_term_lufs=loudness.max_short_term_lufs,
        project=run.send.session.name,
        scene=name,
        take=str(take),
        note=piece.made_by,
        tracks=(f"{name} {label}",),
        info={"INAM": f"{name} {run.send.operation} {label}", "ISFT": "sendreturn", "ICMT": piece.made_by},
        markers=_markers(run, prepared, piece, info),
    )
    path = _with_metadata(run, prepared, info, metadata)
    return FinishedFile(
        kind=piece.kind,
        path=path,
        stem=piece.stem,
        made_by=piece.made_by,
        sample_rate_hz=info.sample_rate_hz,
        bit_depth=BITS.get(info.subtype, 24),
        channels=info.channels,
        duration_s=info.duration_s,
        position_samples=position,
        loudness_lufs=_hundredths(loudness.integrated_lufs),
        true_peak_dbtp=_hundredths(loudness.true_peak_dbtp),
        checks=checks,
    )


def _hundredths(value: float | None) -> float | None:
    """As in `bext`: finer than that, no two meters agree."""
    return None if value is None else round(value, 2)


def _with_metadata(run: Run, prepared: Prepared, info: ClipInfo, metadata: WaveMetadata) -> Path:
    """The file with its metadata, as FLAC where that is wanted and holds it exactly."""
    depth = FLAC_DEPTHS.get(info.subtype)
    if run.means.settings.returns.format != "flac" or depth is None:
        write_metadata(info.path, metadata)
        return info.path
    target = info.path.with_suffix(".flac")
    convert(info.path, target, bit_depth=depth, fmt="FLAC")
    write_tags(target, tags_of(metadata, info.sample_rate_hz, prepared.meter.bpm))
    return target


def _markers(run: Run, prepared: Prepared, piece: Piece, info: ClipInfo) -> tuple[Marker, ...]:
    sections = sections_of(run.send.operation, run.params, prepared.source)
    if prepared.source is None or not sections:
        return ()
    return markers_in(sections, prepared.source.sample_rate_hz, piece.start_frame, info.sample_rate_hz, info.frames)


def _coding_history(info: ClipInfo) -> str:
    """One line after EBU R 98."""
    mode = "mono" if info.channels == 1 else "stereo"
    return f"A=PCM,F={info.sample_rate_hz},W={BITS.get(info.subtype, 24)},M={mode},T=sendreturn"
