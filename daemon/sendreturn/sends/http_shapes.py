"""The shapes of the HTTP interface: what comes in, and what goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sendreturn.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sendreturn.contract import Manifest
    from sendreturn.sends.wish import Event, SendView

Shape = dict[str, Any]
AskedT = TypeVar("AskedT", bound=BaseModel)


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


class PressRequest(BaseModel):
    """What `POST /api/daws/{name}/press` takes."""

    model_config = ConfigDict(extra="forbid")

    operation: str = Field(description="An operation or the name of a preset.", min_length=1)
    params: dict[str, Any] = Field(default_factory=dict, description="Parameters of the send, by name.")
    req: str | None = Field(None, description="The same text makes a repeated request the same send.")


class WaitingRequest(BaseModel):
    """What `POST /api/sends/approve` and `/api/sends/cancel` take."""

    model_config = ConfigDict(extra="forbid")

    session: str | None = Field(None, description="Only sends of this session folder; of all where none is named.")


def parse_request(body: Mapping[str, Any]) -> SendRequest:
    """The request, or a UsageError that names each field that is wrong."""
    return _parsed(SendRequest, body)


def parse_press(body: Mapping[str, Any]) -> PressRequest:
    """The press, or a UsageError that names each field that is wrong."""
    return _parsed(PressRequest, body)


def parse_waiting(body: Mapping[str, Any]) -> WaitingRequest:
    """The same for what concerns all sends that wait."""
    return _parsed(WaitingRequest, body)


def _parsed(kind: type[AskedT], body: Mapping[str, Any]) -> AskedT:
    try:
        return kind.model_validate(body)
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
            "credits_estimated": spec.estimated,
            "longest_clip_s": spec.longest_clip_s,
            "shortest_clip_s": spec.shortest_clip_s,
            "takes": spec.takes,
        }
        for name, spec in manifest.operations.items()
    }
    return {
        "name": manifest.name,
        "title": manifest.title,
        "about": manifest.about,
        "free": manifest.free,
        "currency": manifest.currency,
        "clip_formats": list(manifest.clip_formats),
        "requests": manifest.requests or None,
        "per_s": manifest.per_s or None,
        "retention_h": manifest.retention_h,
        "limits": list(manifest.stated),
        "operations": operations,
        "service_options": dict(manifest.service_options),
    }
