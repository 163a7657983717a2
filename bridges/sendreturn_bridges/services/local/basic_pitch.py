"""Notes of anything polyphonic with the Basic Pitch network (Bittner et al., ICASSP 2022), driven with onnxruntime.

The network hears windows of 43 844 samples at 22 050 Hz mono and answers with 172 frames, 256 samples apart, of how
probable each of 88 pitches sounds and begins. Frames near a window's edges are unreliable, so windows overlap by 30
frames and 15 are dropped at each edge. The windows here start on multiples of 256 samples: the frames kept of one
window go on exactly where those of the window before end.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sendreturn_bridges.services.local.note_decoding import Activity, Thresholds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

MODEL_PATH = ("basic-pitch", "nmp.onnx")
RATE_HZ = 22050
HOP_SAMPLES = 256

_WINDOW_SAMPLES = 43844
_WINDOW_FRAMES = 172
_EDGE_FRAMES = 15
_KEPT_FRAMES = _WINDOW_FRAMES - 2 * _EDGE_FRAMES
_INPUT = "serving_default_input_2:0"
_OUTPUTS = ("StatefulPartitionedCall:1", "StatefulPartitionedCall:2")

LATE_S = 0.002
"""How much later than the true attack the onset curve peaks: about 0 for struck and plucked sounds, 1 ms for basses,
4 ms for sung ones, 2.5 ms in a mix (medians over the demo's stems and ten random songs)."""

PRESETS = {
    # Best mean over single instruments rendered from sound fonts: few false notes.
    "careful": Thresholds(onset=0.7, sounding=0.5, soft_s=float("inf"), late_s=LATE_S),
    # Best over the stems of the demo and of random songs.
    "stem": Thresholds(onset=0.6, sounding=0.4, late_s=LATE_S),
    # The network's published defaults but for the shortest note: hears more, invents more.
    "sensitive": Thresholds(onset=0.5, sounding=0.3, late_s=LATE_S),
}


def find_model(models: Path) -> Path | None:
    """The network's file in `models`; None when it cannot be read, or it or onnxruntime is not installed."""
    path = models.joinpath(*MODEL_PATH)
    if not path.is_file():
        return None
    try:
        from onnxruntime.capi import onnxruntime_pybind11_state as faults
    except ImportError:
        return None
    try:
        _session(str(path))
    except (faults.InvalidProtobuf, faults.InvalidGraph, faults.Fail, faults.NoModel, faults.RuntimeException):
        return None
    return path


def listen(mono: NDArray[np.float32], model: Path, progress: Callable[[float], None] = lambda done: None) -> Activity:
    """What the network hears in `mono`, which is at `RATE_HZ`."""
    session = _session(str(model))
    frames = mono.size // HOP_SAMPLES + 1
    starts = range(0, frames, _KEPT_FRAMES)
    padded = np.pad(mono, (_EDGE_FRAMES * HOP_SAMPLES, _WINDOW_SAMPLES))
    parts: list[list[NDArray[np.float32]]] = []
    for count, start in enumerate(starts, 1):
        window = padded[start * HOP_SAMPLES :][:_WINDOW_SAMPLES]
        parts.append(session.run(_OUTPUTS, {_INPUT: window[None, :, None]}))
        progress(count / len(starts))
    kept = slice(_EDGE_FRAMES, _EDGE_FRAMES + _KEPT_FRAMES)
    sounding, onset = (np.concatenate([part[output][0, kept] for part in parts])[:frames] for output in range(2))
    return Activity(sounding, onset, HOP_SAMPLES / RATE_HZ)


@lru_cache(maxsize=2)
def _session(model: str) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
