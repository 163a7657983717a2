"""What the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `remedy` says what to do where it is not well."""

    topic: str
    well: bool
    what: str
    remedy: str = ""
