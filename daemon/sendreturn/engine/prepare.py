"""Prepare: keep our own copy of the clip, cut its range, find its tempo, and map the send to the service's requests."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from sendreturn.audio.bare import write_bare
from sendreturn.audio.clip import ClipInfo
from sendreturn.audio.convert import Format, convert
from sendreturn.audio.probe import probe
from sendreturn.audio.silence import is_silent
from sendreturn.audio.splice import cut_part
from sendreturn.contract import Ask, Clip, EarlierTake, Plan
from sendreturn.engine.earlier import earlier_take
from sendreturn.engine.journal import SendRow
from sendreturn.engine.outputs import Prepared, Source
from sendreturn.engine.run import Run
from sendreturn.engine.tempo import SessionTempo, read_project, session_rate_hz, session_tempo
from sendreturn.errors import ClipError
from sendreturn.params import Params
from sendreturn.project_files import Found
from sendreturn.sends.wish import Origin

COPY_BLOCK = 1 << 20
CONFINED = frozenset({Origin.FOLDER, Origin.RULE, Origin.OSC})
"""Ways in without a proof of identity: they read nothing outside the session."""
HOUSE_PARAMS = frozenset(
    {
        "range_s",
        "position_s",
        "position_samples",
        "track",
        "title",
        "service",
        "service_options",
        "bpm",
        "time_signature",
    }
)
"""Parameters that the daemon honours itself, whatever the service."""


async def prepare(run: Run) -> Prepared:
    """Copy and cut the clip into the staging folder, and settle the session's tempo.

    Raises:
        ClipError: the clip is gone, changed while it was read, is silent, or cannot be decoded.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    found = await read_project(run)
    if run.send.clip is None:
        return _prepared(None, None, await session_tempo(run, found), found)
    source, info, clip, notes = await asyncio.to_thread(_stage, run, session_rate_hz(found))
    run.note(fingerprint=fingerprint(source.sha256, run.send.operation, run.send.service, run.params))
    tempo = await session_tempo(run, found, clip, info, source.position_samples / source.sample_rate_hz)
    earlier = None if source.range_s else await asyncio.to_thread(_earlier, run, source)
    return replace(_prepared(source, clip, tempo, found, notes), earlier=earlier)


async def plan(run: Run, prepared: Prepared) -> Plan:
    """Map the send to the service's requests. Raises Refusal for what the service cannot do or get."""
    planned = run.bridge.plan(ask_of(run.send, run.params, prepared))
    if prepared.clip is not None and any(call.needs_clip for call in planned.calls):
        run.means.hosting.choose(run.bridge.manifest, prepared.clip)
    return replace(planned, unmet=(*planned.unmet, *unmet_wishes(run)))


def ask_of(send: SendRow, params: Params, prepared: Prepared) -> Ask:
    """A send as a bridge sees it."""
    return Ask(send.id, send.operation, params, prepared.clip, prepared.meter, bought(params), earlier=prepared.earlier)


def bought(params: Params) -> frozenset[str]:
    """What the service itself is asked for: only what stands in this very send."""
    wanted = {"stems": bool(params.stems), "midi": bool(params.midi), "wav": bool(params.wav)}
    return frozenset(name for name, asked in wanted.items() if asked)


def fingerprint(sha256: str, operation: str, service: str, params: Params) -> str:
    """The same for the same content, operation, service and parameters."""
    return hashlib.sha256("\n".join((sha256, operation, service, params.canonical_json())).encode()).hexdigest()


def unmet_wishes(run: Run) -> tuple[str, ...]:
    """A sentence for each parameter that this service has no use for."""
    manifest = run.means.services.manifest(run.send.service)
    spec = manifest.operations[run.send.operation]
    ignored = [name for name in run.params.given() if name not in spec.honours and name not in HOUSE_PARAMS]
    return tuple(
        f"{manifest.title} has no use for {name} in {run.send.operation}; it was left out." for name in ignored
    )


def _prepared(
    source: Source | None, clip: Clip | None, tempo: SessionTempo, found: Found | None, notes: tuple[str, ...] = ()
) -> Prepared:
    return Prepared(
        source,
        clip,
        tempo.meter,
        tempo.tempo_from,
        (*notes, *tempo.notes),
        signature_from=tempo.signature_from,
        session_rate_hz=session_rate_hz(found),
        project_file=found.path if found and found.project else None,
        session=tempo.session,
    )


def _stage(run: Run, session_hz: int | None) -> tuple[Source, ClipInfo, Clip, tuple[str, ...]]:
    copy, sha256 = _copy_clip(run)
    info = probe(copy)
    if is_silent(copy):
        raise ClipError(f"{_name(run)} is silent.", "Send a clip that has sound in it.")
    staged, staged_info, notes = _cut(run, copy, info)
    start_s = run.params.range_s[0] if run.params.range_s else 0.0
    assert run.send.clip is not None
    source = Source(
        path=run.send.clip,
        staged=staged,
        sha256=sha256,
        sample_rate_hz=info.sample_rate_hz,
        channels=staged_info.channels,
        frames=staged_info.frames,
        subtype=staged_info.subtype,
        range_s=run.params.range_s,
        position_samples=_position(run.params, info, start_s, session_hz),
    )
    return source, info, _for_service(run, staged, staged_info, sha256 if staged == copy else None), notes


