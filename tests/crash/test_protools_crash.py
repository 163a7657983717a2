"""The daemon is killed in the middle of placing returns in Pro Tools: they lie there once when it runs again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from protools_host import BASE, MENU, Fault, ProTools
from protools_process import start
from protools_session import Session
from protools_studio import session_in

pytestmark = pytest.mark.crash

EDITS = {
    MENU: ("GetTrackList", "CreateNewTracks", "ImportAudioToClipList", "SpotClipsByID", "SetTrackColor"),
    BASE: ("GetTrackList", "Import", "RenameTargetTrack"),
}
MOMENTS = [(v, name, after) for v, names in EDITS.items() for name in names for after in (0, 2)]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ProTools]:
    tools = ProTools(session_in(tmp_path / "Song")).start()
    yield tools
    tools.quit()
    assert tools.misuses == []


def new_tracks(session: Session | None) -> list[tuple[str, int]]:
    assert session is not None
    return [(track.name, len(track.clips)) for track in session.tracks if track.name not in ("Gtr", "Keys")]


@pytest.mark.parametrize(("version", "command", "after"), MOMENTS)
def test_what_it_was_killed_in_is_done_once(
    tmp_path: Path, host: ProTools, version: tuple[int, int, int], command: str, after: int
) -> None:
    host.version = version
    host.faults = [Fault(command, hangs=True, after=after)]
    first = start(tmp_path, host)
    try:
        host.until(lambda tools: tools.faults[0].times == 0, 60)
    finally:
        first.kill()
        first.wait()
    host.release()
    second = start(tmp_path, host)
    try:
        host.until(lambda _: (tmp_path / "placed").exists(), 60)
    finally:
        second.kill()
        second.wait()
    assert (tmp_path / "placed").read_text() == "0a1b2c3d\n"
    assert sorted(new_tracks(host.session)) == [(f"Gtr cover {kind}", 1) for kind in ("bass", "drums", "mix")]
