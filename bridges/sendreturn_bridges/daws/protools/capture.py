"""The selection as an audio file: Pro Tools exports the clip, or bounces the range of its track.

An exported clip is the clip's own audio, before plug-ins, but only ever a whole clip, and one that is selected in the
Clips list. So it is taken only where it is exactly as long as the selection. What it cannot be used for is bounced from
the track, which gives what is heard there. Neither changes the session.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sendreturn.audio.probe import inspect
from sendreturn.daws.selection import Selection, read_selection
from sendreturn.errors import ClipError, SendReturnError, UsageError
from sendreturn.returns import files
from sendreturn.returns.naming import numbered, safe_stem

from sendreturn_bridges.daws.protools import paths, session
from sendreturn_bridges.daws.protools.host import LONG_S, Host, Refused
from sendreturn_bridges.daws.protools.wire import at_samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sendreturn.audio.clip import ClipInfo

    from sendreturn_bridges.daws.protools.session import Chosen, Session

FOLDER = "sendreturn"
"""In the session's folder: the clips that were sent."""
CONTEXT_S = 30.0
"""How much before and after a range goes along where a service has to fit something in."""
APPEARS_S = 5.0
"""A file may show up a moment after Pro Tools has answered."""
LOOK_S = 0.05
NO_CLIP = ("PT_NoClipsFound", "PT_NoSelection", "PT_InvalidSelection")
INEXACT = "Pro Tools exports whole clips only, and the selection is not exactly one clip."
INEXACT_HINT = "Separate the clip at the selection (Cmd/Ctrl+E) or consolidate it (Option/Alt+Shift+3), and try again."


@dataclass(frozen=True)
class _Job:
    """One capture: where it is taken from, and the empty folder that it goes to."""

    host: Host
    found: Session
    chosen: Chosen
    folder: Path
    appears_s: float


@dataclass(frozen=True)
class _Taken:
    """Audio files, one or one per channel, of which `length` samples are the clip that starts at `position`."""

    files: tuple[Path, ...]
    position: int
    length: int


def capture(
    host: Host, operation: str, kind: str, params: Mapping[str, object], request: str, appears_s: float = APPEARS_S
) -> Selection:
    """What is selected, as a request to the daemon.

    Args:
        operation: An operation or a preset.
        kind: The operation that it stands for.

    Raises:
        UsageError: it cannot be sent; the sentence says what to do in Pro Tools.
        Refused, Unanswered, Gone: Pro Tools does not give it.
        SendReturnError: the session's folder cannot be written.
    """
    found, chosen = session.open_session(host), session.chosen(host)
    timeline = session.selected_files(host)
    _refuse_offline(timeline)
    work = _work_folder(found, request)
    try:
        job = _Job(host, found, chosen, work, appears_s)
        taken = _with_context(job) if kind == "inpaint" else _exported(job, session.list_follows(host, timeline))
        kept = _kept(taken, chosen, work.parent, request)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return read_selection(_document(found, chosen, kept, operation, kind, params, request))


def discard(selection: Selection) -> None:
    """Take away what was captured for a request that came to nothing."""
    for piece in selection.pieces:
        for file in piece.files:
            Path(file.path).unlink(missing_ok=True)


# What Pro Tools writes


def _exported(job: _Job, list_follows: bool) -> _Taken:
    """The selected clip's own audio, else a bounce."""
    if not list_follows:
        return _bounced_instead(job, None)
    try:
        _export(job)
    except Refused as refused:
        if refused.is_busy:
            raise
        return _bounced_instead(job, refused)
    written = _appeared(job)
    if _is_the_selection(job, written):
        return _Taken(tuple(path for path, _ in written), job.chosen.start, job.chosen.length)
    _empty(job.folder)
    return _bounced_instead(job, None)


def _export(job: _Job) -> None:
    """Have the clips exported; a folder that is spelled in a way that this version does not take is spelled anew."""
    spellings = paths.folder_spellings(job.folder, job.found.spelled)
    body = {
        "format": "EF_Interleaved",
        "file_type": "WAV",
        "bit_depth": "Bit32Float" if job.found.is_float else "Bit24",
        "duplicate_names": "AutoRenaming",
        "enforce_avid_compatibility": False,
    }
    for spelling in spellings:
        try:
            job.host.call("ExportClipsAsFiles", {"file_path": spelling, **body}, LONG_S)
        except Refused as refused:
            if refused.is_busy or refused.kind in NO_CLIP or spelling == spellings[-1]:
                raise
        else:
            return


def _bounced_instead(job: _Job, refused: Refused | None) -> _Taken:
    if job.host.speaks(2025, 6):
        return _bounced(job, job.chosen.start, job.chosen.end)
    if refused is not None and refused.kind not in NO_CLIP:
        raise refused
    raise UsageError(INEXACT, INEXACT_HINT)


def _with_context(job: _Job) -> _Taken:
    """The range with what is around it, which only a bounce can give."""
    if not job.host.speaks(2025, 6):
        raise UsageError(
            "Before 2025.6 Pro Tools cannot give the surroundings of a range, which inpaint needs.",
            "Export a longer clip into the hot folder Sends/inpaint, with section_s in a .yaml beside it.",
        )
    context = round(CONTEXT_S * job.found.rate_hz)
    return _bounced(job, max(job.chosen.start - context, 0), job.chosen.end + context)


