"""The list of what was asked for and costs something: lines that are only ever added, beside the journal.

The journal may be damaged, lost, or put back from a backup. Then this list still says which requests went out, so that
none of them is made again unasked. A line is on disk before its request goes out. What opens addresses is left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sendreturn.unsigned import unsigned

NAME = "paid.jsonl"
Key = tuple[str, str, int]
"""Send, call and attempt."""


@dataclass
class Line:
    """A request, with the last that is known of it; `send` is the row of its send when it went out."""

    send_id: str
    call: str
    attempt: int
    at: str
    credits: float
    fields: Mapping[str, Any]
    send: Mapping[str, Any]
    fate: str = "intended"
    task_id: str | None = None
    report: Mapping[str, Any] | None = field(default=None)

    @property
    def key(self) -> Key:
        return self.send_id, self.call, self.attempt


class Ledger:
    """The list in the folder of a journal."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / NAME

    def intend(self, line: Line) -> None:
        """Add a request that is about to go out.

        Raises:
            OSError: it could not be added; then the request must not be made.
        """
        plain = {
            name: getattr(line, name) for name in ("send_id", "call", "attempt", "at", "credits", "fields", "send")
        }
        self._add({"intent": plain})

    def answer(self, key: Key, fate: str, task_id: str | None, report: Mapping[str, Any] | None) -> None:
        """Add what became of a request."""
        self._add({"answer": {"key": list(key), "fate": fate, "task_id": task_id, "report": report}})

    def read(self) -> dict[Key, Line]:
        """All requests, in order. What cannot be read, such as half a last line, is passed over."""
        lines: dict[Key, Line] = {}
        try:
            content = self._file.read_text("utf-8", "replace")
        except FileNotFoundError:
            return lines
        for text in content.splitlines():
            try:
                told = json.loads(text)
                if "intent" in told:
                    line = Line(**told["intent"])
                    lines[line.key] = line
                else:
                    self._note(lines, told["answer"])
            except (ValueError, KeyError, TypeError):
                continue
        return lines

    def _note(self, lines: Mapping[Key, Line], told: Mapping[str, Any]) -> None:
        send_id, call, attempt = told["key"]
        line = lines[send_id, call, attempt]
        line.fate, line.task_id, line.report = told["fate"], told["task_id"], told["report"]

    def _add(self, told: Mapping[str, Any]) -> None:
        # A new line first: the last one may have been cut by a crash.
        handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            content = f"\n{unsigned(json.dumps(told))}\n".encode()
            if os.write(handle, content) != len(content):
                raise OSError(28, os.strerror(28), str(self._file))
            os.fsync(handle)
        finally:
            os.close(handle)
