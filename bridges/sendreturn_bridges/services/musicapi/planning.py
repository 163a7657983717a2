"""Which requests a send needs at MusicAPI, in which order. No I/O.

A continuation and a cover take the clip from its address themselves; for the rest it is made known first ("upload").
Then comes the operation ("main"), then what the user buys for each take: "stems-1", "wav-1", "midi-1" and so on.
A persona of a named part wants a "vox" before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sendreturn.contract import Ask, Call, MadeTake, Manifest, Plan, Report
from sendreturn.errors import Refusal

from sendreturn_bridges.services.musicapi import wire
from sendreturn_bridges.services.musicapi.others import of_song, separation, upload, vox_for_persona, wav_of
from sendreturn_bridges.services.musicapi.request import PRODUCER, VOICE, Source, Wanted, api_of
from sendreturn_bridges.services.musicapi.texts import dialect_of
from sendreturn_bridges.suno.models import is_at_least
from sendreturn_bridges.suno.requests import FROM_TEXT, SONGS, Request, kept_mp3, of_wav

WANT_UPLOADS = frozenset({"add_vocals", "add_instrumental"})
"""These take only songs that were uploaded in the last 24 hours."""
WHICH_TAIL = (
    "Send the tail that came back from its extend, as it is, or set service_options: {clip_id: its id}, which stands"
    " in the sidecar. The mix beside it is joined here already."
)


class Planner:
    """Plans and follow-ups, with the prices of this account.

    Args:
        options: The service's settings.
    """

    def __init__(self, manifest: Manifest, options: Mapping[str, Any]) -> None:
        self._manifest = manifest
        self._dialect = dialect_of(manifest, options)
        own = {name: spec.credits for name, spec in manifest.operations.items()}
        self._prices = {**own, **manifest.limits["prices"], **(options.get("prices") or {})}

    def plan(self, ask: Ask) -> Plan:
        """The first requests. Raises Refusal."""
        wanted = self._wanted(ask, _known_source(ask))
        main = wire.build(wanted)
        _check_join(ask, wanted)
        unmet, later = tuple(_unmet(wanted)), self._later_credits(ask)
        vox = vox_for_persona(wanted) if ask.operation == "persona" else None
        if wanted.has_upload and main.clip_field is None:
            rest = self._price(_price_name(ask)) + (self._price("vox") if vox else 0.0)
            return Plan((self._upload(wanted),), unmet, later + rest)
        if vox is not None:
            return Plan((self._call("vox", "vox", vox),), unmet, later + self._price("persona"))
        return Plan((self._call("main", _price_name(ask), main),), unmet, later)

    def follow(self, ask: Ask, done: Mapping[str, Report]) -> tuple[Call, ...]:
        """The next requests, after those in `done`."""
        if "main" not in done:
            return (self._next(ask, done),)
        if ask.operation not in SONGS:
            return ()
        calls = (call for n, take in enumerate(done["main"].takes, 1) for call in self._of_take(ask, n, take, done))
        return tuple(call for call in calls if call.name not in done)

    def _next(self, ask: Ask, done: Mapping[str, Report]) -> Call:
        source = Source(str(done["upload"].facts["clip_id"])) if "upload" in done else _known_source(ask)
        wanted = self._wanted(ask, source, done["vox"].facts if "vox" in done else None)
        vox = vox_for_persona(wanted) if ask.operation == "persona" and "vox" not in done else None
        if vox is not None:
            return self._call("vox", "vox", vox)
        take = 1 if "vox" in done else None  # one take of the voice and the persona
        return self._call("main", _price_name(ask), wire.build(wanted), take=take)

    def _upload(self, wanted: Wanted) -> Call:
        return self._call("upload", "upload", upload("producer" if wanted.is_for_producer else "sonic"))

    # What is bought for each take

    def _of_take(self, ask: Ask, n: int, take: MadeTake, done: Mapping[str, Report]) -> Iterator[Call]:
        if take.clip_id is None:
            return
        for name, price, request in self._purchases(ask, take.clip_id, take):
            yield self._call(f"{name}-{n}", price, request, take=n, essential=False)
        wav = done.get(f"wav-{n}")
        if wav is not None and wav.failed is not None:
            yield kept_mp3(n, take)

    def _purchases(self, ask: Ask, clip_id: str, take: MadeTake) -> Iterator[tuple[str, str, Request]]:
        """Name, price and request of everything that is bought for a take; Producer's songs have none of it."""
        options = ask.params.service_options or {}
        if api_of(options) == PRODUCER:
            return
        place = {"covers": take.facts.get("covers", "all")}
        if count := _bought_stems(ask):
            yield "stems", _stems_price(count), separation(clip_id, count, place)
        if "wav" in ask.buys:
            yield "wav", self._wav_price(), wav_of(clip_id, self._dialect.wav_from, of_wav(take))
        if "midi" in ask.buys:
            yield "midi", "midi", of_song("midi", clip_id, place)
        if options.get("timed_lyrics"):
            yield "timed_lyrics", "timed_lyrics", of_song("timed_lyrics", clip_id)

    def _later_credits(self, ask: Ask) -> float:
        if ask.operation not in SONGS:
            return 0.0
        each = sum(self._price(price) for _, price, _ in self._purchases(ask, "?", MadeTake(clip_id="?")))
        return each * self._manifest.operations[ask.operation].takes

    # Small things

    def _wanted(self, ask: Ask, source: Source | None, vox: Mapping[str, Any] | None = None) -> Wanted:
        spec = self._manifest.operations[ask.operation]
        clip_s = ask.clip.duration_s if ask.clip is not None else None
        wav = "wav" in ask.buys and api_of(ask.params.service_options or {}) != PRODUCER
        return Wanted(ask.operation, ask.params, self._dialect, spec, clip_s, source, vox, wav)

    def _call(
        self, name: str, price: str, request: Request, *, take: int | None = None, essential: bool = True
    ) -> Call:
        needs_clip = request.clip_field is not None
        return Call(name, price, request.to_fields(), self._price(price), take, essential, needs_clip)

    def _price(self, name: str) -> float:
        return float(self._prices.get(name, 0.0))

    def _wav_price(self) -> str:
        return "download" if self._dialect.wav_from == "download" else "wav"


