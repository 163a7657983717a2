"""Pieces: what a take is made of, on its way into the session's format."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from sendreturn.audio.clip import ClipInfo
from sendreturn.words import Kind

AUDIO = frozenset({Kind.MIX, Kind.TAIL, Kind.HEAD, Kind.STEM})


@dataclass(frozen=True)
class Piece:
    """A file on its way into the session's format.

    Attributes:
        start_frame: Where it starts against the clip, in frames at the clip's rate; negative before the clip.
        cut: First and last frame (exclusive) of a mix of the same take, whose part this is; None for a file of its own.
        exact: True where its samples must stay as they are.
        checks: What is to be told of it in the sidecar.
        warnings: The same, and when the send is done, too.
        is_aligned: Whether it was looked for the clip in, alone or with the other files of its take.
        shift_s: Notes: by how much they are to be moved.
        is_part: A stem of a part of the music only, which keeps its own start and length.
    """

    kind: Kind
    path: Path
    stem: str | None
    made_by: str
    start_frame: int = 0
    cut: tuple[int, int] | None = None
    exact: bool = False
    checks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    is_aligned: bool = False
    shift_s: float = 0.0
    is_part: bool = False

    @property
    def told(self) -> tuple[str, ...]:
        """All that is to be said of it, what matters most first."""
        return (*self.warnings, *self.checks)


@dataclass(frozen=True)
class Ready:
    """A piece of audio as it was written in the session's format."""

    piece: Piece
    info: ClipInfo

    def with_checks(self, checks: tuple[str, ...]) -> Ready:
        return replace(self, piece=replace(self.piece, checks=(*self.piece.checks, *checks)))
