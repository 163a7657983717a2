"""Renewal: results are asked for anew where the service tells them again, which never costs anything."""

from __future__ import annotations

from sendreturn.contract import Made, Report
from sendreturn.engine.attempts import call_folder
from sendreturn.engine.errands import poll_s
from sendreturn.engine.outputs import Origin, Requested, Takes
from sendreturn.engine.run import Run
from sendreturn.errors import Outcome, ServiceError

LOOKS = 5
"""A task that has ended once should be told as ended at the first; some services forget and find it again."""


class Renewal:
    """The files of one send, as the service has them now."""

    def __init__(self, run: Run, takes: Takes) -> None:
        self._run = run
        self._requests = {requested.call.name: requested for requested in takes.requests}

    def requested(self, origin: Origin) -> Requested | None:
        """The request that a file came from; None for a send that was made before this was written down."""
        return self._requests.get(origin.call)

    async def anew(self, origin: Origin, made: Made) -> Made | None:
        """The same file with the address that it has by now; None where the service does not tell it again.

        Raises:
            ServiceError: the service does not answer now, or wants another key; later it may.
        """
        requested = self.requested(origin)
        if requested is None or not requested.can_look:
            return None
        report = await self._look(requested)
        return _same(report, origin, made) if report is not None else None

    async def _look(self, requested: Requested) -> Report | None:
        call, trouble = requested.call, None
        folder = call_folder(self._run, call.name, requested.attempt)
        for _ in range(LOOKS):
            self._run.checkpoint()
            try:
                report = await self._run.bridge.look(call, requested.task_id, folder)
            except ServiceError as error:
                if error.outcome is Outcome.GIVE_UP:
                    return None
                if error.outcome is not Outcome.RETRY:
                    raise
                trouble = error
            else:
                trouble = None
                if report.done:
                    return None if report.failed is not None else report
            await self._run.pause(poll_s(self._run, self._run.bridge))
        if trouble is not None:
            raise trouble
        return None


def _same(report: Report, origin: Origin, made: Made) -> Made | None:
    """The file at its old place, or the only one of its kind in its take."""
    if origin.take >= len(report.takes):
        return None
    files = report.takes[origin.take].files
    if origin.file < len(files) and _is_like(files[origin.file], made):
        return files[origin.file]
    alike = [file for file in files if _is_like(file, made)]
    return alike[0] if len(alike) == 1 else None


def _is_like(one: Made, other: Made) -> bool:
    return (one.kind, one.stem, one.covers) == (other.kind, other.stem, other.covers)