def _known_source(ask: Ask) -> Source | None:
    """The song that a request works on, as far as it is known before an upload."""
    named = (ask.params.service_options or {}).get("clip_id")
    if named:
        return Source(str(named))
    if ask.clip is None or ask.operation in FROM_TEXT or ask.operation == "generate":
        return None
    if ask.earlier is not None and ask.operation not in WANT_UPLOADS:
        return Source(ask.earlier.clip_id)
    return Source("", is_upload=True)


def _check_join(ask: Ask, wanted: Wanted) -> None:
    if ask.operation != "concat":
        return
    if wanted.source is None:
        raise Refusal(
            "MusicAPI needs the last continuation to join.",
            WHICH_TAIL,
        )
    if wanted.has_upload:
        raise Refusal(
            "MusicAPI joins only a continuation that it has made itself with what it continues.",
            WHICH_TAIL,
        )


def _bought_stems(ask: Ask) -> int:
    return (ask.params.stems or 0) if "stems" in ask.buys else 0


def _price_name(ask: Ask) -> str:
    api = api_of(ask.params.service_options or {})
    if api == PRODUCER:
        return "producer"
    if api == VOICE and ask.operation == "persona":
        return "voice"
    return _stems_price(ask.params.stems or 2) if ask.operation == "stems" else ask.operation


def _stems_price(count: int) -> str:
    return "all_stems" if count == 12 else "stems"


def _unmet(wanted: Wanted) -> Iterator[str]:
    params = wanted.params
    if wanted.is_for_producer:
        wishes = {"wav": params.wav, "midi": params.midi, "stems": params.stems}
        for name in (name for name, asked in wishes.items() if asked):
            yield f"MusicAPI's Producer sells no {name}; what is missing is made on this machine."
    elif params.vocal_gender and not is_at_least(wanted.model, 4.5):
        yield f"MusicAPI's model {wanted.model} knows no vocal_gender; it was left out."
    if wire.keeps_no_words(wanted):
        yield "MusicAPI does not keep the words of a clip: without lyrics the cover is instrumental."
