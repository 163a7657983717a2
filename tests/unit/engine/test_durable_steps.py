"""What the journal says is there is on the disk before the journal says so: a power cut may come in between."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from engine_rig import Rig
from fake_service import FakeService, write_tone
from sendreturn.engine.journal import Journal
from sendreturn.words import State


async def test_files_of_a_step_are_on_disk_before_it_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    synced: list[Path] = []
    at: dict[str, int] = {}
    fsync, record = os.fsync, Journal.record

    def note_sync(handle: int) -> None:
        fsync(handle)
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())

    def note_record(journal: Journal, send_id: str, stage: str, output: object) -> None:
        at[stage] = len(synced)
        record(journal, send_id, stage, output)  # type: ignore[arg-type]

    if not Path("/proc/self/fd").exists():
        pytest.skip("only Linux tells the name of an open file")
    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Journal, "record", note_record)
    (tmp_path / "Song").mkdir()
    clip = write_tone(tmp_path / "Song" / "riff.wav")
    async with Rig(tmp_path, FakeService()) as rig:
        send = await rig.ended(rig.send(clip).id)
    assert send.state is State.DONE
    staging = tmp_path / "staging" / send.id
    staged = {stage: [path for path in synced[:count] if path.is_relative_to(staging)] for stage, count in at.items()}
    assert [path.suffix for path in staged["prepare"] if path.suffix] == [".wav"]
    assert any("fetched-1" in path.parts and path.suffix for path in staged["fetch"])
    assert any("finished-1" in path.parts and path.suffix for path in staged["finish"])
