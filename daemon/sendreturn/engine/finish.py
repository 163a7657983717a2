"""Finish: join what came back with the user's clip, make what is missing, and bring all to the session's format."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from sendreturn.audio.notes import Meter
from sendreturn.audio.probe import probe
from sendreturn.audio.return_checks import checks_of, hear
from sendreturn.contract import Clip, MadeTake, Plan
from sendreturn.engine.assemble import assemble
from sendreturn.engine.conform import conform
from sendreturn.engine.coverage import settle
from sendreturn.engine.errands import errand
from sendreturn.engine.fit import fit
from sendreturn.engine.outputs import Fetched, FetchedTake, Finished, FinishedFile, FinishedTake, Prepared
from sendreturn.engine.pieces import AUDIO, Piece
from sendreturn.engine.rhythm import lay_on_grid
from sendreturn.engine.run import Run
from sendreturn.params import Params
from sendreturn.words import Kind

AS_LONG = frozenset({"extend", "inpaint", "cover", "remaster", "add_vocals", "add_instrumental"})
"""Operations that give back at least as much as they were given."""


async def finish(run: Run, plan: Plan, prepared: Prepared, fetched: Fetched) -> Finished:
    """Make every take's returns ready to be delivered."""
    told = (*prepared.notes, *plan.unmet)
    takes = []
    for index, as_told in enumerate(fetched.takes):
        run.checkpoint()
        take = await asyncio.to_thread(settle, run.send.operation, run.params, prepared, as_told)
        folder = run.folder / f"finished-{run.send.attempt}" / f"t{take.number}"
        folder.mkdir(parents=True, exist_ok=True)
        share = _Share(run, index, len(fetched.takes))
        found = await asyncio.to_thread(fit, run, prepared, take, folder)
        found = await asyncio.to_thread(lay_on_grid, run, prepared, found, folder)
        pieces = await asyncio.to_thread(assemble, run, prepared, found, folder)
        pieces += await _gaps(run, prepared, pieces, folder, share)
        share(0.8, "writing the files")
        files = await asyncio.to_thread(conform, run, prepared, pieces, take.number, folder, found.told)
        heard = await asyncio.to_thread(_heard, run, prepared, take)
        checks = (*told, *take.notes, *found.checks, *heard)
        of_files = (sentence for file in files for sentence in file.warnings)
        warnings = (*told, *found.warnings, *heard, *of_files)
        takes.append(FinishedTake(take.number, _with_checks(files, checks), warnings))
    return Finished(tuple(takes))


def _heard(run: Run, prepared: Prepared, take: FetchedTake) -> tuple[str, ...]:
    """What is to be said of the audio as the service gave it."""
    source = prepared.source
    mix = next((file for file in take.files if file.kind is Kind.MIX), None)
    if mix is None or run.bridge.manifest.free:
        return ()
    least_s = source.duration_s if source and mix.covers == "all" and run.send.operation in AS_LONG else None
    if source is None:
        return checks_of(hear(mix.path))
    return checks_of(hear(mix.path), clip_channels=source.channels, clip_hz=source.sample_rate_hz, least_s=least_s)


class _Share:
    """One take's part of the progress."""

    def __init__(self, run: Run, index: int, count: int) -> None:
        self._run, self._index, self._count = run, index, count

    def __call__(self, fraction: float, text: str) -> None:
        self._run.tell((self._index + fraction) / self._count, text)


async def _gaps(run: Run, prepared: Prepared, pieces: list[Piece], folder: Path, share: _Share) -> list[Piece]:
    """Stems and MIDI that are wanted and that the service did not make, made on this machine."""
    mix = next((piece for piece in pieces if piece.kind is Kind.MIX), None)
    if mix is None and run.send.operation != "stems":
        return []  # texts, pictures and notes have nothing to be filled in
    audio = await asyncio.to_thread(_clip_of, mix.path) if mix else prepared.clip
    if audio is None:
        return []
    start_frame = mix.start_frame if mix else 0
    meter = prepared.meter.starting_at(start_frame / audio.sample_rate_hz)
    made: list[Piece] = []
    wanted = _wanted_stems(run)
    has = {piece.kind for piece in pieces}
    if wanted and mix is not None and Kind.STEM not in has:
        takes = await _errand(run, "stems", audio, Params(stems=wanted), meter, folder, share, 0.0)
        made += _made(takes, start_frame)
    if _wants_midi(run) and Kind.MIDI not in has:
        made += _made(await _errand(run, "midi", audio, Params(), meter, folder, share, 0.4), start_frame)
    return made


async def _errand(
    run: Run, operation: str, audio: Clip, params: Params, meter: Meter, folder: Path, share: _Share, start: float
) -> tuple[MadeTake, ...]:
    return await errand(
        run,
        operation,
        audio,
        params,
        meter,
        folder / operation,
        lambda fraction, text: share(start + 0.4 * fraction, text),
    )


def _made(takes: tuple[MadeTake, ...], start_frame: int) -> list[Piece]:
    files = [file for take in takes for file in take.files]
    return [Piece(file.kind, Path(file.ref), file.stem, file.made_by, start_frame) for file in files]


def _wanted_stems(run: Run) -> int:
    if run.send.operation in ("stems", "midi"):
        return 0
    asked = run.params.stems
    stems = run.means.settings.returns.stems if asked is None else asked
    return min(stems or 0, 4)


def _wants_midi(run: Run) -> bool:
    asked = run.params.midi
    return run.means.settings.returns.midi if asked is None else asked


def _clip_of(path: Path) -> Clip:
    info = probe(path)
    return Clip(path, info.sample_rate_hz, info.channels, info.frames, sha256="")


def _with_checks(files: list[FinishedFile], checks: tuple[str, ...]) -> tuple[FinishedFile, ...]:
    """What is to be told of a take stands with its mix, else with its first audio, else with its first file."""
    ranks = [0 if file.kind is Kind.MIX else 1 if file.kind in AUDIO else 2 for file in files]
    chosen = ranks.index(min(ranks, default=0)) if files else None
    return tuple(
        replace(file, checks=(*file.checks, *checks)) if index == chosen else file for index, file in enumerate(files)
    )
