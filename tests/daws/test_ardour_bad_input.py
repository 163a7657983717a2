"""What a real Ardour cannot send or place is told inside it, and nothing is lost.

The sentences themselves are looked at in the tests of the script; here, that Ardour shows them and lives on.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ardour_offers import Offers, lies, lies_as, placed, stems
from ardour_studio import IMPORT, Studio, studio
from mido import Message, MidiFile, MidiTrack
from real_ardour import RealArdour, why_not

REASON = why_not()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(REASON is not None, reason=str(REASON)), pytest.mark.timeout(600)]
SOURCE_OF = """
for route in Session:get_tracks ():iter () do
  if route:name () == '{track}' then
    local regions = route:to_track ():playlist ():region_list ()
    for region in regions:iter () do return region:source (0):to_filesource ():path () end
  end
end
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Studio]:
    with studio(tmp_path) as made:
        yield made


def refused(desk: Studio, ardour: RealArdour, operation: str = "extend") -> None:
    """Press the action: a message appears, and nothing goes out."""
    desk.press(ardour, operation)
    ardour.close_dialog()
    assert sent(desk) == []


def sent(desk: Studio) -> list[Path]:
    return [path for path in (desk.mailbox / "out").glob("*.json") if '"send"' in path.read_text("utf-8")]


def keys(folder: Path) -> Path:
    path = folder / "keys.mid"
    file = MidiFile()
    file.tracks.append(MidiTrack([Message("note_on", note=60), Message("note_off", note=60, time=480)]))
    file.save(path)
    return path


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    if subprocess.run(["mount", "--bind", str(folder), str(folder)], check=False, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a disk")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_what_cannot_be_sent_is_told_inside_ardour(desk: Studio, tmp_path: Path) -> None:
    with desk.open() as ardour:
        refused(desk, ardour)  # nothing is selected
        desk.bring_in(ardour)
        desk.bring_in(ardour, "Bass")
        desk.select(ardour, "Gtr", "Bass")
        refused(desk, ardour)  # on several tracks
        ardour.run(IMPORT.format(clip=keys(tmp_path), track="Keys", position=0, start=0, length=1))
        desk.select(ardour, "Keys")
        refused(desk, ardour)  # a MIDI region
        Path(ardour.run(SOURCE_OF.format(track="Bass"))).unlink()
        desk.select(ardour, "Bass")
        refused(desk, ardour)  # its source is missing
        desk.select(ardour, "Gtr")
        (desk.bench.session / ".unnamed").touch()
        refused(desk, ardour)  # not saved under a name of its own
        (desk.bench.session / ".unnamed").unlink()
        with read_only(desk.bench.session):
            refused(desk, ardour)
        desk.press(ardour, "extend")  # no daemon runs: told after three seconds, and kept
        ardour.close_dialog()
        desk.daemon.start()
        ardour.until(lambda: desk.notes("accepted"))
        desk.press(ardour, "status")
        ardour.until(lambda: ardour._windows("sendreturn: Sends"))
        ardour._xdotool("key", "--window", ardour._windows("sendreturn: Sends")[0], "Escape")
        assert ardour.run("return 'alive'") == "alive"


def test_a_session_that_became_read_only_keeps_its_returns_for_later(desk: Studio, tmp_path: Path) -> None:
    offers, files = Offers(desk), stems(tmp_path, "0badcafe", 2)
    with desk.open() as ardour, read_only(desk.bench.session):
        offers.offer("0badcafe", *files)
        ardour.close_dialog()
        assert offers.answers() == []
    assert lies(desk.bench.regions()) == []
    with desk.open() as ardour:
        ardour.until(offers.answers)
    assert lies(desk.bench.regions()) == lies_as(files)


def test_two_ardours_at_once_each_get_what_is_theirs(desk: Studio, tmp_path: Path) -> None:
    other = desk.beside(tmp_path / "other user")
    with desk.open() as one, other.open() as two:  # each answers in a way that can be told apart while no daemon runs
        desk.daemon.start()
        desk.daemon.until_ready()
        for studio_, ardour in ((desk, one), (other, two)):
            studio_.bring_in(ardour)
            studio_.select(ardour, "Gtr")
            studio_.press(ardour, "extend")
        for studio_, ardour in ((desk, one), (other, two)):
            ardour.until(placed(studio_, 1).exists)
    for studio_ in (desk, other):
        assert sorted(studio_.bench.routes()) == ["Gtr", "Gtr extend tail", "Master"]
        assert len(lies(studio_.bench.regions())) == 2
