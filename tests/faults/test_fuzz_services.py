"""Whatever JSON a service answers: a report, or a ServiceError with a sentence, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import acedata_samples
import musicapi_samples
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from odd_json import HUGE, odd_json, spoiled, words_of
from sendreturn.contract import Accepted, Balance, Report
from sendreturn.errors import ServiceError
from sendreturn.net.answers import Answer, Words, pause_s
from sendreturn.net.json_body import NotJsonError, read_json
from sendreturn.net.reading import table
from sendreturn_bridges.services.acedata import answers as acedata
from sendreturn_bridges.services.acedata import faults as acedata_faults
from sendreturn_bridges.services.musicapi import answers as musicapi
from sendreturn_bridges.services.musicapi import faults as musicapi_faults
from sendreturn_bridges.services.musicapi import webhooks
from sendreturn_bridges.services.sonauto import answers as sonauto
from sendreturn_bridges.services.sonauto import faults as sonauto_faults
from sendreturn_bridges.services.sonauto import timings
from sendreturn_bridges.services.sunoapi import faults as sunoapi_faults
from sendreturn_bridges.services.sunoapi import records, wire
from sendreturn_bridges.suno.requests import Request

FEW, MANY = 150, 1000
CONTEXTS = (
    {"section_s": [0.0, 4.0]},
    {
        "section_s": [0.0, 4.0],
        "operation": "extend",
        "covers": "all",
        "clip_s": 30.0,
        "from_s": 12.0,
        "joins": True,
        "stems": 12,
        "wav": True,
    },
    {"operation": "inpaint", "section_s": [4.0, 8.0], "clip_s": 30.0, "title": "x", "takes": 2, "point_s": 3.0},
)


@dataclass(frozen=True)
class Service:
    """What of a bridge reads the service's words, and documents that it may be given."""

    packages: tuple[str, ...]
    parse: Callable[[Any, int], list[object]]
    samples: tuple[Any, ...]

    def odd(self) -> st.SearchStrategy[Any]:
        odd = odd_json(words_of("sendreturn_bridges.suno", *self.packages))
        return odd | spoiled(self.samples, odd)


def all_of(*readings: Callable[[], object]) -> list[object]:
    """What each of the readings gives; a ServiceError is one of the things that it may give."""
    found: list[object] = []
    for reading in readings:
        try:
            found.append(reading())
        except ServiceError as error:
            found.append(error)
    return found


def answer_of(body: Any, status: int) -> Answer:
    said = json.dumps(body)[:500]
    return Answer(status, {"content-type": "application/json", "retry-after": said[:40]}, body, said)


def read_sonauto(body: Any, status: int) -> list[object]:
    now = datetime(2026, 9, 1, tzinfo=UTC)
    return all_of(
        lambda: sonauto.task_id_in(body),
        lambda: sonauto.running(sonauto.standing_in(body, "word"), "https://stream"),
        lambda: sonauto.ended(body, "abc-1", "all", aligned=True, sung=True),
        lambda: sonauto.ended(body, "abc-1", "added", aligned=False, sung=False),
        lambda: sonauto.kept_song(body, 0, now),
        lambda: sonauto.balance_in(body),
        lambda: timings.timings_in(table(body)),
        lambda: sonauto_faults.classify(answer_of(body, status)),
        lambda: sonauto_faults.failure(body),
        lambda: sonauto_faults.blames_request(body),
    )


def read_sunoapi(body: Any, status: int) -> list[object]:
    reply = table(body)
    readings: list[Callable[[], object]] = [
        lambda: wire.accepted_task(reply),
        lambda: wire.credits_of(reply),
        lambda: wire.uploaded_at(reply),
        lambda: sunoapi_faults.classify(answer_of(body, status)),
        lambda: sunoapi_faults.failure("FAILED", body, body),
        lambda: sunoapi_faults.blames_request("FAILED", body, body),
    ]
    at_once = ("timed_lyrics", "style", "persona", "voice_check")
    readings += [partial(wire.accepted_at_once, reader, reply, {}) for reader in at_once]
    names = ("recovery", "music", "lyrics", "separation", "notes", "wav", "video", "cover_art", "voice_phrase", "voice")
    readings += [partial(report_of, reader, reply, context) for reader in names for context in CONTEXTS]
    return all_of(*readings)


def report_of(reader: str, reply: Any, context: Any) -> Report:
    return records.read(reader, reply, context, "t").report


def read_acedata(body: Any, status: int) -> list[object]:
    readings: list[Callable[[], object]] = [
        lambda: acedata_faults.classify(answer_of(body, status)),
        lambda: acedata_faults.classify_request(answer_of(body, status)),
        lambda: acedata_faults.classify_platform(answer_of(body, status)),
    ]
    for request in requests_for(acedata):
        readings += [partial(acedata.accepted, request, body), partial(acedata.standing, request, body)]
    return all_of(*readings)


def read_musicapi(body: Any, status: int) -> list[object]:
    readings: list[Callable[[], object]] = [
        lambda: musicapi_faults.classify(answer_of(body, status)),
        lambda: musicapi_faults.classify_look(answer_of(body, status)),
        lambda: musicapi_faults.classify_request(answer_of(body, status)),
    ]
    for request in requests_for(musicapi):
        readings += [
            partial(musicapi.accepted, request, status, body),
            partial(musicapi.standing, request, status, body),
        ]
    return all_of(*readings)


