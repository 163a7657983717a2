"""Fetch: bring every file of every take into the staging folder."""

from __future__ import annotations

import asyncio
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from sendreturn.audio.midi import write_midi
from sendreturn.contract import Made
from sendreturn.engine.outputs import Fetched, FetchedFile, FetchedTake, Prepared, Takes
from sendreturn.engine.run import Run
from sendreturn.errors import ServiceError
from sendreturn.words import TEMP_PREFIX, Kind

EXTRAS = frozenset({Kind.IMAGE, Kind.VIDEO})
"""What nobody waits for: a send is not lost because its picture is."""
SUFFIX = {Kind.MIDI: ".mid", Kind.LYRICS: ".txt", Kind.IMAGE: ".jpg", Kind.VIDEO: ".mp4"}
"""For references that do not name one; audio is taken for WAV, and read by its content."""


async def fetch(run: Run, prepared: Prepared, takes: Takes) -> Fetched:
    """Bring all takes. Each file gets its name only when all of it is there."""
    if not takes.takes:
        raise ServiceError(f"{run.bridge.manifest.title} finished, but gave nothing back.", "`retry` asks once more.")
    folder = run.folder / f"fetched-{run.send.attempt}"
    folder.mkdir(parents=True, exist_ok=True)
    total = sum(len(take.files) for take in takes.takes)
    fetched: list[FetchedTake] = []
    done = 0
    for number, take in enumerate(takes.takes, start=1):
        files: list[FetchedFile] = []
        notes = take.notes
        for index, made in enumerate(take.files):
            try:
                files.append(await _fetch_one(run, prepared, made, folder / f"t{number}-{index}{_suffix(made)}"))
            except ServiceError as error:
                if made.kind not in EXTRAS:
                    raise
                notes = (*notes, f"The {made.kind.value} could not be fetched: {error.what}")
            done += 1
            run.tell(done / total, f"fetched {done} of {total}")
        fetched.append(FetchedTake(number, tuple(files), take.clip_id, take.bpm, notes))
    return Fetched(tuple(fetched))


async def _fetch_one(run: Run, prepared: Prepared, made: Made, target: Path) -> FetchedFile:
    if not target.exists():
        run.checkpoint()
        partial = target.with_name(TEMP_PREFIX + target.name)
        if made.text is not None or made.tracks is not None:
            await asyncio.to_thread(_write, made, prepared, partial)
        else:
            await run.bridge.fetch(made, partial, run.folder)
        partial.replace(target)
    return FetchedFile(made.kind, target, made.stem, made.covers, made.made_by)


def _write(made: Made, prepared: Prepared, target: Path) -> None:
    """What came as text or as notes, as a file; notes on the session's beat."""
    if made.text is not None:
        target.write_text(made.text, "utf-8")
        return
    tracks = made.tracks or ()
    last_s = max((note.end_s for track in tracks for note in track.notes), default=0.0)
    length_s = prepared.source.duration_s if prepared.source else 0.0
    write_midi(target, tracks, prepared.meter, duration_s=max(last_s, length_s))


def _suffix(made: Made) -> str:
    return PurePosixPath(urlsplit(made.ref).path).suffix.lower() or SUFFIX.get(made.kind, ".wav")
