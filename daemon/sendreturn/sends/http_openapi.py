"""The OpenAPI description of the HTTP interface."""

from __future__ import annotations

from functools import cache
from typing import Any

from sendreturn import __version__
from sendreturn.params import Params
from sendreturn.sends.http_shapes import PressRequest, SendRequest, Shape, WaitingRequest
from sendreturn.words import Kind, State

STATES = [state.value for state in State]
TEXT: Shape = {"type": "string"}
TEXT_OR_NULL: Shape = {"type": ["string", "null"]}
NUMBER_OR_NULL: Shape = {"type": ["number", "null"]}
COUNT: Shape = {"type": "integer", "minimum": 0}
FLAG: Shape = {"type": "boolean"}
ERRORS = {
    400: "It was asked for wrongly.",
    401: "The local token is missing or wrong.",
    403: "Only this machine is answered.",
    404: "There is no such send.",
    409: "The send's state does not allow this.",
    422: "The service will not do this; nothing was spent.",
    503: "Too many streams are open.",
}
OUTSIDE = {
    401: "The signature is wrong.",
    404: "There is nothing here.",
    408: "The body came too slowly.",
    413: "The body is too large.",
    416: "The clip has no such part.",
    429: "Too many requests; come again after Retry-After.",
}
"""What statuses mean where the Internet may ask."""


