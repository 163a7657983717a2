"""What each route answers, and with which status."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from http_rig import TOKEN, HttpRig
from sendreturn.errors import ClipError, DeliveryError, Refusal
from sendreturn.sends import http_bodies
from sendreturn.sends.wish import HistoryEntry, Origin, Wish
from sendreturn.words import State

SEND_KEYS = [
    "id", "operation", "service", "state", "progress", "text", "clip", "session", "created_at", "cost", "returns"
]  # fmt: skip
CLIP = "/session/riff.wav"


@pytest.fixture
def rig() -> HttpRig:
    return HttpRig()


def a_send(rig: HttpRig, **changes: object) -> str:
    view = rig.desk.accept(Wish("cover", Path(CLIP), Path("/session"), params={"style": ["jazz"]})).send
    rig.desk.sends[view.id] = replace(view, **changes)  # type: ignore[arg-type]
    return view.id


async def test_a_send_is_accepted_with_its_id_and_state(rig: HttpRig):
    body = {"path": CLIP, "operation": "extend", "service": "local", "session": "/session", "params": {"extend_s": 8}}
    answer = await rig.http.post("/api/sends", json=body)
    assert answer.status_code == 202
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"id": "00000001", "state": "queued"}
    assert rig.desk.wishes == [
        Wish("extend", Path(CLIP), Path("/session"), "local", {"extend_s": 8}, Origin.HTTP, None, confined=False)
    ]


async def test_only_the_operation_is_needed(rig: HttpRig):
    assert (await rig.http.post("/api/sends", json={"operation": "generate"})).status_code == 202
    assert rig.desk.wishes == [Wish("generate", None, origin=Origin.HTTP)]


async def test_a_request_that_is_repeated_with_its_req_is_the_same_send(rig: HttpRig):
    body = {"path": CLIP, "operation": "cover", "req": "key-7"}
    first, second = [(await rig.http.post("/api/sends", json=body)).json() for _ in range(2)]
    assert first == second
    assert len(rig.desk.wishes) == 1


async def test_a_list_shows_each_send_in_one_shape(rig: HttpRig):
    a_send(rig, state=State.DONE, progress=1.0, returns=(Path("/session/Returns/a.wav"),), cost_credits=2.5)
    a_send(rig, clip=None, text="half way")
    sends = (await rig.stranger.get("/api/sends")).json()["sends"]
    assert [list(send) for send in sends] == [SEND_KEYS, SEND_KEYS]
    done, waiting = sends
    assert (done["state"], done["progress"], done["cost"]) == ("done", 1.0, 2.5)
    assert done["returns"] == ["/session/Returns/a.wav"]
    assert (done["clip"], done["session"]) == (CLIP, "/session")
    assert (waiting["clip"], waiting["cost"], waiting["returns"], waiting["text"]) == (None, None, [], "half way")


async def test_a_list_can_be_asked_for_one_state(rig: HttpRig):
    a_send(rig)
    failed = a_send(rig, state=State.FAILED)
    sends = (await rig.http.get("/api/sends", params={"state": "failed"})).json()["sends"]
    assert [send["id"] for send in sends] == [failed]
    wrong = await rig.http.get("/api/sends", params={"state": "sleeping"})
    assert wrong.status_code == 400
    assert "queued" in wrong.json()["error"]["hint"]


async def test_a_send_is_shown_with_its_history(rig: HttpRig):
    history = (HistoryEntry("2026-01-01T00:00:00Z", State.QUEUED, "came by http"),)
    send_id = a_send(rig, history=history, folder=Path("/session/Returns/x"))
    send = (await rig.http.get(f"/api/sends/{send_id}")).json()
    assert list(send)[: len(SEND_KEYS)] == SEND_KEYS
    assert send["history"] == [{"at": "2026-01-01T00:00:00Z", "state": "queued", "note": "came by http"}]
    assert send["params"] == {"style": ["jazz"]}


@pytest.mark.parametrize(("verb", "state"), [("cancel", "cancelled"), ("retry", "queued"), ("approve", "submitting")])
async def test_a_send_is_turned_by_its_verbs(rig: HttpRig, verb: str, state: str):
    send_id = a_send(rig, state=State.WAITING_APPROVAL)
    answer = await rig.http.post(f"/api/sends/{send_id}/{verb}")
    assert (answer.status_code, answer.json()["state"], list(answer.json())) == (200, state, SEND_KEYS)


async def test_all_that_wait_are_let_go_or_cancelled_at_once_also_those_of_one_session(rig: HttpRig):
    def wait(session: str) -> str:
        return a_send(rig, state=State.WAITING_APPROVAL, session=Path(session))

    running, ours, other = a_send(rig), wait("/ours"), wait("/other")
    assert (await rig.http.post("/api/sends/approve", json={"session": "/ours"})).json() == {"sends": [ours]}
    assert (await rig.http.post("/api/sends/cancel", json={})).json() == {"sends": [other]}
    assert (await rig.http.post("/api/sends/approve", json={})).json() == {"sends": []}
    assert (await rig.http.post("/api/sends/approve", json={"sesion": "/ours"})).status_code == 400
    assert (await rig.stranger.post("/api/sends/approve", json={})).status_code == 401
    assert [rig.desk.sends[one].state for one in (running, ours, other)] == [
        State.QUEUED,
        State.SUBMITTING,
        State.CANCELLED,
    ]


async def test_what_the_send_does_not_allow_now_is_a_conflict(rig: HttpRig):
    answer = await rig.http.post(f"/api/sends/{a_send(rig)}/approve")
    assert answer.status_code == 409


async def test_names_that_are_no_text_can_be_listed(rig: HttpRig):
    a_send(rig, clip=Path("/session/riff\udcff.wav"))
    (send,) = (await rig.http.get("/api/sends")).json()["sends"]
    assert send["clip"] == "/session/riff\udcff.wav"


async def test_services_are_told_with_their_operations(rig: HttpRig):
    services = {service["name"]: service for service in (await rig.http.get("/api/services")).json()["services"]}
    local = services["local"]
    assert local["free"] is True
    assert {"extend", "cover", "inpaint", "stems", "midi"} <= set(local["operations"])
    assert local["operations"]["inpaint"]["demands"] == ["section_s"]


async def test_health_is_told_with_its_reasons(rig: HttpRig):
    rig.health = {"status": "degraded", "problems": [{"topic": "web", "what": "Port 7374 is taken."}]}
    answer = await rig.stranger.get("/health")
    assert (answer.status_code, answer.json()) == (200, rig.health)


async def test_folders_are_looked_through_when_asked(rig: HttpRig):
    assert (await rig.http.post("/api/rescan")).status_code == 202
    assert rig.rescans == 1


CHANGES = ("/api/sends", "/api/sends/approve", "/api/sends/cancel",
           "/api/sends/0000beef/cancel", "/api/sends/0000beef/retry", "/api/sends/0000beef/approve",
           "/api/rescan")  # fmt: skip
WRONG_TOKENS = (
    "", "Bearer", "Bearer ", "Bearer wrong", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN,
    "Bearer \xfc",
)  # fmt: skip


@pytest.mark.parametrize("authorization", WRONG_TOKENS)
async def test_no_change_is_made_without_the_token(rig: HttpRig, authorization: str):
    headers = {"Authorization": authorization.encode("latin-1")}
    for path in CHANGES:
        answer = await rig.stranger.post(path, json={"operation": "generate"}, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["error"]["hint"]
    assert (rig.desk.handed_in, rig.rescans) == (0, 0)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_form_of_a_strangers_page_changes_nothing(rig: HttpRig, content_type: str):
    body = b'{"operation": "generate"}'
    answer = await rig.stranger.post("/api/sends", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 401
    assert rig.desk.handed_in == 0


async def test_nothing_that_is_read_changes_anything(rig: HttpRig):
    send_id = a_send(rig, state=State.WAITING_APPROVAL)
    before = (rig.desk.handed_in, dict(rig.desk.sends))
    for path in ("/api/sends", "/api/services", "/health", "/openapi.json", f"/api/sends/{send_id}"):
        for method in ("GET", "HEAD"):
            assert (await rig.http.request(method, path)).status_code == 200
    for verb in ("cancel", "retry", "approve"):
        assert (await rig.http.get(f"/api/sends/{send_id}/{verb}")).status_code == 405
    assert (rig.desk.handed_in, rig.desk.sends) == before


UNUSABLE = (
    b"", b"{", b"[1]", b'"text"', b"null", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b"1" * 10_000, b"{}",
    b'{"operation": 7}', b'{"operation": "cover", "stile": "jazz"}', b'{"operation": "cover", "params": []}',
    b'{"operation": "cover", "path": "riff.wav"}', b'{"operation": "cover", "path": "~nobody-here/riff.wav"}',
    b'{"operation": "cover", "session": "Song"}',
)  # fmt: skip


@pytest.mark.parametrize("body", UNUSABLE, ids=range(len(UNUSABLE)))
async def test_a_body_that_cannot_be_used_is_told_in_a_sentence(rig: HttpRig, body: bytes):
    answer = await rig.http.post("/api/sends", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]
    assert list(answer.json()["error"]) == ["what", "hint"]
    assert re.fullmatch(r"[^\n]+\.", answer.json()["error"]["what"])
    assert rig.desk.handed_in == 0


async def test_a_body_that_is_too_large_is_not_read_to_its_end(rig: HttpRig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_bodies, "MOST_JSON_BYTES", 1000)
    taken = 0

    async def endless():
        nonlocal taken
        while True:
            taken += 1
            yield b" " * 100

    answer = await rig.http.post("/api/sends", content=endless())
    assert answer.status_code == 400
    assert taken < 20


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ClipError("“a.wav” holds no audio.", "Send another."), 400),
        (Refusal("Studio has no cover.", "Take another service."), 422),
        (DeliveryError("The session cannot be written."), 500),
    ],
)
async def test_errors_carry_their_sentence_and_a_fitting_status(
    rig: HttpRig, error: ClipError, status: int, monkeypatch: pytest.MonkeyPatch
):
    def refuse(_wish: Wish) -> None:
        raise error

    monkeypatch.setattr(rig.desk, "accept", refuse)
    answer = await rig.http.post("/api/sends", json={"operation": "cover"})
    assert answer.status_code == status
    assert answer.json() == {"error": {"what": error.what, "hint": error.hint}}


async def test_a_fault_of_ours_is_told_without_its_details(rig: HttpRig, monkeypatch: pytest.MonkeyPatch):
    def break_down(_state: object = None) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(rig.desk, "list", break_down)
    answer = await rig.http.get("/api/sends")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "log" in answer.json()["error"]["hint"]


@pytest.mark.parametrize("path", ["/api/nothing", "/", "/..%2f..%2fetc/passwd", "/api/sends/%00", "/api/sends/x/y"])
async def test_what_is_not_there_is_told(rig: HttpRig, path: str):
    answer = await rig.http.get(path)
    assert answer.status_code == 404
    assert list(answer.json()["error"]) == ["what", "hint"]


async def test_a_method_that_does_not_fit_is_told_with_those_that_do(rig: HttpRig):
    answer = await rig.http.delete("/health")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert "DELETE" in answer.json()["error"]["what"]