def _cut(run: Run, copy: Path, info: ClipInfo) -> tuple[Path, ClipInfo, tuple[str, ...]]:
    """The part that is sent, at most in stereo; the copy itself where it is that already."""
    notes: tuple[str, ...] = ()
    if info.channels > 2:
        notes = (f"The clip's {info.channels} channels were folded down to stereo.",)
    span = run.params.range_s
    if span is None and info.channels <= 2:
        return copy, info, notes
    start_s, end_s = span or (0.0, info.duration_s)
    if start_s >= info.duration_s:
        raise ClipError(
            f"range_s starts at {start_s:g} s, but {_name(run)} is {info.duration_s:.3f} s long.",
            "Choose a range inside the clip.",
        )
    target = run.folder / "cut.wav"
    end_s = min(end_s, info.duration_s)
    if info.channels <= 2:
        cut_part(copy, start_s, end_s, target)
    else:
        convert(copy, target, start_s=start_s, end_s=end_s, channels=2, bit_depth="float")
    return target, probe(target), notes


def _for_service(run: Run, staged: Path, info: ClipInfo, sha256: str | None) -> Clip:
    """The clip in a container that the service takes; for one that is not of this machine, without its metadata."""
    manifest = run.means.services.manifest(run.send.service)
    formats = manifest.clip_formats
    bare = run.folder / f"bare{staged.suffix}"
    if info.container not in formats:
        fmt: Format = "WAV" if formats[0] == "WAV" else "FLAC" if formats[0] == "FLAC" else "MP3"
        target = run.folder / f"clip.{fmt.lower()}"
        info = convert(staged, target, bit_depth="float" if fmt == "WAV" else 24, fmt=fmt)
        staged, sha256 = target, None
    elif not manifest.free and write_bare(staged, bare):
        staged, sha256 = bare, None
    return Clip(staged, info.sample_rate_hz, info.channels, info.frames, sha256 or _sha256(staged))


def _position(params: Params, info: ClipInfo, start_s: float, session_hz: int | None) -> int:
    if params.position_samples is not None:
        # Samples of the session, which a clip at another rate does not share.
        return round(params.position_samples * info.sample_rate_hz / (session_hz or info.sample_rate_hz))
    if params.position_s is not None:
        return round(params.position_s * info.sample_rate_hz)
    return (info.time_reference_samples or 0) + round(start_s * info.sample_rate_hz)


def _copy_clip(run: Run) -> tuple[Path, str]:
    """Copy the user's file into the staging folder; returns the copy and the sha256 of what was copied."""
    digest = hashlib.sha256()
    with _open_clip(run) as source:
        target = run.folder / f"source{Path(source.name).suffix.lower()}"
        before = os.fstat(source.fileno())
        with target.open("wb") as copy:
            while block := source.read(COPY_BLOCK):
                digest.update(block)
                copy.write(block)
        after = os.fstat(source.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ClipError(f"{_name(run)} was changed while it was being read.", "Send it again when it is finished.")
    return target, digest.hexdigest()


@contextmanager
def _open_clip(run: Run) -> Iterator[IO[bytes]]:
    """The user's file, where it is to lie or where it was found: a hot folder puts it away in between."""
    places = [path for path in (run.send.clip, run.send.found_at, run.send.clip) if path is not None]
    for path in places:
        try:
            file = path.open("rb")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ClipError(
                f"{_name(run)} cannot be read: {error.strerror}.", "Make it readable, then retry."
            ) from error
        with file:
            if run.send.origin in CONFINED and not any(_lies_in(run.send.session, place, file) for place in places):
                raise ClipError(f"{_name(run)} leads out of the session.", "Put the file itself there.")
            yield file
        return
    raise ClipError(f"{_name(run)} is no longer there.", "Put it back, then retry.")


def _lies_in(session: Path, path: Path, file: IO[bytes]) -> bool:
    """Whether the very file that is open really lies in the session: a link may have come in the clip's place."""
    real = path.resolve()
    try:
        is_same = os.path.samestat(os.fstat(file.fileno()), real.stat())
    except OSError:
        return False
    return is_same and real.is_relative_to(session.resolve())


def _earlier(run: Run, source: Source) -> EarlierTake | None:
    returns = run.send.session / run.means.settings.returns.folder
    return earlier_take(source.path, returns, run.send.service, run.send.operation, source.sha256)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name(run: Run) -> str:
    return f"“{run.send.clip.name}”" if run.send.clip else "The clip"
