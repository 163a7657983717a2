"""A control surface has a real Ardour send what is selected in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from ardour_studio import LENGTH, POSITION, START, Studio, studio
from real_ardour import why_not
from sendreturn.places import Places

REASON = why_not()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(REASON is not None, reason=str(REASON)), pytest.mark.timeout(300)]
NOTHING = "Editor:get_selection ():clear_all ()"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Studio]:
    with studio(tmp_path) as made:
        yield made


def pressed(desk: Studio, operation: str, **params: Any) -> httpx.Response:
    card = desk.daemon.card()
    assert card is not None
    headers = {"Authorization": f"Bearer {Places(desk.daemon.state).read_token()}"}
    asked = {"operation": operation, "params": params}
    url = f"{card['address']}/api/daws/ardour/press"
    return httpx.post(url, headers=headers, json=asked, timeout=60, trust_env=False)


def test_the_selected_region_is_sent_and_comes_back(desk: Studio) -> None:
    desk.daemon.start()
    desk.daemon.until_ready()
    with desk.open() as ardour:
        desk.bring_in(ardour)
        desk.select(ardour, "Gtr")
        answer = pressed(desk, "extend", extend_s=1)
        assert answer.status_code == 202, answer.text
        ardour.until(lambda: (desk.box / "1.done").exists())
    source, tail = desk.bench.regions()
    assert (source.position, source.length, source.start) == (POSITION, LENGTH, START)
    assert tail.position == POSITION + LENGTH


def test_why_nothing_is_sent_is_answered_and_no_dialog_stands_in_the_way(desk: Studio) -> None:
    desk.daemon.start()
    desk.daemon.until_ready()
    with desk.open() as ardour:
        desk.bring_in(ardour)
        ardour.run(NOTHING)
        answer = pressed(desk, "cover")
        assert (answer.status_code, answer.json()["error"]["what"][:20]) == (409, "Nothing is selected.")
        assert desk.answers()  # a dialog would hold the hook up
        desk.select(ardour, "Gtr")
        assert pressed(desk, "stems").status_code == 202
