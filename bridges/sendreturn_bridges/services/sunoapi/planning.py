"""Which requests a send needs at Suno API, in which order. No I/O.

First comes "main"; then what the user buys for each take: "stems-1", "midi-1" (made of the separated song), "wav-1",
"timed_lyrics-1", "video-1". Notes of twelve stems have been seen to be empty; then the song is separated in two
("voices-1"), and its notes are asked for again ("notes-1").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from sendreturn.contract import Ask, Call, JsonDict, MadeTake, Plan, Report
from sendreturn.errors import Refusal

from sendreturn_bridges.services.sunoapi.asked import earlier_song, options_of
from sendreturn_bridges.services.sunoapi.others import build_other, notes, of_song, recovery, separation
from sendreturn_bridges.services.sunoapi.request import Request
from sendreturn_bridges.services.sunoapi.songs import SONGS, build_song
from sendreturn_bridges.services.sunoapi.stem_names import KINDS
from sendreturn_bridges.services.sunoapi.terms import Terms

KEPT = "kept"
"""The endpoint of a call that asks for nothing: it gives a take the file that was held back for a better one."""


class Planner:
    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    def plan(self, ask: Ask) -> Plan:
        """The first request, and an estimate for all that follow. Raises Refusal."""
        request = self._main(ask)
        unmet = (*request.unmet, *_unmet(ask))
        return Plan((self._call("main", ask.operation, request),), unmet, self._later_credits(ask))

    def follow(self, ask: Ask, done: Mapping[str, Report]) -> tuple[Call, ...]:
        """The next requests, after those in `done`."""
        main = done["main"]
        if ask.operation == "midi":
            calls = list(self._notes_of_clip(ask, done))
        elif ask.operation in SONGS and not _recovers(ask):
            calls = [call for n, take in enumerate(main.takes, 1) for call in self._of_take(ask, n, take, done)]
        else:
            calls = []
        return tuple(call for call in calls if call.name not in done)

    def _main(self, ask: Ask) -> Request:
        if _recovers(ask):
            return recovery(ask)
        request = build_song(ask, self._terms) if ask.operation in SONGS else build_other(ask, self._terms)
        if ask.operation not in SONGS:
            return request
        # The song's model is asked for once more where it is continued; an MP3 is not wanted beside its WAV.
        more = {"model": request.body.get("model"), "holds_back": "wav" in ask.buys}
        return replace(request, context={**request.context, **more})

    # For each take

    def _of_take(self, ask: Ask, n: int, take: MadeTake, done: Mapping[str, Report]) -> Iterator[Call]:
        task_id = done["main"].facts.get("task_id")
        if take.clip_id is None or not task_id:
            if (kept := _kept(n, take)) is not None:
                yield kept
            return
        song = {"taskId": str(task_id), "audioId": take.clip_id}
        for name, request in _purchases(ask, song, take.facts):
            yield self._call(f"{name}-{n}", name, request, n)
        if "midi" in ask.buys:
            yield from self._notes(ask, f"stems-{n}", n, song, done, essential=False)
        wav = done.get(f"wav-{n}")
        if wav is not None and wav.failed is not None and (kept := _kept(n, take)) is not None:
            yield kept

    def _notes(
        self, ask: Ask, separated: str, n: int, song: Mapping[str, str], done: Mapping[str, Report], *, essential: bool
    ) -> Iterator[Call]:
        """Notes of a separated song, by way of another separation where they are empty."""
        first_is_last = separation_count(ask) == 2
        first = _task_of(done.get(separated))
        if first is None:
            return
        yield self._call(f"midi-{n}", "midi", notes(first, last=first_is_last), n, essential=essential)
        found = done.get(f"midi-{n}")
        if first_is_last or found is None or not found.facts.get("is_empty"):
            return
        request = separation(song, 2, keep=False)
        if not song:
            request = replace(request, clip_field="audioUrl")
        yield self._call(f"voices-{n}", "stems", request, n, essential=essential)
        second = _task_of(done.get(f"voices-{n}"))
        if second is not None:
            yield self._call(f"notes-{n}", "midi", notes(second, last=True), n, essential=essential)

    def _notes_of_clip(self, ask: Ask, done: Mapping[str, Report]) -> Iterator[Call]:
        yield from self._notes(ask, "main", 1, earlier_song(ask) or {}, done, essential=True)

    # Prices

    def _later_credits(self, ask: Ask) -> float:
        """At most so much more, a second way to the notes included."""
        if ask.operation == "midi":
            return self._notes_credits(ask)
        if ask.operation not in SONGS or _recovers(ask):
            return 0.0
        song = {"taskId": "", "audioId": ""}
        each = sum(self._price(name, request) for name, request in _purchases(ask, song, {"sings": True}))
        each += self._notes_credits(ask) if "midi" in ask.buys else 0.0
        return each * self._terms.manifest.operations[ask.operation].takes

    def _notes_credits(self, ask: Ask) -> float:
        once = self._terms.price("notes")
        return once if separation_count(ask) == 2 else 2 * once + self._terms.price("stems")

    def _price(self, operation: str, request: Request) -> float:
        return self._terms.price(request.price or operation)

    def _call(
        self, name: str, operation: str, request: Request, take: int | None = None, *, essential: bool | None = None
    ) -> Call:
        is_main = take is None if essential is None else essential
        return Call(
            name,
            operation,
            request.to_fields(),
            self._price(operation, request),
            take,
            is_main,
            needs_clip=bool(request.clip_field),
        )


def separation_count(ask: Ask) -> int:
    """Into how many stems the service separates for this send: 2, where only its notes are wanted."""
    return ask.params.stems if ask.params.stems in KINDS else 2


def _purchases(ask: Ask, song: Mapping[str, str], facts: JsonDict) -> Iterator[tuple[str, Request]]:
    """What is bought for a take, but for its notes; `facts` are the take's."""
    wants_stems = "stems" in ask.buys and ask.params.stems in KINDS
    if wants_stems or "midi" in ask.buys:
        # Stems that were paid for on the way to the notes are given out too, unless other ones are wanted.
        yield "stems", separation(song, separation_count(ask), keep=wants_stems or ask.params.stems is None)
    if "wav" in ask.buys:
        yield "wav", of_song("wav", song, facts.get("kept"))
    if options_of(ask).get("timed_lyrics") and facts.get("sings"):
        yield "timed_lyrics", of_song("timed_lyrics", song)
    if options_of(ask).get("video"):
        yield "video", of_song("video", song)


def _unmet(ask: Ask) -> Iterator[str]:
    if ask.operation in SONGS and "stems" in ask.buys and ask.params.stems not in KINDS:
        yield f"Suno API separates into 2 or 12 stems; the {ask.params.stems} are made on this machine."


def _recovers(ask: Ask) -> bool:
    if not options_of(ask).get("recover_task"):
        return False
    if ask.operation != "generate":
        raise Refusal("Songs of an earlier task are recovered with the operation generate.", "Choose generate.")
    return True


def _task_of(report: Report | None) -> str | None:
    """The task behind a report; None where there is none, or it failed."""
    if report is None or report.failed is not None:
        return None
    task_id = report.facts.get("task_id")
    return str(task_id) if task_id else None


def _kept(n: int, take: MadeTake) -> Call | None:
    kept = take.facts.get("kept")
    if not kept:
        return None
    fields = Request(KEPT, {}, context=dict(kept)).to_fields()
    return Call(f"mp3-{n}", "wav", fields, take=n, essential=False, needs_clip=False)
