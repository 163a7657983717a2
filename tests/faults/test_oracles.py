"""The oracles see what they are there for: each is shown a wrong, and a world that is well."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
import soundfile
from oracles import (
    Dawspy,
    called_in,
    canaries_in,
    harmed,
    left_over,
    manifest,
    paid_once,
    strangers,
    strays,
    unended,
    untrue,
    unwished,
)
from sendreturn.engine.journal import Fate, Journal, NewSend
from sendreturn.sends.wish import Origin
from sendreturn.words import SendId, State


def test_the_observer_sees_half_a_file_and_a_whole_one(tmp_path: Path):
    whole = tmp_path / "whole.wav"
    soundfile.write(whole, [0.25] * 4800, 48_000, subtype="PCM_24")
    content = whole.read_bytes()
    folder = tmp_path / "Returns"
    folder.mkdir()
    with Dawspy(folder) as spy:
        (folder / "half.wav").write_bytes(content[:6000])
        (folder / "set").mkdir()
        whole.rename(folder / "set" / "whole.wav")
        (folder / ".sendreturn-00000000").write_bytes(b"not yet")
    assert {sight.path.name for sight in spy.sights if not sight.problem} == {"whole.wav"}
    assert {sight.frames for sight in spy.sights if sight.path.name == "whole.wav"} == {4800}
    assert "half.wav" in " ".join(spy.problems)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the observer hears by inotify")
def test_an_observer_that_could_not_hear_everything_says_so_and_looks_at_all_that_is_there(tmp_path: Path):
    whole = tmp_path / "whole.wav"
    soundfile.write(whole, [0.25] * 4800, 48_000, subtype="PCM_24")
    (folder := tmp_path / "Returns").mkdir()
    with Dawspy(folder) as spy:
        os.kill(spy.pid, signal.SIGSTOP)
        for number in range(18_000):  # two names in turn: the kernel makes one of two events that are alike
            os.close(os.open(folder / f"{number % 2}.txt", os.O_CREAT | os.O_WRONLY))
        whole.rename(folder / "whole.wav")
        os.kill(spy.pid, signal.SIGCONT)
    assert [sight.path.name for sight in spy.sights if not sight.problem] == ["whole.wav"]
    assert spy.problems == ["Returns: the observer was blind: more happened than the kernel's queue holds"]


def test_a_file_that_changes_goes_or_strays_is_seen_and_one_that_is_put_away_is_not(tmp_path: Path):
    hot, audio = tmp_path / "Sends", tmp_path / "Audio"
    for folder in (hot, audio):
        folder.mkdir()
        (folder / "a.wav").write_bytes(folder.name.encode())
    (audio / "b.wav").write_bytes(b"b")
    before = manifest(tmp_path)
    assert harmed(before) == strays(before, tmp_path, [hot]) == []
    (hot / "sent").mkdir()
    (hot / "a.wav").rename(hot / "sent" / "a.wav")
    assert harmed(before, [hot]) == []
    (audio / "a.wav").write_bytes(b"other")
    (audio / "b.wav").unlink()
    assert harmed(before, [hot]) == [f"{audio / 'a.wav'} has changed", f"{audio / 'b.wav'} is gone"]
    assert strays(before, tmp_path, [hot]) == [f"{audio / 'a.wav'} was written"]
    (audio / ".sendreturn-01234567").touch()
    assert left_over(tmp_path) == [str(audio / ".sendreturn-01234567")]
    assert canaries_in(["other"], tmp_path) == [f"{audio / 'a.wav'} holds a secret"]


def test_a_bill_without_an_intent_and_a_lie_about_a_send_are_seen(tmp_path: Path):
    path = tmp_path / "journal.db"
    journal = Journal.open(path)
    clip = tmp_path / "riff.wav"
    new = NewSend(SendId("0badcafe"), tmp_path, clip, clip, "cover", "studio", {}, Origin.FOLDER, None)
    send, _ = journal.add(new)
    intent = journal.plan(send, "main", {}, 10.0)
    journal.intend(intent)
    journal.answer(intent, Fate.ACCEPTED, "task-1")
    assert paid_once(["task-1"], path) == []
    assert len(paid_once(["task-1", "task-1"], path)) == 1
    assert len(paid_once(["task-1", "task-2"], path)) == 1
    assert unended(path) == ["0badcafe is still queued"]
    assert unwished(path, [clip]) == []
    assert unwished(path, []) == [f"{clip} was sent"]
    journal.move(send.id, State.DONE)
    assert untrue(path, tmp_path) == ["0badcafe is done without a delivery"]
    journal.close()


def test_a_stranger_that_was_called_is_seen(tmp_path: Path):
    log = tmp_path / "log"
    log.write_text(
        '7 connect(9, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("10.0.0.1")}, 16) = 0\n'
        "7 connect(9, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), "
        'inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28) = -1 EINPROGRESS\n'
        '8 connect(4, {sa_family=AF_UNIX, sun_path="/run/user/0/bus"}, 110) = 0\n'
        '8 connect(4, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT\n'
    )
    called = called_in(log)
    assert called == ["10.0.0.1:80", "2001:db8::1:443", 'AF_UNIX sun_path="/run/user/0/bus"']
    assert strangers(called, ["10.0.0.1:80"]) == [
        "2001:db8::1:443 was called",
        'AF_UNIX sun_path="/run/user/0/bus" was called',
    ]
