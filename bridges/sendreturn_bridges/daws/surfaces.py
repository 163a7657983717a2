"""What every control surface shows, whatever program draws it, and how its layout is put where the user finds it.

A layout is made for one user: their presets are its buttons. It is written again when those change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from sendreturn.daws.installs import MARK, Step
from sendreturn.errors import SendReturnError
from sendreturn.findings import Finding
from sendreturn.net.addresses import plain_address
from sendreturn.places import Places

if TYPE_CHECKING:
    from sendreturn.daws.installs import Installation

OPERATIONS = {"extend": "Extend", "cover": "Cover", "inpaint": "Inpaint", "stems": "Stems", "midi": "MIDI"}
SLIDERS = {"weirdness": "Weirdness", "style_strength": "Style strength", "audio_strength": "Audio strength"}
"""Parameters from 0 to 1, with what stands beside each slider."""
TURNS = {"approve": "Approve", "cancel": "Cancel", "retry": "Retry"}
LISTENS_AT = 9000
"""What users of control surfaces are used to."""
MOST_PRESETS = 24
"""More would be too small to hit."""
WRITTEN = "layout.sha256"
"""In the bridge's folder: what was written last, so that the user's own changes are known."""


@dataclass(frozen=True)
class Surface:
    """One user's surface.

    Attributes:
        mark: By which the file is known to be ours.
        port: Where the daemon listens to OSC.
        presets: Their names, in order.
        token: What messages must end with; "" where only this machine may send.
        listens_at: The port where the surface hears answers, if its program has one of its own.
    """

    mark: str
    port: int
    presets: tuple[str, ...] = ()
    token: str = ""
    listens_at: int = LISTENS_AT

    @property
    def shown(self) -> tuple[str, ...]:
        """The presets for which there is room."""
        return self.presets[:MOST_PRESETS]


def surface_of(found: Installation, *, is_remote: bool) -> Surface:
    """The surface that the settings ask for. The token is in it only where other machines may send at all."""
    values = found.values
    token = Places(found.folder.parents[1]).read_osc_token() if is_remote and is_open(found) else ""
    return Surface(
        mark=f"{MARK} {values['VERSION']}",
        port=int(values["OSC_PORT"]),
        presets=tuple(json.loads(values.get("PRESETS") or "{}")),
        token=token,
    )


@dataclass(frozen=True)
class Layout:
    """One layout file.

    Attributes:
        path: In the user's documents, from where it is opened or sent to a phone.
        make: Its contents.
        is_remote: Whether it may send from another machine.
    """

    found: Installation
    path: Path
    make: Callable[[Surface], bytes]
    is_remote: bool

    def install(self) -> list[Step]:
        """Write it. One that the user has changed since is kept under another name.

        Raises:
            SendReturnError: it cannot be written.
        """
        surface = surface_of(self.found, is_remote=self.is_remote)
        contents = self.make(surface)
        try:
            steps = [*self._kept(contents), self._written(contents)]
        except OSError as error:
            raise SendReturnError(
                f"{self.path} cannot be written: {error.strerror}.", "Make its folder writable, then install again."
            ) from error
        left_out = surface.presets[MOST_PRESETS:]
        if left_out:
            steps.append(Step(self.path, f"has no room for the presets {', '.join(left_out)}"))
        return steps

    def remove(self) -> list[Step]:
        """Take it away, unless the user has changed it."""
        if not self.path.is_file():
            return []
        if self._is_changed():
            return [Step(self.path, "left, as it was changed since it was written")]
        self.path.unlink()
        return [Step(self.path, "removed")]

    def check(self) -> Iterator[Finding]:
        """Whether it is there, and as the settings ask for it."""
        name, again = self.found.manifest.name, f"Run `sendreturn bridge install {self.found.manifest.name}`"
        if not self.path.is_file():
            yield Finding(name, False, f"The layout {self.path} is missing.", f"{again}.")
        elif self._is_changed():
            yield Finding(name, True, f"The layout {self.path} was changed by hand, and is left alone.")
        elif _hash(self.make(surface_of(self.found, is_remote=self.is_remote))) != self._last():
            what = "is of another version, or of other presets, another port or another token"
            remedy = f"{again}, and load the layout into {self.found.manifest.title} again."
            yield Finding(name, False, f"The layout {self.path} {what}.", remedy)
        else:
            yield Finding(name, True, f"The layout {self.path} is up to date.")
        if self.is_remote:
            yield from _reach(self.found)

    def _kept(self, contents: bytes) -> Iterator[Step]:
        if not self.path.exists() or not self._is_changed() or self.path.read_bytes() == contents:
            return
        names = (self.path.with_stem(f"{self.path.stem} (yours {number})") for number in range(1, 1000))
        kept = next(name for name in names if not name.exists())
        self.path.rename(kept)
        yield Step(kept, "kept, as it was changed since it was written")

    def _written(self, contents: bytes) -> Step:
        was_there = self.path.is_file()
        if was_there and self.path.read_bytes() == contents:
            what = "up to date"
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temp = self.path.with_name(f".{self.path.name}.part")
            temp.touch(mode=0o600)  # there may be a token in it
            temp.write_bytes(contents)
            temp.replace(self.path)
            what = "updated" if was_there else "written"
        (self.found.folder / WRITTEN).write_text(_hash(contents), "ascii")
        return Step(self.path, what)

    def _is_changed(self) -> bool:
        return _hash(self.path.read_bytes()) != self._last()

    def _last(self) -> str:
        try:
            return (self.found.folder / WRITTEN).read_text("ascii")
        except OSError:
            return ""


def documents() -> Path:
    """Where the user looks for files of their own."""
    return platformdirs.user_documents_path() / "sendreturn"


def is_open(found: Installation) -> bool:
    """Whether the settings let other machines send."""
    return bool(found.values.get("OSC_ALLOW"))


def how_to_open(found: Installation) -> str:
    """What a user does who wants the surface on another machine, as a sentence."""
    name = found.manifest.name
    return (
        "For a phone or tablet: under `osc` in sendreturn.yaml set `host: 0.0.0.0` and `allow: [192.168.1.0/24]` (your"
        f" network), start the daemon again, and run `sendreturn bridge install {name}` again: then the layout holds"
        " the token that messages from other machines must end with. Keep it like a key."
    )


def _reach(found: Installation) -> Iterator[Finding]:
    host = found.values.get("OSC_HOST") or "127.0.0.1"
    name = found.manifest.name
    if is_open(found) and _is_loopback(host):
        what = f"osc.allow names other machines, but osc.host ({host}) is heard on this machine only."
        yield Finding(name, False, what, "Set osc.host to 0.0.0.0, or to this computer's address in that network.")
    elif not is_open(found):
        yield Finding(name, True, f"Only this machine may send. {how_to_open(found)}")


def _is_loopback(host: str) -> bool:
    try:
        return plain_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _hash(contents: bytes) -> str:
    return hashlib.sha256(contents).hexdigest()
