"""What goes wrong while returns are written into the session: links, other accounts, disks that come and go."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from delivery_samples import NAME, assert_complete, assert_only_whole_files, delivery, stage
from engine_rig import Rig
from fake_service import FakeService, write_tone
from oracles import Dawspy, harmed, left_over, manifest, strays
from sendreturn.engine import projects
from sendreturn.engine.outputs import Prepared
from sendreturn.engine.run import Run
from sendreturn.errors import DeliveryError
from sendreturn.returns import files
from sendreturn.returns.arrangement import Arrangement
from sendreturn.returns.deliver import Delivered, Delivery, deliver
from sendreturn.sends import shelf
from sendreturn.sends.layout import Folders, make_session
from sendreturn.words import State

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="made with Linux's own means")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
USER, SERVICE, STUDIO = 12_345, 12_346, 12_347
"""Two accounts, and a group that both are in."""


@pytest.fixture
def job(tmp_path: Path) -> Delivery:
    (tmp_path / "Song").mkdir()
    stage(tmp_path / "staging")
    return delivery(tmp_path / "Song", tmp_path / "staging")


def test_a_folder_that_is_swapped_for_a_link_within_a_take_gets_nothing_through_it(
    job: Delivery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Row 96: the swap comes between the look at the folder and the write of a file in it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    before = manifest(tmp_path)
    folder, copy_in = job.session / "Returns" / NAME, files.copy_in

    def swap_and_copy(source: Path, final: Path) -> str:
        if not folder.is_symlink():
            folder.rename(job.session / "moved")
            folder.symlink_to(outside)
        return copy_in(source, final)

    monkeypatch.setattr(files, "copy_in", swap_and_copy)
    with pytest.raises(DeliveryError, match=r"was moved|leads out"):
        deliver(job)
    assert list(outside.iterdir()) == []
    assert strays(before, tmp_path, [job.session]) == harmed(before) == left_over(tmp_path) == []
    assert_only_whole_files(job.session / "moved")
    folder.unlink()
    (job.session / "moved").rename(folder)
    monkeypatch.undo()
    deliver(job)
    assert_complete(folder)


async def test_a_folder_that_is_swapped_for_a_link_after_the_takes_gets_no_project_file_through_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    outside, arrangement = tmp_path / "outside", projects._arrangement
    outside.mkdir()

    def arrange_and_swap(run: Run, prepared: Prepared, delivered: Delivered) -> Arrangement:
        arranged = arrangement(run, prepared, delivered)
        delivered.folder.rename(tmp_path / "away")
        delivered.folder.symlink_to(outside)
        return arranged

    monkeypatch.setattr(projects, "_arrangement", arrange_and_swap)
    async with Rig(tmp_path, FakeService()) as rig:
        done = await rig.ended(rig.send(write_tone(rig.session / "riff.wav", seconds=0.2)).id)
        assert done.state is State.DONE
        assert done.text.count("leads out of the session") == 2
    assert list(outside.iterdir()) == []
    assert [path.suffix for path in sorted((tmp_path / "away").iterdir())] == [".json", ".wav"]


def test_a_set_folder_that_is_moved_out_of_the_session_takes_no_more_with_it(
    job: Delivery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder, placed = job.session / "Returns" / NAME, []
    copy_in = files.copy_in

    def copy_and_move_away(source: Path, final: Path) -> str:
        sha256 = copy_in(source, final)
        if not placed:
            folder.rename(tmp_path / "away")
        placed.append(final.name)
        return sha256

    monkeypatch.setattr(files, "copy_in", copy_and_move_away)
    with pytest.raises(DeliveryError, match="leads out of the session"):
        deliver(job)
    assert [path.name for path in (tmp_path / "away").iterdir()] == placed[:1]


def test_a_session_that_becomes_read_only_is_told_and_delivered_to_when_it_is_not(job: Delivery, disk: Path):
    on_disk = replace(job, session=disk / "Song")
    on_disk.session.mkdir()
    remount(disk, "ro")
    with pytest.raises(DeliveryError, match="cannot be written"):
        deliver(on_disk)
    remount(disk, "rw")
    with Dawspy(disk) as spy:
        deliver(on_disk)
    assert_complete(on_disk.session / "Returns" / NAME)
    assert [problem for problem in spy.problems if ".json" in problem] == []


def test_a_disk_that_is_unmounted_meanwhile_gets_its_set_when_it_is_back(
    job: Delivery, disk: Path, monkeypatch: pytest.MonkeyPatch
):
    on_disk = replace(job, session=disk / "Song")
    on_disk.session.mkdir()
    copy_in, done = files.copy_in, []

    def copy_and_unmount(source: Path, final: Path) -> str:
        sha256 = copy_in(source, final)
        if not done:
            subprocess.run(["umount", "-l", str(disk)], check=True)
        done.append(sha256)
        return sha256

    monkeypatch.setattr(files, "copy_in", copy_and_unmount)
    with pytest.raises(DeliveryError):
        deliver(on_disk)
    assert list(disk.iterdir()) == [], "nothing is written into the empty mount point"
    with pytest.raises(DeliveryError, match="not there any more"):
        deliver(on_disk)
    mount(disk)
    on_disk.session.mkdir()
    deliver(on_disk)
    assert_complete(on_disk.session / "Returns" / NAME)


@as_root
def test_what_root_puts_into_a_users_session_is_the_users(job: Delivery):
    os.chown(job.session, USER, STUDIO)
    job.session.chmod(0o2775)
    made = make_session(job.session, Folders())
    deliver(job)
    (made.sends / "extend" / "text.txt").write_text("no clip")
    shelf.reject(made.sends / "extend" / "text.txt", made.rejected, "It is no clip.")
    ours = [path for path in job.session.rglob("*") if path.name != "text.txt"]
    assert {(path.stat().st_uid, path.stat().st_gid) for path in ours} == {(USER, STUDIO)}
    assert all(path.stat().st_mode & stat.S_IWGRP for path in ours)


@as_root
def test_what_an_account_of_the_daemons_own_makes_is_for_the_group_of_the_session(job: Delivery):
    os.chown(job.session, USER, STUDIO)
    job.session.chmod(0o2775)
    for path in (job.session, *job.session.parents):
        if str(path) not in ("/", "/tmp"):
            path.chmod(path.stat().st_mode | stat.S_IXOTH)
    deliver(job)  # what is imported late is imported now
    shutil.rmtree(job.session / "Returns")
    groups = os.getgroups()
    os.setgroups([STUDIO])
    os.setegid(SERVICE)
    os.seteuid(SERVICE)
    try:
        make_session(job.session, Folders())
        deliver(job)
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
    made = list(job.session.rglob("*"))
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {(SERVICE, STUDIO)}
    assert all(path.stat().st_mode & 0o060 == 0o060 for path in made)
    assert all(path.stat().st_mode & 0o070 == 0o070 for path in made if path.is_dir())


def test_on_ones_own_folders_rights_are_as_any_program_gives_them(job: Delivery):
    job.session.chmod(0o775)
    old = os.umask(0o027)
    try:
        deliver(job)
    finally:
        os.umask(old)
    assert stat.S_IMODE((job.session / "Returns" / NAME / f"{NAME}_t1.wav").stat().st_mode) == 0o640


def test_a_clip_is_moved_by_the_same_means_as_returns_are(tmp_path: Path):
    """Row 90: a name that is taken in the last moment is never overwritten, on the way to `sent` neither."""
    clip, taken = tmp_path / "riff.wav", tmp_path / "sent" / "riff.wav"
    clip.write_bytes(b"new")
    taken.parent.mkdir()
    taken.write_bytes(b"the user's")
    before = manifest(taken.parent)
    for way in ("renameat2", "link", "look"):
        with pytest.MonkeyPatch.context() as patch:
            if way != "renameat2":
                patch.setattr(files, "_renameat2", lambda: None)
            if way == "look":
                patch.setattr(files, "_link_and_unlink", refuse_links)
            with pytest.raises(FileExistsError):
                shelf.move(clip, taken)
    assert harmed(before) == []
    assert clip.read_bytes() == b"new"
    shelf.move(clip, shelf.choose_target(taken.parent, "riff.wav"))
    assert not clip.exists()
    assert harmed(before) == []


def refuse_links(_source: Path, _target: Path) -> None:
    raise OSError(1, "Operation not permitted")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount(folder):
        pytest.skip("only root may mount a disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def mount(folder: Path) -> bool:
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], check=False)
    return made.returncode == 0


def remount(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)
