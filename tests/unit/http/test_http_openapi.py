"""The OpenAPI description is valid, covers every route, and tells the truth about the answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from http_rig import HttpRig
from openapi_spec_validator import OpenAPIV31SpecValidator
from sendreturn.params import PARAMETERS
from sendreturn.sends.http_openapi import openapi
from sendreturn.sends.http_public import PUBLIC, PublicRoutes
from sendreturn.sends.http_shapes import event_shape
from sendreturn.sends.wish import Event, HistoryEntry, Returned, Wish
from sendreturn.words import Kind, State
from starlette.routing import Route
from ways_in_fakes import a_view


@pytest.fixture
def rig() -> HttpRig:
    return HttpRig()


def check(name: str, table: object) -> None:
    """`table` is as the description says of the schema `name`."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": openapi()["components"]}
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(table)


async def test_it_is_valid_openapi(rig: HttpRig):
    answer = await rig.stranger.get("/openapi.json")
    assert answer.json()["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(answer.json()).validate()


def test_it_covers_every_route_and_no_other(rig: HttpRig):
    public = PublicRoutes(lambda *_: None, lambda *_: False, lambda *_: False).app
    routes = {
        (route.path, method)
        for route in (*rig.door.app.routes, *public.routes)
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = {
        (path, method.upper())
        for path, item in openapi()["paths"].items()
        for method in item.keys() & {"get", "post", "put", "patch", "delete"}
    }
    assert described == routes


def test_it_says_what_wants_the_token():
    for path, item in openapi()["paths"].items():
        assert "security" not in item.get("get", {})
        if "post" in item and not path.startswith(PUBLIC):
            assert item["post"]["security"] == [{"localToken": []}]
            assert "401" in item["post"]["responses"]


def test_it_describes_every_parameter_of_a_send():
    assert tuple(openapi()["components"]["schemas"]["Params"]["properties"]) == PARAMETERS


async def test_answers_are_as_described(rig: HttpRig):
    wish = Wish("cover", Path("/session/riff.wav"), Path("/session"))
    history = (HistoryEntry("2026-01-01T00:00:00.000+00:00", State.QUEUED, ""),)
    send_id = rig.desk.accept(wish).send.id
    rig.desk.sends[send_id] = replace(a_view(wish, send_id), history=history, params={"stems": "none"})
    asked = {
        "Sends": "/api/sends",
        "SendWithHistory": f"/api/sends/{send_id}",
        "Services": "/api/services",
        "Description": "/openapi.json",
        "Error": "/api/sends/nothing",
    }
    for name, path in asked.items():
        check(name, (await rig.http.get(path)).json())
    body = {"path": "/session/riff.wav", "operation": "cover", "params": {"style": ["jazz"], "stems": 2}}
    check("SendRequest", body)
    check("Accepted", (await rig.http.post("/api/sends", json=body)).json())
    check("Send", (await rig.http.post(f"/api/sends/{send_id}/cancel")).json())
    check("Rescan", (await rig.http.post("/api/rescan")).json())


def test_events_are_as_described():
    send = a_view(Wish("cover", Path("/session/riff.wav")))
    file = Path("/session/Returns/x/x_t1.wav")
    name, data = event_shape(Event(send, Returned(1, Kind.MIX, file.name, file, -480, 48_000)))
    assert name == "return"
    check("Return", data)
    assert data == {
        "id": send.id, "take": 1, "kind": "mix", "name": "x_t1.wav", "path": str(file),
        "position_samples": -480, "sample_rate": 48_000,
    }  # fmt: skip
    name, data = event_shape(Event(send))
    assert name == "state"
    check("Send", data)
