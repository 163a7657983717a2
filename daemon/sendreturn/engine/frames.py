"""The frame that all files of a take share: its stems get the mix's start and length, and are held against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sendreturn.audio.convert import convert
from sendreturn.audio.probe import inspect
from sendreturn.audio.stem_checks import StemReport, check_stems
from sendreturn.audio.stem_fit import fit_length
from sendreturn.engine.outputs import Aligned, Prepared
from sendreturn.engine.pieces import Ready
from sendreturn.words import Kind

NEGLIGIBLE_S = 0.1
"""Encoders pad and delay; that a stem was so much longer or shorter is nothing to tell a user."""


@dataclass(frozen=True)
class Frame:
    """Where the take's mix lies, at the clip's rate; of separated stems, where the clip does.

    Attributes:
        start_frame: Against the clip; negative before it.
        frames: Its length in frames of `frames_hz`; None where there is nothing that stems could be held against.
    """

    start_frame: int
    frames: int | None
    frames_hz: int
    clip_hz: int

    def fitted(self, ready: Ready) -> Ready:
        """A stem with the frame's start and length."""
        piece, info = ready.piece, ready.info
        if piece.kind is not Kind.STEM or piece.is_part or self.frames is None:
            return ready
        frames = round(self.frames * info.sample_rate_hz / self.frames_hz)
        skipped = round((self.start_frame - piece.start_frame) * info.sample_rate_hz / self.clip_hz)
        if skipped == 0 and frames == info.frames:
            return ready
        target = info.path.with_name(f"fitted-{info.path.name}")
        told = fit_length(info.path, target, frames, skipped)
        is_told = told is not None and abs(info.frames - skipped - frames) > NEGLIGIBLE_S * info.sample_rate_hz
        checks = (*piece.checks, told) if told and is_told else piece.checks
        moved = replace(piece, start_frame=self.start_frame, checks=checks)
        return Ready(moved, replace(inspect(target), notes=info.notes))

    @property
    def start_s(self) -> float:
        """Where it starts against the clip."""
        return self.start_frame / self.clip_hz

    @property
    def duration_s(self) -> float | None:
        return None if self.frames is None else self.frames / self.frames_hz


def frame_of(prepared: Prepared, mix: Ready | None, operation: str) -> Frame:
    """The frame of a take; `mix` is its mix as it was written."""
    source = prepared.source
    clip_hz = source.sample_rate_hz if source else mix.info.sample_rate_hz if mix else 1
    if mix is not None:
        return Frame(mix.piece.start_frame, mix.info.frames, mix.info.sample_rate_hz, clip_hz)
    if source is not None and operation in ("stems", "midi"):
        return Frame(0, source.frames, source.sample_rate_hz, clip_hz)
    return Frame(0, None, 1, clip_hz)


@dataclass(frozen=True)
class StemFindings:
    """What was found of a take's stems, by the index of the piece.

    Attributes:
        warnings: What is told when the send is done, of stems that the service has made; with the first of them.
    """

    checks: Mapping[int, tuple[str, ...]]
    residual_db: float | None = None
    warnings: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def aligned(self, take: Aligned | None) -> Aligned | None:
        """A stem's alignment: the take's, with what the stems' sum leaves of the mix."""
        if take is None:
            return None
        residual = None if self.residual_db is None else round(self.residual_db, 1)
        return Aligned(take.lag_samples, take.confidence, residual)


def stem_findings(ready: Mapping[int, Ready], prepared: Prepared, folder: Path) -> StemFindings:
    """Hold the stems against their mix, or separated ones against the clip."""
    stems = [index for index, one in ready.items() if one.piece.kind is Kind.STEM and not one.piece.is_part]
    if not stems:
        return StemFindings({})
    mix = next((one.info.path for one in ready.values() if one.piece.kind is Kind.MIX), None)
    mix = mix or _clip_at(prepared, ready[stems[0]].info.sample_rate_hz, folder)
    if mix is None:
        return StemFindings({})
    names = [ready[index].piece.stem or "other" for index in stems]
    report = check_stems(mix, [(name, ready[index].info.path) for name, index in zip(names, stems, strict=True)])
    checks = dict(zip(stems, _checks(report), strict=True))
    is_from_service = ready[stems[0]].piece.is_aligned
    warnings = {stems[0]: _warnings(names, report)} if is_from_service else {}
    return StemFindings(checks, report.residual_db, warnings)


def _checks(report: StemReport) -> list[tuple[str, ...]]:
    """What concerns the whole set stands with its first stem."""
    first, *rest = report.checks
    return [(*first, *report.set_checks), *rest]


def _warnings(names: Sequence[str], report: StemReport) -> tuple[str, ...]:
    """The whole set's findings, and each stem's with its name; what is said of several is said once."""
    of_stems: dict[str, list[str]] = {}
    for name, sentences in zip(names, report.checks, strict=True):
        for sentence in sentences:
            of_stems.setdefault(sentence, []).append(name)
    named = (f"Stem {', '.join(stems)}: {sentence[:1].lower()}{sentence[1:]}" for sentence, stems in of_stems.items())
    # That they were levelled together is no fault, and stands in the sidecar.
    of_set = report.set_checks if report.gain_db is None else report.set_checks[1:]
    return (*of_set, *named)


def _clip_at(prepared: Prepared, rate_hz: int, folder: Path) -> Path | None:
    source = prepared.source
    if source is None or source.sample_rate_hz == rate_hz:
        return source.staged if source else None
    return convert(source.staged, folder / "clip-to-compare.wav", rate_hz=rate_hz, bit_depth="float").path
