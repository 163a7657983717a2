"""The DAWs whose side is installed, put together from the settings."""

from __future__ import annotations

from importlib import import_module, resources
from typing import TYPE_CHECKING, cast

from sendreturn.daws.contract import DawDesk, DawManifest, Link, LinkSetup
from sendreturn.daws.desk import Daws
from sendreturn.daws.installs import FOLDER, PACKAGE, installed_daws
from sendreturn.daws.mailbox import MailboxLink
from sendreturn.sends.layout import WatchedList
from sendreturn.sends.wiring import session_folders, watched_entries
from sendreturn.words import OPERATION_ALIASES, OPERATIONS

if TYPE_CHECKING:
    from pathlib import Path

    from sendreturn.sends.intake import Tell
    from sendreturn.sends.wish import Desk
    from sendreturn.settings.models import Settings


def daws_of(settings: Settings, state: Path, desk: Desk) -> Daws:
    """The desk of all DAWs, on one state folder."""

    def operation_of(word: str) -> str:
        preset = settings.presets.get(word)
        operation = preset.operation if preset is not None else word
        return OPERATION_ALIASES.get(operation, operation)

    return Daws(desk, state / FOLDER / "asked", settings.hot_folder.folder, operation_of)


def links_of(settings: Settings, state: Path, desk: DawDesk, version: str, tell: Tell) -> dict[str, Link]:
    """A link for each DAW whose side is installed."""
    links = {}
    watched = WatchedList(state)
    words = {"operations": OPERATIONS, "presets": {name: preset.operation for name, preset in settings.presets.items()}}
    for manifest in installed_daws(state):
        options = {**manifest.options, "osc_port": settings.osc.port, "web_port": settings.web.port, **words}
        setup = LinkSetup(
            manifest,
            state / FOLDER / manifest.name,
            desk,
            version,
            options,
            tell,
            lambda: session_folders(watched_entries(settings, watched, tell)),
        )
        link = _open(manifest, setup)
        if link is not None:
            links[manifest.name] = link
    return links


def _open(manifest: DawManifest, setup: LinkSetup) -> Link | None:
    if not manifest.has_link:
        return None
    folder = resources.files(PACKAGE) / manifest.name
    if (folder / "bridge.py").is_file():
        module = import_module(f"{PACKAGE}.{manifest.name}.bridge")
        return cast("Link", module.open_link(setup))
    return MailboxLink(setup)
