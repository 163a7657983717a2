from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import stamina
from sendreturn.errors import DeliveryError
from sendreturn.returns import files
from sendreturn.words import TEMP_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONTENT = b"sound" * 500_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WAYS = ("_rename_noreplace", "_link_and_unlink", "_look_and_rename")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "staged.wav"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "returns"
    path.mkdir()
    return path


@pytest.fixture
def without_waits() -> Iterator[None]:
    with stamina.set_testing(True, attempts=6):
        yield


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every way of renaming in turn, by taking the better ones away."""
    chosen = str(request.param)
    for better in WAYS[: WAYS.index(chosen)]:
        monkeypatch.setattr(files, better, failing_with(errno.ENOSYS))
    return chosen


def failing_with(code: int) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.usefixtures("way")
def test_a_copy_is_complete_and_its_sum_is_told(source: Path, folder: Path) -> None:
    assert files.copy_in(source, folder / "a.wav") == SHA256
    assert (folder / "a.wav").read_bytes() == CONTENT
    assert names(folder) == ["a.wav"]
    assert source.read_bytes() == CONTENT


@pytest.mark.usefixtures("way")
def test_what_is_there_is_never_overwritten(source: Path, folder: Path) -> None:
    users = folder / "a.wav"
    users.write_text("the user's own")
    with pytest.raises(FileExistsError):
        files.copy_in(source, users)
    with pytest.raises(FileExistsError):
        files.place(source, users)
    assert users.read_text() == "the user's own"
    assert names(folder) == ["a.wav"]
    assert source.exists()


@pytest.mark.usefixtures("way")
def test_a_dangling_link_counts_as_there(source: Path, folder: Path) -> None:
    (folder / "a.wav").symlink_to(folder / "nowhere")
    with pytest.raises(FileExistsError):
        files.copy_in(source, folder / "a.wav")
    assert not (folder / "nowhere").exists()


@pytest.mark.usefixtures("way")
def test_placing_gives_a_file_its_final_name(folder: Path) -> None:
    temp = folder / f"{TEMP_PREFIX}00000000"
    temp.write_bytes(CONTENT)
    files.place(temp, folder / "a.wav")
    assert names(folder) == ["a.wav"]


def test_a_read_only_file_can_be_placed(source: Path, folder: Path) -> None:
    source.chmod(0o444)
    files.place(source, folder / "a.wav")
    assert names(folder) == ["a.wav"]


def test_a_file_from_another_file_system_is_copied_beside_its_final_name_first(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = files._rename_without_overwriting

    def refuse_to_cross(temp: Path, final: Path) -> None:
        if temp.parent != final.parent:
            failing_with(errno.EXDEV)()
        rename(temp, final)

    monkeypatch.setattr(files, "_rename_without_overwriting", refuse_to_cross)
    files.place(source, folder / "a.wav")
    assert files.sha256_of(folder / "a.wav") == SHA256
    assert names(folder) == ["a.wav"]
    assert not source.exists()


def test_text_and_bytes_are_written_as_they_are(folder: Path) -> None:
    assert files.write_text(folder / "a.txt", "é\n") == hashlib.sha256(b"\xc3\xa9\n").hexdigest()
    assert (folder / "a.txt").read_bytes() == b"\xc3\xa9\n"
    assert files.write_bytes(folder / "empty", b"") == hashlib.sha256(b"").hexdigest()


def test_a_new_file_has_the_rights_that_any_program_gives(source: Path, folder: Path) -> None:
    source.chmod(0o700)
    os.utime(source, (0, 0))
    previous = os.umask(0o002)
    try:
        files.copy_in(source, folder / "a.wav")
    finally:
        os.umask(previous)
    status = (folder / "a.wav").stat()
    if os.name == "posix":
        assert status.st_mode & 0o777 == 0o664
    assert status.st_mtime > 0


def test_a_short_write_is_continued(source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[: max(1, len(data) // 3)]))
    assert files.copy_in(source, folder / "a.wav") == SHA256
    assert files.sha256_of(folder / "a.wav") == SHA256


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_with_the_space_that_is_wanted(
    code: int, source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = os.write, deque([None, None])

    def write_until_full(handle: int, data: bytes) -> int:
        if not calls:
            failing_with(code)()
        calls.popleft()
        return write(handle, data)

    monkeypatch.setattr(os, "write", write_until_full)
    with pytest.raises(DeliveryError, match=r"a\.wav needs 2\.5 MB"):
        files.copy_in(source, folder / "a.wav")
    assert names(folder) == []


def test_a_failed_fsync_is_not_repeated_and_leaves_nothing(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fail(handle: int) -> None:
        asked.append(handle)
        failing_with(errno.EIO)()

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        files.copy_in(source, folder / "a.wav")
    assert len(asked) == 1
    assert names(folder) == []


@pytest.mark.usefixtures("without_waits")
@pytest.mark.parametrize("code", [errno.EBUSY, errno.EACCES])
def test_a_name_that_another_program_holds_is_waited_for(
    code: int, source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, busy = files._rename_without_overwriting, deque([code] * 5)

    def rename_when_free(temp: Path, final: Path) -> None:
        if busy:
            failing_with(busy.popleft())()
        rename(temp, final)

    monkeypatch.setattr(files, "_rename_without_overwriting", rename_when_free)
    assert files.copy_in(source, folder / "a.wav") == SHA256
    assert not busy
    assert names(folder) == ["a.wav"]


@pytest.mark.usefixtures("without_waits")
@pytest.mark.parametrize(("code", "tries"), [(errno.EACCES, 6), (errno.EIO, 1), (errno.EROFS, 1), (errno.EEXIST, 1)])
def test_only_passing_trouble_is_tried_again(
    code: int, tries: int, source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def fail(temp: Path, _final: Path) -> None:
        tried.append(temp)
        failing_with(code)()

    monkeypatch.setattr(files, "_rename_without_overwriting", fail)
    with pytest.raises(OSError) as caught:
        files.copy_in(source, folder / "a.wav")
    assert caught.value.errno == code
    assert len(tried) == tries
    assert names(folder) == []


@pytest.mark.parametrize(("windows_code", "passes"), [(5, True), (32, True), (33, True), (2, False), (183, False)])
def test_windows_says_by_its_own_codes_what_passes(windows_code: int, passes: bool) -> None:
    error = PermissionError(errno.EACCES, "denied")
    error.winerror = windows_code  # type: ignore[attr-defined, unused-ignore]
    assert files._is_passing(error) is passes


def test_a_folder_that_cannot_be_synced_is_no_failure(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def sync_files_only(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").readlink() == folder:
            failing_with(errno.EINVAL)()
        sync(handle)

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc to tell a folder's handle")
    monkeypatch.setattr(os, "fsync", sync_files_only)
    files.copy_in(source, folder / "a.wav")
    assert names(folder) == ["a.wav"]


def test_leftovers_of_an_earlier_process_are_removed_and_nothing_else(folder: Path) -> None:
    old, new = f"{TEMP_PREFIX}0000000a", f"{TEMP_PREFIX}0000000b"
    keep = [f"{TEMP_PREFIX}notes.txt", f"{TEMP_PREFIX}0000000A", "mine.part", ".hidden"]
    for name in [old, new, *keep]:
        (folder / name).write_text("x")
        if name != new:
            os.utime(folder / name, (1, 1))
    (folder / f"{TEMP_PREFIX}0000000c").symlink_to(folder / "mine.part")
    (folder / f"{TEMP_PREFIX}0000000d").mkdir()
    assert files.remove_leftovers(folder) == (old,)
    assert files.remove_leftovers(folder, listed=[new, "mine.part"]) == (new,)
    assert set(keep) < set(names(folder))


def test_what_is_being_written_is_no_leftover(source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_STARTED_AT_S", 1e12)
    sync = os.fsync
    removed: list[str] = []

    def sync_and_clean(handle: int) -> None:
        sync(handle)
        removed.extend(files.remove_leftovers(folder))

    monkeypatch.setattr(os, "fsync", sync_and_clean)
    files.copy_in(source, folder / "a.wav")
    assert removed == []
    assert names(folder) == ["a.wav"]


def test_a_temporary_name_is_shorter_than_any_final_one(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    rename = files._rename

    def watch(temp: Path, final: Path) -> None:
        seen.append(temp)
        rename(temp, final)

    monkeypatch.setattr(files, "_rename", watch)
    files.copy_in(source, folder / ("x" * 251 + ".wav"))
    [temp] = seen
    assert temp.name.startswith(TEMP_PREFIX)
    assert len(temp.name) < len("x_vox_0a1b2c3d_t1.mid")
    assert temp.parent == folder


@pytest.mark.usefixtures("way")
def test_nobody_ever_sees_half_a_file(source: Path, folder: Path) -> None:
    """An observer reads every file as soon as it has a final name, all the while that they are made."""
    finals = {f"a{number}.wav" for number in range(12)}
    seen: dict[str, str] = {}
    ready, failed = threading.Event(), threading.Event()

    def observe() -> None:
        while len(seen) < len(finals) and not failed.is_set():
            ready.set()
            for name in finals - seen.keys():
                if (folder / name).exists():
                    seen[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()

    observer = threading.Thread(target=observe)
    observer.start()
    ready.wait()
    try:
        for name in sorted(finals):
            files.copy_in(source, folder / name)
    except BaseException:
        failed.set()
        raise
    finally:
        observer.join()
    assert set(seen.values()) == {SHA256}


@pytest.mark.usefixtures("way")
def test_of_many_writers_of_one_name_exactly_one_wins(tmp_path: Path, folder: Path) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def write(number: int) -> None:
        start.wait()
        try:
            outcomes.append(files.write_text(folder / "a.txt", f"writer {number}"))
        except FileExistsError:
            outcomes.append("taken")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("taken") == 7
    assert files.sha256_of(folder / "a.txt") in outcomes
    assert names(folder) == ["a.txt"]


def test_the_kernel_is_asked_in_the_safe_order(source: Path, folder: Path, tmp_path: Path) -> None:
    """write … fsync(file), rename without overwriting, fsync(folder): seen with strace, not believed."""
    log = tmp_path / "strace.log"
    script = (
        "import sys, pathlib; from sendreturn.returns.files import copy_in; copy_in(*map(pathlib.Path, sys.argv[1:]))"
    )
    traced = "trace=write,fsync,rename,renameat,renameat2,link,linkat"
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not on this machine")
    command = [strace, "-f", "-y", "-o", str(log), "-e", traced, sys.executable, "-c", script]
    result = subprocess.run([*command, str(source), str(folder / "a.wav")], capture_output=True, text=True, check=False)
    if "PTRACE" in result.stderr:
        pytest.skip("this machine does not let strace look at processes")
    assert result.returncode == 0, result.stderr
    mine = [line for line in log.read_text().splitlines() if str(folder) in line]
    calls = [re.sub(r"^\d+\s+(\w+)\(.*", r"\1", line) for line in mine]
    collapsed = [call for index, call in enumerate(calls) if index == 0 or call != calls[index - 1]]
    assert collapsed == ["write", "fsync", "renameat2", "fsync"]
    assert TEMP_PREFIX in next(line for line in mine if " fsync(" in line)
    assert "RENAME_NOREPLACE" in next(line for line in mine if "renameat2(" in line)
    assert f"<{folder}>" in mine[-1]
