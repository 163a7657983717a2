"""Deliver: put a send's returns into its session folder, whole takes only, and nothing over anything else.

A take's files are placed first and its sidecar last. Doing it again after a crash, at whatever point it came, ends in
the same complete set: what is there already with the same contents is ours and stays, and what is there with other
contents is somebody else's and stays too; ours then takes the next free name, and the sidecar lists that one.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from sendreturn.errors import DeliveryError, SendReturnError
from sendreturn.returns import files, naming
from sendreturn.returns.sidecar import (
    About,
    Facts,
    ReturnedFile,
    ServiceRefs,
    Sidecar,
    build_sidecar,
    read_sidecar,
    verify,
)
from sendreturn.words import Kind, SendId


@dataclass(frozen=True)
class StagedFile:
    """One file that is ready in the staging folder. `suffix` is the extension of its final name, with the dot."""

    kind: Kind
    staged: Path
    suffix: str
    facts: Facts = field(default_factory=Facts)
    stem: str | None = None


@dataclass(frozen=True)
class StagedTake:
    """One take, ready. `service_refs` are the take's own; None where the send's stand for all."""

    number: int
    files: tuple[StagedFile, ...]
    service_refs: ServiceRefs | None = None


@dataclass(frozen=True)
class Delivery:
    """What is to be delivered, and where.

    Attributes:
        folder: The returns folder, relative to the session ("Returns").
        clip: The clip's name without its extension.
        about: What the sidecars of all takes have in common.
    """

    session: Path
    folder: str
    clip: str
    operation: str
    send_id: SendId
    takes: tuple[StagedTake, ...]
    about: About


@dataclass(frozen=True)
class DeliveredFile:
    """One file that lies in the session now.

    `position_samples` is at the file's own rate; both are None for what is not audio.
    """

    path: Path
    kind: Kind
    stem: str | None
    take: int
    sha256: str
    bytes: int
    position_samples: int | None
    sample_rate_hz: int | None


@dataclass(frozen=True)
class Delivered:
    """The set's folder, and all files in the order of the takes and of their sidecars."""

    folder: Path
    files: tuple[DeliveredFile, ...]


OnFile = Callable[[DeliveredFile], None]


def deliver(delivery: Delivery, on_file: OnFile = lambda _: None) -> Delivered:
    """Put all takes into the session.

    `on_file` hears of each file once its take's sidecar is durable; a repeated delivery tells of all files again.

    Raises:
        DeliveryError: the session could not be written; what could not be delivered is still staged.
        SendReturnError: a staged file is lost.
    """
    with _told_to_the_user(delivery):
        folder = _set_folder(delivery)
        delivered: list[DeliveredFile] = []
        # Somebody may swap a folder for a link at any moment; what is held stays the folder that was looked at.
        with files.held(folder) as held:
            refuse_ways_out(delivery.session, held)
            files.remove_leftovers(held)
            for take in delivery.takes:
                refuse_ways_out(delivery.session, folder)
                sidecar = _deliver_take(delivery, take, held)
                _refuse_moved(folder, held)
                news = [_delivered(folder, take.number, file) for file in sidecar.returns]
                for file in news:
                    on_file(file)
                delivered += news
    return Delivered(folder, tuple(delivered))


def refuse_ways_out(session: Path, folder: Path) -> None:
    """Raise DeliveryError where a folder is not really inside the session: returns must not land elsewhere."""
    real = folder.resolve()
    if not real.is_relative_to(session.resolve()):
        raise DeliveryError(f"{files.named(folder)} leads out of the session, to {real}.", "Put a real folder there")


def _deliver_take(delivery: Delivery, take: StagedTake, folder: Path) -> Sidecar:
    """The sidecar that lies beside the complete take, found or written."""
    found = _found_sidecar(delivery, take, folder)
    if found is not None:
        return found
    claimed: set[str] = set()
    returns = tuple(_deliver_file(delivery, take, file, folder, claimed) for file in take.files)
    # A file that was missing may just have made an earlier sidecar true again.
    return _found_sidecar(delivery, take, folder) or _write_sidecar(delivery, take, returns, folder)


def _found_sidecar(delivery: Delivery, take: StagedTake, folder: Path) -> Sidecar | None:
    """An earlier sidecar of this take that is still true and lists all that the take consists of."""
    wanted = Counter((file.kind, naming.stem_word(file.stem)) for file in take.files)
    for name in naming.numbered(_sidecar_name(delivery, take)):
        path = folder / name
        if not os.path.lexists(path):
            return None
        sidecar = _true_sidecar(path)
        if sidecar is None or (sidecar.send_id, sidecar.take) != (delivery.send_id, take.number):
            continue
        if wanted <= Counter((file.kind, file.stem) for file in sidecar.returns):
            return sidecar
    raise AssertionError("names do not run out")


def _true_sidecar(path: Path) -> Sidecar | None:
    try:
        return None if verify(path) else read_sidecar(path)
    except SendReturnError:
        return None


