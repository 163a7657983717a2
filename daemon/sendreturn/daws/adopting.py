"""Sends that came another way than from inside a DAW, and whose returns it places all the same.

A DAW that tells no files of what is selected, as Bitwig, sends by hot folder; the session says whose the returns are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sendreturn.daws.asked import KEPT, Asked
from sendreturn.sends.wish import Origin

if TYPE_CHECKING:
    from sendreturn.returns.sidecar import Sidecar
    from sendreturn.sends.wish import SendView


@dataclass(frozen=True)
class Adopter:
    """A DAW that places what comes back for a session.

    Attributes:
        session: Its folder.
        since: What was sent before is not placed.
    """

    daw: str
    session: str
    since: datetime


class Adopters:
    """The sessions that are adopted, by their folders."""

    def __init__(self) -> None:
        self._by_folder: dict[Path, Adopter] = {}

    def add(self, adopter: Adopter) -> None:
        self._by_folder[Path(adopter.session).resolve()] = adopter

    def of(self, view: SendView) -> Adopter | None:
        """Whose a send's returns are; None where a DAW has asked for it, or none places them."""
        if not self._by_folder or view.origin is Origin.DAW:
            return None
        adopter = self._by_folder.get(view.session.resolve())
        if adopter is None:
            return None
        remembered = datetime.now(UTC) - KEPT  # of older ones nobody knows whether they were placed
        return adopter if moment(view.created_at) >= max(adopter.since, remembered) else None


def adopted(adopter: Adopter, view: SendView, sidecar: Sidecar) -> Asked:
    """The send, as if the DAW had asked for it."""
    source = sidecar.source
    rate = source.sample_rate_hz or next((f.sample_rate_hz for f in sidecar.returns if f.sample_rate_hz), 48_000)
    start, length = source.position_samples or 0, max(round((source.duration_s or 0) * rate), 1)
    clip = view.clip.stem if view.clip is not None else ""
    return Asked(
        daw=adopter.daw,
        request=f"returns-{view.id}",
        send_id=view.id,
        session=adopter.session,
        operation=view.operation,
        track=str(view.params.get("track") or clip),
        rate_hz=rate,
        start=start,
        length=length,
        range_start=start,
        range_length=length,
        gain=1.0,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def moment(text: str) -> datetime:
    """A time that was written down; one without a zone is UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
