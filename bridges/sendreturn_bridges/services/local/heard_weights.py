"""The weights of the small logistic classifiers that decide what was heard, kept as data beside this file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DATA = "heard_weights.json"


@dataclass(frozen=True)
class Weights:
    """A logistic classifier: `of` has one weight per feature; above `threshold` its answer is yes."""

    of: tuple[float, ...]
    bias: float
    threshold: float

    def logits(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape (rows,) from features of shape (rows, features)."""
        return np.asarray(features @ np.array(self.of) + self.bias, dtype=np.float64)


@dataclass(frozen=True)
class HeardWeights:
    """`drums` by General MIDI key; `notes` for a pitch that Basic Pitch holds possible."""

    drums: dict[str, Weights]
    notes: Weights


@lru_cache(maxsize=1)
def load_weights() -> HeardWeights:
    data = json.loads(files(__package__ or "").joinpath(DATA).read_text(encoding="utf-8"))
    return HeardWeights({key: _weights(value) for key, value in data["drums"].items()}, _weights(data["notes"]))


def _weights(value: dict[str, object]) -> Weights:
    of, bias, threshold = value["of"], value["bias"], value["threshold"]
    return Weights(tuple(of), float(bias), float(threshold))  # type: ignore[arg-type]
