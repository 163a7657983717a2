"""What goes wrong with the journal: damage, copies that are put back, other versions, other programs, sheer size."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from engine_rig import PLAIN_RETURNS, Rig
from fake_service import FakeService, manifest, write_tone
from network_drive import network_drive
from oracles import paid_once, results_there, rows
from sendreturn.engine import journal_file, restoring
from sendreturn.engine.journal import Fate, Journal, NewSend
from sendreturn.engine.restoring import catch_up
from sendreturn.errors import SendReturnError, Stalled
from sendreturn.house import House
from sendreturn.places import Places
from sendreturn.sends.wish import Origin
from sendreturn.settings import SessionSettings, Settings
from sendreturn.words import SendId, State

OLD_SCHEMA = Path(__file__).with_name("journal_schema_1.sql")


def damage(path: Path, how: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size
    with path.open("r+b") as file:
        if how == "cut":
            file.truncate(size // 2)
        elif how == "no header":
            file.write(b"\xff" * 100)
        elif how == "flipped bytes":
            for at in range(4096, size, 512):
                file.seek(at)
                file.write(b"\xa5" * 8)
        else:
            file.truncate(0)


async def sent_once(folder: Path, studio: FakeService, **more: object) -> str:
    async with Rig(folder, studio) as rig:
        clip = rig.session / "riff.wav"
        if not clip.exists():
            write_tone(clip, seconds=0.2)
        send = rig.send(clip, **more)
        assert (await rig.ended(send.id)).state is State.DONE
    return send.id


@pytest.mark.parametrize("how", ["cut", "no header", "flipped bytes"])
async def test_a_damaged_journal_is_refused_kept_and_built_anew_without_paying_again(tmp_path: Path, how: str):
    studio = FakeService()
    send_id = await sent_once(tmp_path, studio)
    journal = tmp_path / "journal.db"
    damage(journal, how)
    content = journal.read_bytes()
    with pytest.raises(SendReturnError, match="damaged") as refused:
        Journal.open(journal)
    assert "sidecars" in refused.value.hint
    assert journal.read_bytes() == content
    await built_anew(tmp_path, studio, send_id)


@pytest.mark.parametrize("how", ["emptied", "removed", "without its log"])
async def test_a_journal_that_is_gone_is_built_anew_without_paying_again(tmp_path: Path, how: str):
    studio = FakeService()
    send_id = await sent_once(tmp_path, studio)
    if how == "emptied":
        damage(tmp_path / "journal.db", "emptied")
    for name in ("journal.db-wal", "journal.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    await built_anew(tmp_path, studio, send_id, is_there=how == "without its log")


async def built_anew(folder: Path, studio: FakeService, send_id: str, *, is_there: bool = False) -> None:
    """The history is known again, and the same clip is a repeat that waits for the user."""
    if not is_there:
        (folder / "journal.db").unlink()
    async with Rig(folder, studio) as rig:
        catch_up(rig.journal, [rig.session], "Returns", ())
        known = rig.desk.get(send_id)
        assert len(known.returns) == 1
        assert known.returns[0].is_file()
        again = rig.send(rig.session / "riff.wav")
        await rig.reach(again.id, State.WAITING_APPROVAL)
        assert send_id in rig.desk.get(again.id).text
        assert len(studio.ledger) == 1
    assert rows(folder / "journal.db", f"SELECT state FROM sends WHERE id = '{send_id}'")[0]["state"] in (
        "done",
        "uncertain",
    )


async def test_yesterdays_journal_that_is_put_back_makes_nothing_again_unasked(tmp_path: Path):
    studio = FakeService(manifest(max_parallel=4))
    studio.hold = asyncio.Event()
    copy = tmp_path / "backup.db"
    async with Rig(tmp_path, studio) as rig:
        clips = {name: write_tone(rig.session / f"{name}.wav", seconds=0.2, hz=hz) for name, hz in CLIPS.items()}
        waiting = rig.send(clips["waiting"])
        await rig.until(lambda _: bool(studio.ledger), waiting.id)
        catch_up(rig.journal, [rig.session], "Returns", ())
    Journal.open(tmp_path / "journal.db").close()
    shutil.copy(tmp_path / "journal.db", copy)
    studio.hold.set()
    async with Rig(tmp_path, studio) as rig:
        later = rig.send(clips["later"])
        done = [await rig.ended(send.id) for send in (waiting, later)]
        assert {send.state for send in done} == {State.DONE}
    assert len(studio.ledger) == 2
    copy.replace(tmp_path / "journal.db")
    async with Rig(tmp_path, studio) as rig:
        told = catch_up(rig.journal, [rig.session], "Returns", ())
        assert told is not None
        assert "older than what has happened since" in told
        assert rig.desk.get(later.id).state in (State.DONE, State.UNCERTAIN)
        assert rig.desk.get(waiting.id).state is State.DONE
        again = rig.send(clips["later"])
        await rig.reach(again.id, State.WAITING_APPROVAL)
    assert len(studio.ledger) == 2


CLIPS = {"waiting": 220.0, "later": 330.0}


async def test_a_send_that_was_asked_for_after_the_copy_waits_for_the_user_and_is_fetched_unpaid(tmp_path: Path):
    studio = FakeService()
    async with Rig(tmp_path, studio) as rig:
        write_tone(rig.session / "riff.wav", seconds=0.2)
    shutil.copy(tmp_path / "journal.db", tmp_path / "backup.db")
    studio.hold = asyncio.Event()
    async with Rig(tmp_path, studio) as rig:
        send = rig.send(rig.session / "riff.wav")
        async with asyncio.timeout(20):
            await studio.looked.wait()
    (tmp_path / "backup.db").replace(tmp_path / "journal.db")
    for name in ("journal.db-wal", "journal.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    studio.hold.set()
    rig = Rig(tmp_path, studio)
    assert catch_up(rig.journal, [rig.session], "Returns", ()) is not None
    async with rig:
        assert rig.desk.get(send.id).state is State.UNCERTAIN
        rig.desk.retry(send.id)
        assert (await rig.ended(send.id)).state is State.DONE
    assert len(studio.ledger) == 1
    assert paid_once(["task-1"], tmp_path / "journal.db") == results_there(tmp_path / "journal.db") == []


def test_what_waits_in_a_copy_and_may_have_been_asked_for_since_is_held_back(tmp_path: Path):
    path = tmp_path / "journal.db"
    journal = Journal.open(path)
    catch_up(journal, [], "Returns", ["local"])
    for number, service in enumerate(("studio", "local")):
        journal.add(NewSend(SendId(f"0000000{number}"), tmp_path, None, None, "cover", service, {}, Origin.CLI, None))
    journal.close()
    shutil.copy(path, tmp_path / "copy.db")
    (tmp_path / "copy.db").replace(path)
    journal = Journal.open(path)
    assert journal.state.is_copy
    told = catch_up(journal, [], "Returns", ["local"])
    assert told is not None
    assert journal.get("00000000").state is State.UNCERTAIN
    assert journal.get("00000000").text.startswith(restoring.PUT_BACK)
    assert journal.get("00000001").state is State.QUEUED
    journal.close()
    journal = Journal.open(path)
    assert not journal.state.is_copy
    journal.close()


def test_the_house_tells_that_its_journal_was_put_back(tmp_path: Path):
    settings = Settings(sessions=(SessionSettings(path=tmp_path),), returns=PLAIN_RETURNS)
    asyncio.run(live(settings, tmp_path))
    house = House(settings, Places(tmp_path / "state"), env={})
    send = NewSend(SendId("0badcafe"), tmp_path, None, None, "cover", "sunoapi", {}, Origin.CLI, None)
    house.journal.add(send)
    asyncio.run(house.conductor.stop())
    house.journal.close()
    house._lock.release()
    journal = tmp_path / "state" / "journal.db"
    shutil.copy(journal, tmp_path / "copy.db")
    (tmp_path / "copy.db").replace(journal)
    told = asyncio.run(live(settings, tmp_path))
    assert told is not None
    assert "1 sends wait for your word" in told
    assert asyncio.run(live(settings, tmp_path)) is None, "it is told once"


async def live(settings: Settings, folder: Path) -> str | None:
    house = House(settings, Places(folder / "state"), env={})
    try:
        return await house.start()
    finally:
        await house.stop()


def test_half_a_line_at_the_end_of_the_list_is_passed_over(tmp_path: Path):
    journal = Journal.open(tmp_path / "journal.db")
    new = NewSend(SendId("0badcafe"), tmp_path, None, None, "cover", "studio", {}, Origin.CLI, None)
    send, _ = journal.add(new)
    intent = journal.plan(send, "main", {"prompt": "x"}, 10.0)
    journal.intend(intent)
    with (tmp_path / "paid.jsonl").open("a") as file:
        file.write('{"intent": {"send_id": "0bad')
    journal.answer(intent, Fate.ACCEPTED, "task-1")
    (line,) = journal.ledger_lines()
    assert (line.key, line.fate, line.task_id) == (("0badcafe", "main", 1), "accepted", "task-1")
    assert (tmp_path / "paid.jsonl").stat().st_mode & 0o077 == 0
    journal.close()


# Versions


async def test_a_journal_of_the_first_version_goes_on_where_it_was_and_is_kept(tmp_path: Path):
    studio = FakeService()
    (tmp_path / "Song").mkdir()
    clip = write_tone(tmp_path / "Song" / "riff.wav", seconds=0.2)
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(OLD_SCHEMA.read_text("utf-8").replace("{session}", str(clip.parent)))
    async with Rig(tmp_path, studio) as rig:
        done = await rig.ended("0000aaaa")
        assert done.state is State.DONE, done.text
        assert rig.desk.get("0000bbbb").state is State.UNCERTAIN
    assert studio.ledger == [], "what was accepted is fetched, and what is in doubt stays so"
    assert rows(path, "SELECT value FROM about WHERE name = 'schema'")[0]["value"] == "2"
    kept = tmp_path / "journal.db.schema-1"
    assert rows(kept, "SELECT value FROM about WHERE name = 'schema'")[0]["value"] == "1"
    assert [row["state"] for row in rows(kept, "SELECT state FROM sends ORDER BY id")] == ["generating", "submitting"]


def test_a_journal_of_a_later_version_is_refused_and_left_as_it_is(tmp_path: Path):
    path = tmp_path / "journal.db"
    Journal.open(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE about SET value = '99' WHERE name = 'schema'")
        db.execute("DROP TABLE tries")
    with pytest.raises(SendReturnError, match="newer sendreturn"):
        Journal.open(path)
    assert rows(path, "SELECT name FROM sqlite_master WHERE name = 'tries'") == []


# Other programs, other drives, sheer size


async def test_a_backup_that_holds_the_journal_holds_sends_up_and_nothing_else(tmp_path: Path):
    studio = FakeService()
    async with Rig(tmp_path, studio) as rig:
        clip = write_tone(rig.session / "riff.wav", seconds=0.2)
        send = rig.send(clip)
        with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as backup:
            backup.execute("BEGIN EXCLUSIVE")
            with pytest.raises(Stalled, match="another program holds it"):
                rig.send(clip)
            assert [one.id for one in rig.desk.list()] == [send.id]
            backup.execute("ROLLBACK")
        assert (await rig.ended(send.id)).state is State.DONE
    assert len(studio.ledger) == 1


async def test_a_state_folder_on_a_network_drive_carries_a_send_through_two_lives(tmp_path: Path):
    with network_drive(tmp_path) as (beneath, drive, _):
        studio = FakeService()
        async with Rig(drive, studio) as rig:
            clip = write_tone(rig.session / "riff.wav", seconds=0.2)
            send = await rig.ended(rig.send(clip, key="once").id)
            assert send.state is State.DONE, send.text
            names = {path.name for path in beneath.iterdir()}
        async with Rig(drive, studio) as rig:
            assert rig.send(clip, key="once").state is State.DONE
        assert "journal.db" in names
        assert not names & {"journal.db-wal", "journal.db-shm"}, "a network drive has no memory that processes share"
        bills = [f"task-{number}" for number in range(1, len(studio.ledger) + 1)]
        assert paid_once(bills, drive / "journal.db") == results_there(drive / "journal.db") == []
    assert studio.ledger == ["cover"]


def test_on_a_network_drive_the_journal_needs_no_shared_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The kind of the drive is made up; that such drives are known is another test's business."""
    monkeypatch.setattr(journal_file, "is_remote", lambda _: True)
    journal = Journal.open(tmp_path / "journal.db")
    journal.add(NewSend(SendId("0badcafe"), tmp_path, None, None, "cover", "studio", {}, Origin.CLI, None))
    assert not {path.name for path in tmp_path.iterdir()} & {"journal.db-wal", "journal.db-shm"}
    journal.close()


async def test_a_hundred_thousand_sends_are_listed_in_pages_and_slow_nothing_down(tmp_path: Path):
    path = tmp_path / "journal.db"
    Journal.open(path).close()
    columns = (
        "id, created_at, session, operation, service, params, origin, state, text, approved, cancel_asked, attempt"
    )
    many = (
        (f"{n:08x}", f"2026-01-01T00:{n // 60000:02d}:00", "/s", "cover", "studio", "{}", "cli", "done", "", 0, 0, 1)
        for n in range(100_000)
    )
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany(f"INSERT INTO sends ({columns}) VALUES ({', '.join('?' * 12)})", many)
    studio = FakeService()
    async with Rig(tmp_path, studio) as rig:
        assert len(rig.desk.list()) == 1000
        done = await rig.ended(rig.send(write_tone(rig.session / "riff.wav", seconds=0.2)).id)
        assert done.state is State.DONE
    assert json.loads(rows(path, "SELECT params FROM sends WHERE id = '00000000'")[0]["params"]) == {}
