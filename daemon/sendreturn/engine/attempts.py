"""Attempts: which of a send's requests stand, which of them the user's `retry` makes anew, and what that costs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sendreturn.contract import Call, Manifest
from sendreturn.engine.journal import Fate, Intent, Journal
from sendreturn.engine.outputs import Takes
from sendreturn.words import SendId

if TYPE_CHECKING:
    from sendreturn.engine.run import Run

LOST = frozenset({Fate.FAILED, Fate.UNKNOWN, Fate.LOST})
"""What has to be made anew to be had. What was accepted is paid for: it is waited for, and fetched."""
OF_THE_RESULT = ("host", "make", "fetch", "finish", "deliver")
"""Steps that run once more where a single request is made anew; the clip may have left its host meanwhile."""


@dataclass(frozen=True)
class Retry:
    """What the user's `retry` does to a send.

    Attributes:
        note: For the history.
        anew: The calls that are made anew, at the service's price; empty where nothing is.
        forget: The steps that run once more; None for all of them.
    """

    note: str
    anew: tuple[str, ...] = ()
    forget: tuple[str, ...] | None = ("host",)


def retry_of(journal: Journal, send_id: SendId) -> Retry:
    """What a retry makes of a send, by the requests that stand."""
    standing = _wanted(journal, send_id)
    lost = [intent.call for intent in standing if intent.fate in LOST]
    refused = [intent for intent in standing if intent.fate is Fate.REFUSED]
    is_kept = any(intent.fate in (Fate.ACCEPTED, Fate.INTENDED) for intent in standing)
    if is_kept and (lost or refused):
        again = (*lost, *(intent.call for intent in refused))
        return Retry(f"made anew: {', '.join(again)}", again, OF_THE_RESULT)
    if lost:
        return Retry("made anew", tuple(intent.call for intent in standing), None)
    return Retry("taken up again", forget=("host", *(step_name("submit", one.call, one.attempt) for one in refused)))


def _wanted(journal: Journal, send_id: SendId) -> Sequence[Intent]:
    """The requests that stand, but for those without which the send has gone on.

    That was told, and it ended of something else: who then retries it wants what there is, and has heard of no price.
    """
    return [one for one in journal.standing_of(send_id) if not _is_done_without(journal, one)]


def _is_done_without(journal: Journal, intent: Intent) -> bool:
    waited = journal.stage(intent.send_id, step_name("wait", intent.call, intent.attempt))
    submitted = journal.stage(intent.send_id, step_name("submit", intent.call, intent.attempt)) or {}
    return any(report and report.get("failed") is not None for report in (waited, submitted.get("report")))


def attempt_of(run: Run, call: Call) -> int:
    """The attempt that a call was made in, where it stands; else the present one, in which it has to be made.

    What a call depends on is in its fields (the id of the song that it is about): with the same fields it is the same
    request, and with others it belongs to something that was made anew.
    """
    standing = run.means.journal.standing(run.send.id, call.name)
    if standing is None or standing.attempt == run.send.attempt:
        return run.send.attempt
    is_same = standing.fields == json.loads(json.dumps(dict(call.fields)))
    return standing.attempt if is_same and call.name not in run.means.journal.anew(run.send.id) else run.send.attempt


def call_folder(run: Run, call: str, attempt: int) -> Path:
    """Where a bridge keeps what belongs to a call that was made in this attempt."""
    return run.folder / f"{call}-{attempt}"


def step_name(verb: str, call: str, attempt: int) -> str:
    """The name under which a step of one call is written down."""
    return f"{verb} {call}" if attempt == 1 else f"{verb} {call} {attempt}"


# Prices


def price_anew(run: Run, call: Call) -> float:
    """What a retry will cost that makes this call anew, and whatever else has been lost of the send so far."""
    others = (one for one in _wanted(run.means.journal, run.send.id) if one.call != call.name)
    return call.credits + sum(one.credits for one in others if one.fate in LOST)


def price_of_lost(run: Run, takes: Takes, lost: Iterable[str]) -> float:
    """What a retry will cost that makes these calls anew, with those that add to their takes."""
    names = set(lost)
    numbered = enumerate(takes.origins, start=1)
    of_lost = {number for number, files in numbered if any(file.call in names for file in files[:1])}
    again = (asked.call for asked in takes.requests if asked.call.name in names or asked.call.take in of_lost)
    return sum(call.credits for call in again)


def in_credits(credits: float, manifest: Manifest) -> str:  # noqa: A002
    """A price in words; that it is nothing may only mean that the service publishes none."""
    return f"for about {credits:g} {manifest.currency}" if credits else "at its price"
