"""A real Ardour: from the key to `accepted`, from a finished file to its track, and what importing in one go saves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest
from ardour_offers import Offers, is_laid, lies, placed, stems
from ardour_studio import Studio, studio
from real_ardour import RealArdour, why_not

REASON = why_not()
pytestmark = [pytest.mark.bench, pytest.mark.skipif(REASON is not None, reason=str(REASON)), pytest.mark.timeout(900)]
SENDS = 5
FILES = 6
ONE_BY_ONE = """
for path in ([==[{paths}]==]):gmatch ('[^|]+') do
  local files = C.StringVector () files:push_back (path)
  Editor:do_import (files, Editing.ImportDistinctFiles, Editing.ImportAsTrack, ARDOUR.SrcQuality.SrcBest,
    ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore,
    Temporal.timepos_t (0), ARDOUR.PluginInfo (), ARDOUR.Track (), false)
end
Session:save_state ('', false, false, false, false, false)
"""
"""The plain way: Ardour's own import onto a track, file by file."""


def took_ms(ardour: RealArdour, is_so: Callable[[], object]) -> float:
    began_s = perf_counter()
    ardour.until(is_so)
    return (perf_counter() - began_s) * 1000


def test_sends_of_a_region_are_placed_in_a_row(tmp_path: Path) -> None:
    with studio(tmp_path, {"stems": 0, "midi": True}) as desk:
        desk.daemon.start()
        desk.daemon.until_ready()
        with desk.open() as ardour:
            desk.bring_in(ardour)
            ways = [one_send(desk, ardour, number) for number in range(1, SENDS + 1)]
    names = ("key to accepted", "finished file to placed (a tail and its notes)", "of that its own processor time")
    for name, figures in zip(names, zip(*ways, strict=True), strict=True):
        print(f"Ardour, {name}: median {median(figures):.0f} ms, worst {max(figures):.0f} ms")


def one_send(desk: Studio, ardour: RealArdour, number: int) -> tuple[float, float, float]:
    desk.select(ardour, "Gtr")
    known = {note["send_id"] for note in desk.notes("accepted")}
    desk.press(ardour, "extend")
    accepted = took_ms(ardour, lambda: {note["send_id"] for note in desk.notes("accepted")} - known)
    ardour.until(lambda: is_laid(desk, number))
    before_s = ardour.processor_s()
    placed_ms = took_ms(ardour, placed(desk, number).exists)
    return accepted, placed_ms, (ardour.processor_s() - before_s) * 1000


def test_the_files_of_a_send_are_imported_in_one_go(tmp_path: Path) -> None:
    """Ardour's processor time, which other programs spoil less than the clock does; each way goes first once."""
    spent: dict[str, float] = {"plain": 0, "ours": 0}
    with studio(tmp_path) as desk:
        offers = Offers(desk)
        with desk.open() as ardour:
            for number, way in enumerate(("plain", "ours", "ours", "plain"), start=1):
                files = stems(tmp_path, f"{number:08x}", FILES)
                before_s = ardour.processor_s()
                if way == "plain":
                    ardour.run(ONE_BY_ONE.format(paths="|".join(str(file.path) for file in files)))
                else:
                    offers.offer(f"{number:08x}", *files)
                    ardour.until(lambda: f"{number:08x}" in offers.answers())  # noqa: B023 - waited for right here
                spent[way] += ardour.processor_s() - before_s
        assert len(lies(desk.bench.regions())) == 4 * FILES
    each = {way: f"{spent_s / 2 / FILES * 1000:.0f} ms" for way, spent_s in spent.items()}
    print(f"Ardour's processor time for a file: one by one {each['plain']}, in a placement {each['ours']}", end=", ")
    print(f"ratio {spent['ours'] / spent['plain']:.2f}")
