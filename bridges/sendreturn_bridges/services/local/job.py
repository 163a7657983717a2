"""A job of the local service, as it stands in its folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sendreturn.audio.notes import Meter, TempoChange
from sendreturn.words import TEMP_PREFIX


@dataclass(frozen=True)
class Job:
    """What to do to which clip. `fields` are the call's; `htdemucs` is a model file of the user's own."""

    operation: str
    clip: Path
    fields: Mapping[str, Any]
    models: Path
    htdemucs: Path | None

    @property
    def seed(self) -> int:
        return int(self.fields["seed"])

    @property
    def meter(self) -> Meter:
        table = self.fields["meter"]
        return Meter(**{**table, "changes": tuple(TempoChange(**change) for change in table["changes"])})

    def to_json(self) -> dict[str, Any]:
        return {
            "operation": self.operation,
            "clip": str(self.clip),
            "fields": json.loads(json.dumps(dict(self.fields))),
            "models": str(self.models),
            "htdemucs": str(self.htdemucs) if self.htdemucs else None,
        }

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> Job:
        htdemucs = Path(table["htdemucs"]) if table["htdemucs"] else None
        return cls(table["operation"], Path(table["clip"]), table["fields"], Path(table["models"]), htdemucs)


def write_json(path: Path, table: Mapping[str, Any]) -> None:
    """Write `path` so that a reader sees the old or the new, never half."""
    # The number keeps a worker that has yet to notice that its daemon died apart from the one that took its place.
    temp = path.with_name(f"{TEMP_PREFIX}{os.getpid()}-{path.name}")
    temp.write_text(json.dumps(table), "utf-8")
    temp.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """The table in `path`, or None where there is none that is whole."""
    try:
        table: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return table
