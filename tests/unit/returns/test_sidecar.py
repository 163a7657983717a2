from __future__ import annotations

import copy
import hashlib
import importlib.resources
import json
import os
import sys
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from sendreturn.errors import SendReturnError
from sendreturn.returns.sidecar import (
    Alignment,
    Cost,
    Facts,
    ReturnedFile,
    ServiceRefs,
    Sidecar,
    Source,
    build_sidecar,
    read_sidecar,
    source_path,
    utc_text,
    verify,
)
from sendreturn.words import STEMS, Kind, State
from sidecar_samples import WAV_FACTS, about

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LISTED = {
    "": "schema send_id take operation service model params created_at delivered_at "
    "source returns service_refs cost ai history",
    "source": "path sha256 sample_rate_hz channels duration_s range_s position_samples bpm time_signature "
    "tempo_from time_signature_from project_file",
    "returns": "path kind stem sha256 bytes sample_rate_hz bit_depth channels duration_s position_samples alignment "
    "loudness_lufs true_peak_dbtp checks",
    "service_refs": "task_ids clip_ids urls expires_at told",
    "cost": "credits currency estimated",
    "ai": "generated digital_source_type",
    "history": "at state note",
}


@cache
def schema() -> Draft202012Validator:
    text = importlib.resources.files("sendreturn_config").joinpath("sidecar.schema.json").read_text("utf-8")
    Draft202012Validator.check_schema(json.loads(text))
    return Draft202012Validator(json.loads(text))


def returned(
    name: str, kind: Kind, content: bytes = b"", stem: str | None = None, facts: Facts = WAV_FACTS
) -> ReturnedFile:
    sha256 = hashlib.sha256(content).hexdigest()
    return ReturnedFile(**facts.model_dump(), path=name, kind=kind, stem=stem, sha256=sha256, bytes=len(content))


def sample(**changes: object) -> Sidecar:
    aligned = WAV_FACTS.model_copy(update={"alignment": Alignment(lag_samples=12.0, confidence=0.9, residual_db=-40.0)})
    files = (
        returned("r_t1.wav", Kind.MIX, b"mix", facts=aligned),
        returned("r_t1_vocals.wav", Kind.STEM, b"stem", "vocals"),
        returned("r_t1.mid", Kind.MIDI, b"midi", facts=Facts()),
    )
    return build_sidecar(about(**changes), 1, files, NOON)


def document(sidecar: Sidecar) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(sidecar.text())
    return plain


def test_a_sidecar_has_every_key_of_the_contract_and_fits_its_schema() -> None:
    plain = document(sample())
    schema().validate(plain)
    assert plain["schema"] == "sendreturn/sidecar/1"
    assert " ".join(plain) == LISTED[""]
    for part in ("source", "service_refs", "cost", "ai"):
        assert set(plain[part]) == set(LISTED[part].split())
    for part in ("returns", "history"):
        assert all(set(item) == set(LISTED[part].split()) for item in plain[part])


def test_a_send_without_a_clip_fits_the_schema() -> None:
    plain = document(sample(source=Source(), cost=Cost(), operation="generate"))
    schema().validate(plain)
    assert set(plain["source"].values()) == {None}


