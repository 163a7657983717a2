"""Stems of a mix by the best means there are: the user's own HTDemucs, Spleeter's networks, or signal processing."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from sendreturn.audio.buffer import Audio
from sendreturn.audio.fold import fold_matrix, fold_note
from sendreturn.audio.resample import resample
from sendreturn.errors import ClipError, ModelError
from sendreturn.models import ModelStore

from sendreturn_bridges.services.local.classical_split import draft_rhythm, draft_vocals
from sendreturn_bridges.services.local.model_list import SPLEETER_2
from sendreturn_bridges.services.local.spleeter_weights import GRAPH_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Frames = NDArray[np.float32]
    Progress = Callable[[float], None]

Tier = Literal["classical", "spleeter-2", "htdemucs"]

_BETTER = "`sendreturn models install spleeter-2` gives better ones."
_DRAFT = "The stems are a draft, made by signal processing alone."
_DRAFT_RHYTHM = "Drums, bass and other are a draft, made by signal processing from what Spleeter left."
_NO_ONNXRUNTIME = 'Spleeter is installed but onnxruntime is not: pip install "sendreturn[local]".'


@dataclass(frozen=True)
class Separation:
    """Stems by name, how they were made, and what the user should know of it, as sentences."""

    stems: Mapping[str, Audio]
    tier: Tier
    notes: tuple[str, ...]


def separate(
    audio: Audio,
    *,
    stems: int = 2,
    models: Path,
    htdemucs: Path | None = None,
    seed: int = 0,
    progress: Callable[[float], None] = lambda _fraction: None,
) -> Separation:
    """Split a mix into vocals and instrumental (2), or vocals, drums, bass and other (4).

    The stems have the mix's length, rate and channels, and sum up to it. More than two channels are folded down to
    stereo first, and the stems sum up to that.

    Args:
        audio: The mix, at any rate.
        stems: 2 or 4.
        models: The folder of installed models.
        htdemucs: A network of the user's own, which is then used or the separation fails.
        seed: Accepted for likeness with the other operations; nothing here is random.
        progress: Told the fraction done, 0–1.

    Raises:
        ClipError: There is nothing to separate.
        ModelError: The user's own network cannot be used.
    """
    if stems not in (2, 4):
        raise ValueError(f"2 or 4 stems can be made, not {stems}")
    mix, notes = _usable(audio)
    tier, parts, more = _split(mix, stems, models, htdemucs, progress)
    named = {name: Audio(part, mix.rate_hz) for name, part in _complete(mix.samples, parts, stems).items()}
    progress(1.0)
    return Separation(named, tier, (*notes, *more))


def _usable(audio: Audio) -> tuple[Audio, tuple[str, ...]]:
    if audio.frames == 0:
        raise ClipError("The clip is empty, so there is nothing to separate.", "Send one with sound in it.")
    if not np.isfinite(audio.samples).all():
        raise ClipError("The clip holds samples that are not numbers.", "Bounce it again and send the new file.")
    if audio.channels <= 2:
        return audio, ()
    matrix = fold_matrix(audio.channels, 2) if audio.channels <= 8 else None
    if matrix is None:
        raise ClipError(
            f"The clip has {audio.channels} channels, and no rule makes stereo of them.", "Send a stereo mix of it."
        )
    folded = (audio.samples @ matrix).astype(np.float32)
    gain = min(1.0, 1.0 / max(float(np.abs(folded).max()), 1e-9))
    return Audio(folded * np.float32(gain), audio.rate_hz), (fold_note(audio.channels, 2, gain),)


def _split(
    mix: Audio, stems: int, models: Path, htdemucs: Path | None, progress: Progress
) -> tuple[Tier, dict[str, Frames], tuple[str, ...]]:
    """The stems that are estimated, all but the last, which is what they leave."""
    if htdemucs is not None:
        return "htdemucs", _by_htdemucs(mix, htdemucs, progress), ("The stems were made by HTDemucs.",)
    graph = ModelStore(models).path(SPLEETER_2.name, GRAPH_FILE)
    why = _BETTER
    if graph is not None and not _has("onnxruntime"):
        why = _NO_ONNXRUNTIME
    elif graph is not None:
        try:
            return "spleeter-2", *_by_spleeter(mix, stems, graph, progress)
        except ModelError as problem:
            why = problem.sentence
    vocals, rhythm = _shares(stems, progress)
    voice = draft_vocals(mix.samples, mix.rate_hz, vocals)
    return "classical", {"vocals": voice, **_rhythm(mix, voice, stems, rhythm)}, (_DRAFT, why)


def _by_htdemucs(mix: Audio, network: Path, progress: Progress) -> dict[str, Frames]:
    if not network.is_file():
        raise ModelError(f"The HTDemucs network {network} is not there.", "Correct its path in the configuration.")
    if not _has("onnxruntime"):
        raise ModelError("HTDemucs needs onnxruntime.", 'Install it with: pip install "sendreturn[local]"')
    from sendreturn_bridges.services.local.htdemucs import RATE_HZ, htdemucs_stems

    found = htdemucs_stems(_stereo_at(mix, RATE_HZ), network, progress)
    return {name: _back(found[name], RATE_HZ, mix) for name in ("vocals", "drums", "bass")}


def _by_spleeter(mix: Audio, stems: int, graph: Path, progress: Progress) -> tuple[dict[str, Frames], tuple[str, ...]]:
    from sendreturn_bridges.services.local.spleeter import RATE_HZ, spleeter_vocals

    vocals, rhythm = _shares(stems, progress)
    voice = _back(spleeter_vocals(_stereo_at(mix, RATE_HZ), graph, vocals), RATE_HZ, mix)
    notes = ("Vocals were separated by Spleeter.", *([_DRAFT_RHYTHM] if stems == 4 else []))
    return {"vocals": voice, **_rhythm(mix, voice, stems, rhythm)}, notes


def _rhythm(mix: Audio, voice: Frames, stems: int, progress: Progress) -> dict[str, Frames]:
    if stems == 2:
        return {}
    drums, bass = draft_rhythm(mix.samples - voice, mix.rate_hz, progress)
    return {"drums": drums, "bass": bass}


def _complete(mix: Frames, parts: Mapping[str, Frames], stems: int) -> dict[str, Frames]:
    """The wanted stems with the last one, to which everything goes that the others leave."""
    kept = {"vocals": parts["vocals"]} if stems == 2 else dict(parts)
    rest = mix.copy()
    for part in kept.values():
        rest -= part
    return {**kept, ("instrumental" if stems == 2 else "other"): rest}


def _shares(stems: int, progress: Progress) -> tuple[Progress, Progress]:
    """The progress of separating the vocals, and of what comes after."""
    vocals = 1.0 if stems == 2 else 0.6
    return (lambda done: progress(vocals * done)), (lambda done: progress(vocals + (1 - vocals) * done))


def _stereo_at(mix: Audio, rate_hz: int) -> Frames:
    """What the networks hear: two channels at their rate."""
    heard = resample(mix, rate_hz).samples if mix.rate_hz != rate_hz else mix.samples
    return np.repeat(heard, 2, axis=1) if mix.channels == 1 else heard


def _back(stem: Frames, rate_hz: int, mix: Audio) -> Frames:
    """A network's stem at the mix's rate, length and channels."""
    stem = stem.mean(axis=1, keepdims=True) if mix.channels == 1 else stem
    back = resample(Audio(stem, rate_hz), mix.rate_hz).samples if mix.rate_hz != rate_hz else stem
    fitted = np.zeros_like(mix.samples)
    frames = min(len(back), mix.frames)
    fitted[:frames] = back[:frames]
    return fitted


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
