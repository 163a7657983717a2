"""Coverage: what of the clip is in the audio that came back, where the service does not say. It is heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sendreturn.audio.align import align
from sendreturn.audio.buffer import Audio
from sendreturn.contract import UNSAID
from sendreturn.engine.locate import LEAD_S, is_sure, mono_of
from sendreturn.engine.outputs import FetchedFile, FetchedTake, Prepared, Source
from sendreturn.engine.pieces import AUDIO
from sendreturn.engine.sections import join_frame
from sendreturn.params import Params
from sendreturn.words import Kind

EARLY_S = 0.002
"""What begins further inside the clip than this does not begin with it: it goes on with the clip's own material."""
NEW_ALONE = "The clip is not at the start of what came back, so all of it was taken for new audio."

_Told = tuple[str, tuple[str, ...]]
"""What files cover, and sentences for `checks`."""


def settle(operation: str, params: Params, prepared: Prepared, take: FetchedTake) -> FetchedTake:
    """The take, with what each of its files covers. Runs in a thread: it reads whole files.

    Raises:
        ClipError: a file cannot be decoded.
    """
    unsaid = [file for file in take.files if file.covers == UNSAID]
    if not unsaid:
        return take
    covers, notes = _heard(operation, params, prepared.source, _reference(unsaid))
    files = tuple(replace(file, covers=covers) if file.covers == UNSAID else file for file in take.files)
    return replace(take, files=files, notes=(*take.notes, *notes))


def _reference(files: Sequence[FetchedFile]) -> list[Path]:
    """What is listened to: the mix, else all stems together."""
    mix = next((file.path for file in files if file.kind is Kind.MIX), None)
    return [mix] if mix is not None else [file.path for file in files if file.kind in AUDIO]


def _heard(operation: str, params: Params, source: Source | None, paths: Sequence[Path]) -> _Told:
    if source is None or not paths:
        return "all", ()
    if operation == "extend":
        return _of_extension(source, join_frame(params, source) / source.sample_rate_hz, mono_of(paths))
    if operation == "inpaint" and params.section_s is not None:
        return _of_section(source, params.section_s, mono_of(paths)), ()
    return "all", ()


def _of_extension(source: Source, join_s: float, heard: Audio) -> _Told:
    """What is no longer than what it continues cannot hold it."""
    if heard.duration_s <= join_s:
        return "tail", ()
    return ("all", ()) if _begins_with(source, join_s, heard) else ("tail", (NEW_ALONE,))


def _begins_with(source: Source, join_s: float, heard: Audio) -> bool:
    """Whether the clip, as far as it is kept, is at the start; services and codecs may put some silence before it."""
    kept = mono_of([source.staged]).cut(0.0, join_s)
    found = align(kept, heard, search_s=LEAD_S)
    return is_sure(found) and (found.lag_samples or 0.0) >= -EARLY_S * source.sample_rate_hz


def _of_section(source: Source, section_s: tuple[float, float], heard: Audio) -> str:
    """A section alone is nearer to its own length than to the clip's."""
    alone_s = section_s[1] - section_s[0]
    is_alone = abs(heard.duration_s - alone_s) < abs(heard.duration_s - source.duration_s)
    return "section" if is_alone else "all"
