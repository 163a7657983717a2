"""Putting a DAW's side where that DAW looks for it, and taking it away again; what is the user's is never replaced."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import tomllib
from dataclasses import dataclass
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from sendreturn.daws.contract import DawManifest, InstallFile
from sendreturn.errors import SendReturnError, UsageError
from sendreturn.places import expand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

PACKAGE = "sendreturn_bridges.daws"
MARK = "sendreturn-bridge"
"""Stands, with the version, in every file that we install: by it we know our own."""
OWN_NAME = "sendreturn"
"""Of folders that are made for our files alone."""
FOLDER = "daws"
"""In the state folder: one folder for each DAW."""


@dataclass(frozen=True)
class Step:
    """One file of an installation: what became of it, as half a sentence ("written", "up to date", "removed")."""

    path: Path
    what: str


@dataclass(frozen=True)
class Installation:
    """One DAW's side on this machine.

    Attributes:
        folder: The bridge's own folder in the state folder, with the mailbox.
        values: What the files' placeholders are replaced with.
        env: The environment that target folders are found by.
    """

    manifest: DawManifest
    folder: Path
    values: Mapping[str, str]
    env: Mapping[str, str]

    def install(self) -> list[Step]:
        """Write all files. Doing it again brings them to this version.

        Raises:
            UsageError: somebody else's file has that name.
            SendReturnError: it cannot be written.
        """
        targets = [(file, self.target(file)) for file in self.manifest.files]
        for _, target in targets:
            refuse_strangers(target)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        steps = [self._write(file, target) for file, target in targets]
        steps += self._own_steps("install")
        (self.folder / "installed").write_text(self.values["VERSION"], "utf-8")
        return steps

    def remove(self) -> list[Step]:
        """Take away all files that are ours, and the mailbox with what was not placed."""
        steps = self._own_steps("remove")
        for file in self.manifest.files:
            target = self.target(file)
            if is_ours(target):
                target.unlink()
                steps.append(Step(target, "removed"))
                _leave(target.parent)
        shutil.rmtree(self.folder, ignore_errors=True)
        return steps

    @property
    def clicks(self) -> tuple[str, ...]:
        """What the user does once, as sentences: the manifest's, or the bridge's own for this user's settings."""
        own = self.own("clicks")
        return self.manifest.clicks if own is None else tuple(own(self))

    @property
    def is_installed(self) -> bool:
        return (self.folder / "installed").is_file()

    @property
    def stale(self) -> list[Path]:
        """Installed files that are missing, or not as this version would write them."""
        wrong = []
        for file in self.manifest.files:
            target = self.target(file)
            if not target.is_file() or target.read_bytes() != self.contents(file):
                wrong.append(target)
        return wrong

    def target(self, file: InstallFile) -> Path:
        """Where the file goes on this system.

        Raises:
            UsageError: the DAW does not exist on it.
        """
        place = file.targets.get(sys.platform) or file.targets.get("all")
        if place is None:
            raise UsageError(f"{self.manifest.title} does not run on this system.", "Install it where the DAW runs.")
        return expand(_filled_from(place, self.env), self.env)

    def contents(self, file: InstallFile) -> bytes:
        """The file as it is written."""
        raw = (_folder_of(self.manifest.name) / file.source).read_bytes()
        if not file.filled:
            return raw
        text = _whole(raw.decode("utf-8"), set())
        for name, value in {**self.values, **self._own_values()}.items():
            text = text.replace(f"@{name}@", value)
        return text.encode("utf-8")

    def _write(self, file: InstallFile, target: Path) -> Step:
        contents = self.contents(file)
        if target.is_file() and target.read_bytes() == contents:
            return Step(target, "up to date")
        was_there = target.is_file()
        write_whole(target, contents)
        return Step(target, "updated" if was_there else "written")

    def own(self, word: str) -> Any:
        """What the bridge itself does beyond its files: a function of its `setup.py`, or None where it has none."""
        if not (_folder_of(self.manifest.name) / "setup.py").is_file():
            return None
        return getattr(import_module(f"{PACKAGE}.{self.manifest.name}.setup"), word, None)

    def _own_steps(self, word: str) -> list[Step]:
        work = self.own(word)
        steps: list[Step] = work(self) if work is not None else []
        return steps

    def _own_values(self) -> Mapping[str, str]:
        """What the bridge itself fills its files with."""
        work = self.own("values")
        values: Mapping[str, str] = work(self) if work is not None else {}
        return values


