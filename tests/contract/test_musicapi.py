"""MusicAPI keeps the contract."""

from __future__ import annotations

from musicapi_answers import ANSWERS
from sendreturn.testing.simulator import Simulator
from sendreturn.testing.suite import Limit, Sample, ServiceContract, Trouble
from sendreturn.words import Kind, State
from sendreturn_bridges.services.musicapi.simulator import MusicApiSimulator

SONG = frozenset({Kind.MIX, Kind.IMAGE})
TAIL = frozenset({Kind.TAIL, Kind.MIX})
SHORT = {"extend_s": 2.0}
SHAPES = {
    "newer": {"not_ready": "clips", "submit_code": False, "duration": "text", "mv_echo": "chirp", "stems_basic": 4},
    "older": {
        "not_ready": "200",
        "upload_reply": "data",
        "error_field": "detail",
        "section": "full",
        "extension": "full",
    },
}
WORDS = {"prompt": "a quiet song"}
PRODUCER = {**WORDS, "service_options": {"api": "producer"}}
INSIDE = {"task_id_in_data": True}
LATE = {"fail_task": "No.", "failure": "timeout"}
ALL = {"style": "jazz", "stems": 2, "midi": True, "wav": True}


def other_song(simulator: Simulator) -> dict[str, object]:
    return {"service_options": {"mashup_clip_ids": _made(simulator)[-1:]}}


def last_song(simulator: Simulator) -> dict[str, object]:
    return {"service_options": {"clip_id": _made(simulator)[-1]}}


def _made(simulator: Simulator) -> list[str]:
    return [id_ for id_, song in simulator.songs.items() if song.task_id]


def answered(status: int, kind: str, message: str) -> dict[str, object]:
    return {"fail_next": {"status": status, "body": {"type": kind, "error": message}}}


QUIRKS = (
    Sample(
        "generate", WORDS, takes=1, switches={"one_fails": True}, every_song=False, name="generate of which one fails"
    ),
    Sample("extend", {"style": "dub"}, kinds=TAIL, switches={"extend_s": 6.0}, name="extend by more than the clip"),
    Sample("generate", WORDS, switches={"cdn_required": True}, name="generate that needs a CDN"),
    *(
        Sample("generate", WORDS, switches={"webhook_events": events}, name=f"generate with {events} events")
        for events in ("streaming", "duplicates", "reordered")
    ),
    *(
        Sample("generate", PRODUCER, takes=1, switches={"producer_shape": shape}, name=f"producer as {shape}")
        for shape in ("clips", "status")
    ),
    Sample(
        "cover", {"style": "jazz"}, kinds=SONG, switches={"upload_breaks_once": True}, name="cover at the second try"
    ),
    Sample("mashup", {"style": "dub"}, after="cover", fill=other_song, switches=INSIDE, name="mashup told inside"),
    Sample("stems", {"stems": 12}, takes=2, switches={"stems_full": 24, "stem_names": "title"}, name="stems by title"),
    Sample("stems", {"stems": 2}, switches={"stem_names": "none"}, name="stems without names"),
    Sample("midi", switches={"helpers_not_ready": 2}, name="midi after a while"),
    Sample("midi", switches={"midi": "file"}, name="midi as a file"),
    Sample("wav", switches={"wav_reply": "top"}, name="wav at the top"),
    Sample("vox", switches={"vox_url": False}, every_song=False, name="vox without an address"),
)


class TestMusicApi(ServiceContract):
    service = "musicapi"
    simulator = MusicApiSimulator
    switches = SHORT
    profiles = SHAPES
    untried = frozenset({"prices", "extra_credits", "unknown_task"})
    samples = (
        Sample("extend", {"style": "dub"}, kinds=TAIL),
        Sample("cover", {"style": "jazz"}, kinds=SONG),
        Sample("cover", ALL, every_song=False, name="cover with everything"),
        Sample("inpaint", {"section_s": [1.0, 2.0], "style": "jazz"}, kinds=SONG),
        Sample("generate", {"prompt": "a quiet song"}, kinds=SONG | {Kind.LYRICS}),
        Sample("stems", {"stems": 12}, kinds=frozenset({Kind.STEM})),
        Sample("concat", after="extend", part=None, fill=last_song),
        Sample("mashup", {"style": "dub"}, after="cover", fill=other_song),
        Sample("add_vocals", {"lyrics": "one two"}, kinds=SONG),
        Sample("add_instrumental", {"style": "funk"}, kinds=SONG),
        Sample("sample", {"section_s": [0.0, 2.0]}, kinds=SONG),
        Sample("persona", {"title": "Ann", "section_s": [0.0, 2.0]}),
        Sample("tags", {"style": "dub"}),
    )
    limits = (
        Limit("a long title", "generate", {"prompt": "x", "title": "t" * 81}, ("80",)),
        Limit("to the left", "extend", {"side": "left"}, ("start",)),
    )
    quirks = QUIRKS
    troubles = (
        *ANSWERS,
        Trouble("a task that ran out of time", LATE, ("timeout",), operation="generate"),
        Trouble("credits", answered(403, "forbidden", "The remaining credits are not enough."), ("credits",)),
        Trouble("words", answered(403, "forbidden", "The lyrics contain inappropriate content: 'x'."), ("lyrics",)),
        Trouble("bad request", answered(400, "validation_error", "The tags are too long."), ("MusicAPI",)),
        Trouble("broke down", answered(500, "server_error", "Internal Server Error."), (), State.UNCERTAIN),
    )
