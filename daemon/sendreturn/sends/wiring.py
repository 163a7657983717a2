"""The ways in, put together from the settings."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sendreturn.audio.probe import Incomplete, completeness, probe
from sendreturn.errors import SendReturnError, UsageError
from sendreturn.places import Places
from sendreturn.sends.discovery import Discovery
from sendreturn.sends.folder import FolderWays
from sendreturn.sends.layout import Folders, Rule, WatchedList
from sendreturn.sends.osc import OscDoor
from sendreturn.sends.osc_senders import Senders
from sendreturn.sends.osc_tree import address_space
from sendreturn.sends.roots import Entry
from sendreturn.sends.walk import folders_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sendreturn.sends.arrivals import Arrivals
    from sendreturn.sends.intake import Tell
    from sendreturn.sends.osc_tree import Node
    from sendreturn.sends.wish import Desk, SendView
    from sendreturn.settings.models import Settings


def folder_ways(settings: Settings, state_folder: Path, desk: Desk, arrivals: Arrivals, tell: Tell) -> FolderWays:
    """The watch of all configured sessions and of those that `sendreturn watch` has added."""
    watched = WatchedList(state_folder)
    return FolderWays(
        lambda: watched_entries(settings, watched, tell),
        folders_of(settings),
        desk,
        arrivals,
        tell,
        why_not_whole,
        settle_s=settings.hot_folder.settle_s,
        moves=settings.hot_folder.after == "move",
    )


def osc_door(settings: Settings, state_folder: Path, desk: Desk, version: str, tell: Tell) -> OscDoor:
    """The OSC port as configured."""
    watched = WatchedList(state_folder)
    osc = settings.osc
    return OscDoor(
        osc.host,
        osc.port,
        osc.reply,
        desk,
        version,
        tell,
        sessions=lambda: session_folders(watched_entries(settings, watched, tell)),
        senders=_senders(settings, state_folder),
    )


def discovery(settings: Settings, state: Path, desk: Desk, osc: OscDoor, version: str, tell: Tell) -> Discovery:
    """What has programs find the OSC port by themselves."""
    presets = {name: preset.operation for name, preset in settings.presets.items()}

    def tree() -> Node:
        return address_space(presets, version, _latest(desk))

    return Discovery(settings.osc.host, lambda: osc.port, _senders(settings, state), tree, version, tell)


def _latest(desk: Desk) -> SendView | None:
    with suppress(SendReturnError):  # the journal may be held up
        return max(desk.list(), key=lambda send: send.created_at, default=None)
    return None


def _senders(settings: Settings, state_folder: Path) -> Senders:
    allow = settings.osc.allow
    return Senders(allow, Places(state_folder).read_osc_token()) if allow else Senders()


def session_folders(entries: Sequence[Entry]) -> Sequence[Path]:
    """The folders that are sessions, those of `each: true` among them."""
    return [folder for entry in entries for folder in (folders_in(entry.path) if entry.each else [entry.path])]


def folders_of(settings: Settings) -> Folders:
    return Folders(settings.hot_folder.folder, settings.returns.folder, tuple(settings.presets))


def watched_entries(settings: Settings, watched: WatchedList, tell: Tell) -> Sequence[Entry]:
    """The configured sessions, and the added ones that are not among them."""
    configured = [
        Entry(
            session.path,
            session.each,
            tuple(Rule(r.match, r.preset or r.operation or "", r.params.given()) for r in session.rules),
        )
        for session in settings.sessions
    ]
    try:
        added = watched.all()
    except UsageError as error:
        tell("watched", error.sentence)
        added = ()
    return [*configured, *(Entry(path) for path in added if settings.session_for(path) != path)]


def why_not_whole(path: Path) -> str | None:
    """Why an audio file is not whole yet, or None.

    Raises:
        ClipError: it is no clip that can be used.
    """
    found = completeness(path)
    if isinstance(found, Incomplete):
        return f"{found.reason}."
    probe(path)
    return None
