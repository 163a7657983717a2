"""A daemon that is just starting is waited for: a command that comes too early does not take its state folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from sendreturn.card import Card, is_starting, note_start, remove_card, write_card
from sendreturn.commands import context

if TYPE_CHECKING:
    from pathlib import Path

CARD = Card("http://127.0.0.1:1", None, os.getpid(), "1")


@pytest.fixture
def looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited between looks; at the third, the daemon is there."""
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            write_card(tmp_path, CARD)

    monkeypatch.setenv("SENDRETURN_HOME", str(tmp_path))
    monkeypatch.setattr(context.time, "sleep", wait)
    monkeypatch.setattr(context, "_answers", lambda card: card == CARD)
    (tmp_path / "token").write_text("secret", "ascii")
    return waited


def test_a_command_waits_for_a_daemon_that_is_starting(tmp_path: Path, looks: list[float]) -> None:
    note_start(tmp_path)
    with context.running_daemon() as daemon:
        assert daemon is not None
    assert len(looks) == 3
    assert not is_starting(tmp_path)


@pytest.mark.parametrize("left", ["", "0", "4194305", "no number"])
def test_what_a_killed_start_has_left_is_not_waited_for(left: str, tmp_path: Path, looks: list[float]) -> None:
    (tmp_path / "starting").write_text(left, "ascii")
    with context.running_daemon() as daemon:
        assert daemon is None
    assert looks == []


def test_a_daemon_that_stops_leaves_no_word_of_its_start(tmp_path: Path) -> None:
    note_start(tmp_path)
    remove_card(tmp_path)
    assert not is_starting(tmp_path)
