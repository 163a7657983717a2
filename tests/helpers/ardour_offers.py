"""Placements laid ready for an Ardour without a daemon, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from ardour_studio import RATE, Studio
from real_ardour import Region
from sendreturn import __version__
from sendreturn.daws.contract import DawManifest, LinkSetup, PlacedFile, Placement
from sendreturn.daws.mailbox import MailboxLink

SHORT = 4_800
"""How many samples a short file has."""


class Offers:
    """The daemon's side of the mailbox alone."""

    def __init__(self, desk: Studio) -> None:
        setup = LinkSetup(DawManifest("ardour", "Ardour", ""), desk.mailbox, None, __version__)  # type: ignore[arg-type]
        self.link = MailboxLink(setup)
        self._desk = desk

    def offer(self, send_id: str, *files: PlacedFile) -> None:
        session = str(self._desk.bench.session)
        self.link.offer(Placement(send_id, send_id, session, "cover", f"Take {send_id}", RATE, files))

    def answers(self) -> list[str]:
        """The sends that Ardour says are placed."""
        said = [json.loads(path.read_text("utf-8")) for path in (self._desk.mailbox / "out").glob("*.json")]
        return sorted(message["send"] for message in said if message["kind"] == "placed")


def returned_file(path: Path, position: int, name: str = "", **more: Any) -> PlacedFile:
    """A mix that is whole, unless `more` says otherwise."""
    size = path.stat().st_size if path.exists() else 1
    return PlacedFile(path, "mix", 1, None, name or path.stem, position, **{"size_bytes": size, **more})


def short_file(folder: Path, name: str = "short") -> Path:
    path = folder / f"{name}.wav"
    soundfile.write(path, np.full((SHORT, 2), 0.25), RATE, "PCM_24")
    return path


def stems(folder: Path, send_id: str, count: int) -> list[PlacedFile]:
    """The files of one take, each at a place of its own, with a context that is not shown."""
    names = [f"riff_stems_{send_id}_t1{end}" for end in ("", *(f"_{number}" for number in range(1, count)))]
    return [
        returned_file(short_file(folder, name), 1000 * place, f"Gtr {name}", offset_samples=place, length_samples=4_000)
        for place, name in enumerate(names, start=1)
    ]


def lies(regions: Sequence[Region]) -> list[tuple[int, int, int]]:
    """Where the audio lies: position, length, and start in its source."""
    return sorted((region.position, region.length, region.start) for region in regions if region.kind == "audio")


def lies_as(files: Sequence[PlacedFile]) -> list[tuple[int, int, int]]:
    """Where it is to lie."""
    return sorted((file.position_samples, file.length_samples or SHORT, file.offset_samples) for file in files)


def placed(desk: Studio, number: int) -> Path:
    return desk.box / f"{number}.done"


def is_laid(desk: Studio, number: int) -> bool:
    return any((desk.box / f"{number}{ending}").exists() for ending in (".json", ".taken", ".done"))
