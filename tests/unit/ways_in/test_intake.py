from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sendreturn.errors import ClipError, UsageError
from sendreturn.returns import files
from sendreturn.sends import shelf
from sendreturn.sends.arrivals import Arrivals, MemoryArrivals, Standing, StoredArrivals
from sendreturn.sends.fitness import Judge
from sendreturn.sends.intake import AT_ONCE, Intake
from sendreturn.sends.layout import Folders, Rule, Session, make_session
from sendreturn.sends.walk import hot_files, rule_files
from sendreturn.sends.wiring import why_not_whole
from sendreturn.sends.wish import Origin
from ways_in_fakes import FakeDesk, HandClock, wav_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTLE_S = 2.0


class Bench:
    """An intake over one session, driven by hand."""

    def __init__(self, session: Path, arrivals: Arrivals, moves: bool = True, rules: tuple[Rule, ...] = ()) -> None:
        session.mkdir(exist_ok=True)
        folders = Folders(presets=("jazz-cover",))
        make_session(session, folders)
        self.session = Session(session, folders, rules)
        self.arrivals = arrivals
        self.moves = moves
        self.desk = FakeDesk()
        self.clock = HandClock()
        self.told: list[tuple[str, str | None]] = []
        self.restart()

    def restart(self) -> None:
        judge = Judge(why_not_whole, SETTLE_S)
        self.intake = Intake(self.desk.accept, self.arrivals, judge, self._tell, self.clock, self.moves)

    def _tell(self, topic: str, sentence: str | None) -> None:
        self.told.append((topic, sentence))

    def scan(self) -> None:
        """What a rescan does."""
        self.intake.forget_moved(self.session.sends)
        for path in hot_files(self.session):
            self.intake.notice(self.session, path)
        for rule in self.session.rules:
            for path in rule_files(self.session, rule):
                self.intake.notice(self.session, path)

    def live(self, seconds: float = 3 * SETTLE_S) -> None:
        """Rescan, then let time pass and do what falls due in it."""
        self.scan()
        until_s = self.clock.now_s + seconds
        self.intake.run_due()
        while (due_s := self.intake.next_due_s) is not None and due_s <= until_s:
            self.clock.now_s = max(self.clock.now_s, due_s)
            self.intake.run_due()
        self.clock.now_s = until_s

    def drop(self, name: str, content: bytes | None = None, folder: str = "extend") -> Path:
        path = self.session.sends / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wav_bytes() if content is None else content)
        return path

    @property
    def sent(self) -> list[str]:
        return names(self.session.sent)

    @property
    def rejected(self) -> list[str]:
        return names(self.session.rejected)

    def why(self, name: str) -> str:
        return (self.session.rejected / shelf.why_name(name)).read_text(encoding="utf-8")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "My Song", MemoryArrivals())


def test_a_quiet_clip_becomes_one_wish_and_is_moved_to_sent(bench: Bench) -> None:
    clip = bench.drop("riff.wav")
    bench.live()
    (wish,) = bench.desk.wishes
    assert (wish.operation, wish.clip, wish.session) == ("extend", clip, bench.session.path)
    assert wish.origin is Origin.FOLDER
    assert wish.clip_after == bench.session.sent / "riff.wav"
    assert wish.clip_after.read_bytes() == wav_bytes()
    assert not clip.exists()


def test_a_clip_is_left_alone_until_it_has_been_quiet_for_the_settle_time(bench: Bench) -> None:
    bench.drop("riff.wav")
    bench.live(SETTLE_S * 0.9)
    assert bench.desk.wishes == []
    bench.live(SETTLE_S * 0.2)
    assert len(bench.desk.wishes) == 1


