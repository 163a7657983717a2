from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sendreturn.engine.journal import Fate, Journal, NewSend, now
from sendreturn.errors import SendReturnError, UnknownSend
from sendreturn.sends.wish import Origin
from sendreturn.words import SendId, State


@pytest.fixture
def journal(tmp_path: Path):
    opened = Journal.open(tmp_path / "journal.db")
    yield opened
    opened.close()


def new_send(send_id: str = "0a1b2c3d", key: str | None = None) -> NewSend:
    return NewSend(SendId(send_id), Path("/s"), Path("/s/a.wav"), None, "cover", "studio", {"seed": 7}, Origin.CLI, key)


def test_a_send_is_there_after_the_journal_is_opened_again(tmp_path: Path):
    first = Journal.open(tmp_path / "j.db")
    first.add(new_send())
    first.move(SendId("0a1b2c3d"), State.PREPARING)
    first.close()
    again = Journal.open(tmp_path / "j.db")
    send = again.get("0a1b2c3d")
    assert (send.state, send.params, send.clip) == (State.PREPARING, {"seed": 7}, Path("/s/a.wav"))
    assert [entry.state for entry in again.history(send.id)] == [State.QUEUED, State.PREPARING]
    again.close()


def test_the_same_key_is_the_same_send(journal: Journal):
    first, first_is_new = journal.add(new_send("00000001", "osc:1"))
    second, second_is_new = journal.add(new_send("00000002", "osc:1"))
    assert (first_is_new, second_is_new) == (True, False)
    assert second.id == first.id
    assert len(journal.list()) == 1


def test_sends_without_a_key_are_never_the_same(journal: Journal):
    assert journal.add(new_send("00000001"))[1]
    assert journal.add(new_send("00000002"))[1]


def test_an_unknown_id_is_told_in_a_sentence(journal: Journal):
    with pytest.raises(UnknownSend, match="No send has the id 'ffffffff'"):
        journal.get("ffffffff")


def test_a_stage_is_recorded_once_and_forgotten_when_a_send_is_made_anew(journal: Journal):
    send, _ = journal.add(new_send())
    journal.record(send.id, "prepare", {"a": 1})
    journal.record(send.id, "prepare", {"a": 2})
    journal.record(send.id, "fetch", {"b": 1})
    assert journal.stage(send.id, "prepare") == {"a": 2}
    journal.forget(send.id, ["fetch"])
    assert journal.stage(send.id, "fetch") is None
    taken_up = journal.again(send.id, "retried")
    assert (taken_up.attempt, taken_up.state) == (1, State.QUEUED)
    assert journal.stage(send.id, "prepare") == {"a": 2}
    made_anew = journal.again(send.id, "retried", anew=["main"], forget=None)
    assert (made_anew.attempt, made_anew.state) == (2, State.QUEUED)
    assert journal.stage(send.id, "prepare") is None


def test_an_intent_can_be_written_only_once_for_an_attempt(journal: Journal):
    send, _ = journal.add(new_send())
    journal.plan(send, "main", {}, 10.0)
    with pytest.raises(Exception, match="UNIQUE"):
        journal.plan(send, "main", {}, 10.0)


def test_what_was_refused_costs_nothing_and_what_is_unknown_counts(journal: Journal):
    since = now()
    for number, fate in enumerate(Fate):
        send, _ = journal.add(new_send(f"0000000{number}"))
        journal.answer(journal.plan(send, "main", {}, 10.0), fate)
    assert journal.credits_since(since) == 10.0 * (len(Fate) - 1)
    assert journal.credits_since("2999-01-01") == 0.0


def test_unfinished_sends_are_those_that_have_not_ended(journal: Journal):
    for number, state in enumerate(State):
        send, _ = journal.add(new_send(f"{number:08x}"))
        journal.move(send.id, state)
    assert {send.state for send in journal.unfinished()} == {state for state in State if not state.ended}


def test_a_damaged_journal_is_refused_and_left_as_it_is(tmp_path: Path):
    path = tmp_path / "journal.db"
    path.write_bytes(b"this is no database, and it is long enough to be looked at" * 40)
    with pytest.raises(SendReturnError, match="damaged and was left untouched"):
        Journal.open(path)
    assert path.read_bytes().startswith(b"this is no database")


def test_a_journal_of_a_newer_version_is_refused(tmp_path: Path):
    path = tmp_path / "journal.db"
    Journal.open(path).close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE about SET value = '99' WHERE name = 'schema'")
    db.close()
    with pytest.raises(SendReturnError, match="newer sendreturn"):
        Journal.open(path)


def test_what_must_not_be_lost_is_on_disk_when_it_returns_and_how_far_a_send_is_comes_with_it(journal: Journal):
    full, normal = 2, 1
    for soon, synchronous in ((False, full), (True, normal), (False, full)):
        with journal._write(soon=soon) as db:
            assert db.exec_driver_sql("PRAGMA synchronous").scalar_one() == synchronous
            assert db.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"


def test_of_two_that_are_alike_exactly_one_is_the_repeat_of_the_other(journal: Journal):
    first, _ = journal.add(new_send("00000001"))
    second, _ = journal.add(new_send("00000002"))
    journal.note(second.id, fingerprint="f")
    assert journal.twin(second, "f") is None, "the first one's clip is not read yet"
    journal.record(second.id, "approve", {"asked": None})
    journal.note(first.id, fingerprint="f")
    twin = journal.twin(first, "f")
    assert twin is not None
    assert twin.id == second.id