def set_to(*path: str | int, value: object) -> Callable[[dict[str, Any]], None]:
    def change(plain: dict[str, Any]) -> None:
        place: Any = plain
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "spoil",
    [
        set_to("schema", value="sendreturn/sidecar/2"),
        set_to("send_id", value="0A1B2C3D"),
        set_to("take", value=0),
        set_to("created_at", value="2026-03-01 12:00"),
        set_to("delivered_at", value=None),
        set_to("secret", value="x"),
        set_to("source", "path", value=""),
        set_to("source", "range_s", value=[1.0]),
        set_to("source", "time_signature", value="waltz"),
        set_to("source", "tempo_from", value="a feeling"),
        set_to("returns", 0, "path", value="../a.wav"),
        set_to("returns", 0, "path", value="a\\b.wav"),
        set_to("returns", 0, "kind", value="loop"),
        set_to("returns", 1, "stem", value="kazoo"),
        set_to("returns", 0, "sha256", value="00"),
        set_to("returns", 0, "bytes", value=-1),
        set_to("returns", 0, "checks", value="one sentence"),
        set_to("returns", 0, "alignment", value={"lag_samples": 0}),
        set_to("service_refs", "urls", value=["https://a.example/b?token=1"]),
        set_to("cost", "estimated", value=None),
        set_to("history", 0, "state", value="lost"),
    ],
)
def test_the_schema_refuses_what_the_contract_does_not_allow(spoil: Callable[[dict[str, Any]], None]) -> None:
    plain = document(sample())
    spoil(plain)
    assert not schema().is_valid(plain)


@pytest.mark.parametrize("part", LISTED)
def test_the_schema_asks_for_every_key(part: str) -> None:
    whole = document(sample())
    for key in LISTED[part].split():
        plain = copy.deepcopy(whole)
        holder = plain[part] if part else plain
        del (holder[0] if isinstance(holder, list) else holder)[key]
        assert not schema().is_valid(plain), key


def test_the_schema_and_the_house_have_the_same_words() -> None:
    parts = schema().schema["$defs"]
    assert parts["return"]["properties"]["kind"]["enum"] == [kind.value for kind in Kind]
    assert parts["return"]["properties"]["stem"]["enum"] == [*STEMS, None]
    assert parts["step"]["properties"]["state"]["enum"] == [state.value for state in State]


def test_no_key_and_no_signed_address_gets_in() -> None:
    secret = "s3cr3t-0123456789"
    address = f"https://user:{secret}@cdn.example/a.mp3?X-Signature={secret}#{secret}"
    plain = sample(
        params={
            "prompt": f"like {address}, but slower",
            "service_options": {"api_key": secret, "nested": [{"callback": address, "access_token": secret}]},
        },
        service_refs=ServiceRefs(task_ids=("t1",), urls=(address, "http://[broken?x=" + secret)),
        history=(),
    )
    text = plain.model_copy(update={"model": f"Bearer {secret}"}).text()
    assert secret not in text
    assert "https://cdn.example/a.mp3" in text
    schema().validate(json.loads(text))


def test_ordinary_parameters_are_no_secrets() -> None:
    params = {
        "prompt": "key: C minor? yes #1",
        "time_signature": "3/4",
        "service_options": {"max_tokens": 10, "key": "Am"},
    }
    assert document(sample(params=params))["params"] == params


@settings(derandomize=True, deadline=None)
@given(st.floats(), st.dictionaries(st.text(max_size=5), st.floats() | st.text(max_size=9), max_size=4))
def test_numbers_that_are_none_become_null(value: float, params: dict[str, Any]) -> None:
    facts = Facts(loudness_lufs=value, true_peak_dbtp=value, alignment=Alignment(lag_samples=value))
    sidecar = build_sidecar(about(params=params), 1, (returned("a.wav", Kind.MIX, facts=facts),), NOON)
    plain = json.loads(sidecar.text(), parse_constant=pytest.fail)
    assert plain["returns"][0]["loudness_lufs"] == facts.loudness_lufs
    schema().validate(plain)


def test_a_text_that_is_not_valid_unicode_can_be_written() -> None:
    facts = Facts(checks=("caf\udce9",))
    sidecar = build_sidecar(about(params={"title": "a\ud800b"}), 1, (returned("a.wav", Kind.MIX, facts=facts),), NOON)
    plain = json.loads(sidecar.text().encode())
    assert plain["returns"][0]["checks"] == ["caf\\xe9"]
    assert plain["params"] == {"title": "a\\ud800b"}


