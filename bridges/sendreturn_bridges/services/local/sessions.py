"""Opening and running networks so that they leave the machine to the music."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sendreturn.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


def open_session(model: Path) -> Any:
    """An onnxruntime session for an `.onnx` file, on half the processor's cores.

    The memory arena and pattern are off: with HTDemucs they double the memory and win no time (measured for 30 s of
    music: 5.2 GB and 25 s against 2.6 GB and 16 s).

    Raises:
        ModelError: The file is not a network that onnxruntime can open.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.intra_op_num_threads = max(1, (os.cpu_count() or 2) // 2)
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(os.fspath(model), options, providers=["CPUExecutionProvider"])
    except _onnxruntime_errors() as problem:
        what = f"The network in {model.name} cannot be opened."
        raise ModelError(what, "Install it again, or choose another file.", repr(problem)) from problem


def run_session(session: Any, outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """The named outputs of a network for its inputs by name.

    Raises:
        ModelError: The network did not run through, most likely for want of memory.
    """
    try:
        return list(session.run(list(outputs), dict(inputs)))
    except _onnxruntime_errors() as problem:
        what = "A network could not be run to its end."
        raise ModelError(
            what, "It may need more memory: close other programs and try again.", repr(problem)
        ) from problem


def _onnxruntime_errors() -> tuple[type[Exception], ...]:
    """onnxruntime's exceptions share no base of their own, and which one is raised varies with the damage."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    named = [each for each in vars(state).values() if isinstance(each, type) and issubclass(each, Exception)]
    return (*named, RuntimeError, ValueError)