def _deliver_file(
    delivery: Delivery, take: StagedTake, file: StagedFile, folder: Path, claimed: set[str]
) -> ReturnedFile:
    """Place one file under the first name that is free, or is this very file's already."""
    _refuse_lost(file.staged, delivery.send_id)
    refuse_ways_out(delivery.session, folder)
    stem = naming.stem_word(file.stem)
    plain = naming.file_name(
        delivery.clip, delivery.operation, delivery.send_id, take.number, file.kind, stem, file.suffix
    )
    for name in naming.numbered(plain):
        if name in claimed:
            continue
        sha256 = _placed(file.staged, folder / name)
        if sha256 is not None:
            claimed.add(name)
            size = (folder / name).stat().st_size
            facts = file.facts.model_dump()
            return ReturnedFile(**facts, path=name, kind=file.kind, stem=stem, sha256=sha256, bytes=size)
    raise AssertionError("names do not run out")


def _refuse_lost(staged: Path, send_id: str) -> None:
    if not staged.is_file():
        raise SendReturnError(
            f"{staged.name} is missing from the state folder, so it cannot be delivered.",
            f"The service may still have it: `sendreturn show {send_id}` tells where.",
            str(staged),
        )


def _placed(staged: Path, final: Path) -> str | None:
    """The sha256 of `staged` once it lies at `final`; None where something else does."""
    if not os.path.lexists(final):
        try:
            return files.copy_in(staged, final)
        except FileExistsError:  # it has appeared meanwhile
            pass
    return _same_sha256(staged, final)


def _same_sha256(staged: Path, final: Path) -> str | None:
    if final.is_symlink() or not final.is_file() or final.stat().st_size != staged.stat().st_size:
        return None
    sha256 = files.sha256_of(staged)
    return sha256 if files.sha256_of(final) == sha256 else None


def _write_sidecar(delivery: Delivery, take: StagedTake, returns: tuple[ReturnedFile, ...], folder: Path) -> Sidecar:
    sidecar = build_sidecar(delivery.about, take.number, returns, datetime.now(UTC), take.service_refs)
    for name in naming.numbered(_sidecar_name(delivery, take)):
        try:
            files.write_text(folder / name, sidecar.text())
        except FileExistsError:
            continue
        return sidecar
    raise AssertionError("names do not run out")


def _sidecar_name(delivery: Delivery, take: StagedTake) -> str:
    return naming.sidecar_name(delivery.clip, delivery.operation, delivery.send_id, take.number)


def _delivered(folder: Path, take: int, file: ReturnedFile) -> DeliveredFile:
    return DeliveredFile(
        path=folder / file.path,
        kind=file.kind,
        stem=file.stem,
        take=take,
        sha256=file.sha256,
        bytes=file.bytes,
        position_samples=file.position_samples,
        sample_rate_hz=file.sample_rate_hz,
    )


# The folder


def _set_folder(delivery: Delivery) -> Path:
    """The send's own folder in the returns folder, made where it is not there yet."""
    if not delivery.session.is_dir():
        raise DeliveryError(f"The session folder {delivery.session} is not there any more.", "Bring it back")
    folder = delivery.session
    name = naming.set_folder(delivery.clip, delivery.operation, delivery.send_id)
    for part in (*PurePosixPath(delivery.folder).parts, name):
        folder = folder / part
        if not folder.is_dir():
            _make_folder(folder)
        refuse_ways_out(delivery.session, folder)
    return folder


def _make_folder(folder: Path) -> None:
    try:
        files.make_folder(folder)
    except FileExistsError as error:
        raise DeliveryError(
            f"{folder} should be a folder for returns, but something else has that name.", "Move it away", str(error)
        ) from error


def _refuse_moved(folder: Path, held: Path) -> None:
    if not os.path.lexists(folder) or not folder.samefile(held):
        raise DeliveryError(f"{folder} was moved while returns were put into it.", "Put it back")


# What the user is told


_RIGHTS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_SENTENCES = (
    (_RIGHTS, "{path} cannot be written: it is read-only, or another program holds it.", "Make it writable"),
    (frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESTALE}), "{path} is not there any more.", "Bring it back"),
    (frozenset({errno.EIO}), "The disk reported an error while {path} was written.", "Check the disk"),
)
_OTHERWISE = ("{path} could not be written.", "Put that right")


@contextmanager
def _told_to_the_user(delivery: Delivery) -> Iterator[None]:
    """Turn what can go wrong into a DeliveryError that says where the returns are and how to go on."""
    try:
        yield
    except DeliveryError as error:
        raise _with_the_way_on(delivery, error.what, error.hint, error.detail) from error
    except OSError as error:
        what, first = next((texts for codes, *texts in _SENTENCES if error.errno in codes), _OTHERWISE)
        path = delivery.session / delivery.folder
        raise _with_the_way_on(delivery, what.format(path=path), first, str(error)) from error


def _with_the_way_on(delivery: Delivery, what: str, first: str, detail: str) -> DeliveryError:
    way = f"{first.rstrip('.')}, then run `sendreturn retry {delivery.send_id}`."
    return DeliveryError(what, f"The returns are kept in the state folder. {way}", detail)
