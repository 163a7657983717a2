"""Sonauto keeps the contract."""

from __future__ import annotations

from sendreturn.testing.suite import Sample, ServiceContract, Trouble
from sendreturn.words import Kind
from sendreturn_bridges.services.sonauto.simulator import SonautoSimulator
from sonauto_answers import ANSWERS

SHORT = {"song_s": 3.0, "v3_extend_s": 2.0}
SHAPES = {"objects": {"status_shape": "object", "detail_shape": "list"}, "bare": {"status_shape": "bare"}}


SECTION = {"section_s": [1.0, 2.0], "style": "jazz", "lyrics": "one two"}
THREE_TEXTS = {"prompt": "a quiet song", "style": "jazz", "lyrics": "one two"}
ALIGNED = {"prompt": "a quiet song", "lyrics": "one two", "service_options": {"align_lyrics": True}}
QUIRKS = (
    Sample("inpaint", {**SECTION, "prompt": "x"}, switches={"inpaint_prompt": "refuse"}, name="inpaint strictly"),
    Sample("generate", THREE_TEXTS, switches={"v3_three_texts": "refuse"}, name="generate strictly"),
    Sample("generate", ALIGNED, switches={"timings": True}, name="generate aligned"),
    Sample("generate", ALIGNED, switches={"alignment": "FAILURE"}, name="generate not aligned"),
)


class TestSonauto(ServiceContract):
    service = "sonauto"
    simulator = SonautoSimulator
    switches = SHORT
    profiles = SHAPES
    untried = frozenset({"duplicate_uploads"})
    main = "extend"
    ids_are_songs = False
    samples = (
        Sample("generate", {"prompt": "a quiet song"}),
        Sample("extend", {"extend_s": 2.0}, kinds=frozenset({Kind.TAIL, Kind.MIX})),
        Sample("extend", {"extend_s": 2.0, "side": "left"}, kinds=frozenset({Kind.HEAD, Kind.MIX}), name="extend left"),
        Sample("extend", {"extend_s": 2.0, "takes": 2}, takes=2, name="extend twice"),
        Sample("inpaint", {"section_s": [1.0, 2.0], "style": "jazz", "lyrics": "one two"}),
    )
    quirks = QUIRKS
    troubles = (
        *ANSWERS,
        Trouble("no credits with 403", {"no_credits_status": 403.0}, ("credits",), balance=0.0),
        Trouble(
            "a tag", {"refused_tags": "dub"}, ("dub",), params={"style": "dub", "prompt": ""}, operation="generate"
        ),
        Trouble("moderated", {"moderated_word": "murder"}, ("Sonauto",), params={"prompt": "murder", "extend_s": 2.0}),
        Trouble("a clip that it knows", {"fail_next": {"status": 422, "body": {"detail": "Duplicate upload"}}}),
        Trouble("blocked", {"fail_next": {"status": 403, "body": {"detail": "Forbidden"}}}),
    )
