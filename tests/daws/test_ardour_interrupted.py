"""A real Ardour that ends, or that has much to place: every return lies there once."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ardour_offers import Offers, is_laid, lies, lies_as, placed, returned_file, short_file, stems
from ardour_studio import Studio, studio
from real_ardour import RealArdour, why_not

REASON = why_not()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(REASON is not None, reason=str(REASON)), pytest.mark.timeout(300)]
SENDS = 100


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Studio]:
    with studio(tmp_path) as made:
        yield made


@pytest.mark.parametrize("how", ["killed", "quit"])
def test_what_is_ready_when_ardour_was_gone_is_placed_once(desk: Studio, how: str) -> None:
    desk.daemon.start()
    desk.daemon.until_ready()
    with desk.open() as ardour:
        desk.bring_in(ardour)
        desk.select(ardour, "Gtr")
        desk.press(ardour, "extend")
        ardour.until(lambda: desk.notes("accepted"))
        ardour.quit() if how == "quit" else ardour.end(signal.SIGKILL)
    desk.daemon.until_gone_or(lambda states: "done" in states)
    with desk.open() as ardour:
        ardour.until(lambda: placed(desk, 1).exists())
        ardour.end(signal.SIGKILL)  # right after it: nothing of it may be lost
    tracks, regions = sorted(desk.bench.routes()), lies(desk.bench.regions())
    assert "Gtr extend tail" in tracks
    placed(desk, 1).rename(desk.box / "1.taken")  # as if it had ended before it could say so
    with desk.open() as ardour:
        ardour.until(lambda: placed(desk, 1).exists())
        ardour.run("Session:save_state ('', false, false, false, false, false)")
    assert (sorted(desk.bench.routes()), lies(desk.bench.regions())) == (tracks, regions)
    assert not is_laid(desk, 2)


def test_a_session_that_was_moved_meanwhile_gets_its_returns_where_it_is_now(desk: Studio) -> None:
    desk.daemon.start()
    desk.daemon.until_ready()
    with desk.open() as ardour:
        desk.bring_in(ardour)
        desk.select(ardour, "Gtr")
        desk.press(ardour, "extend")
        ardour.until(lambda: desk.notes("accepted"))
        ardour.quit()
    desk.daemon.until_gone_or(lambda states: "done" in states)
    elsewhere = desk.bench.folder / "Archive" / "Renamed"
    elsewhere.parent.mkdir()
    shutil.move(desk.bench.session, elsewhere)
    desk.bench.session = elsewhere
    with desk.open() as ardour:
        ardour.until(lambda: placed(desk, 1).exists())
    assert "Gtr extend tail" in desk.bench.routes()
    assert len(lies(desk.bench.regions())) == 2


@pytest.mark.parametrize(
    ("how", "after_s"), [(signal.SIGKILL, 0.05), (signal.SIGKILL, 0.2), (signal.SIGKILL, 0.4), (signal.SIGTERM, 0.2)]
)
def test_an_ardour_that_ends_while_it_places_leaves_nothing_out_and_nothing_twice(
    desk: Studio, tmp_path: Path, how: signal.Signals, after_s: float
) -> None:
    offers, files = Offers(desk), stems(tmp_path, "0badcafe", 5)
    offers.offer("0badcafe", *files)
    with RealArdour(desk.bench) as ardour:
        ardour.until(lambda: not (desk.box / "1.json").exists())
        time.sleep(after_s)
        ardour.end(how)
    with desk.open() as ardour:
        ardour.until(offers.answers)
    assert lies(desk.bench.regions()) == lies_as(files)
    assert [name for name in desk.bench.routes() if name != "Master"] == [file.name for file in files]


@pytest.mark.timeout(1800)
def test_a_hundred_returns_in_a_row_are_placed_once_each(desk: Studio, tmp_path: Path) -> None:
    offers, path = Offers(desk), short_file(tmp_path)
    ids = [f"{number:08x}" for number in range(1, SENDS + 1)]
    with desk.open() as ardour:
        began_s = time.perf_counter()
        for number, send_id in enumerate(ids, start=1):
            offers.offer(send_id, returned_file(path, number * 1000, f"Take {send_id}"))
        ardour.until(lambda: len(offers.answers()) == SENDS, patience_s=1500)
        took_s = time.perf_counter() - began_s
    print(f"\nArdour: {SENDS} returns placed in {took_s:.1f} s, {took_s / SENDS * 1000:.0f} ms each")
    assert offers.answers() == ids
    assert [position for position, _, _ in lies(desk.bench.regions())] == [1000 * n for n in range(1, SENDS + 1)]
    assert {f"Take {send_id}" for send_id in ids} <= set(desk.bench.routes())
