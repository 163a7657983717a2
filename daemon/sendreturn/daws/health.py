"""What the doctor says of the parts inside DAWs: in place, of this version, and whether they answer."""

from __future__ import annotations

from importlib import import_module, resources
from typing import TYPE_CHECKING

from sendreturn import __version__
from sendreturn.daws.installs import PACKAGE, Installation, installation, installed_daws
from sendreturn.errors import SendReturnError
from sendreturn.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sendreturn.places import Places
    from sendreturn.settings import Settings


def installation_values(settings: Settings) -> dict[str, str]:
    """What placeholders in installed files are replaced with."""
    return {"VERSION": __version__, "OSC_PORT": str(settings.osc.port), "WEB_PORT": str(settings.web.port)}


def daw_findings(settings: Settings, places: Places, ping: Callable[[str], str | None] | None) -> Iterator[Finding]:
    """Look at each installed bridge. `ping` is None where no daemon is running."""
    for manifest in installed_daws(places.state):
        found = installation(manifest, places.state, installation_values(settings))
        yield _files(found)
        yield from _own(found)
        if ping is not None and manifest.transport != "none":
            yield _answer(found, ping)


def _files(found: Installation) -> Finding:
    name, title = found.manifest.name, found.manifest.title
    try:
        stale = found.stale
    except (SendReturnError, OSError) as error:
        return Finding(name, False, f"The files for {title} cannot be read: {error}", _again(name))
    if not found.manifest.files and found.manifest.transport == "none":
        return Finding(name, True, f"{title} works with hot folders: `sendreturn bridge recipe {name}`.")
    if not stale:
        return Finding(name, True, f"The files for {title} are in place.")
    listed = ", ".join(map(str, stale))
    return Finding(name, False, f"{listed} is missing or of another version.", _again(name))


def _own(found: Installation) -> Iterator[Finding]:
    """What the bridge itself looks at: its `setup.py` may have `check`."""
    if (resources.files(PACKAGE) / found.manifest.name / "setup.py").is_file():
        module = import_module(f"{PACKAGE}.{found.manifest.name}.setup")
        if hasattr(module, "check"):
            yield from module.check(found)


def _answer(found: Installation, ping: Callable[[str], str | None]) -> Finding:
    name, title = found.manifest.name, found.manifest.title
    try:
        answer = ping(name)
    except SendReturnError as error:
        return Finding(name, False, error.what, error.hint)
    if answer is None:
        first = found.manifest.clicks[0] if found.manifest.clicks else f"Start {title}."
        return Finding(name, True, f"{title} does not answer; it may not be running. Once it runs: {first}")
    return Finding(name, True, f"{title} answers: {answer}.")


def _again(name: str) -> str:
    return f"Run `sendreturn bridge install {name}`."
