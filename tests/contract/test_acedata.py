"""AceData keeps the contract."""

from __future__ import annotations

from acedata_answers import ANSWERS
from sendreturn.testing.simulator import Simulator
from sendreturn.testing.suite import Limit, Sample, ServiceContract, Trouble
from sendreturn.words import Kind, State
from sendreturn_bridges.services.acedata.simulator import AceDataSimulator

TAIL = frozenset({Kind.TAIL, Kind.MIX})
SONG = frozenset({Kind.MIX, Kind.IMAGE})
SHORT = {"song_s": 3.0, "extend_s": 2.0}
SHAPES = {
    "newer": {"pending": "preview", "async_reply": "success", "extend_returns": "all", "model_echo": "internal"},
    "older": {"worker_envelope": True, "ok_status": True, "model_echo": "", "error_shape": "text"},
}
APPLICATION = {"application_id": "app"}
ALL = {"style": "jazz", "stems": 2, "midi": True, "wav": True}
WORDS = {"prompt": "a quiet song"}
SECTION = {"section_s": [1.0, 2.0], "style": "jazz"}
OLD_NEGATIVE = {"negative_field": "style_negative"}
TIMELESS = {"no_finished_at": True}


def other_song(simulator: Simulator) -> dict[str, object]:
    ids = [id_ for id_, song in simulator.songs.items() if song.task_id]
    return {"service_options": {"mashup_audio_ids": ids[-1:]}}


def last_song(simulator: Simulator) -> dict[str, object]:
    return {"service_options": {"audio_id": [id_ for id_, song in simulator.songs.items() if song.task_id][-1]}}


def answered(status: int, code: str, message: str) -> dict[str, object]:
    body = {"error": {"code": code, "message": message}, "trace_id": "trace"}
    return {"fail_next": {"status": status, "body": body}}


QUIRKS = (
    Sample(
        "generate", WORDS, takes=1, switches={"one_fails": True}, every_song=False, name="generate of which one fails"
    ),
    Sample("extend", {"style": "dub"}, kinds=TAIL, switches={"extend_s": 6.0}, name="extend by more than the clip"),
    Sample("generate", WORDS, switches={"tells_cost": False}, name="generate without its cost"),
    Sample("generate", {**WORDS, "negative_style": "drums"}, switches=OLD_NEGATIVE, name="generate without drums"),
    Sample("cover", {"style": "jazz"}, kinds=SONG, switches={"probe_with_head": True}, name="cover that is probed"),
    Sample("inpaint", SECTION, takes=1, switches={"replace_section": "one"}, name="inpaint one"),
    Sample("inpaint", SECTION, switches={"replace_section": "fragments"}, name="inpaint fragments"),
)


class TestAceData(ServiceContract):
    service = "acedata"
    simulator = AceDataSimulator
    switches = SHORT
    options = APPLICATION
    profiles = SHAPES
    failing = "generate"
    untried = frozenset({"missing_token", "prompt_limit"})
    samples = (
        Sample("extend", {"style": "dub"}, kinds=TAIL),
        Sample("cover", {"style": "jazz"}, kinds=SONG),
        Sample("cover", {"style": "jazz"}, kinds=SONG, switches=TIMELESS, name="cover whose end is not told"),
        Sample("cover", ALL, every_song=False, name="cover with everything"),
        Sample("inpaint", {"section_s": [1.0, 2.0], "style": "jazz"}, kinds=SONG),
        Sample("generate", {"prompt": "a quiet song"}, kinds=SONG | {Kind.LYRICS}),
        Sample("stems", {"stems": 12}, takes=2, kinds=frozenset({Kind.STEM})),
        Sample("concat", after="extend", part=None, fill=last_song),
        Sample("mashup", {"style": "dub"}, after="cover", fill=other_song),
        Sample("add_vocals", {"lyrics": "one two"}, kinds=SONG),
        Sample("add_instrumental", {"style": "funk"}, kinds=SONG),
        Sample("sample", {"section_s": [0.0, 2.0]}, kinds=SONG),
        Sample("persona", {"title": "Ann", "section_s": [0.0, 2.0]}),
        Sample("tags", {"style": "dub"}),
    )
    limits = (
        Limit("a long prompt", "generate", {"prompt": "x" * 201}, ("200",)),
        Limit("to the left", "extend", {"side": "left"}, ("start",)),
    )
    quirks = QUIRKS
    troubles = (
        *ANSWERS,
        Trouble("no notes", {"midi_empty": True}, ("no notes",), operation="midi", billed=None),
        Trouble("too large", {"upload_mib": 0}, ("too large",)),
        Trouble("balance", answered(403, "used_up", "Your balance is used up."), ("used up",)),
        Trouble("moderated", answered(403, "forbidden", "The prompt contains sensitive words"), ("AceData",)),
        Trouble("bad request", answered(400, "bad_request", "style is too long"), ("AceData",)),
        Trouble("broke down", answered(500, "api_error", "job failed"), ("AceData",), State.UNCERTAIN),
    )