def _bounced(job: _Job, start: int, end: int) -> _Taken:
    """The range of the track, with its plug-ins but without its volume and pan automation."""
    body = {
        "file_name_prefix": "sendreturn",
        "file_type": "EMFType_WAV",
        "audio_info": {
            "compression_type": "CType_PCM",
            "export_format": "EFormat_Interleaved",
            "bit_depth": "BDepth_32Float" if job.found.is_float else "BDepth_24",
            "sample_rate": f"SRate_{job.found.rate_hz}",
            "delivery_format": "EMDFormat_SingleFile",
        },
        "location_info": {
            "import_after_bounce": "TBool_False",
            "file_destination": "EMFDestination_Directory",
            "directory": paths.folder_spellings(job.folder, job.found.spelled)[0],
        },
        "offline_bounce": "TBool_True",
        "src_track_id": job.chosen.track.id,
        "in_location": at_samples(start),
        "out_location": at_samples(end),
        "automation_options": {"render_volume_automation": False, "render_pan_automation": False},
    }
    job.host.call("BounceTrack", body, LONG_S)
    written = _appeared(job)
    frames = min((info.frames for _, info in written), default=0)
    has_rate = all(info.sample_rate_hz == job.found.rate_hz for _, info in written)
    if not written or not has_rate or frames < job.chosen.end - start:
        raise SendReturnError(
            f"Pro Tools has not bounced “{job.chosen.track.name}” as it was asked to.",
            "Bounce the range yourself, and put the file into the session's Sends folder.",
            f"{end - start} samples at {job.found.rate_hz} Hz wanted, got {[info for _, info in written]}",
        )
    return _Taken(tuple(path for path, _ in written), start, min(frames, end - start))


def _appeared(job: _Job) -> list[tuple[Path, ClipInfo]]:
    """The audio files in the folder; where there are none yet, or not whole, they are waited for."""
    until_s = time.monotonic() + job.appears_s
    while True:
        found = sorted(path for path in job.folder.iterdir() if path.suffix.lower() == ".wav")
        try:
            written = [(path, inspect(path)) for path in found]
        except ClipError:
            written = []
        if written or time.monotonic() > until_s:
            return written
        time.sleep(LOOK_S)


def _is_the_selection(job: _Job, written: Sequence[tuple[Path, ClipInfo]]) -> bool:
    """One file as long as the selection, or one for each channel."""
    sizes = {(info.frames, info.sample_rate_hz) for _, info in written}
    is_whole = len(written) == 1 or all(info.channels == 1 for _, info in written)
    are_channels = len({_without_channel(path) for path, _ in written}) == 1
    return is_whole and are_channels and sizes == {(job.chosen.length, job.found.rate_hz)}


def _without_channel(path: Path) -> str:
    """A clip's name: the channels of one that is kept as mono files are called name.L, name.R."""
    name, dot, channel = path.stem.rpartition(".")
    return name if dot and len(channel) <= 3 else path.stem


# What is kept of it


def _refuse_offline(timeline: Mapping[str, bool]) -> None:
    offline = [file for file, is_online in timeline.items() if not is_online]
    if offline:
        listed = ", ".join(f"“{file}”" for file in offline)
        raise UsageError(f"The selected clip is offline: {listed} is missing.", "Relink it, and try again.")


def _work_folder(found: Session, request: str) -> Path:
    folder = found.folder / FOLDER / f"capture-{_mark(request)}"
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    except OSError as error:
        raise SendReturnError(
            f"The session's folder {found.folder} cannot be written: {error.strerror}.",
            "Make it writable, or save the session to another drive.",
        ) from error
    return folder


def _kept(taken: _Taken, chosen: Chosen, folder: Path, request: str) -> _Taken:
    """The files under names of their own. Nothing that is there already is replaced."""
    stem = f"{safe_stem(chosen.track.name)}-{_mark(request)}"
    ends = ["-L", "-R"] if len(taken.files) == 2 else [f"-{n}" for n in range(1, len(taken.files) + 1)]
    names = [stem] if len(taken.files) == 1 else [stem + end for end in ends]
    kept = tuple(_moved(path, folder / f"{name}.wav") for path, name in zip(_left_first(taken), names, strict=True))
    return _Taken(kept, taken.position, taken.length)


def _left_first(taken: _Taken) -> list[Path]:
    order = {"L": 0, "C": 1, "R": 2}
    return sorted(taken.files, key=lambda path: (order.get(path.stem.rpartition(".")[2], 3), path.name))


def _moved(path: Path, wanted: Path) -> Path:
    for name in numbered(wanted.name):
        try:
            files.place(path, wanted.with_name(name))
        except FileExistsError:
            continue
        return wanted.with_name(name)
    raise AssertionError("there is always another number")


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _document(
    found: Session,
    chosen: Chosen,
    kept: _Taken,
    operation: str,
    kind: str,
    params: Mapping[str, object],
    request: str,
) -> dict[str, Any]:
    """PTSL tells no tempo, so none is said: that of the send counts, else the daemon measures it."""
    channel = None if len(kept.files) == 1 else 0
    piece = {
        "files": [{"path": str(path), "channel": channel} for path in kept.files],
        "length": kept.length,
        "position": kept.position,
    }
    return {
        "request": request,
        "session": str(found.folder),
        "operation": operation,
        "params": dict(params),
        "track": chosen.track.name,
        "rate_hz": found.rate_hz,
        "pieces": [piece],
        "range": [chosen.start, chosen.length] if kind == "inpaint" else None,
    }


def _mark(request: str) -> str:
    return hashlib.sha256(request.encode("utf-8", "surrogatepass")).hexdigest()[:8]
