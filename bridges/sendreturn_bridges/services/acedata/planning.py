"""Which requests a send needs at AceData, in which order. No I/O.

A clip is made known to AceData first ("upload"), then comes the operation ("main"), then what the user buys for each
take: "stems-1", "wav-1", "midi-1" and so on. A persona of a named part wants a "vox" before it, the notes of a clip
that is to be separated too want its "stems".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sendreturn.contract import Ask, Call, MadeTake, Manifest, Plan, Report
from sendreturn.errors import Refusal

from sendreturn_bridges.services.acedata import producer, wire
from sendreturn_bridges.services.acedata.others import of_song, separation, vox_for_persona
from sendreturn_bridges.services.acedata.request import PRODUCER, Source, Wanted, api_of
from sendreturn_bridges.suno.models import is_at_least
from sendreturn_bridges.suno.requests import FROM_TEXT, SONGS, Request, kept_mp3, of_wav
from sendreturn_bridges.suno.words import sung

WHICH_TAIL = (
    "Send the tail that came back from its extend, as it is, or set service_options: {audio_id: its id}, which stands"
    " in the sidecar. The mix beside it is joined here already."
)
PRICED_ACTIONS = frozenset({"add_stem", "extract_stem", "sounds", "adjust_speed"})


class Planner:
    """Plans and follow-ups, with the prices of this account.

    Args:
        options: The service's settings.
    """

    def __init__(self, manifest: Manifest, options: Mapping[str, Any]) -> None:
        self._manifest = manifest
        self._dialect = wire.dialect(manifest, options)
        own = {name: spec.credits for name, spec in manifest.operations.items()}
        self._prices = {**own, **manifest.limits["prices"], **(options.get("prices") or {})}

    def plan(self, ask: Ask) -> Plan:
        """The first requests. Raises Refusal."""
        wanted = self._wanted(ask, _known_source(ask))
        main = wire.build(wanted)
        unmet = tuple(_unmet(wanted))
        _check_join(ask, wanted)
        later = self._later_credits(ask)
        if not self._wants_upload(ask, wanted, main):
            first = self._first(ask, wanted)
            rest = self._price(_price_name(ask)) if first.name != "main" else 0.0
            return Plan((first,), unmet, later + rest)
        vox = self._price("vox") if vox_for_persona(wanted) and ask.operation == "persona" else 0.0
        return Plan((self._upload(wanted),), unmet, later + vox + self._price(_price_name(ask)))

    def follow(self, ask: Ask, done: Mapping[str, Report]) -> tuple[Call, ...]:
        """The next requests, after those in `done`."""
        if "main" not in done:
            return (self._next(ask, done),)
        if ask.operation not in SONGS:
            return ()
        calls = (call for n, take in enumerate(done["main"].takes, 1) for call in self._of_take(ask, n, take, done))
        return tuple(call for call in calls if call.name not in done)

    # The main request, and what it wants first

    def _next(self, ask: Ask, done: Mapping[str, Report]) -> Call:
        source = _uploaded(done["upload"]) if "upload" in done else _known_source(ask)
        wanted = self._wanted(ask, source, done["vox"].facts if "vox" in done else None)
        if "stems" in done or "vox" in done:
            return self._call("main", ask.operation, wire.build(wanted), take=1)
        return self._first(ask, wanted)

    def _first(self, ask: Ask, wanted: Wanted) -> Call:
        """The first request of an operation once its song is known."""
        if ask.operation == "persona" and wanted.vox is None:
            vox = vox_for_persona(wanted)
            if vox is not None:
                return self._call("vox", "vox", vox)
        if ask.operation == "midi" and _bought_stems(ask):
            return self._call("stems", "stems", separation(wanted.audio_id, _bought_stems(ask), {"sets": "takes"}))
        return self._call("main", _price_name(ask), wire.build(wanted))

    def _wants_upload(self, ask: Ask, wanted: Wanted, main: Request) -> bool:
        works_on_song = ask.operation not in FROM_TEXT and main.clip_field is None
        return works_on_song and ask.clip is not None and wanted.source is not None and wanted.source.is_upload

    def _upload(self, wanted: Wanted) -> Call:
        price = "upload_enhanced" if wire.upload_mode(wanted) == wire.ENHANCED else "upload"
        return self._call("upload", price, wire.upload(wanted), needs_clip=True)

    # What is bought for each take

    def _of_take(self, ask: Ask, n: int, take: MadeTake, done: Mapping[str, Report]) -> Iterator[Call]:
        if take.clip_id is None:
            return
        for name, kind, request in self._purchases(ask, take.clip_id, take):
            if kind == "midi" and _bought_stems(ask) and f"stems-{n}" not in done:
                continue  # the notes are those of the separated song
            yield self._call(f"{name}-{n}", kind, request, take=n, essential=False)
        wav = done.get(f"wav-{n}")
        if wav is not None and wav.failed is not None:
            yield kept_mp3(n, take)

    def _purchases(self, ask: Ask, audio_id: str, take: MadeTake) -> Iterator[tuple[str, str, Request]]:
        """Name, price and request of everything that is bought for a take."""
        options = ask.params.service_options or {}
        place = {"covers": take.facts.get("covers", "all")}
        if api_of(options) == PRODUCER:
            yield from _producer_purchases(ask, audio_id, take)
            return
        if count := _bought_stems(ask):
            yield "stems", _stems_price(count), separation(audio_id, count, place)
        if "wav" in ask.buys:
            yield "wav", "wav", of_song("wav", audio_id, of_wav(take))
        if "midi" in ask.buys:
            yield "midi", "midi", of_song("midi", audio_id, place)
        for name in ("timed_lyrics", "video"):
            if options.get(name):
                yield name, name, of_song(name, audio_id)

    def _later_credits(self, ask: Ask) -> float:
        if ask.operation == "midi" and (count := _bought_stems(ask)):
            return self._price(_stems_price(count))
        if ask.operation not in SONGS:
            return 0.0
        take = MadeTake(clip_id="?")
        each = sum(self._price(kind) for _, kind, _ in self._purchases(ask, "?", take))
        return each * self._takes(ask)

    def _takes(self, ask: Ask) -> int:
        makes_one = api_of(ask.params.service_options or {}) == PRODUCER
        return 1 if makes_one else self._manifest.operations[ask.operation].takes

    # Small things

    def _wanted(self, ask: Ask, source: Source | None, vox: Mapping[str, Any] | None = None) -> Wanted:
        spec = self._manifest.operations[ask.operation]
        clip_s = ask.clip.duration_s if ask.clip is not None else None
        name = (ask.params.title or "") if ask.operation == "persona" else ""
        return Wanted(ask.operation, ask.params, self._dialect, spec, clip_s, name, source, vox, wav="wav" in ask.buys)

    def _call(
        self,
        name: str,
        price: str,
        request: Request,
        *,
        take: int | None = None,
        essential: bool = True,
        needs_clip: bool = False,
    ) -> Call:
        takes_clip = needs_clip or request.clip_field is not None
        return Call(name, price, request.to_fields(), self._price(price), take, essential, takes_clip)

    def _price(self, name: str) -> float:
        return float(self._prices.get(name, 0.0))


def _known_source(ask: Ask) -> Source | None:
    """The song that a request works on, as far as it is known before an upload."""
    named = (ask.params.service_options or {}).get("audio_id")
    if named:
        return Source(str(named))
    if ask.clip is None or ask.operation in FROM_TEXT or ask.operation == "generate":
        return None
    if ask.earlier is not None:
        return Source(ask.earlier.clip_id)
    return Source("", is_upload=True)


def _check_join(ask: Ask, wanted: Wanted) -> None:
    if ask.operation != "concat":
        return
    if wanted.source is None:
        raise Refusal(
            "AceData needs the last continuation to join.",
            WHICH_TAIL,
        )
    if wanted.source.is_upload:
        raise Refusal(
            "AceData joins only a continuation that it has made itself with what it continues.",
            WHICH_TAIL,
        )


def _uploaded(report: Report) -> Source:
    facts = report.facts
    lyric = str(facts.get("lyric") or "")
    return Source(str(facts["audio_id"]), True, facts.get("duration_s"), lyric if sung(lyric) else "")


def _bought_stems(ask: Ask) -> int:
    """2 or 12 where the service itself is asked for so many; other numbers are made on this machine."""
    count = ask.params.stems or 0
    return count if "stems" in ask.buys and count in (2, 12) else 0


def _price_name(ask: Ask) -> str:
    """The name in the price table of the main request; an action that the user names has a price of its own there."""
    options = ask.params.service_options or {}
    if options.get("action") in PRICED_ACTIONS:
        return str(options["action"])
    if options.get("max_mode") is True and ask.operation in SONGS:
        return "max_mode"
    return _stems_price(ask.params.stems or 2) if ask.operation == "stems" else ask.operation


def _stems_price(count: int) -> str:
    return "all_stems" if count == 12 else "stems"


def _producer_purchases(ask: Ask, audio_id: str, take: MadeTake) -> Iterator[tuple[str, str, Request]]:
    """Producer has two stems, WAV and video; MIDI and more stems are made on this machine."""
    if _bought_stems(ask) == 2:
        yield "stems", "stems", producer.separation(audio_id, str(take.facts.get("covers", "all")))
    if "wav" in ask.buys:
        yield "wav", "wav", producer.of_song("wav", audio_id, of_wav(take))
    if (ask.params.service_options or {}).get("video"):
        yield "video", "video", producer.of_song("video", audio_id)


def _unmet(wanted: Wanted) -> Iterator[str]:
    params, is_producer = wanted.params, wanted.api == PRODUCER
    if params.vocal_gender and not is_at_least(wanted.model, 4.5) and not is_producer:
        yield f"AceData's model {wanted.model} knows no vocal_gender; it was left out."
    if wanted.operation not in SONGS:
        return
    counts = (2,) if is_producer else (2, 12)
    if params.stems and params.stems not in counts:
        sold = " or ".join(map(str, counts))
        yield f"AceData separates this into {sold} stems; the {params.stems} are made on this machine."
    if params.midi and is_producer:
        yield "AceData's Producer sells no MIDI; it is made on this machine."
