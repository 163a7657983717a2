"""Suno API keeps the contract."""

from __future__ import annotations

from sendreturn.testing.suite import Limit, Sample, ServiceContract, Trouble
from sendreturn.words import Kind, State
from sendreturn_bridges.services.sunoapi.simulator import SunoApiSimulator
from sunoapi_answers import ANSWERS

SONG = frozenset({Kind.MIX, Kind.IMAGE})
SHORT = {"song_s": 3.0, "extend_s": 2.0}
HARD = {"http_errors": True, "credits_path": "reference", "duplicate_callbacks": True}
SHAPES = {"seed": {"profile": "seed", "numbers_as_text": True, "credits_path": "seed"}, "errors": HARD}
LONG = {"song_s": 12.0}
WORDS = {"prompt": "a quiet song"}
TAIL, NOTES = frozenset({Kind.TAIL, Kind.MIX}), frozenset({Kind.MIDI, Kind.STEM})
SHORT_GRACE = {"grace_s": 0.5}
ALL = {"style": "dub", "stems": 2, "midi": True, "wav": True}
OTHER = {"service_options": {"upload_urls": ["https://example.com/b.mp3"]}}
PERSONA = {"title": "Ann", "prompt": "warm", "section_s": [0, 10]}


def answered(code: int, msg: str) -> dict[str, object]:
    return {"fail_next": {"status": 200, "body": {"code": code, "msg": msg, "data": None}}}


QUIRKS = (
    *(
        Sample("generate", WORDS, kinds=SONG, switches=switches, name=f"generate with {name}")
        for name, switches in {
            "no data at first": {"absent_looks": 3},
            "no addresses at first": {"null_urls": 1},
            "a lost call back": {"callback_exception": "with_audio"},
            "a late song": {"callback_exception": "late_audio"},
            "songs in snake case": {"snake_tracks": True},
        }.items()
    ),
    Sample("generate", WORDS, kinds=SONG, switches={"same_file": True}, every_song=False, name="two takes in one file"),
    Sample("extend", {"style": "dub"}, kinds=TAIL, switches={"extend_returns": "tail"}, name="extend, tail alone"),
    Sample("cover", {"style": "jazz"}, kinds=SONG, switches={"probe_with_head": True}, name="cover that is probed"),
    Sample(
        "midi",
        {"stems": 12},
        kinds=NOTES,
        switches={"midi_empty_after_split": True},
        every_song=False,
        name="midi at the second try",
    ),
)


class TestSunoApi(ServiceContract):
    service = "sunoapi"
    simulator = SunoApiSimulator
    switches = SHORT
    profiles = SHAPES
    options = SHORT_GRACE
    untried = frozenset({"invent_remote_songs", "prices", "title_limit", "webhook_key"})
    samples = (
        Sample("extend", ALL, every_song=False, name="extend with everything"),
        Sample("extend", {"style": "dub"}, kinds=frozenset({Kind.TAIL, Kind.MIX})),
        Sample("cover", {"style": "jazz"}, kinds=SONG),
        Sample("inpaint", {"section_s": [5.0, 15.2], "style": "jazz"}, clip_s=21.0, kinds=SONG),
        Sample("generate", {"prompt": "a quiet song"}, kinds=SONG),
        Sample("generate", {"lyrics": "one two", "style": "folk"}, kinds=SONG | {Kind.LYRICS}, name="generate words"),
        Sample("add_vocals", {"lyrics": "one two", "style": "folk", "title": "One"}, kinds=SONG),
        Sample("add_instrumental", {"style": "funk", "title": "Two"}, kinds=SONG),
        Sample("mashup", {"style": "dub", **OTHER}, kinds=SONG),
        Sample("sample", {"prompt": "rain"}),
        Sample("midi", {"stems": 12}, kinds=frozenset({Kind.MIDI, Kind.STEM})),
        Sample("tags", {"style": "dub"}),
        Sample("timed_lyrics", after="cover"),
        Sample("persona", PERSONA, after="generate", switches=LONG),
        Sample("wav", after="cover"),
        Sample("video", after="cover"),
        Sample("cover_art", after="cover", takes=2),
    )
    limits = (
        Limit("a section that is too short", "inpaint", {"section_s": [1, 2]}, ("10",)),
        Limit("to the left", "extend", {"side": "left"}, ("right",)),
    )
    quirks = QUIRKS
    troubles = (
        *ANSWERS,
        Trouble("too long an upload", {"longest_upload_s": 2.0}, ("long",)),
        Trouble("credits", answered(429, "The current credits are insufficient."), ("credits",)),
        Trouble("moderated", answered(400, "Your prompt contains sensitive words"), ("Suno API",)),
        Trouble("too long", answered(413, "The prompt is too long"), ("long",)),
        Trouble("maintenance", answered(455, "System maintenance"), (), State.DONE, billed=None),
        Trouble("broke down", answered(500, "Server error"), ("Suno API",), State.UNCERTAIN),
        Trouble("sensitive", {"fail_task": "SENSITIVE_WORD_ERROR"}, ("Suno API",), operation="generate"),
        Trouble("given back", {"fail_task": "FAILED", "fail_code": 531}, ("credits back",), operation="generate"),
    )
