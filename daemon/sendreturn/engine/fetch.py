"""Fetch: bring every file of every take into the staging folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from sendreturn.contract import Made, MadeTake
from sendreturn.engine.outputs import Fetched, FetchedFile, FetchedTake, Takes
from sendreturn.engine.run import Run
from sendreturn.errors import ServiceError
from sendreturn.words import TEMP_PREFIX, Kind

SUFFIX = {Kind.MIDI: ".mid", Kind.LYRICS: ".txt", Kind.IMAGE: ".jpg", Kind.VIDEO: ".mp4"}
"""For references that do not name one."""


async def fetch(run: Run, takes: Takes) -> Fetched:
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
        for made in take.files:
            files.append(await _fetch_one(run, made, folder / f"t{number}-{len(files)}{_suffix(made)}"))
            done += 1
            run.tell(done / total, f"fetched {done} of {total}")
        fetched.append(_take(number, take, files))
    return Fetched(tuple(fetched))


async def _fetch_one(run: Run, made: Made, target: Path) -> FetchedFile:
    if not target.exists():
        run.checkpoint()
        partial = target.with_name(TEMP_PREFIX + target.name)
        await run.bridge.fetch(made, partial, run.folder)
        partial.replace(target)
    return FetchedFile(made.kind, target, made.stem, made.covers, made.made_by)


def _take(number: int, take: MadeTake, files: list[FetchedFile]) -> FetchedTake:
    return FetchedTake(number, tuple(files), take.clip_id, take.bpm, take.notes)


def _suffix(made: Made) -> str:
    return PurePosixPath(urlsplit(made.ref).path).suffix.lower() or SUFFIX.get(made.kind, ".wav")
