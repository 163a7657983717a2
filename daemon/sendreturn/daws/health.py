"""What the doctor says of the parts inside DAWs: in place, of this version, and whether they answer."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from sendreturn import __version__
from sendreturn.daws.installs import Installation, installation, installed_daws
from sendreturn.errors import SendReturnError
from sendreturn.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sendreturn.places import Places
    from sendreturn.settings import Settings


def installation_values(settings: Settings) -> dict[str, str]:
    """What placeholders in installed files are replaced with, and what layouts are made of."""
    osc = settings.osc
    return {
        "VERSION": __version__,
        "OSC_PORT": str(osc.port),
        "WEB_PORT": str(settings.web.port),
        "OSC_HOST": osc.host,
        "OSC_ALLOW": ",".join(osc.allow),
        "PRESETS": json.dumps({name: preset.operation for name, preset in settings.presets.items()}),
    }


def daw_findings(
    settings: Settings,
    places: Places,
    running: Mapping[str, object] | None,
    ping: Callable[[str], str | None] | None,
) -> Iterator[Finding]:
    """Look at each installed bridge.

    Args:
        running: What the running daemon's `/health` told; None where none is running.
        ping: What the part inside a DAW answers to it.
    """
    installed = list(installed_daws(places.state))
    if installed and running is not None:
        yield from _port(settings, running)
    for manifest in installed:
        found = installation(manifest, places.state, installation_values(settings))
        yield from _files(found)
        yield from _own(found)
        if manifest.transport == "mailbox":
            yield from _mailbox(found, is_running=running is not None)
        if manifest.has_link and running is not None and ping is not None:
            yield _answer(found, ping)
        if manifest.transport == "surface" and running is not None:
            yield _listening(found, running)


def _port(settings: Settings, running: Mapping[str, object]) -> Iterator[Finding]:
    """Scripts and layouts have the port of the settings in them."""
    port, wanted = running.get("osc_port"), settings.osc.port
    if port is not None and wanted not in (0, port):
        what = f"The running daemon listens to OSC at port {port}, and the settings say {wanted}."
        yield Finding("osc", False, what, "Stop the daemon and start it again: `sendreturn run`.")


def _files(found: Installation) -> Iterator[Finding]:
    name, title = found.manifest.name, found.manifest.title
    try:
        stale = found.stale
    except (SendReturnError, OSError) as error:
        yield Finding(name, False, f"The files for {title} cannot be read: {error}", _again(name))
        return
    if stale:
        listed = ", ".join(map(str, stale))
        yield Finding(name, False, f"{listed} is missing or of another version.", _again(name))
    elif found.manifest.files:
        yield Finding(name, True, f"The files for {title} are in place.")
    elif found.manifest.transport == "none":
        yield Finding(name, True, f"{title} works with hot folders: `sendreturn bridge recipe {name}`.")


def _own(found: Installation) -> Iterator[Finding]:
    """What the bridge itself looks at: its `setup.py` may have `check`."""
    check = found.own("check")
    if check is not None:
        yield from check(found)


def _mailbox(found: Installation, *, is_running: bool) -> Iterator[Finding]:
    """Whether the DAW's side can write to us, and whether that is taken."""
    name, title = found.manifest.name, found.manifest.title
    for folder in (found.folder / "out", found.folder / "in"):
        if not folder.is_dir():
            if folder.exists() or is_running:
                yield Finding(name, False, f"The mailbox {folder} is not there.", _again(name))
        elif not os.access(folder, os.W_OK | os.X_OK):
            what = f"You cannot write into the mailbox {folder}, and so {title} cannot either."
            yield Finding(name, False, what, "Make it and all that is in it yours again, with chown or chmod u+rwx.")
    waiting = len(list((found.folder / "out").glob("*.json")))
    if waiting and not is_running:
        yield Finding(name, True, f"What {title} has sent ({waiting}) waits for the daemon: `sendreturn run`.")


def _answer(found: Installation, ping: Callable[[str], str | None]) -> Finding:
    name, title = found.manifest.name, found.manifest.title
    try:
        answer = ping(name)
    except SendReturnError as error:
        return Finding(name, False, error.what, error.hint)
    if answer is None:
        first = found.clicks[0] if found.clicks else f"Start {title}."
        return Finding(name, True, f"{title} does not answer; it may not be running. Once it runs: {first}")
    return Finding(name, True, f"{title} answers: {answer}.")


def _listening(found: Installation, running: Mapping[str, object]) -> Finding:
    name, hearers = found.manifest.name, running.get("osc_subscribers")
    if isinstance(hearers, list) and hearers:
        return Finding(name, True, f"Control surfaces listen at {', '.join(map(str, hearers))}.")
    return Finding(name, True, f"No control surface listens. To have one: {' '.join(found.clicks)}")


def _again(name: str) -> str:
    return f"Run `sendreturn bridge install {name}`."
