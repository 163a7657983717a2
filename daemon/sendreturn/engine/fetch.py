"""Fetch: bring every file of every take into the staging folder, whole and verified."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from sendreturn.audio.midi import write_midi
from sendreturn.contract import Call, Made
from sendreturn.engine import make as making
from sendreturn.engine.attempts import price_of_lost
from sendreturn.engine.outputs import Fetched, FetchedFile, FetchedTake, Origin, Prepared, Takes
from sendreturn.engine.pieces import AUDIO
from sendreturn.engine.renewal import Renewal
from sendreturn.engine.run import Run
from sendreturn.engine.verify import DamagedError, FlawedError, verify
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.download import Gone
from sendreturn.returns.files import place
from sendreturn.words import TEMP_PREFIX, Kind, State

EXTRAS = frozenset({Kind.IMAGE, Kind.VIDEO})
"""What nobody waits for: a send is not lost because its picture is."""
SUFFIX = {Kind.MIDI: ".mid", Kind.LYRICS: ".txt", Kind.IMAGE: ".jpg", Kind.VIDEO: ".mp4"}
"""For references that do not name one; audio is taken for WAV, and read by its content."""
_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")
TRIES = 3
"""Of a file that is gone from its address or comes damaged, each at the address that the service tells by then."""


@dataclass(frozen=True)
class Lost:
    """A file that could not be had; `sentence` says why. `is_gone`: not even later, unless it is made anew."""

    sentence: str
    origin: Origin
    kind: Kind
    is_gone: bool


@dataclass(frozen=True)
class _Wanted:
    take: int
    made: Made
    origin: Origin

    @property
    def name(self) -> str:
        return f"The {self.made.stem or self.made.kind.value} of take {self.take}"


class CameToNothing(Exception):  # noqa: N818 - an event, not an error
    """Calls of which nothing could be had, each with the reason; the send can go on without them."""

    def __init__(self, calls: Sequence[tuple[Call, str]]) -> None:
        super().__init__(", ".join(call.name for call, _ in calls))
        self.calls = tuple(calls)


async def fetch(run: Run, prepared: Prepared, takes: Takes) -> Fetched:
    """Bring all takes. Each file gets its name only when all of it is there and can be read to its end.

    What can no longer be had is told in the notes of its take, and costs the send nothing else.

    Raises:
        CameToNothing: the send should be made without some of its calls; what was fetched stays.
        ServiceError: a file could not be had now, or nothing that can be heard is left of what was made.
    """
    if not takes.takes:
        raise ServiceError(f"{run.bridge.manifest.title} finished, but gave nothing back.", "`retry` asks once more.")
    fetcher = _Fetcher(run, prepared, takes)
    wanted = list(_wanted(takes))
    if not wanted and any(requested.failed for requested in takes.requests):
        raise _all_lost(run, takes, {request.call.name: request.failed for request in takes.requests if request.failed})
    files: dict[_Place, _Brought | Lost] = {}
    for done, one in enumerate(wanted, start=1):
        files[one.take, one.origin] = await fetcher.bring(one)
        run.tell(done / len(wanted), f"fetched {done} of {len(wanted)}")
    nothing_of = fetcher.dispensable(files)
    if nothing_of:
        raise CameToNothing(nothing_of)
    _check_worth(run, takes, [file for file in files.values() if isinstance(file, Lost)])
    return Fetched(tuple(_take(takes, number, files) for number in range(1, len(takes.takes) + 1)))


_Place = tuple[int, Origin]
_Brought = tuple[FetchedFile, str]
"""A file, and what is to be told of it."""


class _Fetcher:
    def __init__(self, run: Run, prepared: Prepared, takes: Takes) -> None:
        self._run = run
        self._prepared = prepared
        self._takes = takes
        self._renewal = Renewal(run, takes)
        self._title = run.bridge.manifest.title

    async def bring(self, wanted: _Wanted) -> _Brought | Lost:
        """One file with what is to be told of it, or why it could not be had."""
        target = self._target(wanted)
        try:
            note = "" if target.exists() else await self._until_good(wanted, target)
        except Gone:
            sentence = f"{wanted.name} is lost: {self._title} no longer has it."
            return Lost(sentence, wanted.origin, wanted.made.kind, is_gone=True)
        except DamagedError as damage:
            sentence = f"{wanted.name} was left out: as {self._title} gives it out, {damage.what}."
            return Lost(sentence, wanted.origin, wanted.made.kind, is_gone=False)
        except ServiceError as error:
            if wanted.made.kind not in EXTRAS and self._is_essential(wanted):
                hint = error.hint if error.outcome is not Outcome.RETRY else ""
                again = f"{hint} {_fetched_once_more(self._run)}".strip()
                raise ServiceError(error.what, again, error.detail, error.outcome) from error
            sentence = f"{wanted.name} could not be fetched: {error.what}"
            return Lost(sentence, wanted.origin, wanted.made.kind, is_gone=False)
        made = wanted.made
        return FetchedFile(made.kind, target, made.stem, made.covers, made.made_by), note

    def dispensable(self, files: Mapping[_Place, _Brought | Lost]) -> tuple[tuple[Call, str], ...]:
        """Calls that the send can do without, and of which nothing could be had.

        Where nothing else can be heard, what is free is not among them: it may stand in for what was lost already.
        """
        had = {origin.call for (_, origin), file in files.items() if not isinstance(file, Lost)}
        lost = {file.origin.call: file for file in files.values() if isinstance(file, Lost) and file.kind not in EXTRAS}
        is_heard = any(not isinstance(file, Lost) and file[0].kind in AUDIO for file in files.values())
        asked = ((self._renewal.requested(file.origin), file) for name, file in lost.items() if name not in had)
        return tuple(
            (one.call, file.sentence)
            for one, file in asked
            if one and not one.call.essential and (is_heard or one.call.credits > 0)
        )

    def _target(self, wanted: _Wanted) -> Path:
        """What was fetched stays where only other calls are made anew."""
        asked = self._renewal.requested(wanted.origin)
        folder = self._run.folder / f"fetched-{asked.attempt if asked else self._run.send.attempt}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / _file_name(wanted)

    async def _until_good(self, wanted: _Wanted, target: Path) -> str:
        """Fetch a file, and once more where that may help; returns what is to be told of it."""
        made, pauses, tries = wanted.made, making.Pauses(), TRIES
        while True:
            self._run.checkpoint()
            try:
                return await self._fetch_once(wanted, made, target, is_last=tries == 1)
            except (Gone, DamagedError) as error:
                tries -= 1
                anew = await self._renewal.anew(wanted.origin, made) if tries else None
                if not tries or (anew is None and isinstance(error, Gone)):
                    raise
                made = anew or made
            except ServiceError as error:
                await pauses.after(error, self._run)

    async def _fetch_once(self, wanted: _Wanted, made: Made, target: Path, *, is_last: bool) -> str:
        partial = target.with_name(TEMP_PREFIX + target.name)
        note = ""
        if made.text is not None or made.tracks is not None:
            await asyncio.to_thread(_write, made, self._prepared, partial)
        else:
            await self._run.bridge.fetch(made, partial, self._run.folder)
            try:
                note = await asyncio.to_thread(verify, partial, made)
            except FlawedError as flaw:
                if not is_last:
                    raise
                note = flaw.what  # it is all that the service has, and of use
        await asyncio.to_thread(place, partial, target)  # what lies there after a power cut is taken for whole
        return f"{wanted.name}: {note}." if note else ""

    def _is_essential(self, wanted: _Wanted) -> bool:
        asked = self._renewal.requested(wanted.origin)
        return asked is None or asked.call.essential


def _wanted(takes: Takes) -> Iterator[_Wanted]:
    for number, take in enumerate(takes.takes, start=1):
        known = takes.origins[number - 1] if takes.origins else ()
        for index, made in enumerate(take.files):
            yield _Wanted(number, made, known[index] if known else Origin("main", number - 1, index))


def _take(takes: Takes, number: int, files: Mapping[_Place, _Brought | Lost]) -> FetchedTake:
    take = takes.takes[number - 1]
    of_take = [file for (owner, _), file in files.items() if owner == number]
    notes = [file.sentence if isinstance(file, Lost) else file[1] for file in of_take]
    had = tuple(file[0] for file in of_take if not isinstance(file, Lost))
    return FetchedTake(number, had, take.clip_id, take.bpm, (*take.notes, *(note for note in notes if note)))


def _check_worth(run: Run, takes: Takes, lost: Sequence[Lost]) -> None:
    """Raise where what can be had is not worth delivering; what is missing is told where it is."""
    if not lost:
        return
    made = [file.kind for take in takes.takes for file in take.files]
    heard = [kind for kind in made if kind in AUDIO]
    missing = [file for file in lost if file.kind in AUDIO or not heard]
    if len(missing) < len(heard or made):
        run.enter(State.FETCHING, " ".join(file.sentence for file in lost))
        return
    later = next((file for file in missing if not file.is_gone), None)
    if later is not None:
        raise ServiceError(later.sentence, _fetched_once_more(run))
    raise _all_lost(run, takes, {file.origin.call: file.sentence for file in lost})


def _all_lost(run: Run, takes: Takes, lost: Mapping[str, str]) -> ServiceError:
    """For calls of which nothing is left, and why. Only the user's word has them made anew."""
    for requested in takes.requests:
        if requested.call.name in lost:
            making.note_lost(run, requested.call)
    manifest, why = run.bridge.manifest, next(iter(lost.values()))
    if manifest.free:
        return ServiceError(why, f"`sendreturn retry {run.send.id}` makes it anew.")
    return ServiceError(
        f"{why} It was made and paid for, and cannot be asked for again free of charge.",
        f"`sendreturn retry {run.send.id}` has it made anew, which costs {_more(run, takes, lost)}.",
    )


