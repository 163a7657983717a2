"""Rhythm: music that a service has made anew, laid on the session's grid.

The clip's own sound is not in it, so only its beat can tell where it belongs. What is moved, and what was measured and
left alone, is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sendreturn.audio.decode import open_decoder, read_audio
from sendreturn.audio.midi import write_midi
from sendreturn.audio.midi_reading import read_content
from sendreturn.audio.notes import Meter, Note
from sendreturn.audio.shift import shift_file
from sendreturn.audio.stretch import WarpMarker, grid_markers, stretch, warped_s
from sendreturn.audio.stretchers import find_stretcher
from sendreturn.audio.tempo_track import TempoTrack, track_tempo
from sendreturn.audio.writer import SoundWriter
from sendreturn.engine.fit import WITHOUT_CLIP_SOUND, Fit
from sendreturn.engine.locate import mono_of
from sendreturn.engine.outputs import FetchedFile, Prepared
from sendreturn.engine.pieces import AUDIO
from sendreturn.engine.run import Run
from sendreturn.errors import Refusal, UsageError
from sendreturn.words import Kind

SURE = 0.4
"""The beat tracker's confidence from which on music is moved by its beat."""
SURE_OF_BARS = 0.5
"""The same of which beat begins a bar."""
SAME_TEMPO = 0.02
"""Music whose tempo differs by more leaves any grid within a bar or two, wherever it starts."""
LEAST_MOVE_S = 0.02
"""Two beats that were each heard to some milliseconds do not tell less."""
BEFORE_ATTACK_S = 0.02
QUIET = 10 ** (-40 / 20)
"""Against the loudest sample."""
WANDERING_MS_PER_MIN = 10.0
NO_BEAT = "No steady beat was heard in it: how it lies on the grid is not known."
NOT_IN_TEMPO = "What came back is not in the session's tempo, so it was not moved."


@dataclass(frozen=True)
class _Heard:
    track: TempoTrack
    meter: Meter

    @property
    def is_in_tempo(self) -> bool:
        bpm = self.track.bpm
        return bpm is not None and abs(bpm / self.meter.bpm - 1) <= SAME_TEMPO

    @property
    def wanders(self) -> bool:
        """Whether it leaves the session's grid where it is not stretched."""
        drift = self.track.drift_ms_per_min
        return not self.is_in_tempo or (drift is not None and abs(drift) >= WANDERING_MS_PER_MIN)

    @property
    def knows_bars(self) -> bool:
        return self.track.downbeat_confidence >= SURE_OF_BARS

    @property
    def downbeat(self) -> str:
        """How sure it is which beat begins the bar, in words."""
        return "was heard" if self.knows_bars else "may lie"

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
    if mix is None or run.send.operation not in WITHOUT_CLIP_SOUND:
        return fit
    heard = _Heard(track_tempo(mono_of([mix.path]), prepared.meter), prepared.meter)
    if not heard.is_sure:
        return _told(fit, NO_BEAT)
    if prepared.tempo_from == "default":
        return _told(fit, f"{_plays(heard)}.")  # nobody knows the session's tempo
    fit = _told(fit, *_measured(heard))
    conform = run.means.settings.returns.conform
    if conform == "none" or run.bridge.manifest.free:
        return fit  # a service on this machine starts where the clip does, by its own making
    is_in_tempo = heard.is_in_tempo
    if conform == "stretch" and heard.wanders:
        fit, is_stretched = _stretched(fit, heard, folder)
        is_in_tempo = is_in_tempo or is_stretched
    if fit.is_sure:
        return fit  # by more than its beat
    return _moved(prepared, fit, heard, folder) if is_in_tempo else _warned(fit, NOT_IN_TEMPO)


def _plays(heard: _Heard, session: str = "") -> str:
    at = f"its first downbeat {heard.downbeat} at {heard.track.first_downbeat_s:.3f} s"
    return f"It plays at {heard.track.bpm:.2f} bpm{session}; {at}"


def _measured(heard: _Heard) -> Iterator[str]:
    track, meter = heard.track, heard.meter
    yield f"{_plays(heard, f' (the session at {meter.bpm:g})')}."
    if track.drift_ms_per_min is not None and heard.is_in_tempo:
        way = "behind" if track.drift_ms_per_min > 0 else "ahead of"
        yield f"It runs {abs(track.drift_ms_per_min):.0f} ms a minute {way} the session's tempo."


def _moved(prepared: Prepared, fit: Fit, heard: _Heard, folder: Path) -> Fit:
    """The take with its beat where the session's is."""
    late_s = _late(prepared, heard)
    if late_s is None or abs(late_s) < LEAST_MOVE_S:
        return fit
    mix = next(file for file in fit.files if file.kind is Kind.MIX)
    if late_s > 0 and _is_heard(mix.path, late_s - BEFORE_ATTACK_S):
        late_s -= _bar_s(heard.meter)  # what would be cut off is music: it starts a bar later in its place
    files = tuple(_shifted(file, late_s, folder / f"moved-{index}.wav") for index, file in enumerate(fit.files))
    way = "earlier" if late_s > 0 else "later"
    sentence = f"It was moved {abs(late_s) * 1000:.0f} ms {way}, so that its beat lies on the session's."
    return _told(replace(fit, files=files, shift_s=fit.shift_s - late_s), sentence)