@cache
def openapi() -> Shape:
    """The description, as OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sendreturn",
            "version": __version__,
            "description": "The send/return loop between a DAW and AI music services, on this machine.",
        },
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "localToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The text of the file `token` in the state folder.",
                }
            },
            "schemas": _schemas(),
        },
    }


def _paths() -> Shape:
    state = {"name": "state", "in": "query", "description": "Only sends in this state.", "schema": {"enum": STATES}}
    send_id = {"name": "id", "in": "path", "required": True, "schema": {**TEXT, "pattern": "^[0-9a-f]{8}$"}}
    daw = _in_path("name")
    turns = {
        "cancel": "Cancel a send that has not ended",
        "retry": "Try a send once more that failed, was cancelled or is uncertain",
        "approve": "Let a send go out that waits for approval",
    }
    waiting = {
        "approve": "Let all sends go out that wait for approval",
        "cancel": "Cancel all sends that wait for approval",
    }
    return {
        "/api/sends": {
            "post": _change("Make a send", "Accepted", 202, errors=(400, 422), requestBody=_send_body()),
            "get": _operation("List the sends, the newest first", "Sends", errors=(400,), parameters=[state]),
        },
        "/api/sends/{id}": {
            "parameters": [send_id],
            "get": _operation("Show a send with its history", "SendWithHistory", errors=(404,)),
        },
        **{
            f"/api/sends/{verb}": {
                "post": _change(summary, "SendIds", errors=(400,), requestBody=_body("WaitingRequest"))
            }
            for verb, summary in waiting.items()
        },
        **{
            f"/api/sends/{{id}}/{verb}": {
                "parameters": [send_id],
                "post": _change(summary, "Send", errors=(404, 409)),
            }
            for verb, summary in turns.items()
        },
        "/api/services": {"get": _operation("List the services and what each can do", "Services")},
        "/api/events": {"get": _events()},
        "/api/rescan": {"post": _change("Look through all watched folders now", "Rescan", 202)},
        "/api/daws/{name}/ping": {
            "post": _change("Ask the part inside a DAW for an answer", "Pong", parameters=[daw], errors=(400,))
        },
        "/api/daws/{name}/press": {
            "post": _change(
                "Have a DAW send what is selected in it",
                "Accepted",
                202,
                parameters=[daw],
                errors=(400, 409),
                requestBody={"required": True, "content": _json(_ref("PressRequest"))},
            )
        },
        "/health": {"get": _operation("Tell whether all is well", "Health")},
        "/openapi.json": {"get": _operation("This description", "Description")},
        **_public_paths(),
    }


def _public_paths() -> Shape:
    """Only these are answered at `public_url` too. What is wrong there is told by a status alone."""
    token, name, service, send_id = (_in_path(name) for name in ("token", "name", "service", "id"))
    audio = {"description": "The clip.", "content": {"audio/*": {"schema": {**TEXT, "format": "binary"}}}}
    return {
        "/clips/{token}/{name}": {
            "parameters": [token, name],
            "get": {
                "summary": "Fetch a clip that a service was given the address of, or a part of it (Range)",
                "responses": {"200": audio, "206": audio, **_statuses(404, 416, 429)},
            },
        },
        "/webhooks/{service}/{id}/{token}": {
            "parameters": [service, send_id, token],
            "post": {
                "summary": "Be called back by a service; it is taken as a hint to look there",
                "responses": {"200": {"description": "It is heard."}, **_statuses(401, 404, 408, 413, 429)},
            },
        },
    }


def _in_path(name: str) -> Shape:
    return {"name": name, "in": "path", "required": True, "schema": TEXT}


def _statuses(*codes: int) -> Shape:
    return {str(code): {"description": OUTSIDE[code]} for code in codes}


def _operation(summary: str, schema: str, status: int = 200, *, errors: tuple[int, ...] = (), **more: Any) -> Shape:
    answers = {str(status): {"description": "It is done.", "content": _json(_ref(schema))}}
    return {"summary": summary, "responses": {**answers, **_failures(errors)}, **more}


def _change(summary: str, schema: str, status: int = 200, *, errors: tuple[int, ...] = (), **more: Any) -> Shape:
    return _operation(summary, schema, status, errors=(*errors, 401), security=[{"localToken": []}], **more)


def _failures(codes: tuple[int, ...]) -> Shape:
    return {str(code): {"description": ERRORS[code], "content": _json(_ref("Error"))} for code in sorted((*codes, 403))}


def _events() -> Shape:
    """The stream is no JSON, so it is described by hand."""
    stream = {"description": "A stream that ends with the daemon.", "content": {"text/event-stream": {"schema": TEXT}}}
    return {
        "summary": "Hear what happens, as server-sent events",
        "description": "`state` with a Send whenever one gets further, `return` with a Return for each file.",
        "responses": {"200": stream, **_failures((503,))},
    }


def _body(schema: str) -> Shape:
    return {"required": True, "content": _json(_ref(schema))}


def _send_body() -> Shape:
    binary = {"type": "string", "contentMediaType": "application/octet-stream", "description": "The clip."}
    fields = {name: {**TEXT} for name in ("operation", "session", "service", "req")}
    params = {**TEXT, "contentMediaType": "application/json", "description": "Params as a JSON object."}
    form = {
        "type": "object",
        "properties": {"audio": binary, **fields, "params": params},
        "required": ["audio", "operation", "session"],
    }
    return {
        "required": True,
        "content": {**_json(_ref("SendRequest")), "multipart/form-data": {"schema": form}},
    }


def _schemas() -> Shape:
    request = SendRequest.model_json_schema()
    press = PressRequest.model_json_schema()
    for asked in (request, press):
        asked["properties"]["params"] = _ref("Params")
    send = _send()
    entry = _object(at={**TEXT, "format": "date-time"}, state={"enum": STATES}, note=TEXT)
    details = {"params": {"type": "object"}, "folder": TEXT_OR_NULL, "history": _list(entry)}
    return {
        "SendRequest": request,
        "PressRequest": press,
        "WaitingRequest": WaitingRequest.model_json_schema(),
        "SendIds": _object(sends=_list(TEXT)),
        "Params": Params.model_json_schema(),
        "Accepted": _object(id=TEXT, state={"enum": STATES}),
        "Send": send,
        "SendWithHistory": _object(**send["properties"], **details),
        "Sends": _object(sends=_list(_ref("Send"))),
        "Return": _object(
            id=TEXT, take=COUNT, kind={"enum": [kind.value for kind in Kind]}, name=TEXT, path=TEXT,
            position_samples={"type": "integer"}, sample_rate=COUNT,
        ),
        "Services": _object(services=_list(_ref("Service"))),
        "Service": _object(
            name=TEXT, title=TEXT, about=TEXT, free=FLAG, currency=TEXT, clip_formats=_list(TEXT),
            requests=NUMBER_OR_NULL, per_s=NUMBER_OR_NULL, retention_h=NUMBER_OR_NULL, limits=_list(TEXT),
            operations={"type": "object", "additionalProperties": _ref("Operation")},
            service_options={"type": "object", "additionalProperties": TEXT},
        ),
        "Operation": _object(
            makes=_list(TEXT), demands=_list(TEXT), honours=_list(TEXT), credits=NUMBER_OR_NULL, credits_estimated=FLAG,
            longest_clip_s=NUMBER_OR_NULL, shortest_clip_s=NUMBER_OR_NULL, takes=COUNT,
        ),
        "Health": _object(
            status={"enum": ["ok", "degraded"]}, problems=_list(_object(topic=TEXT, what=TEXT)), version=TEXT,
            pid=COUNT, osc_port={"type": ["integer", "null"]}, osc_subscribers=_list(TEXT),
            oscquery_port={"type": ["integer", "null"]},
            osc=_object(received=COUNT, malformed=COUNT, refused=COUNT, dropped=COUNT),
            sends={"type": "object", "additionalProperties": COUNT},
        ),
        "Rescan": _object(rescan=FLAG),
        "Pong": _object(answer=TEXT_OR_NULL),
        "Description": {"type": "object"},
        "Error": _object(error=_object(what=TEXT, hint=TEXT)),
    }  # fmt: skip


def _send() -> Shape:
    return _object(
        id=TEXT, operation=TEXT, service=TEXT, state={"enum": STATES},
        progress={"type": "number", "minimum": 0, "maximum": 1}, text=TEXT, clip=TEXT_OR_NULL, session=TEXT,
        created_at={**TEXT, "format": "date-time"}, cost=NUMBER_OR_NULL, returns=_list(TEXT),
    )  # fmt: skip


def _object(**properties: Any) -> Shape:
    """An object that has all of these."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(items: Shape) -> Shape:
    return {"type": "array", "items": items}


def _json(schema: Shape) -> Shape:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> Shape:
    return {"$ref": f"#/components/schemas/{name}"}
