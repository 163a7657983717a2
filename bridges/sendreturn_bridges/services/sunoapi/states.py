"""How a task stands, in all the words that Suno API has for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sendreturn_bridges.services.sunoapi.reading import field, number


class Stage(StrEnum):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    NOT_TOLD = "not told"
    """The service could not call back, which it counts as the end of a task that may have gone well."""


@dataclass(frozen=True)
class Standing:
    """`word` is the service's own; `progress` and `told` are for a task that goes on."""

    stage: Stage
    word: str
    progress: float = 0.0
    told: str = ""


_GOING_ON: Mapping[str, tuple[float, str]] = {
    "PENDING": (0.05, "in the queue"),
    "GENERATING": (0.3, "being made"),
    "TEXT_SUCCESS": (0.3, "the words are written"),
    "FIRST_SUCCESS": (0.8, "the first take is ready"),
    "WAIT_PROCESSING": (0.1, "in the queue"),
    "PROCESSING_VALIDATE": (0.5, "being heard"),
}
_ENDS = {"SUCCESS": Stage.DONE, "CALLBACK_EXCEPTION": Stage.NOT_TOLD, "FAIL": Stage.FAILED}
_NUMBERS: Mapping[str, Mapping[int, str]] = {
    "cover_art": {0: "PENDING", 1: "SUCCESS", 2: "GENERATING", 3: "GENERATE_COVER_FAILED"},
    "style": {0: "PENDING", 1: "SUCCESS", 2: "FAILED"},
    "": {0: "PENDING", 1: "SUCCESS", 2: "CREATE_TASK_FAILED", 3: "GENERATE_FAILED"},
}
"""By reader: notes and cover art, and the style text, count their states."""


def standing(data: Mapping[str, Any], reader: str = "") -> Standing:
    """How a record says that its task stands. A word that nobody knows is taken for a task that goes on."""
    found = field(data, "status", "successFlag")
    counted = number(found)
    words = _NUMBERS.get(reader, _NUMBERS[""])
    word = words.get(int(counted), "PENDING") if counted is not None else str(found or "PENDING").strip().upper()
    if word in _ENDS:
        return Standing(_ENDS[word], word)
    if "FAIL" in word or "ERROR" in word:
        return Standing(Stage.FAILED, word)
    progress, told = _GOING_ON.get(word, (0.1, word.replace("_", " ").lower()))
    return Standing(Stage.PENDING, word, progress, told)
