"""Suno API keeps the contract."""

from __future__ import annotations

from sendreturn.testing.suite import Sample, ServiceContract
from sendreturn.words import Kind
from sendreturn_bridges.services.sunoapi.simulator import SunoApiSimulator

SONG = frozenset({Kind.MIX, Kind.IMAGE})


class TestSunoApi(ServiceContract):
    service = "sunoapi"
    simulator = SunoApiSimulator
    switches = {"song_s": 3.0, "extend_s": 2.0}
    profiles = {"seed": {"profile": "seed", "numbers_as_text": True}, "errors": {"http_errors": True}}
    options = {"grace_s": 0}
    samples = (
        Sample("extend", {"style": "dub", "stems": 2, "midi": True, "wav": True}, name="extend with everything"),
        Sample("extend", {"style": "dub"}, kinds=frozenset({Kind.TAIL, Kind.MIX})),
        Sample("cover", {"style": "jazz"}, kinds=SONG),
        Sample("inpaint", {"section_s": [5.0, 15.2], "style": "jazz"}, clip_s=21.0, kinds=SONG),
        Sample("generate", {"prompt": "a quiet song"}, kinds=SONG),
        Sample("generate", {"lyrics": "one two", "style": "folk"}, kinds=SONG | {Kind.LYRICS}, name="generate words"),
        Sample("add_vocals", {"lyrics": "one two", "style": "folk", "title": "One"}, kinds=SONG),
        Sample("add_instrumental", {"style": "funk", "title": "Two"}, kinds=SONG),
        Sample("sample", {"prompt": "rain"}),
        Sample("midi", {"stems": 12}, kinds=frozenset({Kind.MIDI, Kind.STEM})),
        Sample("tags", {"style": "dub"}),
        Sample("timed_lyrics", after="cover"),
        Sample("persona", {"title": "Ann", "prompt": "warm"}, after="generate"),
        Sample("wav", after="cover"),
        Sample("video", after="cover"),
        Sample("cover_art", after="cover"),
    )
