"""Project files beside a send's returns: what opens them all at once, in their places, in a DAW.

They are an addition: where one cannot be written, the send is delivered all the same, and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from sendreturn.audio.convert import convert
from sendreturn.audio.probe import inspect
from sendreturn.engine.conform import clip_name
from sendreturn.engine.outputs import Prepared, Source
from sendreturn.engine.run import Run
from sendreturn.engine.sections import sections_of
from sendreturn.errors import SendReturnError
from sendreturn.returns import dawproject, naming, reaper_items
from sendreturn.returns.arrangement import Arrangement, Section, SentClip, arrange
from sendreturn.returns.deliver import Delivered, refuse_ways_out
from sendreturn.returns.files import held

log = structlog.get_logger(__name__)

Write = Callable[[Arrangement, Path, str], Path]
_EXACT = frozenset({"WAV", "RF64", "AIFF", "FLAC"})
"""What every DAW reads to the sample; how much of an MP3's start is silence, each of them decides for itself."""


def add_projects(run: Run, prepared: Prepared, delivered: Delivered) -> tuple[str, ...]:
    """Write the project files that the settings want beside the returns; a sentence for each that failed.

    Runs in a thread: it reads and writes whole clips.
    """
    wanted = _wanted(run)
    if not wanted:
        return ()
    try:
        arrangement = _arrangement(run, prepared, delivered)
    except (SendReturnError, OSError) as error:
        return (_told(run, "The project file for DAWs", error),)
    if all(lane.take == 0 for lane in arrangement.lanes):
        return ()  # texts and pictures have no place on a timeline
    base = naming.set_folder(clip_name(run.send, run.params), run.send.operation, run.send.id)
    failed = []
    for title, suffix, write in wanted:
        try:
            with held(delivered.folder) as folder:
                refuse_ways_out(run.send.session, folder)
                write(arrangement, folder, f"{base}{suffix}")
        except (SendReturnError, OSError) as error:
            failed.append(_told(run, title, error))
    return tuple(failed)


def _wanted(run: Run) -> list[tuple[str, str, Write]]:
    returns = run.means.settings.returns
    choices: tuple[tuple[bool, str, str, Write], ...] = (
        (returns.dawproject, "The DAWproject", dawproject.SUFFIX, dawproject.write_dawproject),
        (returns.reaper, "REAPER's track template", reaper_items.SUFFIX, reaper_items.write_track_template),
    )
    return [(title, suffix, write) for chosen, title, suffix, write in choices if chosen]


def _arrangement(run: Run, prepared: Prepared, delivered: Delivered) -> Arrangement:
    name = clip_name(run.send, run.params)
    source = prepared.source
    clip = None if source is None else SentClip(name, _exact(run, source), _seconds(source, 0))
    title = run.means.services.manifest(run.send.service).title
    comment = f"{run.send.operation} of {name} by {title}, returned by sendreturn as {run.send.id}."
    session = prepared.session or replace(prepared.meter, changes=())
    arrangement = arrange(delivered.files, clip, session, name=f"{name} {run.send.operation}", comment=comment)
    return replace(arrangement, sections=_sections(run, source))


def _exact(run: Run, source: Source) -> Path:
    """The clip's cut in a format that every DAW reads alike."""
    if inspect(source.staged).container in _EXACT:
        return source.staged
    target = run.folder / "sent-clip.wav"
    convert(source.staged, target, bit_depth=24)
    return target


def _sections(run: Run, source: Source | None) -> tuple[Section, ...]:
    if source is None:
        return ()
    rate_hz = source.sample_rate_hz
    return tuple(
        Section(section.label, _seconds(source, section.start_frame), section.frames / rate_hz)
        for section in sections_of(run.send.operation, run.params, source)
    )


def _seconds(source: Source, frame: int) -> float:
    """A frame of the clip on the session's timeline."""
    return (source.position_samples + frame) / source.sample_rate_hz


def _told(run: Run, title: str, error: SendReturnError | OSError) -> str:
    why = error.what if isinstance(error, SendReturnError) else f"{error.strerror or type(error).__name__}."
    log.warning("no project file", send=run.send.id, what=title, why=str(error))
    return f"{title} could not be written: {why}"
