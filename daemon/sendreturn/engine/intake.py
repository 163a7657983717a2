"""Intake: what a wish means, and everything that can be refused of it before it is written down."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sendreturn.audio.probe import probe
from sendreturn.contract import Ask, Clip, Manifest, OperationSpec
from sendreturn.engine.earlier import earlier_take
from sendreturn.engine.prepare import bought
from sendreturn.errors import ClipError, Refusal, UsageError
from sendreturn.params import Params, merge_params
from sendreturn.sends.wish import Wish
from sendreturn.services import Services
from sendreturn.settings import Settings
from sendreturn.words import OPERATION_ALIASES, OPERATIONS, SendId

SessionOf = Callable[[Path | None], Path | None]
"""The session that a path lies in, if it lies in a known one; without a path the session, where there is only one."""


@dataclass(frozen=True)
class Meant:
    """What a wish means, with presets and defaults put in."""

    session: Path
    clip: Path | None
    operation: str
    service: str
    params: Params


def resolve(wish: Wish, settings: Settings, services: Services, session_of: SessionOf) -> Meant:
    """What the wish means.

    Raises:
        UsageError: there is no such operation, the clip or a parameter cannot be used, or the service will not do it.
    """
    operation, preset_service, preset_params = _operation(wish.operation, settings)
    params = merge_params(preset_params, wish.params)
    named = wish.service or params.service or preset_service
    service = named or _usual(settings.service, operation, services)
    spec = _spec(services.manifest(service), operation, services)
    clip = _clip(wish, spec)
    session = _session(wish, clip, session_of)
    _check_demands(spec, params)
    draft = _draft(clip, params, spec) if clip is not None else None
    is_known = clip is not None and params.range_s is None and not services.manifest(service).free
    earlier = earlier_take(clip, session / settings.returns.folder, service, operation) if clip and is_known else None
    # A plan is made and put aside, so that a refusal comes at once.
    ask = Ask(SendId("00000000"), operation, params, draft, buys=bought(params), earlier=earlier)
    services.bridge(service).plan(ask)
    return Meant(session, clip, operation, service, params)


def _operation(name: str, settings: Settings) -> tuple[str, str | None, Mapping[str, object]]:
    preset = settings.preset(name)
    if preset is not None:
        return preset.operation, preset.service, preset.params.given()
    operation = OPERATION_ALIASES.get(name, name)
    if operation in OPERATIONS:
        return operation, None, {}
    known = [*OPERATIONS, *settings.presets]
    near = difflib.get_close_matches(name, known, 1)
    hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}."
    raise UsageError(f"There is no operation or preset {name!r}.", hint)


def _usual(configured: str, operation: str, services: Services) -> str:
    """The configured service; where it has no stems or MIDI, what makes these of its returns makes them of the clip."""
    if operation in services.manifest(configured).operations:
        return configured
    return services.gap_filler(operation) or configured


def _spec(manifest: Manifest, operation: str, services: Services) -> OperationSpec:
    spec = manifest.operations.get(operation)
    if spec is not None:
        return spec
    others = [name for name, other in services.manifests.items() if operation in other.operations]
    hint = f"{', '.join(others)} can: set service to one of these." if others else "No service here can."
    raise Refusal(f"{manifest.title} has no {operation}.", hint)


def _clip(wish: Wish, spec: OperationSpec) -> Path | None:
    if wish.clip is None:
        if spec.needs_clip:
            raise UsageError(f"{spec.name} needs a clip.", "Name an audio file.")
        return None
    return wish.clip if wish.clip.is_absolute() else wish.clip.absolute()


def _session(wish: Wish, clip: Path | None, session_of: SessionOf) -> Path:
    if wish.confined:
        return _confined_session(wish, clip, session_of)
    if wish.session is not None:
        if not os.path.isdir(wish.session):  # noqa: PTH112 - False for what no name can be, too
            raise UsageError(f"The session folder {wish.session} is not there.", "Name a folder that exists.")
        return wish.session.absolute()
    if clip is None:
        return _only_session(session_of)
    return session_of(clip) or clip.parent


def _only_session(session_of: SessionOf) -> Path:
    session = session_of(None)
    if session is None:
        raise UsageError("An operation without a clip needs a session.", "Name the session folder (--session DIR).")
    return session


def _confined_session(wish: Wish, clip: Path | None, session_of: SessionOf) -> Path:
    """Only files that really lie in a session of ours: a link that leads out of it does not."""
    anchor = clip or wish.session
    if anchor is None:
        return _only_session(session_of)
    session = session_of(anchor)
    if session is None or not anchor.resolve().is_relative_to(session.resolve()):
        raise UsageError(
            f"{anchor} does not lie in a session that sendreturn watches.",
            "Move it into one, or add its folder with `sendreturn watch DIR`.",
        )
    return session


def _check_demands(spec: OperationSpec, params: Params) -> None:
    missing = [name for name in spec.demands if getattr(params, name) is None]
    if missing:
        example = " (for example section_s: [4, 8])" if "section_s" in missing else ""
        raise UsageError(f"{spec.name} needs {' and '.join(missing)}{example}.", "Set it, then send it again.")


def _draft(clip: Path, params: Params, spec: OperationSpec) -> Clip:
    """The clip as far as the file's header tells."""
    info = probe(clip)
    start_s, end_s = params.range_s or (0.0, info.duration_s)
    if start_s >= info.duration_s:
        raise ClipError(
            f"range_s starts at {start_s:g} s, but “{clip.name}” is {info.duration_s:.3f} s long.",
            "Choose a range inside the clip.",
        )
    frames = round((min(end_s, info.duration_s) - start_s) * info.sample_rate_hz)
    draft = Clip(clip, info.sample_rate_hz, info.channels, frames, sha256="")
    _check_length(draft, spec, clip.name)
    return draft


def _check_length(clip: Clip, spec: OperationSpec, name: str) -> None:
    if spec.longest_clip_s is not None and clip.duration_s > spec.longest_clip_s:
        raise Refusal(
            f"“{name}” is {clip.duration_s:.1f} s long; {spec.name} takes at most {spec.longest_clip_s:g} s here.",
            "Send a part of it with range_s.",
        )
    if spec.shortest_clip_s is not None and clip.duration_s < spec.shortest_clip_s:
        raise Refusal(
            f"“{name}” is {clip.duration_s:.3f} s long; {spec.name} needs at least {spec.shortest_clip_s:g} s here.",
            "Send a longer clip.",
        )