def _fetched_once_more(run: Run) -> str:
    return f"`sendreturn retry {run.send.id}` fetches it once more, at no cost."


def _more(run: Run, takes: Takes, lost: Mapping[str, str]) -> str:
    price, currency = price_of_lost(run, takes, lost), run.bridge.manifest.currency
    return f"about {price:g} {currency} more" if price else "its price once more"


def _write(made: Made, prepared: Prepared, target: Path) -> None:
    """What came as text or as notes, as a file; notes on the session's beat."""
    if made.text is not None:
        target.write_text(made.text, "utf-8")
        return
    tracks = made.tracks or ()
    last_s = max((note.end_s for track in tracks for note in track.notes), default=0.0)
    length_s = prepared.source.duration_s if prepared.source else 0.0
    write_midi(target, tracks, prepared.meter, duration_s=max(last_s, length_s))


def _file_name(wanted: _Wanted) -> str:
    """The same after a restart, and where another call was given up meanwhile."""
    origin = wanted.origin
    named = PurePosixPath(urlsplit(wanted.made.ref).path).suffix.lower()
    suffix = named if _SUFFIX.fullmatch(named) else SUFFIX.get(wanted.made.kind, ".wav")
    return f"t{wanted.take}-{origin.call}-{origin.take}-{origin.file}{suffix}"
