"""Where only one session is watched, a send without a clip need not name it."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_rig import Rig
from fake_service import FakeService
from sendreturn.errors import UsageError
from sendreturn.house import House
from sendreturn.places import Places
from sendreturn.sends.layout import WatchedList
from sendreturn.sends.wish import Wish
from sendreturn.settings import SessionSettings, Settings


def only_session(folder: Path, *sessions: SessionSettings, watched: tuple[Path, ...] = ()) -> Path | None:
    places = Places(folder / "state")
    places.prepare()
    for path in watched:
        path.mkdir(exist_ok=True)
        WatchedList(places.state).add(path)
    house = House(Settings(sessions=sessions), places, env={})
    try:
        return house.session_of(None)
    finally:
        house.journal.close()
        house._lock.release()


def test_one_session_is_the_only_one_however_it_came_to_be_watched(tmp_path: Path):
    song = tmp_path / "Song"
    song.mkdir()
    assert only_session(tmp_path / "1", SessionSettings(path=song)) == song
    assert only_session(tmp_path / "2", watched=(song,)) == song
    assert only_session(tmp_path / "3", SessionSettings(path=song), watched=(song,)) == song


def test_of_several_sessions_none_is_the_only_one(tmp_path: Path):
    song, other = tmp_path / "Song", tmp_path / "Other"
    song.mkdir()
    other.mkdir()
    assert only_session(tmp_path / "1") is None
    assert only_session(tmp_path / "2", SessionSettings(path=song), watched=(other,)) is None
    assert only_session(tmp_path / "3", SessionSettings(path=tmp_path, each=True)) is None


@pytest.mark.parametrize("confined", [True, False])
async def test_a_send_without_a_clip_goes_into_the_only_session(tmp_path: Path, confined: bool):
    async with Rig(tmp_path, FakeService()) as rig:
        wish = Wish("generate", None, None, params={"prompt": "rain"}, confined=confined)
        assert rig.desk.accept(wish).send.session == rig.session


@pytest.mark.parametrize("confined", [True, False])
async def test_a_send_without_a_clip_wants_a_session_where_there_are_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, confined: bool
):
    async with Rig(tmp_path, FakeService()) as rig:
        monkeypatch.setattr(rig.desk, "_session_of", lambda _: None)
        with pytest.raises(UsageError, match=r"^An operation without a clip needs a session\. Name"):
            rig.desk.accept(Wish("generate", None, None, params={"prompt": "rain"}, confined=confined))
