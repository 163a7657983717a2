"""What is to be laid into the launcher, and what became of each file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sendreturn.daws.contract import PlacedFile, Placement

    from sendreturn_bridges.daws.bitwig.projects import Project

Result = Literal["placed", "already", "unsure", "refused", "stuck"]


class Gone(Exception):  # noqa: N818 - no error: it is open again some time later
    """The project is not open any more, or Bitwig does not answer."""


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes:
        result: "already": it was there. "unsure": an earlier try was left off in the middle, so that it may be there.
            "refused": it is not there. "stuck": neither would any other file be.
        text: Why, as a sentence.
    """

    result: Result
    text: str = ""


class Side(Protocol):
    """How Bitwig is reached."""

    @property
    def project(self) -> Project | None:
        """The open project; None where Bitwig does not answer."""
        ...

    async def start(self, opened: Callable[[Project | None], None]) -> None:
        """Begin to listen; `opened` is called whenever Bitwig says what is open, with None where it falls silent."""
        ...

    async def stop(self) -> None: ...

    async def place(self, placement: Placement, index: int) -> Outcome:
        """Lay one file of a placement into the launcher.

        Raises:
            Gone: the project was closed meanwhile, or Bitwig does not answer.
        """
        ...

    def say(self, text: str, request: str = "") -> None:
        """Show a sentence in Bitwig, where that is possible."""
        ...

    async def ping(self, timeout_s: float) -> str | None: ...


@dataclass
class Job:
    """One placement at work."""

    placement: Placement
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def next(self) -> int | None:
        """The file whose turn it is; None where all had theirs."""
        index = len(self.outcomes)
        return index if index < len(self.placement.files) else None

    def add(self, outcome: Outcome) -> None:
        """What became of the file whose turn it was; where Bitwig is stuck, the others are not tried."""
        self.outcomes.append(outcome)
        if outcome.result == "stuck":
            left = len(self.placement.files) - len(self.outcomes)
            self.outcomes += [Outcome("refused", "Not tried.")] * left

    @property
    def sentence(self) -> str:
        """What the user is told in the end."""
        placement = self.placement
        lying = [o for o in self.outcomes if o.result in ("placed", "already")]
        rows = list(zip(placement.files, self.outcomes, strict=True))
        wrong = [f"“{file.path.name}”: {o.text}" for file, o in rows if o not in lying]
        told = [f"sendreturn: {placement.title}: {len(lying)} of {len(rows)} files lie in the launcher."]
        if wrong:
            told += [f"Not placed: {' '.join(wrong[:3])}", f"The files are in {_folder(placement.files)}."]
        elif arranger := _dawproject(placement.files):
            told.append(f"For the arranger: {arranger}.")
        return " ".join(told)


def wrong_with(file: PlacedFile) -> str | None:
    """Why a file cannot be placed, before Bitwig is asked; None where nothing is wrong."""
    try:
        size = file.path.stat().st_size
    except OSError:
        return "It is not there any more."
    if file.size_bytes is not None and size != file.size_bytes:
        return "It is not as it was delivered."
    return None


def _folder(files: tuple[PlacedFile, ...]) -> Path:
    return files[0].path.parent


def _dawproject(files: tuple[PlacedFile, ...]) -> str:
    """The send's project file: the arranger takes no files from a script, but opens that."""
    found = sorted(_folder(files).glob("*.dawproject")) if files else []
    return found[0].name if found else ""
