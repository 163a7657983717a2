"""Hand over: the finished takes go into the session, each with a sidecar that says where everything came from."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from sendreturn.contract import MadeTake
from sendreturn.engine.conform import clip_name
from sendreturn.engine.outputs import DeliveredFile, Finished, FinishedFile, FinishedTake, Handed, Prepared, Takes
from sendreturn.engine.projects import add_projects
from sendreturn.engine.run import Run
from sendreturn.returns.deliver import Delivered, Delivery, StagedFile, StagedTake, deliver
from sendreturn.returns.deliver import DeliveredFile as FileInPlace
from sendreturn.returns.sidecar import (
    About,
    Ai,
    Alignment,
    Cost,
    Facts,
    ServiceRefs,
    Source,
    Step,
    source_path,
    utc_text,
)
from sendreturn.words import Kind

MOST_WARNINGS = 3


async def hand_over(run: Run, prepared: Prepared, takes: Takes, finished: Finished) -> Handed:
    """Deliver every take. Raises DeliveryError where the session cannot be written; the returns are kept then."""
    made = dict(enumerate(takes.takes, start=1))
    refs = _refs(run, takes)
    delivery = Delivery(
        session=run.send.session,
        folder=run.means.settings.returns.folder,
        clip=clip_name(run.send, run.params),
        operation=run.send.operation,
        send_id=run.send.id,
        takes=tuple(_take(take, refs, made.get(take.number)) for take in finished.takes),
        about=_about(run, prepared, takes, refs),
    )
    delivered = await asyncio.to_thread(deliver, delivery)
    notes = await asyncio.to_thread(add_projects, run, prepared, delivered)
    files = tuple(_told(file, delivered, prepared) for file in delivered.files)
    return Handed(delivered.folder, files, (*notes, *_warnings(finished)))


def _told(file: FileInPlace, delivered: Delivered, prepared: Prepared) -> DeliveredFile:
    """The file as listeners hear of it: notes have no rate of their own, and start with their mix."""
    position, rate_hz = file.position_samples, file.sample_rate_hz
    if file.kind is Kind.MIDI:
        position, rate_hz = _start_of(file.take, delivered, prepared)
    return DeliveredFile(file.take, file.kind, file.path, position or 0, rate_hz or 0)


def _start_of(take: int, delivered: Delivered, prepared: Prepared) -> tuple[int | None, int | None]:
    """Where the mix of a take starts on the timeline, and at which rate; the clip where there is no mix."""
    mixes = (file for file in delivered.files if file.take == take and file.kind is Kind.MIX)
    first = next(mixes, None) or prepared.source
    return (None, None) if first is None else (first.position_samples, first.sample_rate_hz)


def _refs(run: Run, takes: Takes) -> ServiceRefs:
    """The tasks, and until when the service keeps what they have made: counted from the first request, to be safe."""
    keeps_h = run.means.services.manifest(run.send.service).retention_h
    asked_at = [intent.made_at for intent in run.means.journal.standing_of(run.send.id)]
    if keeps_h is None or not asked_at:
        return ServiceRefs(task_ids=takes.task_ids)
    until = datetime.fromisoformat(min(asked_at)) + timedelta(hours=keeps_h)
    return ServiceRefs(task_ids=takes.task_ids, expires_at=utc_text(until))


def _take(take: FinishedTake, refs: ServiceRefs, made: MadeTake | None) -> StagedTake:
    if made is not None:
        clip_ids = (made.clip_id,) if made.clip_id else ()
        refs = refs.model_copy(update={"clip_ids": clip_ids, "urls": _urls(made), "told": dict(made.told)})
    return StagedTake(take.number, tuple(_file(file) for file in take.files), refs)


def _urls(made: MadeTake) -> tuple[str, ...]:
    """Where the take's files lay at the service, each once; what signs an address is taken out of it later."""
    on_the_web = (file.ref.partition("#")[0] for file in made.files if file.ref.startswith(("https://", "http://")))
    return tuple(dict.fromkeys(on_the_web))


def _file(file: FinishedFile) -> StagedFile:
    made_by = (f"Made by {file.made_by}.",) if file.made_by else ()
    facts = Facts(
        sample_rate_hz=file.sample_rate_hz,
        bit_depth=file.bit_depth,
        channels=file.channels,
        duration_s=file.duration_s,
        position_samples=file.position_samples,
        loudness_lufs=file.loudness_lufs,
        true_peak_dbtp=file.true_peak_dbtp,
        checks=(*made_by, *file.checks),
        alignment=_alignment(file),
    )
    return StagedFile(file.kind, file.path, Path(file.path).suffix, facts, file.stem)


def _alignment(file: FinishedFile) -> Alignment | None:
    found = file.alignment
    if found is None:
        return None
    return Alignment(lag_samples=found.lag_samples, confidence=found.confidence, residual_db=found.residual_db)


def _warnings(finished: Finished) -> tuple[str, ...]:
    """What the user is told at once, each sentence once; all of it stands in the sidecars."""
    several = len(finished.takes) > 1
    told: dict[str, list[int]] = {}
    for take in finished.takes:
        for sentence in dict.fromkeys(take.warnings):
            told.setdefault(sentence, []).append(take.number)
    sentences = [
        f"Take {takes[0]}: {sentence}" if several and len(takes) == 1 else sentence for sentence, takes in told.items()
    ]
    more = len(sentences) - MOST_WARNINGS
    return (*sentences[:MOST_WARNINGS], f"The sidecar says {more} more.") if more > 0 else tuple(sentences)


def _about(run: Run, prepared: Prepared, takes: Takes, refs: ServiceRefs) -> About:
    manifest = run.means.services.manifest(run.send.service)
    history = run.means.journal.history(run.send.id)
    return About(
        send_id=run.send.id,
        operation=run.send.operation,
        service=run.send.service,
        model=_model(takes) or run.params.model,
        params=run.params.given(),
        created_at=run.send.created_at,
        source=_source(run, prepared),
        service_refs=refs,
        cost=Cost(
            credits=round(takes.cost_credits, 6),
            currency=None if manifest.free else manifest.currency,
            estimated=takes.is_estimate,
        ),
        ai=Ai(generated=manifest.ai_generated, digital_source_type=manifest.digital_source_type or None),
        history=tuple(Step(at=entry.at, state=entry.state, note=entry.note) for entry in history),
    )


def _model(takes: Takes) -> str | None:
    """The model that really made it, where the service says so."""
    named = (take.facts.get("model") for take in takes.takes)
    return next((str(model) for model in named if model), None)


def _source(run: Run, prepared: Prepared) -> Source:
    source = prepared.source
    tempo = Source(
        bpm=prepared.meter.bpm,
        tempo_from=prepared.tempo_from,
        time_signature=prepared.meter.signature,
        time_signature_from=prepared.signature_from,
        project_file=source_path(prepared.project_file, run.send.session) if prepared.project_file else None,
    )
    if source is None:
        return tempo
    about_clip = Source(
        path=source_path(source.path, run.send.session),
        sha256=source.sha256,
        sample_rate_hz=source.sample_rate_hz,
        channels=source.channels,
        duration_s=source.duration_s,
        range_s=source.range_s,
        position_samples=source.position_samples,
    )
    return about_clip.model_copy(update=tempo.model_dump(exclude_none=True))
