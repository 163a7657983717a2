"""How the demo is shown: bars that move on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import TracebackType

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column, Table

from sendreturn.sends.wish import SendView
from sendreturn.terminal import printable
from sendreturn.words import State

NOT_TAKEN = "was not taken"


class Stage:
    """Shows sends while they run. Used as a context manager, so that the terminal is whole again afterwards."""

    def __init__(self, console: Console) -> None:
        self._console = console
        text = Column(no_wrap=True, overflow="ellipsis")
        columns = (
            TextColumn("{task.description:<8}"),
            BarColumn(24),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[text]}", table_column=text, markup=False),
        )
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._bars: dict[str, TaskID] = {}
        self._ended: set[str] = set()

    def __enter__(self) -> Stage:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """A line of the story."""
        self._console.print(printable(text), markup=False, highlight=False, soft_wrap=True)

    def show(self, send: SendView) -> None:
        """How far a send has come."""
        text = printable(send.state.value if send.state.ended else send.text or send.state.value)
        if send.id not in self._bars:
            self._bars[send.id] = self._progress.add_task(send.operation, total=1.0, text="")
        self._progress.update(self._bars[send.id], completed=send.progress, text=text)
        if send.state.ended and send.id not in self._ended:
            self._ended.add(send.id)
            if not self._console.is_terminal:
                self.say(f"{send.operation:<8} {text}")


def summary(console: Console, session: Path, sends: list[SendView], missing: list[str]) -> Table:
    """What came of the sends, and of the acts that became none."""
    table = Table(box=SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)
    for name in ("operation", "state", "files", "where, or why not"):
        table.add_column(name, overflow="fold")
    for send in sends:
        is_done = send.state is State.DONE and send.folder is not None
        where = str(send.folder.relative_to(session)) if is_done and send.folder else send.text
        table.add_row(send.operation, send.state.value, _files(send), escape(printable(where)))
    for operation in missing:
        table.add_row(operation, State.FAILED.value, "", f"{NOT_TAKEN}; Sends/rejected says why")
    return table


def _files(send: SendView) -> str:
    kinds = Counter({".wav": "WAV", ".mid": "MIDI"}.get(path.suffix, path.suffix) for path in send.returns)
    return ", ".join(f"{count} {kind}" for kind, count in kinds.items())
