"""Rhythm: music that a service has made anew, laid on the session's grid.

The clip's own sound is not in it, so only its beat can tell where it belongs. What is moved, and what was measured and
left alone, is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sendreturn.audio.buffer import Audio
from sendreturn.audio.decode import open_decoder, read_audio
from sendreturn.audio.notes import Meter
from sendreturn.audio.shift import shift_file
from sendreturn.audio.stretch import stretch_to_grid
from sendreturn.audio.stretchers import find_stretcher
from sendreturn.audio.tempo_track import TempoTrack, track_tempo
from sendreturn.audio.writer import SoundWriter
from sendreturn.engine.fit import WITHOUT_CLIP_SOUND, Fit
from sendreturn.engine.outputs import FetchedFile, Prepared
from sendreturn.engine.pieces import AUDIO
from sendreturn.engine.run import Run
from sendreturn.errors import Refusal
from sendreturn.words import Kind

SURE = 0.4
"""The beat tracker's confidence from which on music is moved by its beat."""
SAME_TEMPO = 0.02
"""Music whose tempo differs by more leaves any grid within a bar or two, wherever it starts."""
LEAST_MOVE_S = 0.02
"""Two beats that were each heard to some milliseconds do not tell less."""
QUIET = 10 ** (-50 / 20)
WANDERING_MS_PER_MIN = 10.0


@dataclass(frozen=True)
class _Heard:
    track: TempoTrack
    meter: Meter

    @property
    def is_in_tempo(self) -> bool:
        bpm = self.track.bpm
        return bpm is not None and abs(bpm / self.meter.bpm - 1) <= SAME_TEMPO

    @property
    def is_sure(self) -> bool:
        return self.track.confidence >= SURE and self.track.first_downbeat_s is not None


def lay_on_grid(run: Run, prepared: Prepared, fit: Fit, folder: Path) -> Fit:
    """Measure the beat of a take that was made anew, and move or stretch it as the settings want.

    Runs in a thread: it reads and writes whole files.

    Raises:
        ClipError: a file cannot be decoded.
        SendReturnError: the staging folder cannot be written.
    """
    mix = next((file for file in fit.files if file.kind is Kind.MIX and file.covers == "all"), None)
    if mix is None or run.send.operation not in WITHOUT_CLIP_SOUND or fit.is_sure:
        return fit
    heard = _Heard(track_tempo(_mono(mix.path), prepared.meter), prepared.meter)
    if not heard.is_sure:
        return _told(fit, "No steady beat was heard in it: how it lies on the grid is not known.")
    fit = _told(fit, *_measured(heard))
    conform = run.means.settings.returns.conform
    if conform == "none" or run.bridge.manifest.free:
        return fit  # a service on this machine starts where the clip does, by its own making
    fit, moved_s = _moved(prepared, fit, mix, heard, folder)
    return _stretched(fit, heard, moved_s, folder) if conform == "stretch" else fit


def _measured(heard: _Heard) -> Iterator[str]:
    track, meter = heard.track, heard.meter
    yield (
        f"It plays at {track.bpm:.2f} bpm (the session at {meter.bpm:g});"
        f" its first downbeat was heard at {track.first_downbeat_s:.3f} s."
    )
    if track.drift_ms_per_min is not None and heard.is_in_tempo:
        way = "behind" if track.drift_ms_per_min > 0 else "ahead of"
        yield f"It runs {abs(track.drift_ms_per_min):.0f} ms a minute {way} the session's tempo."


