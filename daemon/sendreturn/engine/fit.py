"""Fit: find the user's clip in what a service gave back, and move it there where the clip lies, to a part of a sample.

All audio of a take is moved together, so that stems stay with their mix. Where the clip cannot be found nothing is
moved, and the take says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import floor
from pathlib import Path

import numpy as np

from sendreturn.audio.align import Alignment, align
from sendreturn.audio.buffer import Audio
from sendreturn.audio.decode import open_decoder
from sendreturn.audio.shift import NO_PART, shift_file
from sendreturn.engine.outputs import Aligned, FetchedFile, FetchedTake, Prepared, Source
from sendreturn.engine.pieces import AUDIO
from sendreturn.engine.run import Run
from sendreturn.words import Kind

SURE = 0.5
"""From this confidence on a place is acted upon."""
LEAD_S = 0.5
"""More than this before the clip is music that the service has put there, not a codec's delay: it is kept."""
LEAST_LAG = 0.05
"""Samples, a microsecond: less is what measuring itself is out by."""
LEAST_GAIN_DB, MOST_GAIN_DB = 0.1, 15.0
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
        lag = self.alignment.lag_samples if self.is_sure else None
        residual = self.alignment.residual_db if self.is_sure else None
        return Aligned(lag, self.alignment.confidence, residual)

    @property
    def is_sure(self) -> bool:
        """Whether the clip's place is known."""
        return self.alignment is not None and is_sure(self.alignment)


def is_sure(alignment: Alignment) -> bool:
    return alignment.lag_samples is not None and alignment.confidence >= SURE


def fit(run: Run, prepared: Prepared, take: FetchedTake, folder: Path) -> Fit:
    """Find the clip in the take, and move the take's audio. Runs in a thread: it reads and writes whole files.

    Raises:
        ClipError: a file cannot be decoded.
        SendReturnError: the staging folder cannot be written.
    """
    source = prepared.source
    reference = _reference(take.files)
    if source is None or not reference or not run.means.settings.returns.align:
        return Fit(take.files)
    found = align(_mono([source.staged]), _mono(reference))
    if not is_sure(found):
        missing = tuple(_not_found(run.send.operation))
        return Fit(take.files, found, checks=(*found.notes, *missing), warnings=missing)
    return _moved(run, source, take, found, folder)


def place_of(lag: float, rate_hz: int, *, keeps_lead: bool) -> tuple[float, int]:
    """What of a lag is taken out, and what is left standing before the clip (whole frames)."""
    if keeps_lead or abs(lag) > LEAD_S * rate_hz:
        lead = floor(lag + NO_PART)
        return max(lag - lead, 0.0), lead
    return lag, 0


def _moved(run: Run, source: Source, take: FetchedTake, found: Alignment, folder: Path) -> Fit:
    assert found.lag_samples is not None
    is_left = run.send.operation == "extend" and run.params.side == "left"
    take_out, lead = place_of(found.lag_samples, source.sample_rate_hz, keeps_lead=is_left)
    gain = _gain(run.send.operation, found)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for index, file in enumerate(take.files):
        is_moved = file.kind in AUDIO and file.covers == "all"
        target = folder / f"fitted-{index}.wav"
        files.append(_written(file, target, take_out, gain, source.sample_rate_hz) if is_moved else file)
    checks = (*found.notes, *_told(run.send.operation, found, lead, gain, source, is_left=is_left))
    return Fit(tuple(files), found, lead, -take_out / source.sample_rate_hz, checks)


def _written(file: FetchedFile, target: Path, take_out: float, gain: float, rate_hz: int) -> FetchedFile:
    """The file without `take_out` frames (at the clip's rate) of its start; the file itself where that is nothing."""
    with open_decoder(file.path) as decoder:
        own_hz = decoder.info.sample_rate_hz
    lag = take_out * own_hz / rate_hz
    if abs(lag) < LEAST_LAG:
        lag = 0.0
    if lag == 0.0 and gain == 1.0:
        return file
    shift_file(file.path, target, lag, gain)
    return replace(file, path=target)


def _gain(operation: str, found: Alignment) -> float:
    """What brings the service's copy of the clip to the clip's own level, where the two are joined."""
    if operation not in JOINED or found.gain_db is None:
        return 1.0
    sign = -1.0 if found.inverted else 1.0
    if not LEAST_GAIN_DB <= abs(found.gain_db) <= MOST_GAIN_DB:
        return sign
    return float(sign * 10 ** (-found.gain_db / 20))


def _reference(files: Sequence[FetchedFile]) -> list[Path]:
    """What the clip is looked for in: the mix, else the sum of all stems."""
    whole = [file for file in files if file.covers == "all"]
    mix = next((file.path for file in whole if file.kind is Kind.MIX), None)
    return [mix] if mix is not None else [file.path for file in whole if file.kind is Kind.STEM]


def _mono(paths: Sequence[Path]) -> Audio:
    """The mean of the channels, of several files their sum; at the rate of the first."""
    total, rate = np.zeros(0, np.float32), 0
    for path in paths:
        with open_decoder(path) as decoder:
            if rate not in (0, decoder.info.sample_rate_hz):
                continue  # a stem at another rate; the others are enough to find the clip in
            rate = decoder.info.sample_rate_hz
            own = np.concatenate([np.zeros(0, np.float32), *(block.mean(axis=1) for block in decoder.blocks())])
        longer, shorter = (own, total) if len(own) >= len(total) else (total, own)
        total = longer.astype(np.float32)
        total[: len(shorter)] += shorter
    return Audio(total[:, None], rate)


def _not_found(operation: str) -> Iterator[str]:
    if operation not in WITHOUT_CLIP_SOUND:
        yield "The clip could not be found in what came back: it was not aligned, and lies as the service gave it."


def _told(operation: str, found: Alignment, lead: int, gain: float, source: Source, *, is_left: bool) -> Iterator[str]:
    if lead and not is_left:
        seconds = abs(lead) / source.sample_rate_hz
        if lead < 0:
            yield f"It starts {seconds:.3f} s after the clip does."
        elif operation == "extend":
            yield f"The service put {seconds:.3f} s before the clip, which were left out."
        else:
            yield f"It starts {seconds:.3f} s before the clip does."
    if found.gain_db is not None and abs(gain) != 1.0:
        yield f"The service had changed the clip's level by {found.gain_db:+.1f} dB, which was taken back."
    if found.inverted and gain < 0:
        yield "The service had inverted the polarity, which was taken back."
