"""Networks and checkpoints made on the spot, in the layouts of the real ones."""

from __future__ import annotations

import pickle
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, save

Tensors = dict[str, NDArray[np.float32]]
_WIDTHS = (2, 16, 32, 64, 128, 256, 512)
_UP = ((512, 256), (512, 128), (256, 64), (128, 32), (64, 16), (32, 1))


def spleeter_tensors(mask_bias: float = 0.0) -> Tensors:
    """Tensors of a Spleeter network that masks every bin by sigmoid(`mask_bias`): all of its weights are zero."""
    tensors: Tensors = {}
    for level, (before, after) in enumerate(pairwise(_WIDTHS), 1):
        _layer(tensors, f"down{level}_conv.1", (after, before, 5, 5), after)
        _norm(tensors, f"down{level}_act.0", after)
    for level, (before, after) in enumerate(_UP, 1):
        _layer(tensors, f"up{level}.0", (before, after, 5, 5), after)
        _norm(tensors, f"up{level}.3", after)
    _layer(tensors, "up7.0", (2, 1, 4, 4), 2)
    tensors["up7.0.bias"] += np.float32(mask_bias)
    return tensors


def write_checkpoint(path: Path, content: object) -> None:
    """A checkpoint in the published form: a zip with one pickle, written by PyTorch in protocol 2."""
    write_pickle(path, pickle.dumps(content, protocol=2))


def write_pickle(path: Path, pickled: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{path.stem}/data.pkl", pickled)
        archive.writestr(f"{path.stem}/version", "3\n")


def write_echo_htdemucs(path: Path, window: int = 343_980, spectra: int = 336) -> None:
    """A network in HTDemucs's layout: the spectrogram comes back as vocals, half the wave as drums, else silence."""
    nothing = numpy_helper.from_array(np.zeros(1, np.float32), "nothing")
    half = numpy_helper.from_array(np.full(1, 0.5, np.float32), "half")
    source = numpy_helper.from_array(np.array([1], np.int64), "source")
    nodes = [
        helper.make_node("Unsqueeze", ["mix", "source"], ["wave"]),
        helper.make_node("Mul", ["wave", "nothing"], ["no_wave"]),
        helper.make_node("Mul", ["wave", "half"], ["half_wave"]),
        helper.make_node("Concat", ["half_wave", "no_wave", "no_wave", "no_wave"], ["waves"], axis=1),
        helper.make_node("Unsqueeze", ["spec", "source"], ["planes"]),
        helper.make_node("Mul", ["planes", "nothing"], ["no_planes"]),
        helper.make_node("Concat", ["no_planes", "no_planes", "no_planes", "planes"], ["specs"], axis=1),
    ]
    ends = {
        "mix": [1, 2, window],
        "spec": [1, 4, 2048, spectra],
        "specs": [1, 4, 4, 2048, spectra],
        "waves": [1, 4, 2, window],
    }
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in ends.items()]
    graph = helper.make_graph(nodes, "echo", infos[:2], infos[2:], [nothing, half, source])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8), path)


def _layer(tensors: Tensors, name: str, shape: tuple[int, ...], biases: int) -> None:
    tensors[f"{name}.weight"] = np.zeros(shape, np.float32)
    tensors[f"{name}.bias"] = np.zeros(biases, np.float32)


def _norm(tensors: Tensors, name: str, width: int) -> None:
    for part, value in {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}.items():
        tensors[f"{name}.{part}"] = np.full(width, value, np.float32)
