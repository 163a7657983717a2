"""Departure: the moment in which a request that may be billed leaves, on disk before its first byte is out.

Until then a request is only planned: looking its service's name up, connecting and agreeing on TLS may take long, and a
process that dies meanwhile has asked for nothing. After it, only an answer tells whether the request has arrived.
"""

from __future__ import annotations

from sendreturn.engine.journal import Intent
from sendreturn.engine.run import Run


class Departure:
    """What a bridge calls as `Way.about_to_send`.

    Attributes:
        is_made: Whether the request may be on its way.
        held_by: What has kept it here: the user's cancel, the end of the daemon, or a journal that cannot be written.
    """

    def __init__(self, run: Run, intent: Intent) -> None:
        self.is_made = False
        self.held_by: Exception | None = None
        self._run = run
        self._intent = intent

    def __call__(self) -> None:
        if self.is_made:
            return
        self.held_by = None
        try:
            self._run.checkpoint()
            self._run.means.journal.intend(self._intent)
        except Exception as error:
            self.held_by = error
            raise
        self.is_made = True
