"""MusicAPI keeps the contract."""

from __future__ import annotations

from sendreturn.testing.simulator import Simulator
from sendreturn.testing.suite import Sample, ServiceContract
from sendreturn.words import Kind
from sendreturn_bridges.services.musicapi.simulator import MusicApiSimulator

SONG = frozenset({Kind.MIX, Kind.IMAGE})


def both_songs(simulator: Simulator) -> dict[str, object]:
    return {"service_options": {"mashup_clip_ids": [id_ for id_, song in simulator.songs.items() if song.task_id][:2]}}


class TestMusicApi(ServiceContract):
    service = "musicapi"
    simulator = MusicApiSimulator
    profiles = {
        "newer": {"not_ready": "clips", "submit_code": False, "duration": "text", "mv_echo": "chirp", "stems_basic": 4},
        "older": {"not_ready": "200", "upload_reply": "data", "error_field": "detail", "section": "full"},
    }
    samples = (
        Sample("extend", {"style": "dub"}, kinds=frozenset({Kind.TAIL, Kind.MIX})),
        Sample("cover", {"style": "jazz"}, kinds=SONG),
        Sample("cover", {"style": "jazz", "stems": 2, "midi": True, "wav": True}, name="cover with everything"),
        Sample("inpaint", {"section_s": [1.0, 2.0], "style": "jazz"}, kinds=SONG),
        Sample("generate", {"prompt": "a quiet song"}, kinds=SONG | {Kind.LYRICS}),
        Sample("stems", {"stems": 12}, kinds=frozenset({Kind.STEM})),
        Sample("concat", after="extend"),
        Sample("mashup", {"style": "dub"}, after="cover", fill=both_songs),
        Sample("add_vocals", {"lyrics": "one two"}, kinds=SONG),
        Sample("add_instrumental", {"style": "funk"}, kinds=SONG),
        Sample("sample", {"section_s": [0.0, 2.0]}, kinds=SONG),
        Sample("persona", {"title": "Ann", "section_s": [0.0, 2.0]}),
        Sample("tags", {"style": "dub"}),
    )
