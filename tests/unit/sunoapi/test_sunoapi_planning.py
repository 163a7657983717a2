"""What follows what: stems, notes, WAV and timed words of each take."""

from __future__ import annotations

from typing import Any

from sendreturn.contract import Ask, Call, MadeTake, Report
from sendreturn_bridges.services.sunoapi.planning import KEPT
from sunoapi_asks import ask, planner


def songs(**facts: Any) -> Report:
    takes = tuple(MadeTake(clip_id=name, facts={"sings": True, "covers": "all", **facts}) for name in ("a1", "a2"))
    return Report(done=True, takes=takes, facts={"task_id": "t1"})


def followed(wanted: Ask, done: dict[str, Report]) -> dict[str, Call]:
    return {call.name: call for call in planner().follow(wanted, done)}


def test_nothing_follows_where_nothing_is_bought() -> None:
    assert followed(ask("cover", style="x"), {"main": songs()}) == {}
    assert planner().plan(ask("cover", style="x")).later_credits == 0


def test_stems_and_wav_of_each_take_are_requests_of_their_own() -> None:
    wanted = ask("cover", style="x", stems=12, wav=True)
    kept = {"ref": "https://f/a.mp3", "duration_s": 5.0, "covers": "all"}
    calls = followed(wanted, {"main": songs(kept=kept)})
    assert list(calls) == ["stems-1", "wav-1", "stems-2", "wav-2"]
    assert calls["stems-2"].fields["body"] == {"taskId": "t1", "audioId": "a2", "type": "split_stem"}
    assert calls["wav-1"].fields["context"] == kept
    assert all(not call.essential and not call.needs_clip for call in calls.values())
    assert [call.take for call in calls.values()] == [1, 1, 2, 2]
    assert planner().plan(wanted).later_credits == 2 * (50 + 0.4)


def test_a_wav_that_could_not_be_had_gives_way_to_the_mp3() -> None:
    wanted = ask("cover", style="x", wav=True)
    kept = {"ref": "https://f/a.mp3", "duration_s": 5.0, "covers": "all"}
    failed = Report(done=True, failed="It broke.")
    done = {"main": songs(kept=kept), "wav-1": failed, "wav-2": Report(done=True)}
    calls = followed(wanted, done)
    assert list(calls) == ["mp3-1"]
    assert calls["mp3-1"].fields["endpoint"] == KEPT
    assert calls["mp3-1"].credits == 0


def test_four_stems_are_left_to_this_machine() -> None:
    wanted = ask("cover", style="x", stems=4)
    assert followed(wanted, {"main": songs()}) == {}
    assert any("on this machine" in sentence for sentence in planner().plan(wanted).unmet)


def test_notes_come_after_a_separation_whose_stems_are_given_out_too() -> None:
    wanted = ask("extend", style="x", midi=True)
    calls = followed(wanted, {"main": songs()})
    assert list(calls) == ["stems-1", "stems-2"]
    assert calls["stems-1"].fields["body"]["type"] == "separate_vocal"
    assert calls["stems-1"].fields["context"]["keep"] is True
    done = {"main": songs(), "stems-1": Report(done=True, facts={"task_id": "s1"}), "stems-2": Report(failed="no")}
    calls = followed(wanted, done)
    assert list(calls) == ["midi-1"]
    assert calls["midi-1"].fields["body"] == {"taskId": "s1"}
    assert calls["midi-1"].fields["context"]["last"] is True


def test_stems_on_the_way_to_notes_are_not_given_out_where_none_are_wanted() -> None:
    calls = followed(ask("extend", style="x", midi=True, stems="none"), {"main": songs()})
    assert calls["stems-1"].fields["context"]["keep"] is False


def test_empty_notes_of_twelve_stems_are_asked_for_by_another_way() -> None:
    wanted = ask("cover", style="x", midi=True, stems=12)
    done = {"main": songs(), **{f"stems-{n}": Report(done=True, facts={"task_id": f"s{n}"}) for n in (1, 2)}}
    assert followed(wanted, done)["midi-1"].fields["context"]["last"] is False
    done |= {"midi-1": Report(done=True, facts={"is_empty": True}), "midi-2": Report(done=True)}
    calls = followed(wanted, done)
    assert list(calls) == ["voices-1"]
    assert calls["voices-1"].fields["body"]["type"] == "separate_vocal"
    assert calls["voices-1"].fields["context"]["keep"] is False
    done["voices-1"] = Report(done=True, facts={"task_id": "v1"})
    calls = followed(wanted, done)
    assert list(calls) == ["notes-1"]
    assert calls["notes-1"].fields["context"]["last"] is True
    assert planner().plan(wanted).later_credits == 2 * (50 + 10)


def test_notes_of_a_clip_come_after_its_separation() -> None:
    wanted = ask("midi", clip_s=20, stems=12)
    done = {"main": Report(done=True, takes=(MadeTake(),), facts={"task_id": "s1"})}
    call = followed(wanted, done)["midi-1"]
    assert (call.essential, call.take) == (True, 1)
    done["midi-1"] = Report(done=True, facts={"is_empty": True})
    again = followed(wanted, done)["voices-1"]
    assert (again.needs_clip, again.fields["clip_field"], again.essential) == (True, "audioUrl", True)
    assert followed(ask("midi", clip_s=20), done) == {}


def test_timed_words_are_only_for_songs_that_are_sung() -> None:
    wanted = ask("cover", style="x", service_options={"timed_lyrics": True, "video": True})
    assert list(followed(wanted, {"main": songs()})) == ["timed_lyrics-1", "video-1", "timed_lyrics-2", "video-2"]
    assert list(followed(wanted, {"main": songs(sings=False)})) == ["video-1", "video-2"]