def load_daws() -> dict[str, DawManifest]:
    """The manifests of all DAW bridges, by name."""
    folders = (entry for entry in resources.files(PACKAGE).iterdir() if (entry / "bridge.toml").is_file())
    found = (read_manifest((folder / "bridge.toml").read_text("utf-8")) for folder in folders)
    return {manifest.name: manifest for manifest in sorted(found, key=lambda manifest: manifest.name)}


def read_manifest(text: str) -> DawManifest:
    """A `bridge.toml` as a DawManifest. Raises pydantic's ValidationError where a field is of the wrong kind."""
    return _MANIFEST.validate_python(tomllib.loads(text))


_MANIFEST = TypeAdapter(DawManifest)


def installation(
    manifest: DawManifest, state: Path, values: Mapping[str, str], env: Mapping[str, str] = os.environ
) -> Installation:
    """The installation of one DAW's side. `values` are the placeholders; MAILBOX is added here."""
    folder = state / FOLDER / manifest.name
    return Installation(manifest, folder, {"MAILBOX": folder.as_posix(), **values}, env)


def installed_daws(state: Path) -> Iterator[DawManifest]:
    """Those whose side is installed."""
    for manifest in load_daws().values():
        if (state / FOLDER / manifest.name / "installed").is_file():
            yield manifest


def is_ours(path: Path) -> bool:
    """Whether a file is one that we have installed: our mark stands in it, or in a note beside a binary file."""
    try:
        return MARK.encode() in path.read_bytes()
    except OSError:
        return False


def refuse_strangers(target: Path) -> None:
    """Raises UsageError where somebody else's file has that name."""
    if target.exists() and not is_ours(target):
        raise UsageError(
            f"{target} is there already and is not of sendreturn.", "Move or rename it, then install again."
        )


def write_whole(target: Path, contents: bytes) -> None:
    """Write a file of an installation, or replace it: as a whole or not at all. Raises SendReturnError."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temp = target.with_name(f".{target.name}.part")
        temp.write_bytes(contents)
        temp.replace(target)
    except OSError as error:
        raise SendReturnError(
            f"{target} cannot be written: {error.strerror}.", "Make its folder writable, then install again."
        ) from error


def recipe_of(manifest: DawManifest) -> str:
    """The page on how to work with this DAW; empty where there is none."""
    return (_folder_of(manifest.name) / manifest.recipe).read_text("utf-8") if manifest.recipe else ""


def _leave(folder: Path) -> None:
    """Take away a folder that bears our name, once nothing is in it."""
    if folder.name.lower() == OWN_NAME:
        with contextlib.suppress(OSError):  # it is not empty, or may not be changed
            folder.rmdir()


def _folder_of(name: str) -> Traversable:
    return resources.files(PACKAGE) / name


_INCLUDE = re.compile(r"^--@include (\S+)$", re.MULTILINE)
"""In a Lua file: another file of the bridges, such as `lua/mailbox.lua`, stands here. Not every DAW has a require."""


def _whole(text: str, had: set[str]) -> str:
    """The text with all that it includes, each file where it is named first."""

    def included(match: re.Match[str]) -> str:
        if match[1] in had:
            return ""
        had.add(match[1])
        return _whole(resources.files(PACKAGE).joinpath(match[1]).read_text("utf-8").rstrip("\n"), had)

    return _INCLUDE.sub(included, text)


_VARIABLE = re.compile(r"%(\w+)%|\$\{(\w+):-([^}]*)\}|\$(\w+)")


def _filled_from(place: str, env: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        percent, named, default, plain = match.groups()
        name = percent or named or plain
        return env.get(name) or (_filled_from(default, env) if named else _missing(name))

    return _VARIABLE.sub(value, place)


def _missing(name: str) -> Any:
    raise UsageError(f"The environment variable {name} is not set.", "Set it, or install as the user who runs the DAW.")
