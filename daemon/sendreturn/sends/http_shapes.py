"""The shapes of the HTTP interface: what comes in, what goes out, and its OpenAPI description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sendreturn import __version__
from sendreturn.errors import UsageError
from sendreturn.params import Params
from sendreturn.words import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendreturn.contract import Manifest
    from sendreturn.sends.wish import Event, SendView

Shape = dict[str, Any]


class SendRequest(BaseModel):
    """What `POST /api/sends` takes."""

    model_config = ConfigDict(extra="forbid")

    path: str | None = Field(None, description="Full path of the clip; none for operations that need none.")
    operation: str = Field(description="An operation or the name of a preset.")
    service: str | None = Field(None, description="The service; the configured one where none is named.")
    session: str | None = Field(
        None, description="The session folder; the watched one that holds the clip where none is named."
    )
    params: dict[str, Any] = Field(default_factory=dict, description="Parameters of the send, by name.")
    req: str | None = Field(None, description="The same text makes a repeated request the same send.")


def parse_request(body: Mapping[str, Any]) -> SendRequest:
    """The request, or a UsageError that names each field that is wrong."""
    try:
        return SendRequest.model_validate(body)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise UsageError(f"The request cannot be used: {'; '.join(wrong)}.", "/openapi.json describes it.") from error


def short_shape(send: SendView) -> Shape:
    """A send as lists show it."""
    return {
        "id": send.id,
        "operation": send.operation,
        "service": send.service,
        "state": send.state.value,
        "progress": round(send.progress, 4),
        "text": send.text,
        "clip": str(send.clip) if send.clip else None,
        "session": str(send.session),
        "created_at": send.created_at,
        "cost": send.cost_credits,
        "returns": [str(path) for path in send.returns],
    }


def full_shape(send: SendView) -> Shape:
    """A send with its parameters and history."""
    history = [{"at": entry.at, "state": entry.state.value, "note": entry.note} for entry in send.history]
    folder = str(send.folder) if send.folder else None
    return {**short_shape(send), "params": dict(send.params), "folder": folder, "history": history}


def event_shape(event: Event) -> tuple[str, Shape]:
    """The name and the data of a server-sent event."""
    if event.returned is None:
        return "state", short_shape(event.send)
    returned = event.returned
    data = {
        "id": event.send.id,
        "take": returned.take,
        "kind": returned.kind.value,
        "name": returned.name,
        "path": str(returned.path),
        "position_samples": returned.position_samples,
        "sample_rate": returned.sample_rate_hz,
    }
    return "return", data


def service_shape(manifest: Manifest) -> Shape:
    """A service and what it can do."""
    operations = {
        name: {
            "makes": [kind.value for kind in spec.makes],
            "demands": list(spec.demands),
            "honours": list(spec.honours),
            "credits": spec.credits,
            "longest_clip_s": spec.longest_clip_s,
        }
        for name, spec in manifest.operations.items()
    }
    return {
        "name": manifest.name,
        "title": manifest.title,
        "about": manifest.about,
        "free": manifest.free,
        "currency": manifest.currency,
        "operations": operations,
    }


def openapi() -> Shape:
    """The OpenAPI description of the interface."""
    token: list[Any] = [{"localToken": []}]
    send_id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[0-9a-f]{8}$"}}
    in_state = {"name": "state", "in": "query", "schema": {"enum": [state.value for state in State]}}
    verbs = {
        f"/api/sends/{{id}}/{verb}": {
            "parameters": [send_id],
            "post": _operation(f"{verb.capitalize()} a send", "Send", security=token, errors=(401, 404, 409)),
        }
        for verb in ("cancel", "retry", "approve")
    }
    create = _operation("Make a send", "Accepted", status="202", security=token, errors=(400, 401, 422))
    create["requestBody"] = {
        "required": True,
        "content": {
            "application/json": {"schema": _ref("SendRequest")},
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"audio": {"type": "string", "format": "binary"}}}
            },
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "sendreturn", "version": __version__},
        "paths": {
            "/api/sends": {
                "post": create,
                "get": {**_operation("List sends, the newest first", "Sends", errors=(400,)), "parameters": [in_state]},
            },
            "/api/sends/{id}": {"parameters": [send_id], "get": _operation("Show a send", "Send", errors=(404,))},
            **verbs,
            "/api/services": {"get": _operation("List the services", "Services")},
            "/api/events": {"get": _events()},
            "/api/rescan": {
                "post": _operation("Look through all folders", "Any", status="202", security=token, errors=(401,))
            },
            "/health": {"get": _operation("Tell whether all is well", "Any")},
        },
        "components": {
            "securitySchemes": {"localToken": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }


def _events() -> Shape:
    """The stream is no JSON, so it is described by hand."""
    content = {"text/event-stream": {"schema": {"type": "string"}}}
    return {
        "summary": "Hear what happens (server-sent events `state` and `return`)",
        "responses": {"200": {"description": "a stream", "content": content}},
    }


def _operation(
    summary: str, schema: str, *, status: str = "200", security: list[Any] | None = None, errors: tuple[int, ...] = ()
) -> Shape:
    failed = {"description": "a sentence, and what to do", "content": {"application/json": {"schema": _ref("Error")}}}
    responses: Shape = {status: {"description": "ok", "content": {"application/json": {"schema": _ref(schema)}}}}
    responses.update({str(code): failed for code in errors})
    operation: Shape = {"summary": summary, "responses": responses}
    return {**operation, "security": security} if security else operation


def _schemas() -> Shape:
    text, path = {"type": "string"}, {"type": ["string", "null"]}
    send = {
        "id": text, "operation": text, "service": text, "state": {"enum": [state.value for state in State]},
        "progress": {"type": "number", "minimum": 0, "maximum": 1}, "text": text, "clip": path, "session": text,
        "created_at": {"type": "string", "format": "date-time"}, "cost": {"type": ["number", "null"]},
        "returns": {"type": "array", "items": text}, "history": {"type": "array", "items": {"type": "object"}},
    }  # fmt: skip
    error = {"type": "object", "properties": {"what": text, "hint": text}, "required": ["what", "hint"]}
    request = SendRequest.model_json_schema()
    request["properties"]["params"] = _ref("Params")
    return {
        "SendRequest": request,
        "Params": Params.model_json_schema(),
        "Send": {"type": "object", "properties": send, "required": ["id", "operation", "state"]},
        "Sends": {"type": "object", "properties": {"sends": {"type": "array", "items": _ref("Send")}}},
        "Accepted": {"type": "object", "properties": {"id": text, "state": text}, "required": ["id", "state"]},
        "Services": {"type": "object", "properties": {"services": {"type": "array", "items": {"type": "object"}}}},
        "Any": {"type": "object"},
        "Error": {"type": "object", "properties": {"error": error}, "required": ["error"]},
    }


def _ref(name: str) -> Shape:
    return {"$ref": f"#/components/schemas/{name}"}
