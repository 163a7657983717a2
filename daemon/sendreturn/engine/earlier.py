"""Earlier takes: a clip that came back from the very service it goes to need not be uploaded, and can be more to it."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from sendreturn.contract import EarlierTake
from sendreturn.errors import SendReturnError
from sendreturn.returns.sidecar import Sidecar, read_sidecar
from sendreturn.words import TEMP_PREFIX, Kind

JOINS = frozenset({"concat"})
"""Operations on the new part of an extension, which is what the service knows by the take's id."""
JOINED_HERE = frozenset({"extend", "inpaint"})
"""Operations of which the service may know only the new part: the mix with the clip was made on this machine."""
PARTS = frozenset({Kind.MIX, Kind.TAIL, Kind.HEAD})


def earlier_take(
    clip: Path, returns: Path, service: str, operation: str, sha256: str | None = None
) -> EarlierTake | None:
    """The take of `service` that the file at `clip` is an unchanged, whole file of, as the sidecar of it says.

    Args:
        returns: The session's folder of returns, where its sidecar lies if not beside it.
        sha256: Of the file, where it is known; else it is read, but only where a return is as long as the file.
    """
    size = clip.stat().st_size if sha256 is None else 0
    for path in _sidecars(clip.parent, returns):
        with suppress(OSError, SendReturnError):
            if not _may_list(path, size, sha256):
                continue
            sidecar = read_sidecar(path)
            sha256 = sha256 or _sha256(clip)
            if sidecar.service == service and _is_what_the_service_knows(sidecar, sha256, operation):
                refs = sidecar.service_refs
                return EarlierTake(refs.clip_ids[0], refs.task_ids, sidecar.model)
    return None


def _sidecars(beside: Path, returns: Path) -> list[Path]:
    """The newest take first: of two that are alike, it is the one that the service still has."""
    found = {path for folder in (beside, *_folders(returns)) for path in _listed(folder) if path.suffix == ".json"}
    return sorted(found, key=_changed_at, reverse=True)


def _folders(returns: Path) -> list[Path]:
    """Those of finished deliveries; others, which come and go meanwhile, bear a name for the time being."""
    return [folder for folder in _listed(returns) if not folder.name.startswith(TEMP_PREFIX) and folder.is_dir()]


def _listed(folder: Path) -> list[Path]:
    """What lies in a folder; nothing where it is not, or not any more, there."""
    with suppress(OSError):
        return list(folder.iterdir())
    return []


def _changed_at(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _may_list(path: Path, size: int, sha256: str | None) -> bool:
    """Whether the file names a return of this length or content, without reading all of what it says."""
    written = path.read_bytes()
    return (sha256 or f'"bytes": {size}').encode() in written


def _is_what_the_service_knows(sidecar: Sidecar, sha256: str, operation: str) -> bool:
    kinds = {file.kind for file in sidecar.returns if file.sha256 == sha256}
    if not sidecar.service_refs.clip_ids:
        return False
    if operation in JOINS:
        return bool(kinds & PARTS)
    return Kind.MIX in kinds and sidecar.operation not in JOINED_HERE


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
