from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import pytest
import stamina
from delivery_samples import (
    CONTENTS,
    NAME,
    SIDECARS,
    assert_complete,
    assert_only_whole_files,
    delivery,
    final_files,
    stage,
)
from sendreturn.errors import DeliveryError, SendReturnError
from sendreturn.returns import files
from sendreturn.returns.deliver import DeliveredFile, Delivery, StagedFile, deliver
from sendreturn.returns.sidecar import ServiceRefs, read_sidecar, verify
from sendreturn.words import TEMP_PREFIX, Kind
from sidecar_samples import SEND_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MIX = f"{NAME}_t1.wav"
WAY_ON = f"The returns are kept in the state folder. .*, then run `sendreturn retry {SEND_ID}`\\."


@pytest.fixture(autouse=True)
def _without_waits() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2):
        yield


@pytest.fixture
def job(tmp_path: Path) -> Delivery:
    session, staging = tmp_path / "My Song", tmp_path / "staging"
    session.mkdir()
    stage(staging)
    return delivery(session, staging)


@pytest.fixture
def folder(job: Delivery) -> Path:
    return job.session / "Returns" / NAME


def inodes(folder: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_a_set_is_delivered_whole_and_told_in_order(job: Delivery, folder: Path) -> None:
    heard: list[DeliveredFile] = []
    delivered = deliver(job, heard.append)
    assert_complete(folder)
    assert delivered.folder == folder
    assert tuple(heard) == delivered.files
    assert [(file.take, file.kind, file.path.name) for file in delivered.files] == [
        (1, Kind.MIX, MIX),
        (1, Kind.TAIL, f"{NAME}_t1_tail.wav"),
        (1, Kind.MIDI, f"{NAME}_t1.mid"),
        (2, Kind.MIX, f"{NAME}_t2.wav"),
    ]
    assert [file.bytes for file in delivered.files] == [len(content) for content in CONTENTS.values()]
    assert [file.position_samples for file in delivered.files] == [96_000, 96_000, None, 96_000]


def test_a_file_is_told_of_only_when_its_sidecar_is_there(job: Delivery, folder: Path) -> None:
    def hear(file: DeliveredFile) -> None:
        assert verify(folder / f"{NAME}_t{file.take}.json") == []

    deliver(job, hear)


def test_the_sidecar_says_what_lies_beside_it(job: Delivery, folder: Path) -> None:
    refs = ServiceRefs(clip_ids=("clip-2",))
    deliver(replace(job, takes=(job.takes[0], replace(job.takes[1], service_refs=refs))))
    second = read_sidecar(folder / f"{NAME}_t2.json")
    assert second.take == 2
    assert second.service_refs == refs
    assert second.returns[0].path == f"{NAME}_t2.wav"
    assert second.returns[0].checks == ("The seed could not be honoured.",)


def test_delivering_again_changes_nothing_and_tells_the_same(job: Delivery, folder: Path) -> None:
    first = deliver(job)
    before = inodes(folder)
    again: list[DeliveredFile] = []
    assert deliver(job, again.append) == first
    assert inodes(folder) == before
    assert tuple(again) == first.files


def test_delivering_again_needs_no_staged_files(job: Delivery, folder: Path) -> None:
    first = deliver(job)
    shutil.rmtree(job.takes[0].files[0].staged.parent)
    assert deliver(job) == first


def test_a_sidecar_that_the_user_has_written_in_is_kept(job: Delivery, folder: Path) -> None:
    deliver(job)
    sidecar = folder / f"{NAME}_t1.json"
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text("utf-8")) | {"my_note": "the best one"}), "utf-8")
    deliver(job)
    assert "the best one" in sidecar.read_text("utf-8")
    assert_complete(folder)


def test_what_the_user_has_deleted_comes_back_and_the_sidecar_is_true_again(job: Delivery, folder: Path) -> None:
    deliver(job)
    (folder / MIX).unlink()
    deliver(job)
    assert_complete(folder)


def test_a_return_that_the_user_has_edited_is_kept_beside_a_fresh_one(job: Delivery, folder: Path) -> None:
    deliver(job)
    (folder / MIX).write_bytes(b"edited in the DAW")
    for _ in range(2):
        deliver(job)
        assert (folder / MIX).read_bytes() == b"edited in the DAW"
        assert (folder / f"{NAME}_t1 (2).wav").read_bytes() == CONTENTS[MIX]
        assert len(list(folder.iterdir())) == len(CONTENTS) + len(SIDECARS) + 2
    assert verify(folder / f"{NAME}_t1 (2).json") == []
    assert read_sidecar(folder / f"{NAME}_t1 (2).json").returns[0].path == f"{NAME}_t1 (2).wav"


