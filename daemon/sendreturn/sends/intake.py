"""From a file that was noticed to a wish that was handed in and a clip that was put away.

The intake is plain and synchronous: it is told of files (`notice`), it says when it wants to be called next
(`next_due_s`), and `run_due` does what is due. It reads, moves and remembers files, and hands wishes to the desk.

The order in which a clip of a hot folder is taken, see `arrivals.py` for why: choose its place in `sent/`, remember key
and place, hand in the wish, move the clip (and its parameters), forget. A file that stays where it is keeps its row.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from sendreturn.errors import SendReturnError, UsageError
from sendreturn.params import merge_params, read_params_file
from sendreturn.sends import digest, shelf
from sendreturn.sends.arrivals import Arrival, Arrivals, Standing, new_key
from sendreturn.sends.ignore import DEFAULTS_NAMES, NameKind, clip_name_of_params, kind_of
from sendreturn.sends.naming import shown
from sendreturn.sends.settle import PAUSE_MAX_S, GiveUp, Settling, Sighting, Unready, Wait
from sendreturn.sends.wish import Origin, Receipt, Wish

if TYPE_CHECKING:
    from pathlib import Path

    from sendreturn.sends.fitness import Judge
    from sendreturn.sends.layout import Place, Session

Tell = Callable[[str, str | None], None]
"""Told a topic and a sentence about what is wrong with it, or None where it is well again."""

AT_ONCE = 32

log = logging.getLogger(__name__)


@dataclass
class _Pending:
    session: Session
    place: Place
    settling: Settling
    due_s: float
    is_told: bool = False


class Intake:
    """Takes files of hot folders and of rules, each once.

    Args:
        accept: Hands a wish to the desk.
        arrivals: The memory of what arrived.
        judge: What is asked of a file before it is taken.
        tell: Hears what the user should know.
        clock: Seconds that never jump.
        moves: Whether clips of hot folders are moved to `sent/` (`after: move`).
    """

    def __init__(
        self,
        accept: Callable[[Wish], Receipt],
        arrivals: Arrivals,
        judge: Judge,
        tell: Tell,
        clock: Callable[[], float],
        moves: bool = True,
    ) -> None:
        self._accept = accept
        self._arrivals = arrivals
        self._judge = judge
        self._tell = tell
        self._clock = clock
        self._moves = moves
        self._pending: dict[Path, _Pending] = {}
        self._misnamed: set[Path] = set()

    @property
    def next_due_s(self) -> float | None:
        """When `run_due` has something to do, on the clock; None while nothing waits."""
        return min((pending.due_s for pending in self._pending.values()), default=None)

    @property
    def waiting(self) -> tuple[Path, ...]:
        """The files that were noticed and are not finished yet."""
        return tuple(self._pending)

    def notice(self, session: Session, path: Path) -> None:
        """A file is there, or something happened to it. Names that are nobody's business are passed over."""
        place = session.place_of(path)
        if place is None:
            return
        kind = kind_of(path.name)
        if kind is NameKind.PARAMS:
            self._notice_params(session, path)
        elif kind is NameKind.CLIP or (kind is NameKind.UNKNOWN and place.origin is Origin.FOLDER):
            self._notice_file(session, place, path)

    def run_due(self) -> None:
        """Look at files whose time has come; at so few that whoever calls can do something else in between."""
        now_s = self._clock()
        due = (path for path, pending in self._pending.items() if pending.due_s <= now_s)
        for path in list(islice(due, AT_ONCE)):
            self._look_safely(path, self._pending[path])

    def baseline(self, session: Session, path: Path) -> Arrival | None:
        """What to remember of a file that was there before its rule was; None where it is gone or no rule's."""
        place = session.place_of(path)
        if place is None or place.origin is not Origin.RULE or kind_of(path.name) is not NameKind.CLIP:
            return None
        try:
            sighting = Sighting.of(path.stat())
            content = digest.of_blocks(path)
        except OSError:
            return None
        return Arrival(path, new_key(), place.operation, sighting, Standing.BASELINE, content=content)

    def baseline_hot(self, session: Session, path: Path) -> Arrival | None:
        """What to remember of a clip that lay in a hot folder before it was watched; None where it is gone."""
        place = session.place_of(path)
        try:
            sighting = Sighting.of(path.stat())
        except OSError:
            return None
        return Arrival(path, new_key(), place.operation, sighting, Standing.BASELINE) if place is not None else None

    def forget_moved(self, within: Path) -> None:
        """Forget the drops whose move was finished in the moment of a crash: what is dropped there now is new."""
        for row in self._arrivals.taking():
            is_moved = row.path.is_relative_to(within) and row.target is not None and row.target.exists()
            if is_moved and not os.path.lexists(row.path):
                assert row.target is not None
                # They would be taken for those of the next clip of this name.
                shelf.put_params(row.path, row.target)
                self._arrivals.forget(row.path)

    # Noticing

    def _notice_params(self, session: Session, path: Path) -> None:
        self._forget_misnamed()
        clip = clip_name_of_params(path.name)
        if clip is not None and path.with_name(clip) in self._pending:
            self.notice(session, path.with_name(clip))

    def _notice_file(self, session: Session, place: Place, path: Path) -> None:
        pending = self._pending.get(path)
        if pending is None:
            pending = _Pending(session, place, Settling(self._judge.settle_s), 0.0)
            self._pending[path] = pending
        pending.due_s = self._clock()

    # Looking

    def _look_safely(self, path: Path, pending: _Pending) -> None:
        try:
            done = self._look(path, pending)
        except (OSError, sqlite3.Error, SendReturnError) as error:
            # Nothing was decided and nothing is lost: the file is looked at again.
            pending.due_s = self._clock() + PAUSE_MAX_S
            pending.is_told = True
            self._tell(_topic(path, "waiting"), f"{shown(path.name)} has to wait: {error}")
            return
        except Exception:
            # One odd file must not stop the others; the next rescan finds it again.
            log.exception("looking at %s failed", shown(str(path)))
            self._tell(_topic(path), f"{shown(path.name)} could not be handled; the log says more.")
            done = True
        if pending.is_told:
            pending.is_told = False
            self._tell(_topic(path, "waiting"), None)
        if done:
            self._pending.pop(path, None)

    def _look(self, path: Path, pending: _Pending) -> bool:
        """Look at one file; true when no further look is wanted."""
        found = _stat(path)
        if found is None or stat.S_ISDIR(found.st_mode) or self._is_settled(path, pending.place, found):
            return True
        seen = (Sighting.of(found), *self._params_sightings(path, pending.place))
        decision = pending.settling.look(self._clock(), seen, lambda quiet_s: self._unready(path, pending, quiet_s))
        if isinstance(decision, Wait):
            pending.due_s = decision.until_s
            return False
        if isinstance(decision, GiveUp):
            self._reject(path, pending, decision.sentence)
        else:
            self._take(path, pending, seen[0])
        return True

    def _unready(self, path: Path, pending: _Pending, quiet_s: float) -> Unready | None:
        never = self._judge.refuse_at_sight(path, pending.session.path)
        return Unready(never, 0.0) if never else self._judge.unready(path, quiet_s)

    def _is_settled(self, path: Path, place: Place, found: os.stat_result) -> bool:
        """Whether the file is remembered just as it is, so that nothing is to be done with it."""
        known = self._arrivals.at(path)
        if known is None or known.sighting != Sighting.of(found):
            return False
        if known.standing is Standing.STAYS:
            return known.target is None or not self._is_moved(place)
        return known.standing in (Standing.BASELINE, Standing.REFUSED)

    def _params_sightings(self, path: Path, place: Place) -> tuple[Sighting, ...]:
        return tuple(Sighting.of(file.stat()) for file in _params_of(path, place))

    # Taking

    def _take(self, path: Path, pending: _Pending, sighting: Sighting) -> None:
        arrival = self._arrival_of(path, pending, sighting)
        if arrival is None:
            return
        try:
            wish = self._wish(arrival, pending)
            self._arrivals.put(arrival)
            receipt = self._accept(wish)
        except UsageError as error:
            self._arrivals.forget(path)
            self._reject(path, pending, error.sentence)
            return
        self._tell_misnamed(path, pending.place)
        log.info("%s is send %s (%s)", shown(path.name), receipt.send.id, "new" if receipt.is_new else "known")
        self._put_away(arrival)

    def _arrival_of(self, path: Path, pending: _Pending, sighting: Sighting) -> Arrival | None:
        """The row to hand in: the one that a crash has left, or a new one; None where the file was sent before."""
        known = self._arrivals.at(path)
        if known is not None and known.sighting == sighting:
            return known
        if known is not None and digest.is_same(path, known.content):
            known = replace(known, sighting=sighting)
            self._arrivals.put(known)
            return known if known.target or known.standing is Standing.TAKING else None
        moves = self._is_moved(pending.place)
        content = "" if moves else digest.of_whole(path)
        if not moves and self._is_renamed(path, pending.place, sighting, content):
            return None
        target = self._target(path, pending.session) if moves else None
        return Arrival(path, new_key(), pending.place.operation, sighting, Standing.TAKING, target, content)

    def _is_renamed(self, path: Path, place: Place, sighting: Sighting, content: str) -> bool:
        """Whether the file was sent under a name that no longer exists; then its row follows it."""
        for other in self._arrivals.with_content(content, place.operation):
            if other.path.parent == path.parent and not os.path.lexists(other.path):
                self._arrivals.forget(other.path)
                self._arrivals.put(replace(other, path=path, sighting=sighting))
                return True
        return False

    def _target(self, path: Path, session: Session) -> Path:
        promised = [row.target for row in self._arrivals.taking() if row.target is not None]
        return shelf.choose_target(session.sent, path.name, promised)

    def _wish(self, arrival: Arrival, pending: _Pending) -> Wish:
        params = dict(_params(arrival.path, pending.place))
        service = params.pop("service", None)
        return Wish(
            operation=pending.place.operation,
            clip=arrival.path,
            session=pending.session.path,
            service=str(service) if service is not None else None,
            params=params,
            origin=pending.place.origin,
            key=arrival.key,
            clip_after=arrival.target,
        )

    def _tell_misnamed(self, path: Path, place: Place) -> None:
        """Say which file was not read, where its name is nearly that of the clip's parameters."""
        self._forget_misnamed()
        for file in shelf.misnamed_params(path) if place.origin is Origin.FOLDER else ():
            self._misnamed.add(file)
            clip, name = shown(path.name), shown(file.name)
            sentence = f"{name} was not used: the parameters of {clip} are read from {clip}{file.suffix}, beside it."
            log.warning("%s", sentence)
            self._tell(_topic(file), sentence)

    def _forget_misnamed(self) -> None:
        for file in [file for file in self._misnamed if not file.exists()]:
            self._misnamed.discard(file)
            self._tell(_topic(file), None)

    def _put_away(self, arrival: Arrival) -> None:
        path = arrival.path
        if arrival.target is None:
            self._arrivals.put(replace(arrival, standing=Standing.STAYS))
            return
        try:
            shelf.put_with_params(path, arrival.target)
        except OSError as error:
            self._stay(arrival, error)
            return
        self._arrivals.forget(path)

    def _stay(self, arrival: Arrival, error: OSError) -> None:
        if arrival.standing is Standing.STAYS:
            return  # It was tried and told before.
        content = digest.of_whole(arrival.path)
        self._arrivals.put(replace(arrival, standing=Standing.STAYS, content=content))
        name = shown(arrival.path.name)
        self._tell(
            _topic(arrival.path),
            f"{name} was sent but could not be moved to sent ({error.strerror}); it stays and is not sent again.",
        )

    def _reject(self, path: Path, pending: _Pending, sentence: str) -> None:
        if pending.place.origin is Origin.FOLDER:
            try:
                put = shelf.reject(path, pending.session.rejected, sentence)
            except OSError as error:
                log.warning("%s could not be moved to rejected: %s", shown(str(path)), error)
            else:
                self._arrivals.forget(path)
                log.info("%s is rejected as %s: %s", shown(path.name), shown(put.name), sentence)
                return
        refused = Arrival(path, new_key(), pending.place.operation, Sighting.of(path.stat()), Standing.REFUSED)
        self._arrivals.put(refused)
        self._tell(_topic(path), f"{shown(path.name)} is not sent, and stays where it is: {sentence}")

    def _is_moved(self, place: Place) -> bool:
        return self._moves and place.origin is Origin.FOLDER


def _topic(path: Path, kind: str = "file") -> str:
    return f"{kind}:{shown(str(path))}"


def _stat(path: Path) -> os.stat_result | None:
    """The state of a file, or of what a link leads to; None where it is gone or the link leads nowhere."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        if path.is_symlink():
            return None
        raise


def _params(path: Path, place: Place) -> Mapping[str, object]:
    """The parameters of a clip: the folder's defaults from the hot folder down, then its own."""
    return merge_params(place.params, *(read_params_file(file) for file in _params_of(path, place))).given()


def _params_of(path: Path, place: Place) -> list[Path]:
    """The parameter files that concern a clip, the one that overrules the others last."""
    folders = [folder for folder in reversed(path.parents) if folder.is_relative_to(place.top)]
    if place.origin is Origin.RULE:
        folders = []  # A bounce folder is no hot folder; a `defaults.yaml` there is somebody else's.
    defaults = [folder / name for folder in folders for name in DEFAULTS_NAMES]
    return [*(file for file in defaults if file.is_file()), *shelf.params_files(path)]