def _late(prepared: Prepared, heard: _Heard) -> float | None:
    """How much later its beat comes than the clip's; without a clip, than the start of a bar."""
    assert heard.track.first_downbeat_s is not None
    own_s, due_s = heard.track.first_downbeat_s, 0.0
    if prepared.source is not None:
        clip = _Heard(track_tempo(mono_of([prepared.source.staged]), prepared.meter), prepared.meter)
        if not clip.is_sure or not clip.is_in_tempo:
            return None
        due_s = clip.track.first_downbeat_s or 0.0
    # A clip says which bar it is; without one, a bar of the music begins with a bar of the session, where it is plain
    # which beat that is.
    by_beat = prepared.source is not None or not heard.knows_bars
    unit_s = 60.0 / heard.meter.bpm if by_beat else _bar_s(heard.meter)
    return (own_s - due_s + unit_s / 2) % unit_s - unit_s / 2


def _bar_s(meter: Meter) -> float:
    return 60.0 / meter.bpm * meter.beats * 4.0 / meter.beat_unit


def _is_heard(path: Path, until_s: float) -> bool:
    """Whether there is music before `until_s`, and no more than what codecs and stretchers put before an attack."""
    with open_decoder(path) as decoder:
        frames = max(0, min(round(until_s * decoder.info.sample_rate_hz), decoder.info.frames))
        before = max((float(np.abs(block).max(initial=0.0)) for block in decoder.blocks(frames)), default=0.0)
        after = max((float(np.abs(block).max(initial=0.0)) for block in decoder.blocks()), default=0.0)
    return before > QUIET * max(before, after)


def _shifted(file: FetchedFile, late_s: float, target: Path) -> FetchedFile:
    if file.kind not in AUDIO or file.covers != "all":
        return file
    with open_decoder(file.path) as decoder:
        rate_hz = decoder.info.sample_rate_hz
    shift_file(file.path, target, float(round(late_s * rate_hz)))
    return replace(file, path=target)


def _stretched(fit: Fit, heard: _Heard, folder: Path) -> tuple[Fit, bool]:
    """The take in the session's tempo, and whether anything on this machine could do it. Its downbeat stays."""
    beats, meter = heard.track.beats_s, heard.meter
    try:
        downbeat = int(np.argmin(np.abs(np.asarray(beats) - (heard.track.first_downbeat_s or 0.0))))
        markers = grid_markers(beats, meter, downbeat)
        by = find_stretcher().name
        files = tuple(
            _warped(file, markers, meter, folder / f"stretched-{index}") for index, file in enumerate(fit.files)
        )
    except Refusal as refused:
        return _warned(fit, f"What came back was not stretched: {refused.what}"), False
    told = f"What came back was stretched to the session's tempo ({by}), its pitch kept."
    return _warned(replace(fit, files=files), told), True


def _warped(file: FetchedFile, markers: list[WarpMarker], meter: Meter, target: Path) -> FetchedFile:
    if file.covers != "all":
        return file
    if file.kind in AUDIO:
        audio = stretch(read_audio(file.path), markers)
        target = target.with_suffix(".wav")
        with SoundWriter(target, "WAV", "FLOAT", audio.rate_hz, audio.channels, audio.frames) as writer:
            writer.write(audio.samples)
        return replace(file, path=target)
    return _notes_warped(file, markers, meter, target.with_suffix(".mid")) if file.kind is Kind.MIDI else file


def _notes_warped(file: FetchedFile, markers: list[WarpMarker], meter: Meter, target: Path) -> FetchedFile:
    """Notes go with their audio; a file that cannot be read stays as it is."""
    try:
        tracks = read_content(file.path).tracks
    except UsageError:
        return file
    warped = [replace(track, notes=tuple(_warped_note(note, markers) for note in track.notes)) for track in tracks]
    last_s = max((note.end_s for track in warped for note in track.notes), default=0.0)
    write_midi(target, warped, meter, duration_s=last_s)
    return replace(file, path=target)


def _warped_note(note: Note, markers: list[WarpMarker]) -> Note:
    start_s, end_s = (max(0.0, warped_s(at_s, markers)) for at_s in (note.start_s, note.end_s))
    return replace(note, start_s=start_s, end_s=end_s)


def _told(fit: Fit, *sentences: str) -> Fit:
    return replace(fit, checks=(*fit.checks, *sentences))


def _warned(fit: Fit, sentence: str) -> Fit:
    return replace(_told(fit, sentence), warnings=(*fit.warnings, sentence))