def test_a_file_of_the_users_under_our_name_is_never_overwritten(job: Delivery, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / MIX).write_bytes(b"the user's own")
    (folder / f"{NAME}_t1_tail.wav").symlink_to(folder / MIX)
    (folder / f"{NAME}_t1.json").write_text("{}")
    (folder / f"{NAME}_t2.json").mkdir()
    delivered = deliver(job)
    assert deliver(job) == delivered
    assert (folder / MIX).read_bytes() == b"the user's own"
    assert (folder / f"{NAME}_t1.json").read_text() == "{}"
    assert [file.path.name for file in delivered.files][:2] == [f"{NAME}_t1 (2).wav", f"{NAME}_t1_tail (2).wav"]
    assert [verify(folder / f"{NAME}_t{take} (2).json") for take in (1, 2)] == [[], []]


def test_a_name_that_is_taken_at_the_last_moment_is_given_up(
    job: Delivery, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = files._rename_without_overwriting

    def be_overtaken(temp: Path, final: Path) -> None:
        if final.name == MIX and not final.exists():
            final.write_bytes(b"the user's own")
        rename(temp, final)

    monkeypatch.setattr(files, "_rename_without_overwriting", be_overtaken)
    delivered = deliver(job)
    assert (folder / MIX).read_bytes() == b"the user's own"
    assert delivered.files[0].path.name == f"{NAME}_t1 (2).wav"
    assert not [path for path in folder.iterdir() if path.name.startswith(TEMP_PREFIX)]


def test_two_files_that_would_have_one_name_both_come(job: Delivery, folder: Path) -> None:
    staged = job.takes[0].files[0].staged
    twins = (
        StagedFile(Kind.STEM, staged, ".wav", stem="kazoo"),
        StagedFile(Kind.STEM, staged, ".wav", stem="theremin"),
    )
    delivered = deliver(replace(job, takes=(replace(job.takes[0], files=twins),)))
    names = [f"{NAME}_t1_other.wav", f"{NAME}_t1_other (2).wav"]
    assert [file.path.name for file in delivered.files] == names
    assert [file.stem for file in delivered.files] == ["other", "other"]


def test_what_a_later_try_adds_is_listed_in_a_new_sidecar(job: Delivery, folder: Path) -> None:
    first = job.takes[0]
    deliver(replace(job, takes=(replace(first, files=first.files[:1]),)))
    deliver(replace(job, takes=(first,)))
    assert len(read_sidecar(folder / f"{NAME}_t1.json").returns) == 1
    assert len(read_sidecar(folder / f"{NAME}_t1 (2).json").returns) == 3
    assert not (folder / f"{NAME}_t1 (2).wav").exists()


def test_leftovers_of_an_earlier_try_are_removed_and_the_users_files_stay(job: Delivery, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in (f"{TEMP_PREFIX}0000000a", "mine.part"):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (1, 1))
    deliver(job)
    assert (folder / "mine.part").exists()
    (folder / "mine.part").unlink()
    assert_complete(folder)


def break_nth(monkeypatch: pytest.MonkeyPatch, function: str, number: int, code: int) -> Callable[[], bool]:
    """Have the n-th call of `os.<function>` fail; the result says whether it came to that."""
    original, calls = getattr(os, function), []

    def fail_once(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == number:
            raise OSError(code, os.strerror(code))
        return original(*arguments)

    monkeypatch.setattr(os, function, fail_once)
    return lambda: len(calls) >= number


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("function", ["write", "fsync"])
def test_a_disk_that_fails_at_any_point_leaves_whole_files_and_the_next_try_completes_them(
    function: str, code: int, tmp_path: Path
) -> None:
    stage(tmp_path / "staging")
    for number in range(1, 40):
        session = tmp_path / f"session {number}"
        session.mkdir()
        job, folder = delivery(session, tmp_path / "staging"), session / "Returns" / NAME
        with pytest.MonkeyPatch.context() as patch:
            broke = break_nth(patch, function, number, code)
            with suppress(DeliveryError):
                deliver(job)
        assert_only_whole_files(folder)
        assert not folder.is_dir() or final_files(folder) == list(folder.iterdir())
        deliver(job)
        assert_complete(folder)
        if not broke():
            return
    pytest.fail("it never came through")


def refusal(job: Delivery) -> DeliveryError:
    with pytest.raises(DeliveryError, match=WAY_ON) as caught:
        deliver(job)
    return caught.value


def test_a_full_disk_is_told_with_the_way_on(job: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    break_nth(monkeypatch, "write", 1, errno.ENOSPC)
    error = refusal(job)
    assert f"{MIX} needs 1.6 MB" in error.what
    assert "Make room on the disk, then run" in error.hint


def test_a_session_that_is_gone_is_told_and_not_made_again(job: Delivery) -> None:
    job.session.rename(job.session.with_name("moved"))
    assert "is not there any more" in refusal(job).what
    assert not job.session.exists()


def test_a_session_that_goes_away_meanwhile_is_told(job: Delivery, tmp_path: Path) -> None:
    def take_away(file: DeliveredFile) -> None:
        if job.session.exists():
            job.session.rename(tmp_path / "elsewhere")

    with pytest.raises(DeliveryError, match=WAY_ON):
        deliver(job, take_away)
    assert_only_whole_files(tmp_path / "elsewhere" / "Returns" / NAME)
    (tmp_path / "elsewhere").rename(job.session)
    assert_complete(deliver(job).folder)


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_session_that_cannot_be_written_is_told(code: int, job: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files, "make_folder", refuse)
    assert "cannot be written" in refusal(job).what


def test_a_read_only_session_is_told(job: Delivery) -> None:
    job.session.chmod(0o555)
    try:
        if os.access(job.session, os.W_OK):
            pytest.skip("this user may write everywhere")
        assert "cannot be written" in refusal(job).what
    finally:
        job.session.chmod(0o755)


def test_a_failing_disk_is_told(job: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    break_nth(monkeypatch, "fsync", 3, errno.EIO)
    assert "The disk reported an error" in refusal(job).what


@pytest.mark.parametrize("name", ["Returns", f"Returns/{NAME}"])
def test_a_link_that_leads_out_of_the_session_is_refused(name: str, job: Delivery, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = job.session / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(outside)
    assert "leads out of the session" in refusal(job).what
    assert list(outside.iterdir()) == []


def test_a_folder_that_is_swapped_for_a_link_between_takes_is_refused(
    job: Delivery, folder: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()

    def swap(file: DeliveredFile) -> None:
        if not folder.is_symlink():
            folder.rename(tmp_path / "old")
            folder.symlink_to(outside)

    with pytest.raises(DeliveryError, match="leads out of the session"):
        deliver(job, swap)
    assert list(outside.iterdir()) == []


def test_a_link_inside_the_session_is_followed(job: Delivery) -> None:
    (job.session / "Audio").mkdir()
    (job.session / "Returns").symlink_to(job.session / "Audio")
    deliver(job)
    assert_complete(job.session / "Audio" / NAME)


@pytest.mark.parametrize("outside", ["../elsewhere", "..", "/tmp"])
def test_a_returns_folder_outside_the_session_is_refused(outside: str, job: Delivery, tmp_path: Path) -> None:
    assert "leads out of the session" in refusal(replace(job, folder=outside)).what
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["Returns", f"Returns/{NAME}"])
def test_a_file_in_the_way_is_told_and_kept(name: str, job: Delivery) -> None:
    (job.session / name).parent.mkdir(exist_ok=True)
    (job.session / name).write_text("mine")
    assert "something else has that name" in refusal(job).what
    assert (job.session / name).read_text() == "mine"


def test_a_staged_file_that_is_lost_is_told(job: Delivery, folder: Path) -> None:
    job.takes[0].files[2].staged.unlink()
    with pytest.raises(SendReturnError, match=r"_t1\.mid is missing from the state folder"):
        deliver(job)
    assert not list(folder.glob("*.json"))


def test_an_observer_sees_only_whole_files_and_true_sidecars(job: Delivery, folder: Path) -> None:
    seen: set[str] = set()
    ready, over = threading.Event(), threading.Event()
    problems: list[BaseException] = []

    def observe() -> None:
        try:
            while not over.is_set():
                ready.set()
                if {path.name for path in final_files(folder)} - seen:
                    assert_only_whole_files(folder)
                    seen.update(path.name for path in final_files(folder))
        except BaseException as problem:
            problems.append(problem)

    observer = threading.Thread(target=observe)
    observer.start()
    ready.wait()
    try:
        deliver(job)
    finally:
        over.set()
        observer.join()
    assert problems == []
    assert_only_whole_files(folder)
