"""Sonauto keeps the contract."""

from __future__ import annotations

from sendreturn.testing.suite import Sample, ServiceContract
from sendreturn.words import Kind
from sendreturn_bridges.services.sonauto.simulator import SonautoSimulator


class TestSonauto(ServiceContract):
    service = "sonauto"
    simulator = SonautoSimulator
    switches = {"song_s": 3.0, "v3_extend_s": 2.0}
    profiles = {"objects": {"status_shape": "object", "detail_shape": "list"}, "bare": {"status_shape": "bare"}}
    main = "extend"
    ids_are_songs = False
    samples = (
        Sample("generate", {"prompt": "a quiet song"}),
        Sample("extend", {"extend_s": 2.0}, kinds=frozenset({Kind.TAIL, Kind.MIX})),
        Sample("inpaint", {"section_s": [1.0, 2.0], "style": "jazz", "lyrics": "one two"}),
    )
