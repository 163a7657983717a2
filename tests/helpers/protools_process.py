"""The link to Pro Tools in a process of its own, so that it can be killed: `python protools_process.py FOLDER PORT`.

It offers the send of `protools_studio.returns` for as long as nothing in FOLDER says that it was placed, and goes on
until it is killed.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from protools_host import ProTools
from protools_studio import Desk, returns, setup_of
from sendreturn_bridges.daws.protools.bridge import open_link


class WrittenDesk(Desk):
    """Remembers in a file what was placed."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.file = folder / "placed"
        if not self.file.exists():
            self.ready = [returns(folder / "Song" / "Returns", folder / "Song")]

    def placed(self, daw: str, send_id: str) -> None:
        super().placed(daw, send_id)
        with self.file.open("a") as file:
            file.write(f"{send_id}\n")


def start(folder: Path, host: ProTools) -> subprocess.Popen[bytes]:
    """One life of it."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    return subprocess.Popen([sys.executable, __file__, str(folder), str(host.port)], env=env)


async def _live(folder: Path, port: int) -> None:
    desk = WrittenDesk(folder)
    link = desk.link = open_link(setup_of(folder / "state", desk, ProTools(port=port), {}))
    await link.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_live(Path(sys.argv[1]), int(sys.argv[2])))