def test_times_are_utc_whatever_they_came_in() -> None:
    assert utc_text(datetime(2026, 3, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))) == "2026-03-01T12:00:00.000Z"
    assert utc_text("2026-03-01T12:00:00Z") == "2026-03-01T12:00:00.000Z"
    assert utc_text("2026-03-01T12:00:00.5") == "2026-03-01T12:00:00.500Z"
    assert document(sample())["created_at"] == "2026-03-01T11:00:00.000Z"


def test_the_clips_path_is_told_from_the_session_where_it_lies_inside(tmp_path: Path) -> None:
    session = tmp_path / "My Song"
    (session / "Audio").mkdir(parents=True)
    assert source_path(session / "Audio" / "riff.wav", session) == "Audio/riff.wav"
    assert source_path(session / "Audio" / ".." / "riff.wav", session) == "riff.wav"
    assert source_path(tmp_path / "My Song 2" / "riff.wav", session) == (tmp_path / "My Song 2/riff.wav").as_posix()
    if os.name == "posix":
        (tmp_path / "link").symlink_to(session)
        assert source_path(session / "riff.wav", tmp_path / "link") == "riff.wav"


def test_a_takes_own_references_stand_for_the_sends() -> None:
    own = ServiceRefs(clip_ids=("clip-2",))
    assert document(build_sidecar(about(), 2, (), NOON, own))["service_refs"]["clip_ids"] == ["clip-2"]


@pytest.fixture
def delivered(tmp_path: Path) -> Path:
    for name, content in {"r_t1.wav": b"mix", "r_t1_vocals.wav": b"stem", "r_t1.mid": b"midi"}.items():
        (tmp_path / name).write_bytes(content)
    path = tmp_path / "r_t1.json"
    path.write_text(sample().text(), "utf-8")
    return path


def test_what_was_written_is_read_back(delivered: Path) -> None:
    assert read_sidecar(delivered).text() == sample().text()
    assert read_sidecar(delivered).returns == sample().returns


def test_a_users_own_keys_in_a_sidecar_do_no_harm(delivered: Path) -> None:
    plain = document(sample()) | {"my_note": "keep this one"}
    plain["returns"][0]["stars"] = 5
    delivered.write_text(json.dumps(plain), "utf-8")
    assert verify(delivered) == []


def test_a_whole_take_has_no_problems_and_a_spoiled_one_names_each(delivered: Path) -> None:
    assert verify(delivered) == []
    (delivered.parent / "r_t1.wav").write_bytes(b"max")
    (delivered.parent / "r_t1.mid").unlink()
    assert verify(delivered) == ["r_t1.wav has changed since it was delivered.", "r_t1.mid is missing."]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"schema": "other"}', "\x00\xff"])
def test_what_is_no_sidecar_is_told_so(content: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(content, "utf-8")
    with pytest.raises(SendReturnError, match=r"a\.json is not a sidecar of ours\."):
        read_sidecar(path)
    assert verify(path) == ["a.json is not a sidecar of ours."]


def test_a_listed_path_cannot_lead_elsewhere(delivered: Path) -> None:
    plain = document(sample())
    plain["returns"][0]["path"] = "../../etc/passwd"
    delivered.write_text(json.dumps(plain), "utf-8")
    assert verify(delivered) == ["r_t1.json is not a sidecar of ours."]


def test_a_sidecar_that_is_not_there_is_told(tmp_path: Path) -> None:
    [problem] = verify(tmp_path / "none.json")
    assert problem.startswith("none.json cannot be read: ")


@pytest.mark.skipif(sys.platform == "win32", reason="file names are Unicode there")
def test_a_clip_whose_name_is_not_utf8_keeps_a_readable_path(tmp_path: Path) -> None:
    clip = tmp_path / os.fsdecode(b"caf\xe9.wav")
    sidecar = sample(source=Source(path=source_path(clip, tmp_path)))
    assert document(sidecar)["source"]["path"] == "caf\\xe9.wav"
