"""A DAW's side of a mailbox, as a script inside a DAW keeps it: it only reads, writes and renames files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sendreturn.daws.mailbox import session_key


class DawSide:
    """One DAW with one open session."""

    def __init__(self, mailbox: Path, session: str) -> None:
        self.mailbox = mailbox
        self.session = session
        self._sent = 0

    @property
    def box(self) -> Path:
        return self.mailbox / "in" / session_key(self.session)

    def write(self, kind: str, **message: Any) -> Path:
        """Put a message into `out`."""
        self._sent += 1
        out = self.mailbox / "out"
        out.mkdir(parents=True, exist_ok=True)
        part = out / f"{self._sent:06d}-{session_key(self.session)}.part"
        part.write_text(json.dumps({"session": self.session, **message, "kind": kind}), "utf-8")
        return part.rename(part.with_suffix(".json"))

    def press(self) -> dict[str, Any] | None:
        """Take a wish to send what is selected, if one lies there."""
        path = self.mailbox / "in" / "press.json"
        try:
            taken = path.replace(path.with_suffix(".taken"))
        except FileNotFoundError:
            return None
        found: dict[str, Any] = json.loads(taken.read_text("utf-8"))
        return found

    def status(self) -> dict[str, Any]:
        try:
            status: dict[str, Any] = json.loads((self.box / "status.json").read_text("utf-8"))
        except FileNotFoundError:
            return {"count": 0, "sends": [], "notes": []}
        return status

    def notes(self, kind: str) -> list[dict[str, Any]]:
        return [note for note in self.status()["notes"] if note["kind"] == kind]

    def waiting(self) -> list[Path]:
        return sorted(self.box.glob("*.json"), key=lambda path: path.name) if self.box.is_dir() else []

    def placements(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text("utf-8")) for path in self.waiting() if path.stem.isdigit()]

    def place(self, number: int) -> dict[str, Any]:
        """Take a placement, as if its files lay on tracks now, and say so."""
        path = self.box / f"{number}.json"
        taken = path.rename(path.with_suffix(".taken"))
        placement: dict[str, Any] = json.loads(taken.read_text("utf-8"))
        taken.rename(path.with_suffix(".done"))
        self.write("placed", send=placement["send_id"])
        return placement


def selection(request: str, session: Path, operation: str, rate_hz: int, **more: Any) -> dict[str, Any]:
    """A selection document."""
    return {
        "request": request,
        "session": str(session),
        "operation": operation,
        "rate_hz": rate_hz,
        **more,
    }