def test_a_writer_that_opens_appends_and_closes_ten_times_is_one_send_of_the_last_state(bench: Bench) -> None:
    whole = wav_bytes(48_000)
    path = bench.drop("riff.wav", b"")
    for start in range(0, len(whole), len(whole) // 10 + 1):
        with path.open("ab") as file:
            file.write(whole[start : start + len(whole) // 10 + 1])
        bench.live(SETTLE_S / 2)
    bench.live()
    assert len(bench.desk.wishes) == 1
    assert (bench.session.sent / "riff.wav").read_bytes() == whole


def test_a_copy_that_stalls_for_longer_than_the_settle_time_is_waited_for(bench: Bench) -> None:
    whole = wav_bytes(48_000)
    path = bench.drop("riff.wav", whole[: len(whole) * 2 // 5])
    bench.live(25 * SETTLE_S)
    assert bench.desk.wishes == []
    assert path.exists()
    path.write_bytes(whole)
    bench.live(60)
    assert (bench.session.sent / "riff.wav").read_bytes() == whole


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "O_NONBLOCK"), reason="needs leases")
def test_a_quiet_file_that_a_program_still_writes_is_waited_for(bench: Bench) -> None:
    path = bench.drop("riff.wav")
    with path.open("r+b"):
        bench.live(5 * SETTLE_S)
        assert bench.desk.wishes == []
    bench.live(60)
    assert len(bench.desk.wishes) == 1


def test_an_unfinished_file_that_nobody_can_be_seen_writing_is_rejected_after_ten_minutes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sendreturn.sends.fitness.has_writer", lambda _: None)
    bench.drop("riff.wav", wav_bytes(48_000)[:5000])
    bench.live(590)
    assert bench.rejected == []
    bench.live(20)
    assert "looks unfinished" in bench.why("riff.wav")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whether anybody writes a file")
def test_an_unfinished_file_that_nobody_writes_is_rejected_after_thirty_settle_times(bench: Bench) -> None:
    whole = wav_bytes(48_000)
    bench.drop("riff.wav", whole[:5000])
    bench.live(29 * SETTLE_S)
    assert bench.rejected == []
    bench.live(2 * SETTLE_S)
    assert bench.rejected == ["riff.wav", "riff.wav.why.txt"]
    assert "looks unfinished" in bench.why("riff.wav")
    assert (bench.session.rejected / "riff.wav").read_bytes() == whole[:5000]


def test_an_empty_file_is_rejected_after_ten_settle_times(bench: Bench) -> None:
    bench.drop("riff.wav", b"")
    bench.live(9 * SETTLE_S)
    assert bench.rejected == []
    bench.live(2 * SETTLE_S)
    assert bench.why("riff.wav") == "riff.wav is empty.\n"


def test_text_that_is_named_wav_is_rejected_with_one_sentence(bench: Bench) -> None:
    bench.drop("riff.wav", b"just some notes about the riff\n" * 50)
    bench.live(15 * SETTLE_S)
    assert bench.desk.wishes == []
    assert bench.why("riff.wav").count("\n") == 1


def test_parameters_come_from_the_folder_and_then_from_the_file_beside_the_clip(bench: Bench) -> None:
    bench.drop("defaults.yaml", b"style: jazz\nbpm: 90\nservice: local\n")
    bench.drop("riff.wav.yaml", b"bpm: 120\n")
    bench.drop("riff.wav")
    bench.live()
    (wish,) = bench.desk.wishes
    assert wish.service == "local"
    assert wish.params["bpm"] == 120
    assert wish.params["style"] == ["jazz"]
    assert "service" not in wish.params
    assert bench.sent == ["riff.wav", "riff.wav.yaml"]
    assert (bench.session.sends / "extend" / "defaults.yaml").exists()


def test_parameters_that_arrive_shortly_after_the_clip_are_used_and_renew_the_wait(bench: Bench) -> None:
    bench.drop("riff.wav")
    bench.live(SETTLE_S * 0.8)
    bench.drop("riff.wav.yaml", b"bpm: 120\n")
    bench.live(SETTLE_S * 0.8)
    assert bench.desk.wishes == []
    bench.live(SETTLE_S)
    assert bench.desk.wishes[0].params["bpm"] == 120


def test_parameters_that_cannot_be_read_reject_the_clip_with_the_reason(bench: Bench) -> None:
    bench.drop("riff.wav.yaml", b"bpm: fast\n")
    bench.drop("riff.wav")
    bench.live()
    assert bench.desk.wishes == []
    assert bench.rejected == ["riff.wav", "riff.wav.why.txt", "riff.wav.yaml"]
    assert "bpm" in bench.why("riff.wav")


def test_what_the_desk_refuses_is_rejected_with_the_desks_sentence(bench: Bench) -> None:
    bench.desk.refusal = UsageError("This clip is too short.", "Send at least a second.")
    bench.drop("riff.wav")
    bench.live()
    assert bench.why("riff.wav") == "This clip is too short. Send at least a second.\n"
    assert bench.arrivals.taking() == []


def test_clips_in_folders_inside_a_hot_folder_are_taken_too(bench: Bench) -> None:
    bench.drop("verse/takes/riff.wav", folder="jazz-cover")
    bench.live()
    assert bench.desk.wishes[0].operation == "jazz-cover"
    assert bench.sent == ["riff.wav"]


def test_a_folder_named_like_a_clip_is_looked_into_and_not_taken_for_one(bench: Bench) -> None:
    bench.drop("x.wav/riff.wav")
    bench.intake.notice(bench.session, bench.session.sends / "extend" / "x.wav")
    bench.live()
    assert bench.sent == ["riff.wav"]


def test_a_second_clip_of_the_same_name_gets_another_place_in_sent(bench: Bench) -> None:
    for value in (1, 2, 3):
        bench.drop("riff.wav", wav_bytes(value=value))
        bench.live()
    assert bench.sent == ["riff (2).wav", "riff (3).wav", "riff.wav"]
    assert (bench.session.sent / "riff.wav").read_bytes() == wav_bytes(value=1)
    assert [wish.clip_after.name for wish in bench.desk.wishes if wish.clip_after] == bench.sent[2:] + bench.sent[:2]


@pytest.mark.parametrize(
    "name",
    [
        ".sendreturn-riff.wav",
        "._riff.wav",
        ".DS_Store",
        "riff.wav.reapeaks",
        "riff.wav.asd",
        "riff.wav.crdownload",
        "riff.wav.part",
        "riff.tmp",
        "riff.sync-conflict-20260101-000000-ABCDEFG.wav",
        ".syncthing.riff.wav.tmp",
        "other.wav.yaml",
        "defaults.yml",
        "riff.wav~",
    ],
)
def test_by_products_are_neither_sent_nor_rejected(bench: Bench, name: str) -> None:
    path = bench.drop(name)
    bench.live(700)
    assert bench.desk.handed_in == 0
    assert bench.rejected == []
    assert path.exists()


def test_an_unknown_type_is_rejected_with_the_types_that_are_taken(bench: Bench) -> None:
    bench.drop("notes.pdf", b"%PDF")
    bench.live()
    assert bench.rejected == ["notes.pdf", "notes.pdf.why.txt"]
    assert "WAV" in bench.why("notes.pdf")


def test_what_lies_in_sent_rejected_and_returns_is_nobodys_business(bench: Bench) -> None:
    for folder in (bench.session.sent, bench.session.rejected, bench.session.returns, bench.session.sends):
        folder.mkdir(exist_ok=True)
        (folder / "riff.wav").write_bytes(wav_bytes())
        bench.intake.notice(bench.session, folder / "riff.wav")
    bench.live()
    assert bench.desk.handed_in == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_pipes_and_sockets_are_rejected_without_being_opened(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    hot = bench.session.sends / "extend"
    os.mkfifo(hot / "pipe.wav")
    monkeypatch.chdir(hot)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.wav")
        bench.live()
    assert bench.rejected == ["pipe.wav", "pipe.wav.why.txt", "socket.wav", "socket.wav.why.txt"]
    assert bench.why("pipe.wav") == "pipe.wav is not a file but a pipe.\n"


def test_a_link_out_of_the_session_is_refused_and_what_it_leads_to_is_untouched(bench: Bench, tmp_path: Path) -> None:
    outside = tmp_path / "secret.wav"
    outside.write_bytes(wav_bytes())
    (bench.session.sends / "extend" / "link.wav").symlink_to(outside)
    bench.live()
    assert bench.desk.handed_in == 0
    assert "out of the session" in bench.why("link.wav")
    assert outside.read_bytes() == wav_bytes()


def test_a_link_inside_the_session_is_taken(bench: Bench) -> None:
    audio = bench.session.path / "Audio"
    audio.mkdir()
    (audio / "riff.wav").write_bytes(wav_bytes())
    (bench.session.sends / "extend" / "riff.wav").symlink_to(audio / "riff.wav")
    bench.live()
    assert len(bench.desk.wishes) == 1
    assert (audio / "riff.wav").exists()


def test_links_that_lead_nowhere_or_in_circles_are_left(bench: Bench) -> None:
    hot = bench.session.sends / "extend"
    (hot / "gone.wav").symlink_to(hot / "nothing.wav")
    (hot / "loop.wav").symlink_to(hot / "loop.wav")
    bench.live()
    assert (bench.desk.handed_in, bench.rejected, bench.intake.waiting) == (0, [], ())


@pytest.mark.parametrize("name", ["a\nb.wav", 'it\'s "it".wav', "🎸.wav", "-rf.wav", "\u202egnp.wav", "a\x1b[2J.wav"])
def test_odd_names_are_taken_as_they_are(bench: Bench, name: str) -> None:
    clip = bench.drop(name)
    bench.live()
    assert bench.desk.wishes[0].clip == clip
    assert bench.sent == [name]


def test_a_name_of_255_bytes_can_be_rejected_and_sent_twice(bench: Bench) -> None:
    long = "é" * 125 + "x.wav"
    assert len(long.encode()) == 255
    for _ in range(2):
        bench.drop(long)
        bench.live()
    assert len(bench.sent) == 2
    bench.drop(long, b"")
    bench.live(15 * SETTLE_S)
    assert sum(name.endswith(".why.txt") for name in bench.rejected) == 1
    assert all(len(name.encode()) <= 255 for name in bench.sent + bench.rejected)


@pytest.mark.skipif(os.name == "nt", reason="names are bytes here")
def test_a_name_that_is_no_text_is_refused_with_a_reason(bench: Bench) -> None:
    bench.drop(os.fsdecode(b"r\xe9ff.wav"))
    bench.live()
    assert bench.desk.handed_in == 0
    (why,) = [name for name in bench.rejected if name.endswith(".why.txt")]
    assert "r\\xe9ff.wav" in (bench.session.rejected / why).read_text(encoding="utf-8")


def test_both_unicode_forms_of_a_name_are_taken(bench: Bench) -> None:
    bench.drop("caf\u00e9.wav", wav_bytes(value=1))
    bench.drop("cafe\u0301.wav", wav_bytes(value=2))
    bench.live()
    assert len(bench.desk.wishes) == len(bench.sent) == 2


# One drop is one send


class Crash(BaseException):
    """The process dies here."""


def _die(*_: object) -> None:
    raise Crash


@pytest.fixture(params=["memory", "stored"])
def lasting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Arrivals]:
    stored = StoredArrivals(tmp_path / "arrivals.sqlite3")
    yield MemoryArrivals() if request.param == "memory" else stored
    stored.close()


@pytest.mark.parametrize("moment", ["before the desk", "after the desk", "half moved", "after the move"])
def test_a_crash_at_any_moment_makes_one_send_and_finishes_the_move(
    tmp_path: Path, lasting: Arrivals, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    bench = Bench(tmp_path / "song", lasting)
    accept, move, unlink = bench.desk.accept, shelf.put_with_params, Path.unlink

    def dying(*_: object, **__: object) -> None:
        raise Crash

    def move_and_die(source: Path, target: Path) -> None:
        move(source, target)
        raise Crash

    with monkeypatch.context() as patch:
        if moment == "before the desk":
            patch.setattr(bench.desk, "accept", dying)
            bench.restart()
        elif moment == "after the desk":
            patch.setattr(shelf, "put_with_params", dying)
        elif moment == "half moved":
            patch.setattr(files, "_renameat2", lambda: None)  # so that it is moved in two steps
            patch.setattr(Path, "unlink", dying)
        else:
            patch.setattr(shelf, "put_with_params", move_and_die)
        bench.drop("riff.wav")
        with pytest.raises(Crash):
            bench.live()
    assert (bench.desk.accept, Path.unlink) == (accept, unlink)
    bench.restart()
    bench.live()
    assert len(bench.desk.wishes) == 1
    assert bench.sent == ["riff.wav"]
    assert bench.desk.wishes[0].clip_after == bench.session.sent / "riff.wav"
    assert not (bench.session.sends / "extend" / "riff.wav").exists()


def test_the_same_file_brought_back_from_sent_is_a_new_wish(tmp_path: Path, lasting: Arrivals) -> None:
    bench = Bench(tmp_path / "song", lasting)
    clip = bench.drop("riff.wav")
    bench.live()
    (bench.session.sent / "riff.wav").rename(clip)
    bench.live()
    assert len(bench.desk.wishes) == 2
    assert bench.desk.wishes[0].key != bench.desk.wishes[1].key


def test_a_file_brought_back_after_a_crash_at_the_end_of_its_move_is_a_new_wish(
    tmp_path: Path, lasting: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path / "song", lasting)
    clip = bench.drop("riff.wav")
    with monkeypatch.context() as patch:
        patch.setattr(lasting, "forget", _die)
        with pytest.raises(Crash):
            bench.live()
    bench.restart()
    bench.live()
    assert len(bench.desk.wishes) == 1
    (bench.session.sent / "riff.wav").rename(clip)
    bench.live()
    assert len(bench.desk.wishes) == 2


def test_a_file_that_stays_is_sent_once_and_a_touch_changes_nothing(tmp_path: Path, lasting: Arrivals) -> None:
    bench = Bench(tmp_path / "song", lasting, moves=False)
    clip = bench.drop("riff.wav")
    bench.live()
    os.utime(clip, (1, 1))
    bench.live()
    bench.restart()
    bench.live()
    assert bench.desk.handed_in == 1
    assert bench.desk.wishes[0].clip_after is None
    assert clip.exists()


def test_a_file_that_stays_is_sent_again_when_its_content_changes(tmp_path: Path, lasting: Arrivals) -> None:
    bench = Bench(tmp_path / "song", lasting, moves=False)
    bench.drop("riff.wav", wav_bytes(value=1))
    bench.live()
    bench.drop("riff.wav", wav_bytes(value=2))
    bench.live()
    assert len(bench.desk.wishes) == 2


def test_renaming_a_file_that_stays_is_no_new_send_but_a_copy_is(tmp_path: Path, lasting: Arrivals) -> None:
    bench = Bench(tmp_path / "song", lasting, moves=False)
    clip = bench.drop("riff.wav")
    bench.live()
    renamed = clip.rename(clip.with_name("better name.wav"))
    bench.live()
    assert len(bench.desk.wishes) == 1
    shutil.copy(renamed, clip)
    bench.live()
    assert len(bench.desk.wishes) == 2


def test_a_crash_before_the_desk_is_made_good_for_a_file_that_stays(
    tmp_path: Path, lasting: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path / "song", lasting, moves=False)
    clip = bench.drop("riff.wav")

    def dying(_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(bench.desk, "accept", dying)
        bench.restart()
        with pytest.raises(Crash):
            bench.live()
    os.utime(clip, (1, 1))
    bench.restart()
    bench.live()
    assert len(bench.desk.wishes) == 1


def test_clips_that_were_left_are_not_sent_again_when_clips_are_moved_from_now_on(
    tmp_path: Path, lasting: Arrivals
) -> None:
    bench = Bench(tmp_path / "song", lasting, moves=False)
    clip = bench.drop("riff.wav")
    bench.live()
    bench.moves = True
    bench.restart()
    bench.live()
    assert bench.desk.handed_in == 1
    assert clip.exists()


def test_a_clip_that_cannot_be_moved_is_sent_once_and_told_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "move", refuse)
    clip = bench.drop("riff.wav")
    for _ in range(3):
        bench.live()
    assert len(bench.desk.wishes) == 1
    assert len(bench.told) == 1
    assert clip.exists()
    monkeypatch.undo()
    bench.live()
    assert bench.sent == ["riff.wav"]
    assert len(bench.desk.wishes) == 1


def test_an_unusable_file_that_cannot_be_moved_stays_and_is_told_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "move", refuse)
    path = bench.drop("notes.pdf", b"%PDF")
    for _ in range(3):
        bench.live()
    assert path.exists()
    assert len(bench.told) == 1
    assert bench.rejected == []


def test_trouble_with_the_memory_sends_nothing_until_it_is_over(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(bench.arrivals, "put", full)
        bench.drop("riff.wav")
        bench.live()
        assert bench.desk.handed_in == 0
        assert "has to wait" in str(bench.told[-1][1])
    bench.live(60)
    assert len(bench.desk.wishes) == 1
    assert bench.told[-1] == (bench.told[0][0], None)


def test_one_file_that_makes_something_raise_does_not_stop_the_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.drop("bad.wav")
    bench.drop("good.wav")

    def brittle(path: Path) -> str | None:
        if path.name == "bad.wav":
            raise ZeroDivisionError
        return None

    bench.intake = Intake(
        bench.desk.accept, bench.arrivals, Judge(brittle, SETTLE_S), bench._tell, bench.clock, moves=True
    )
    bench.live()
    assert bench.sent == ["good.wav"]


def test_many_clips_are_taken_in_turns_so_that_other_things_get_done(bench: Bench) -> None:
    for number in range(AT_ONCE + 1):
        bench.drop(f"{number}.wav")
    bench.scan()
    bench.intake.run_due()
    bench.intake.run_due()
    bench.clock.pass_s(SETTLE_S)
    bench.intake.run_due()
    assert len(bench.desk.wishes) == AT_ONCE
    bench.intake.run_due()
    assert len(bench.desk.wishes) == AT_ONCE + 1


# Rules


def test_files_that_a_rule_matches_are_sent_where_they_lie(tmp_path: Path) -> None:
    rule = Rule("Bounces/*_cover.wav", "jazz-cover", {"bpm": 100.0})
    bench = Bench(tmp_path / "song", MemoryArrivals(), rules=(rule,))
    bounces = bench.session.path / "Bounces"
    bounces.mkdir()
    for name in ("a_cover.wav", "b.wav", "notes_cover.txt", "deep/c_cover.wav"):
        (bounces / name).parent.mkdir(exist_ok=True)
        (bounces / name).write_bytes(wav_bytes())
    bench.live()
    bench.live()
    (wish,) = bench.desk.wishes
    assert (wish.clip, wish.operation, wish.origin) == (bounces / "a_cover.wav", "jazz-cover", Origin.RULE)
    assert wish.params["bpm"] == 100
    assert wish.clip_after is None


def test_a_file_that_a_rule_matches_and_that_cannot_be_used_stays_and_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "song", MemoryArrivals(), rules=(Rule("*.wav", "cover"),))
    bad = bench.session.path / "a.wav"
    bad.write_bytes(b"not audio, but long enough to be looked at")
    bench.live(15 * SETTLE_S)
    bench.live(15 * SETTLE_S)
    assert bad.exists()
    assert bench.rejected == []
    assert len(bench.told) == 1
    assert bench.arrivals.at(bad).standing is Standing.REFUSED  # type: ignore[union-attr]


def test_a_baseline_file_is_not_sent_when_touched_and_is_when_bounced_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "song", MemoryArrivals(), rules=(Rule("Bounces/**", "cover"),))
    old = bench.session.path / "Bounces" / "2025" / "old.wav"
    old.parent.mkdir(parents=True)
    old.write_bytes(wav_bytes(value=1))
    arrival = bench.intake.baseline(bench.session, old)
    assert arrival is not None
    bench.arrivals.learn("rule", [arrival])
    os.utime(old, (1, 1))
    bench.live()
    assert bench.desk.wishes == []
    old.write_bytes(wav_bytes(value=2))
    bench.live()
    assert len(bench.desk.wishes) == 1


def test_a_clip_error_says_which_error_it_is(bench: Bench) -> None:
    bench.desk.refusal = ClipError("No.")
    bench.drop("riff.wav")
    bench.live()
    assert bench.why("riff.wav") == "No.\n"


def test_parameters_with_nearly_the_right_name_are_told_until_they_are_named_right(bench: Bench) -> None:
    misnamed = bench.drop("riff.yaml", b"style: jazz\n")
    bench.drop("riff.wav")
    bench.live()
    assert dict(bench.desk.wishes[0].params) == {}
    topic, sentence = bench.told[-1]
    assert sentence == "riff.yaml was not used: the parameters of riff.wav are read from riff.wav.yaml, beside it."
    assert misnamed.exists()
    misnamed.rename(misnamed.with_name("riff.wav.yaml"))
    bench.drop("riff.wav")
    bench.live()
    assert bench.told[-1] == (topic, None)
    assert dict(bench.desk.wishes[1].params) == {"style": ["jazz"]}


def test_the_defaults_of_a_folder_belong_to_a_clip_of_the_same_name_too(bench: Bench) -> None:
    bench.drop("defaults.yaml", b"style: jazz\n")
    bench.drop("defaults.wav")
    bench.live()
    assert bench.told == []
