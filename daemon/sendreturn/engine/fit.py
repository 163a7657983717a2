"""Fit: find the user's clip in what a service gave back, and move it there where the clip lies, to a part of a sample.

All audio of a take is moved together, so that stems stay with their mix. Where the clip cannot be found nothing is
moved, and the take says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import floor
from pathlib import Path

from sendreturn.audio.align import Alignment
from sendreturn.audio.decode import open_decoder
from sendreturn.audio.shift import NO_PART, shift_file
from sendreturn.engine.locate import LEAD_S, is_sure, locate, stems_late_s
from sendreturn.engine.outputs import Aligned, FetchedFile, FetchedTake, Prepared, Source
from sendreturn.engine.pieces import AUDIO
from sendreturn.engine.run import Run
from sendreturn.engine.sections import join_frame
from sendreturn.words import Kind

LEAST_LAG = 0.05
"""Samples, a microsecond: less is what measuring itself is out by."""
LEAST_GAIN_DB, MOST_GAIN_DB = 0.1, 30.0
TOLD_GAIN_DB = 0.5
"""Less is what codecs do to every file, and nobody hears it."""
ABSENT = "The clip was not found in what came back, so nothing was aligned."
UNSURE = "Where the clip lies in what came back is not sure, so nothing was moved."
JOINED = frozenset({"extend", "inpaint"})
"""Operations whose audio is joined with the clip's own, so that its level and polarity must be the clip's."""
WITHOUT_CLIP_SOUND = frozenset({"cover", "generate", "mashup"})
"""Operations that make the music anew: the clip's own sound is not expected in it."""


@dataclass(frozen=True)
class Fit:
    """Where the clip lies in a take's audio, and what was done about it.

    Attributes:
        files: The take's files, moved.
        alignment: What was found; None where nothing was looked for.
        lead_frames: Audio that still lies before the clip, at the clip's rate; negative where its start is missing.
        shift_s: By how much the audio of files that start with the clip was moved, in seconds; negative is earlier.
        checks: Sentences.
        warnings: Those of them that are told when the send is done.
    """

    files: tuple[FetchedFile, ...]
    alignment: Alignment | None = None
    lead_frames: int = 0
    shift_s: float = 0.0
    checks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def told(self) -> Aligned | None:
        """For the sidecar; a place that is not sure is not claimed."""
        if self.alignment is None:
            return None
        lag, residual = self.alignment.lag_samples, self.alignment.residual_db
        if lag is None or not self.is_sure:
            return Aligned(None, self.alignment.confidence, None)
        return Aligned(round(lag, 3), self.alignment.confidence, None if residual is None else round(residual, 1))

    @property
    def is_sure(self) -> bool:
        """Whether the clip's place is known."""
        return self.alignment is not None and is_sure(self.alignment)

    @property
    def is_absent(self) -> bool:
        """Whether the clip was looked for, and nothing like it was heard."""
        return self.alignment is not None and self.alignment.lag_samples is None


def fit(run: Run, prepared: Prepared, take: FetchedTake, folder: Path) -> Fit:
    """Find the clip in the take, and move the take's audio. Runs in a thread: it reads and writes whole files.

    Raises:
        ClipError: a file cannot be decoded.
        SendReturnError: the staging folder cannot be written.
    """
    source, returns = prepared.source, run.means.settings.returns
    if source is None or not returns.align:
        return Fit(take.files)
    section_s = run.params.section_s if run.send.operation == "inpaint" else None
    is_left = run.send.operation == "extend" and run.params.side == "left"
    found = locate(source, take.files, kept=_kept(run, source), section_s=section_s, at_end=is_left)
    if found is None:
        return Fit(take.files)
    if run.bridge.manifest.free:
        return Fit(take.files, found if is_sure(found) else None)  # made on this machine, from the clip's start on
    folder.mkdir(parents=True, exist_ok=True)
    late_s = stems_late_s(take.files)
    is_kept = run.send.operation in WITHOUT_CLIP_SOUND and returns.conform == "none"
    if is_kept or not is_sure(found):
        fit = Fit(_written(take, _Move(stems_late_s=late_s), folder), found)
        return _told(fit, *(_why_unmoved(run.send.operation, found) if not is_sure(found) else found.notes))
    return _moved(run, source, take, found, late_s, folder)


