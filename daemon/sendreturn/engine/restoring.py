"""A journal that is new, or older than the world: what it does not know is read from the list of what was paid for and
from the sidecars in the sessions, and nothing that may have been paid for since is made again without the user's word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from sendreturn.engine import tables as t
from sendreturn.engine.journal import Fate, Journal
from sendreturn.engine.ledger import Line
from sendreturn.engine.prepare import fingerprint
from sendreturn.errors import SendReturnError, UsageError
from sendreturn.params import parse_params
from sendreturn.returns.sidecar import Sidecar, read_sidecar, verify
from sendreturn.sends.wish import Origin
from sendreturn.words import ENDED, SendId, State

PUT_BACK = "The journal was put back from a copy or moved here, so that this may have been made and paid for since."
LISTED = "Only the list of what was paid for knew of this request."
FROM_SIDECAR = "known from its sidecar"
_NOT_KNOWN_BY_ALL = frozenset({Fate.PLANNED, Fate.REFUSED, Fate.INTENDED, Fate.UNKNOWN})
_DOUBTFUL = frozenset({Fate.INTENDED.value, Fate.UNKNOWN.value})
_SET_FOLDER = re.compile(r".+_([0-9a-f]{8})")

log = structlog.get_logger(__name__)


def catch_up(journal: Journal, sessions: Collection[Path], returns: str, free: Collection[str]) -> str | None:
    """Bring the journal up to what the list and the sessions know; a sentence for the user where that was needed.

    Args:
        sessions: The folders of the sessions that are watched.
        returns: The name of their returns folder.
        free: The services that cost nothing.
    """
    is_new, is_copy = journal.state
    # Sessions are looked at only where it matters: a drive that hangs would hold up the start.
    found = _add_delivered(journal, sessions, returns) if is_new or is_copy else 0
    listed = _add_listed(journal)
    asked = _hold_back(journal, free) if is_copy else 0
    if is_new or is_copy:
        journal.settle()
    if found:
        log.info("history is read from sidecars", sends=found)
    if not (listed or asked or (found and is_copy)):
        return None
    return (
        f"The journal is older than what has happened since: {found} sends were read from their sidecars, {listed} "
        f"requests from the list of what was paid for, and {asked} sends wait for your word. `sendreturn list` shows "
        "them; `sendreturn retry` goes on with one."
    )


def _add_listed(journal: Journal) -> int:
    """Requests of which only the list knows all; their sends wait until the user says how to go on."""
    lines = journal.ledger_lines()
    known = {key: journal.intent(*key) for key in ((SendId(line.send_id), line.call, line.attempt) for line in lines)}
    added = 0
    for line in lines:
        intent = known[SendId(line.send_id), line.call, line.attempt]
        if intent is None:
            _add_request(journal, line)
            added += 1
        elif intent.fate in _NOT_KNOWN_BY_ALL and line.fate == Fate.ACCEPTED.value:
            journal.answer(intent, Fate.ACCEPTED, line.task_id, line.report)
        elif intent.fate in (Fate.PLANNED, Fate.REFUSED) and journal.state.is_copy and line.fate in _DOUBTFUL:
            journal.answer(intent, Fate.UNKNOWN)  # it has left since the copy was made
    return added


def _add_request(journal: Journal, line: Line) -> None:
    with journal.writing() as db:
        if db.execute(sa.select(t.sends.c.id).where(t.sends.c.id == line.send_id)).first() is None:
            same_key = sa.select(t.sends.c.id).where(t.sends.c.wish_key == line.send.get("wish_key"))
            is_taken = db.execute(same_key).first() is not None
            db.execute(sa.insert(t.sends).values({**line.send, **({"wish_key": None} if is_taken else {})}))
        fate = Fate.UNKNOWN.value if line.fate == Fate.INTENDED.value else line.fate
        values = {name: getattr(line, name) for name in ("send_id", "call", "attempt", "credits", "task_id", "report")}
        more = {"service": line.send["service"], "fields": dict(line.fields), "made_at": line.at, "fate": fate}
        db.execute(sa.insert(t.intents).values({**values, **more}))
        db.execute(sa.update(t.sends).where(t.sends.c.id == line.send_id).values(attempt=line.attempt))
    send = journal.get(line.send_id)
    if send.state is not State.DONE:
        journal.move(send.id, State.UNCERTAIN, f"{LISTED} `sendreturn retry {send.id}` goes on with it.")


def _add_delivered(journal: Journal, sessions: Collection[Path], returns: str) -> int:
    """Sends that lie in the sessions whole, and that the journal does not know or takes for unfinished."""
    added = 0
    for session in sessions:
        for send_id, folder in _set_folders(session / returns):
            row = journal.find(send_id)
            if row is not None and (row.state in ENDED or not journal.state.is_copy):
                continue
            sidecars = [sidecar for sidecar in map(_true, sorted(folder.glob("*.json"))) if sidecar is not None]
            if sidecars and sidecars[0].send_id == send_id:
                _add(journal, session, folder, sidecars, is_known=row is not None)
                added += 1
    return added


def _set_folders(returns: Path) -> Iterator[tuple[str, Path]]:
    try:
        folders = sorted(path for path in returns.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError:
        return
    for folder in folders:
        named = _SET_FOLDER.fullmatch(folder.name)
        if named is not None:
            yield named[1], folder


def _true(path: Path) -> Sidecar | None:
    try:
        return None if verify(path) else read_sidecar(path)
    except (SendReturnError, OSError):
        return None


def _add(journal: Journal, session: Path, folder: Path, sidecars: Sequence[Sidecar], *, is_known: bool) -> None:
    about = sidecars[0]
    clip = None if about.source.path is None else str(session / about.source.path)
    values: dict[str, Any] = {
        "session": str(session),
        "clip": clip,
        "found_at": clip,
        "operation": about.operation,
        "service": about.service,
        "params": _params(about),
        "created_at": about.created_at,
        "cost_credits": about.cost.credits,
    }
    files = [
        {
            "take": sidecar.take,
            "kind": file.kind.value,
            "path": str(folder / file.path),
            "position_samples": file.position_samples or 0,
            "sample_rate_hz": file.sample_rate_hz or 0,
        }
        for sidecar in sidecars
        for file in sidecar.returns
    ]
    send_id = SendId(about.send_id)
    if not is_known:
        with journal.writing() as db:
            more = {"id": about.send_id, "origin": Origin.CLI.value, "state": State.QUEUED.value, "text": ""}
            db.execute(sa.insert(t.sends).values({**values, **more, "fingerprint": _fingerprint(about)}))
    journal.record(send_id, "deliver", {"folder": str(folder), "files": files, "notes": []})
    journal.move(send_id, State.DONE, f"{len(files)} files in {folder}, {FROM_SIDECAR}")


def _params(about: Sidecar) -> dict[str, Any]:
    return dict(json.loads(json.dumps(about.params)))


def _fingerprint(about: Sidecar) -> str | None:
    if about.source.sha256 is None:
        return None
    try:
        params = parse_params(_params(about))
    except UsageError:  # of a version that knew other parameters
        return None
    return fingerprint(about.source.sha256, about.operation, about.service, params)


def _hold_back(journal: Journal, free: Collection[str]) -> int:
    """Unfinished sends that are not known to have been asked for: they may have been, after the copy was made."""
    held = 0
    for send in journal.unfinished():
        if send.service in free or any(intent.fate is Fate.ACCEPTED for intent in journal.standing_of(send.id)):
            continue
        journal.move(send.id, State.UNCERTAIN, f"{PUT_BACK} `sendreturn retry {send.id}` makes it.")
        held += 1
    return held
