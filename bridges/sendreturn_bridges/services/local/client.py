"""The `local` service: every job is a process of its own, so that the daemon stays quick and a job can be stopped.

A job lives in its call's staging folder: `job.json` (what to do), `progress.json`, and at the end `result.json` or
`error.json`. A job that lost its process, because the daemon died, is started again from `job.json`.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sendreturn.contract import Accepted, Ask, Call, Made, MadeTake, Plan, Report, Setup, Way
from sendreturn.errors import Refusal, ServiceError
from sendreturn.keys import child_environment
from sendreturn.words import Kind

from sendreturn_bridges.services.local.job import Job, read_json, write_json

ENDS_WITHIN_S = 2.0
MOST_DEATHS = 3
"""A job whose process died this often under our eyes is given up. A daemon that ends takes its jobs along; that does
not count."""
WORKER = "sendreturn_bridges.services.local.worker"


def open_bridge(setup: Setup) -> LocalBridge:
    return LocalBridge(setup)


class LocalBridge:
    """Plans are checked here; the work is done by `worker`."""

    def __init__(self, setup: Setup) -> None:
        self.manifest = setup.manifest
        self._setup = setup
        self._processes: dict[Path, asyncio.subprocess.Process] = {}
        self._deaths: Counter[Path] = Counter()

    def plan(self, ask: Ask) -> Plan:
        spec = self.manifest.operations[ask.operation]
        fields = dict(ask.params.given())
        fields["seed"] = int(ask.send_id, 16) if ask.params.seed is None else ask.params.seed
        fields["meter"] = asdict(ask.meter)
        fields["stems"] = ask.params.stems or spec.options.get("default_stems", 0)
        fields["takes"] = ask.params.takes or 1
        if ask.clip is not None:
            _check(ask, spec.options)
        if ask.operation == "extend":
            fields["extend_s"] = ask.params.extend_s or spec.options["default_extend_s"]
        return Plan((Call("main", ask.operation, fields),))

    def follow(self, ask: Ask, done: Mapping[str, Report]) -> tuple[Call, ...]:
        return ()

    async def submit(self, call: Call, way: Way) -> Accepted:
        assert way.clip is not None, "every operation of local works on a clip"
        folder = way.folder
        job = Job(call.operation, way.clip.path, dict(call.fields), self._setup.weights, self._htdemucs())
        if read_json(folder / "job.json") != job.to_json() or read_json(folder / "result.json") is None:
            await self._forget(folder)
            _clear(folder)
            write_json(folder / "job.json", job.to_json())
            await self._start(folder)
        return Accepted(f"{folder.parent.name}/{folder.name}")

    async def look(self, call: Call, task_id: str, folder: Path) -> Report:
        process = self._processes.get(folder)
        running = process is not None and process.returncode is None
        if (result := read_json(folder / "result.json")) is not None:
            await self._forget(folder)
            return Report(done=True, takes=tuple(_take(take) for take in result["takes"]))
        if (error := read_json(folder / "error.json")) is not None:
            await self._forget(folder)
            return Report(done=True, failed=error["what"])
        if not running:
            await self._start_again(folder, died=process is not None)
        progress = read_json(folder / "progress.json") or {}
        return Report(progress=progress.get("fraction", 0.0), text=progress.get("text", "starting"))

    async def fetch(self, made: Made, target: Path, folder: Path) -> None:
        await asyncio.to_thread(shutil.copyfile, made.ref, target)

    async def cancel(self, call: Call, task_id: str, folder: Path) -> None:
        await self._forget(folder)

    async def close(self) -> None:
        for folder in list(self._processes):
            await self._forget(folder)

    async def _start_again(self, folder: Path, *, died: bool) -> None:
        deaths = self._deaths[folder] + died
        await self._forget(folder)
        if deaths >= MOST_DEATHS:
            raise ServiceError(
                f"The local job's process ended {deaths} times without a result.",
                "The file worker.log in its staging folder says why; `retry` tries again.",
                detail=_tail(folder / "worker.log"),
            )
        self._deaths[folder] = deaths
        await self._start(folder)

    async def _start(self, folder: Path) -> None:
        with (folder / "worker.log").open("ab") as log:
            # The worker ends by itself when its standard input does: so it never outlives a daemon that was killed.
            self._processes[folder] = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", WORKER, str(folder)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
                env=child_environment(),
            )

    async def _forget(self, folder: Path) -> None:
        self._deaths.pop(folder, None)
        process = self._processes.pop(folder, None)
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()  # which ends it, where it has not ended by itself
        try:
            await asyncio.wait_for(process.wait(), ENDS_WITHIN_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _htdemucs(self) -> Path | None:
        chosen = self._setup.options.get("htdemucs")
        return Path(str(chosen)).expanduser() if chosen else None


def _check(ask: Ask, options: Mapping[str, Any]) -> None:
    assert ask.clip is not None
    params, length_s = ask.params, ask.clip.duration_s
    if params.takes is not None and params.takes > options.get("most_takes", 1):
        raise Refusal(f"local makes at most {options.get('most_takes', 1)} takes of a send.", "Ask for fewer.")
    longest = options.get("longest_extend_s")
    if longest and params.extend_s is not None and not 1.0 <= params.extend_s <= longest:
        raise Refusal(
            f"local extends by 1 to {longest:g} s, not by {params.extend_s:g} s.", "Choose extend_s in between."
        )
    if params.from_s is not None and params.from_s > length_s:
        raise Refusal(
            f"from_s is {params.from_s:g} s, but the clip is {length_s:.3f} s long.", "Choose a point inside it."
        )
    if params.section_s is not None and ask.operation == "inpaint" and params.section_s[1] > length_s + 0.001:
        start_s, end_s = params.section_s
        raise Refusal(
            f"section_s is {start_s:g} to {end_s:g} s, but the clip is {length_s:.3f} s long.",
            "Choose a section inside it.",
        )


def _take(table: Mapping[str, Any]) -> MadeTake:
    files = tuple(
        Made(Kind(file["kind"]), file["path"], file.get("stem"), covers=file["covers"], made_by=file["made_by"])
        for file in table["files"]
    )
    return MadeTake(files, bpm=table.get("bpm"), notes=tuple(table["notes"]))


def _clear(folder: Path) -> None:
    for name in ("result.json", "error.json", "progress.json"):
        (folder / name).unlink(missing_ok=True)


def _tail(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text("utf-8", "replace")[-2000:]
    return ""
