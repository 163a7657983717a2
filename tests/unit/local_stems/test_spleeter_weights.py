"""Checkpoints are read as arrays and nothing else."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from networks import spleeter_tensors, write_checkpoint, write_pickle
from sendreturn.errors import ModelError
from sendreturn_bridges.services.local.sessions import open_session, run_session
from sendreturn_bridges.services.local.spleeter_weights import (
    GRAPH_FILE,
    INPUT,
    OUTPUT,
    convert_checkpoints,
    read_checkpoint,
)


def test_arrays_come_back_as_they_were_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    arrays = {
        "plain": rng.standard_normal((3, 4)).astype(np.float32),
        "fortran": np.asfortranarray(rng.standard_normal((3, 4)).astype(np.float32)),
        "single": np.float32([[7]]),
    }
    write_checkpoint(tmp_path / "net.ckpt", arrays)
    found = read_checkpoint(tmp_path / "net.ckpt")
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)


class _Runs:
    def __init__(self, call: object, *arguments: object) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call, self.arguments


@pytest.mark.parametrize(
    "evil",
    [
        lambda marker: _Runs(os.system, f"touch {marker}"),
        lambda marker: _Runs(eval, f"open({str(marker)!r}, 'w')"),
        lambda marker: _Runs(Path.touch, marker),
        lambda marker: _Runs(getattr, marker, "touch"),
        lambda marker: _Runs(np.save, marker, np.zeros(3)),
        lambda marker: _Runs(np.ndarray, (3,)),
        lambda marker: OrderedDict(a=np.zeros(3, np.float32)),
    ],
    ids=["system", "eval", "method", "getattr", "numpy-function", "numpy-array", "ordered-dict"],
)
def test_a_pickle_that_asks_for_anything_else_is_refused_and_not_run(tmp_path: Path, evil: object) -> None:
    marker = tmp_path / "marker.npy"
    write_checkpoint(tmp_path / "net.ckpt", {"weights": evil(marker)})  # type: ignore[operator]
    with pytest.raises(ModelError, match="cannot be read as one of Spleeter's"):
        read_checkpoint(tmp_path / "net.ckpt")
    assert not marker.exists()


@pytest.mark.parametrize(
    "content",
    [
        {"weights": np.zeros(3, np.float64)},
        {"weights": np.zeros(3, ">f4")},
        {"weights": np.array([object()])},
        {"weights": "text"},
        {1: np.zeros(3, np.float32)},
        [np.zeros(3, np.float32)],
        np.zeros(3, np.float32),
    ],
    ids=["float64", "big-endian", "objects", "text", "number-as-name", "list", "bare-array"],
)
def test_anything_but_named_float32_arrays_is_refused(tmp_path: Path, content: object) -> None:
    write_checkpoint(tmp_path / "net.ckpt", content)
    with pytest.raises(ModelError):
        read_checkpoint(tmp_path / "net.ckpt")


def test_an_array_that_lies_about_its_shape_is_refused(tmp_path: Path) -> None:
    array = np.zeros(3, np.float32)
    honest = pickle.dumps({"weights": array}, protocol=2)
    write_pickle(tmp_path / "net.ckpt", honest.replace(b"K\x03\x85", b"K\x09\x85"))
    with pytest.raises(ModelError):
        read_checkpoint(tmp_path / "net.ckpt")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"\x80\x02}q\x00."])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.ckpt").write_bytes(content)
    with pytest.raises(ModelError):
        read_checkpoint(tmp_path / "net.ckpt")


def test_a_truncated_pickle_is_refused(tmp_path: Path) -> None:
    whole = pickle.dumps({"weights": np.zeros(100, np.float32)}, protocol=2)
    write_pickle(tmp_path / "net.ckpt", whole[: len(whole) // 2])
    with pytest.raises(ModelError):
        read_checkpoint(tmp_path / "net.ckpt")


def test_the_graph_gives_each_network_its_share_of_the_squares(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "vocals.ckpt", spleeter_tensors(mask_bias=float(np.log(3))))
    write_checkpoint(tmp_path / "accompaniment.ckpt", spleeter_tensors(mask_bias=-float(np.log(3))))
    convert_checkpoints(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == [GRAPH_FILE]
    session = open_session(tmp_path / GRAPH_FILE)
    (mask,) = run_session(session, [OUTPUT], {INPUT: np.ones((1, 2, 512, 1024), np.float32)})
    assert mask.shape == (1, 2, 512, 1024)
    np.testing.assert_allclose(mask, 0.75**2 / (0.75**2 + 0.25**2), rtol=1e-5)


def test_checkpoints_without_a_layer_are_refused(tmp_path: Path) -> None:
    tensors = spleeter_tensors()
    del tensors["up3.0.weight"]
    write_checkpoint(tmp_path / "vocals.ckpt", tensors)
    write_checkpoint(tmp_path / "accompaniment.ckpt", spleeter_tensors())
    with pytest.raises(ModelError, match="lacks a part"):
        convert_checkpoints(tmp_path)


def test_a_file_that_is_no_network_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"not a network at all")
    with pytest.raises(ModelError, match=r"The network in net\.onnx cannot be opened\."):
        open_session(tmp_path / "net.onnx")
