"""Whose the returns of a send are that came another way than from inside a DAW."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sendreturn.daws.adopting import Adopter, Adopters
from sendreturn.daws.asked import KEPT
from sendreturn.sends.wish import Origin, SendView
from sendreturn.words import State

NOW = datetime.now(UTC)


def view(session: Path, *, at: datetime = NOW, origin: Origin = Origin.FOLDER) -> SendView:
    made = at.isoformat(timespec="milliseconds")
    return SendView("0a1b2c3d", "cover", "local", State.DONE, 1.0, "", None, session, made, {}, None, origin)


def adopting(session: Path, since: datetime) -> Adopters:
    found = Adopters()
    found.add(Adopter("bitwig", str(session), since))
    return found


@pytest.fixture
def adopters(tmp_path: Path) -> Adopters:
    return adopting(tmp_path, NOW - timedelta(hours=1))


def test_a_send_by_hot_folder_is_the_daws_that_has_the_session_open(adopters: Adopters, tmp_path: Path) -> None:
    adopter = adopters.of(view(tmp_path))
    assert adopter is not None
    assert adopter.daw == "bitwig"


@pytest.mark.parametrize("origin", [Origin.OSC, Origin.HTTP, Origin.CLI, Origin.RULE])
def test_so_is_one_that_came_any_other_way(adopters: Adopters, tmp_path: Path, origin: Origin) -> None:
    assert adopters.of(view(tmp_path, origin=origin)) is not None


def test_what_another_daw_has_asked_for_is_its_own(adopters: Adopters, tmp_path: Path) -> None:
    assert adopters.of(view(tmp_path, origin=Origin.DAW)) is None


def test_what_was_sent_before_is_left_alone(adopters: Adopters, tmp_path: Path) -> None:
    assert adopters.of(view(tmp_path, at=NOW - timedelta(hours=2))) is None
    assert adopters.of(view(tmp_path, at=NOW.replace(tzinfo=None))) is not None


def test_what_is_so_old_that_nobody_knows_whether_it_was_placed_is_not_placed_again(tmp_path: Path) -> None:
    adopters = adopting(tmp_path, NOW - 2 * KEPT)
    assert adopters.of(view(tmp_path, at=NOW - KEPT + timedelta(hours=1))) is not None
    assert adopters.of(view(tmp_path, at=NOW - KEPT - timedelta(hours=1))) is None


def test_another_session_is_not_adopted(adopters: Adopters, tmp_path: Path) -> None:
    assert adopters.of(view(tmp_path / "other")) is None