def _moved(prepared: Prepared, fit: Fit, mix: FetchedFile, heard: _Heard, folder: Path) -> tuple[Fit, float]:
    """The take with its beat where the session's is, and by how many seconds it was moved."""
    if not heard.is_in_tempo:
        return _told(fit, "Its tempo is not the session's, so it was not moved."), 0.0
    late_s = _late(prepared, heard)
    if late_s is None or abs(late_s) < LEAST_MOVE_S:
        return fit, 0.0
    unit_s = _unit_s(prepared, heard.meter)
    if late_s > 0 and _is_heard(mix.path, late_s):
        late_s -= unit_s  # what would be cut off is music: it starts on the next beat or bar in its place
    files = tuple(_shifted(file, late_s, folder / f"moved-{index}.wav") for index, file in enumerate(fit.files))
    way = "earlier" if late_s > 0 else "later"
    sentence = f"It was moved {abs(late_s) * 1000:.0f} ms {way}, so that its beat lies on the session's."
    return _told(replace(fit, files=files, shift_s=fit.shift_s - late_s), sentence), -late_s


def _late(prepared: Prepared, heard: _Heard) -> float | None:
    """How much later its beat comes than the clip's; without a clip, than the start of a bar."""
    assert heard.track.first_downbeat_s is not None
    own_s, due_s = heard.track.first_downbeat_s, 0.0
    if prepared.source is not None:
        clip = _Heard(track_tempo(_mono(prepared.source.staged), prepared.meter), prepared.meter)
        if not clip.is_sure or not clip.is_in_tempo:
            return None
        due_s = clip.track.first_downbeat_s or 0.0
    unit_s = _unit_s(prepared, heard.meter)
    return (own_s - due_s + unit_s / 2) % unit_s - unit_s / 2


def _unit_s(prepared: Prepared, meter: Meter) -> float:
    """A beat, where a clip says which bar it is; else a bar."""
    quarter_s = 60.0 / meter.bpm
    return quarter_s if prepared.source is not None else quarter_s * meter.beats * 4.0 / meter.beat_unit


def _is_heard(path: Path, until_s: float) -> bool:
    with open_decoder(path) as decoder:
        frames = min(round(until_s * decoder.info.sample_rate_hz), decoder.info.frames)
        return any(float(np.abs(block).max(initial=0.0)) > QUIET for block in decoder.blocks(frames))


def _shifted(file: FetchedFile, late_s: float, target: Path) -> FetchedFile:
    if file.kind not in AUDIO or file.covers != "all":
        return file
    with open_decoder(file.path) as decoder:
        rate_hz = decoder.info.sample_rate_hz
    shift_file(file.path, target, float(round(late_s * rate_hz)))
    return replace(file, path=target)


def _stretched(fit: Fit, heard: _Heard, moved_s: float, folder: Path) -> Fit:
    """All audio of the take in the session's tempo, where anything on this machine can do it."""
    drift = heard.track.drift_ms_per_min
    if heard.is_in_tempo and drift is not None and abs(drift) < WANDERING_MS_PER_MIN:
        return fit
    beats = [at_s + moved_s for at_s in heard.track.beats_s if at_s + moved_s >= 0]
    first_s = (heard.track.first_downbeat_s or 0.0) + moved_s
    if len(beats) < 2:
        return fit
    downbeat = int(np.argmin(np.abs(np.asarray(beats) - first_s)))
    try:
        files = tuple(
            _on_beats(file, beats, heard.meter, downbeat, folder / f"stretched-{index}.wav")
            for index, file in enumerate(fit.files)
        )
        by = find_stretcher().name
    except Refusal as refused:
        return _told(fit, f"It was not stretched: {refused.what}")
    return _told(replace(fit, files=files), f"It was stretched to the session's tempo ({by}), its pitch kept.")


def _on_beats(file: FetchedFile, beats: list[float], meter: Meter, downbeat: int, target: Path) -> FetchedFile:
    if file.kind not in AUDIO or file.covers != "all":
        return file
    audio = stretch_to_grid(read_audio(file.path), beats, meter, downbeat)
    with SoundWriter(target, "WAV", "FLOAT", audio.rate_hz, audio.channels, audio.frames) as writer:
        writer.write(audio.samples)
    return replace(file, path=target)


def _mono(path: Path) -> Audio:
    audio = read_audio(path)
    return Audio(audio.mono()[:, None], audio.rate_hz)


def _told(fit: Fit, *sentences: str) -> Fit:
    return replace(fit, checks=(*fit.checks, *sentences))
