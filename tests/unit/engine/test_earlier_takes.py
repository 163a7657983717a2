"""A file that came back is known again, and what a service does only to its own songs is refused at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from engine_rig import Rig
from fake_service import FakeService, manifest
from sendreturn.contract import Ask, Call, EarlierTake, Made, OperationSpec, Plan, Report
from sendreturn.errors import Refusal
from sendreturn.words import Kind, State


def own_manifest():
    known = manifest()
    more = {name: OperationSpec(name, credits=1.0) for name in ("concat", "wav")}
    return type(known)(**{**vars(known), "operations": {**known.operations, **more}})


@dataclass
class OwnSongs(FakeService):
    """Joins, and makes a WAV, only of what it has made; remembers what it was told of each clip."""

    asked: list[tuple[str, EarlierTake | None]] = field(default_factory=list)

    def plan(self, ask: Ask) -> Plan:
        self.asked.append((ask.operation, ask.earlier))
        if ask.operation in ("concat", "wav") and ask.earlier is None:
            raise Refusal("Studio makes this only of songs that it has made itself.")
        return Plan((Call("main", ask.operation, {}, self.credits),))

    def follow(self, ask: Ask, done: Mapping[str, Report]) -> tuple[Call, ...]:
        return ()


def studio() -> OwnSongs:
    return OwnSongs(own_manifest())


async def returned(rig: Rig, clip: Path, operation: str = "cover") -> dict[str, Path]:
    """The audio files of a first take, by the end of their names."""
    send = await rig.ended(rig.send(clip, operation).id)
    assert send.state is State.DONE, send.text
    return {path.stem.rsplit("_", 1)[1]: path for path in send.returns if path.suffix == ".wav"}


async def test_what_only_own_songs_get_is_refused_at_once_for_another_clip(tmp_path: Path, clip: Path):
    async with Rig(tmp_path, studio()) as rig:
        with pytest.raises(Refusal, match="only of songs that it has made itself"):
            rig.send(clip, "wav")
        assert rig.desk.list() == []


async def test_a_returned_file_is_known_wherever_in_the_session_it_is_dropped(tmp_path: Path, clip: Path):
    service = studio()
    async with Rig(tmp_path, service) as rig:
        mix = (await returned(rig, clip))["t1"]
        dropped = rig.session / "Sends" / "cover" / "my favourite.wav"
        dropped.parent.mkdir(parents=True)
        shutil.copyfile(mix, dropped)
        service.asked.clear()
        send = await rig.ended(rig.send(dropped, "cover").id)
    assert send.state is State.DONE
    assert [earlier and earlier.clip_id for _, earlier in service.asked] == ["clip-0", "clip-0"]


async def test_a_returned_file_that_was_changed_or_cut_is_not_known(tmp_path: Path, clip: Path):
    service = studio()
    async with Rig(tmp_path, service) as rig:
        mix = (await returned(rig, clip))["t1"]
        changed = rig.session / "changed.wav"
        changed.write_bytes(mix.read_bytes()[:-6] + b"\x01" * 6)
        with pytest.raises(Refusal):
            rig.send(changed, "wav")
        with pytest.raises(Refusal):
            rig.send(mix, "wav", params={"range_s": [0, 1]})


@pytest.mark.parametrize("part", ["t1", "tail"])
async def test_an_extension_is_joined_by_its_tail_or_its_mix_and_uploaded_for_all_else(
    tmp_path: Path, clip: Path, part: str
):
    service = studio()
    service.files = lambda _clip: (Made(Kind.TAIL, "tail", covers="tail"),)
    async with Rig(tmp_path, service) as rig:
        file = (await returned(rig, clip, "extend"))[part]
        service.files = None
        service.asked.clear()
        assert (await rig.ended(rig.send(file, "concat").id)).state is State.DONE
        await rig.ended(rig.send(file, "cover").id)
    told = {operation: earlier and earlier.clip_id for operation, earlier in service.asked}
    assert told == {"concat": "clip-0", "cover": None}


async def test_a_file_of_another_service_is_not_taken_for_ones_own(tmp_path: Path, clip: Path):
    service, other = studio(), OwnSongs(type(own_manifest())(**{**vars(own_manifest()), "name": "other"}))
    async with Rig(tmp_path, service, other) as rig:
        mix = (await returned(rig, clip))["t1"]
        with pytest.raises(Refusal):
            rig.send(mix, "wav", service="other")


async def test_the_mix_of_an_inpainted_clip_was_made_here_and_is_not_known(tmp_path: Path, clip: Path):
    service = studio()
    async with Rig(tmp_path, service) as rig:
        send = await rig.ended(rig.send(clip, "inpaint", params={"section_s": [0.5, 1.0]}).id)
        mix = next(path for path in send.returns if path.suffix == ".wav")
        service.asked.clear()
        await rig.ended(rig.send(mix, "cover").id)
    assert [earlier for _, earlier in service.asked] == [None, None]


async def test_a_folder_that_another_delivery_takes_away_meanwhile_spoils_no_send(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
):
    """As when many sends to one session are delivered while others are being prepared."""
    async with Rig(tmp_path, studio()) as rig:
        (rig.session / "Returns" / "gone").mkdir(parents=True)
        listed, scanned = os.listdir, os.scandir

        def vanish(list_folder: Callable[..., Any]) -> Callable[..., Any]:
            def as_told(path: Any = ".") -> Any:
                if str(path).endswith("gone"):
                    raise FileNotFoundError(2, "No such file or directory", str(path))
                return list_folder(path)

            return as_told

        monkeypatch.setattr(os, "listdir", vanish(listed))
        monkeypatch.setattr(os, "scandir", vanish(scanned))
        assert (await rig.ended(rig.send(clip).id)).state is State.DONE