def requests_for(answers: Any) -> list[Request]:
    return [Request("/x", {}, reads, context) for reads in answers._READERS for context in CONTEXTS]


def suno_songs() -> dict[str, Any]:
    song = {
        "id": "a-1", "audioUrl": "https://cdn/a.mp3", "sourceAudioUrl": "https://cdn/b.mp3", "prompt": "[Verse]\nrain",
        "modelName": "chirp-v5", "title": "Rain", "tags": "warm", "createTime": 1_700_000_000_000, "duration": 30.5,
    }  # fmt: skip
    response = {"taskId": "t", "sunoData": [song, {**song, "id": "a-2"}]}
    return {"code": 200, "msg": "success", "data": {"taskId": "t", "status": "SUCCESS", "response": response}}


SONAUTO = {
    "status": "SUCCESS", "song_paths": ["https://cdn/a.mp3", "https://cdn/b.mp3"], "lyrics": "rain", "tags": ["warm"],
    "model_version": "v2", "v2_params": {"bpm": 92, "seed": 4}, "created_at": "2026-09-01T10:00:00Z",
    "alignment": {"words": [{"text": "rain", "start_s": 1.5, "end_s": 2}]}, "num_credits": 5, "task_id": "abc-1",
}  # fmt: skip
SERVICES = {
    "sonauto": Service(("sendreturn_bridges.services.sonauto",), read_sonauto, (SONAUTO,)),
    "sunoapi": Service(("sendreturn_bridges.services.sunoapi",), read_sunoapi, (suno_songs(),)),
    "acedata": Service(
        ("sendreturn_bridges.services.acedata",),
        read_acedata,
        (acedata_samples.done(acedata_samples.song(), acedata_samples.song(2)),),
    ),
    "musicapi": Service(
        ("sendreturn_bridges.services.musicapi",),
        read_musicapi,
        (musicapi_samples.done(musicapi_samples.song(), musicapi_samples.song(2)),),
    ),
}


def assert_fit_to_keep(found: list[object]) -> None:
    """What was read can be written down: finite numbers, texts that are text, and sentences that say something."""
    for one in found:
        if isinstance(one, ServiceError):
            assert one.what.strip()
            one.sentence.encode()
            one.detail.encode()
        elif isinstance(one, Report | Accepted | Balance):
            json.dumps(asdict(one), allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize("name", SERVICES)
def test_no_answer_whatever_raises_anything_but_a_service_error(name: str):
    run_on(SERVICES[name], FEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.timeout(300)
def test_no_answer_of_very_many_raises_anything_but_a_service_error(name: str):
    run_on(SERVICES[name], MANY)


def run_on(service: Service, most: int) -> None:
    @settings(
        max_examples=most,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    @given(body=service.odd(), status=st.sampled_from((200, 201, 202, 400, 401, 402, 403, 404, 409, 429, 500, 503)))
    def read(body: Any, status: int) -> None:
        assert_fit_to_keep(service.parse(body, status))

    read()


@pytest.mark.parametrize("name", SERVICES)
def test_each_odd_value_in_place_of_each_field_is_read(name: str):
    service = SERVICES[name]
    for sample in service.samples:
        for body in each_field_odd(sample):
            assert_fit_to_keep(service.parse(body, 200))


def each_field_odd(value: Any) -> list[Any]:
    found = [None, True, HUGE, "None", [], {}, [None], "nan", "x" * 300]
    if isinstance(value, dict):
        return found + [{**value, name: odd} for name in value for odd in each_field_odd(value[name])]
    if isinstance(value, list):
        return found + [[odd, *value[1:]] for odd in each_field_odd(value[0])]
    return list(found)


# What comes before and beside the bridges


@settings(max_examples=200)
@given(text=st.text() | st.binary().map(lambda body: body.decode("utf-8", "replace")))
@example(text="[" * 100_000)
@example(text='{"a":' * 100_000)
@example(text='{"a": NaN}')
@example(text='{"a": 1e999}')
@example(text='"\\ud800"')
@example(text="1" * 10_000)
def test_no_body_whatever_raises_anything_but_that_it_is_no_json(text: str):
    with suppress(NotJsonError):
        json.dumps(read_json(text), allow_nan=False, ensure_ascii=False).encode()


@settings(max_examples=200)
@given(
    status=st.integers(100, 599),
    wait=st.text() | st.sampled_from(["-1", "1" * 5000, "Wed, 99 Sep 9999 99:99:99 GMT", "3", "٣"]),
    location=st.text() | st.sampled_from(["http://[", "//", "http://a:99999999/"]),
    paid=st.booleans(),
)
def test_no_head_of_an_answer_whatever_raises(status: int, wait: str, location: str, paid: bool):
    answer = Answer(status, {"retry-after": wait, "location": location}, None, "<html>")
    assert 0 <= (pause_s(answer, now=1_800_000_000.0) or 0) <= 300
    words = Words("Studio", "api.example.com")
    words.status(answer, paid=paid)
    assert words.redirect(answer, "https://api.example.com/v1", paid=paid).what
    assert words.unreadable(answer, "why", paid=paid).what


@settings(max_examples=300)
@given(body=st.binary(), stamp=st.text() | st.integers().map(str), given_signature=st.text())
def test_no_call_back_whatever_is_taken_for_genuine(body: bytes, stamp: str, given_signature: str):
    headers = {"X-Webhook-Timestamp": stamp, "X-Webhook-Signature": given_signature}
    assert webhooks.is_genuine(headers, body, "secret", 1_800_000_000.0) is False