def _kept(run: Run, source: Source) -> tuple[int, int] | None:
    """The frames of the clip that an extension from inside it keeps: what follows the join there is made anew."""
    if run.send.operation != "extend" or run.params.from_s is None:
        return None
    at = join_frame(run.params, source)
    return (at, source.frames) if run.params.side == "left" else (0, at)


def place_of(lag: float, rate_hz: int, *, keeps_lead: bool) -> tuple[float, int]:
    """What of a lag is taken out, and what is left standing before the clip (whole frames)."""
    if keeps_lead or abs(lag) > LEAD_S * rate_hz:
        lead = floor(lag + NO_PART)
        return max(lag - lead, 0.0), lead
    return lag, 0


@dataclass(frozen=True)
class _Move:
    """What is done to the audio of a take: so much is taken out of its start, and it is multiplied.

    Attributes:
        stems_late_s: How much more is taken out of stems, which a codec of their own may have delayed.
    """

    take_out_s: float = 0.0
    gain: float = 1.0
    stems_late_s: float = 0.0


def _moved(run: Run, source: Source, take: FetchedTake, found: Alignment, stems_late_s: float, folder: Path) -> Fit:
    assert found.lag_samples is not None
    is_left = run.send.operation == "extend" and run.params.side == "left"
    take_out, lead = place_of(found.lag_samples, source.sample_rate_hz, keeps_lead=is_left)
    take_out_s = take_out / source.sample_rate_hz
    move = _Move(take_out_s, _gain(run.send.operation, found), stems_late_s)
    fit = Fit(_written(take, move, folder), found, lead, -take_out_s)
    lead_s = 0.0 if is_left else lead / source.sample_rate_hz
    return _told(fit, *found.notes, *_done(run.send.operation, found, lead_s, move.gain))


def _written(take: FetchedTake, move: _Move, folder: Path) -> tuple[FetchedFile, ...]:
    """The take's files, moved where they start with the clip."""
    return tuple(
        _shifted(file, move, folder / f"fitted-{index}.wav") if file.kind in AUDIO and file.covers == "all" else file
        for index, file in enumerate(take.files)
    )


def _shifted(file: FetchedFile, move: _Move, target: Path) -> FetchedFile:
    """The file, moved; the file itself where nothing is to be done."""
    with open_decoder(file.path) as decoder:
        rate_hz = decoder.info.sample_rate_hz
    lag = rate_hz * (move.take_out_s + (move.stems_late_s if file.kind is Kind.STEM else 0.0))
    if abs(lag) < LEAST_LAG:
        lag = 0.0
    if lag == 0.0 and move.gain == 1.0:
        return file
    shift_file(file.path, target, lag, move.gain)
    return replace(file, path=target)


def _gain(operation: str, found: Alignment) -> float:
    """What brings the service's copy of the clip to the clip's own level, where the two are joined."""
    if operation not in JOINED or found.gain_db is None:
        return 1.0
    sign = -1.0 if found.inverted else 1.0
    if not LEAST_GAIN_DB <= abs(found.gain_db) <= MOST_GAIN_DB:
        return sign
    return float(sign * 10 ** (-found.gain_db / 20))


def _why_unmoved(operation: str, found: Alignment) -> Iterator[str]:
    """Nothing where the music was made anew: the clip's sound is not expected in it."""
    if operation not in WITHOUT_CLIP_SOUND:
        yield ABSENT if found.lag_samples is None else UNSURE
        yield from found.notes if found.lag_samples is not None else ()


def _done(operation: str, found: Alignment, lead_s: float, gain: float) -> Iterator[str]:
    if lead_s < 0:
        yield f"It starts {-lead_s:.3f} s after the clip does."
    elif lead_s > 0 and operation in JOINED:
        yield f"The service put {lead_s:.3f} s before the clip, which were left out."
    elif lead_s > 0:
        yield f"It starts {lead_s:.3f} s before the clip does."
    if found.gain_db is not None and abs(gain) != 1.0 and abs(found.gain_db) >= TOLD_GAIN_DB:
        yield f"The service had changed the clip's level by {found.gain_db:+.1f} dB, which was taken back."
    if found.inverted:
        undone = ", which was taken back" if gain < 0 else ""
        yield f"The service had turned over the polarity{undone}."


def _told(fit: Fit, *sentences: str) -> Fit:
    """The fit with what is to be said of it; that the clip was not found is told at once."""
    warnings = tuple(sentence for sentence in sentences if sentence in (ABSENT, UNSURE))
    return replace(fit, checks=(*fit.checks, *sentences), warnings=(*fit.warnings, *warnings))
