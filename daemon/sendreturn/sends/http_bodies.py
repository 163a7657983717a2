"""What comes in the body of a request: JSON, or a form with a clip."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sendreturn.errors import SendReturnError, UsageError
from sendreturn.sends.http_shapes import SendRequest, parse_request
from sendreturn.sends.wish import Origin, Wish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.datastructures import UploadFile
    from starlette.requests import Request

MOST_JSON_BYTES = 256 * 1024
MOST_FIELDS = 20


async def read_json(request: Request) -> dict[str, Any]:
    """The JSON object in the body. Raises UsageError where there is none, or a very large one."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_JSON_BYTES:
            raise UsageError(f"The request is larger than {MOST_JSON_BYTES // 1024} KB.", "Name the clip by its path.")
    return _object(body, "The request")


@asynccontextmanager
async def read_upload(
    request: Request, only_session: Callable[[], Path | None]
) -> AsyncIterator[tuple[SendRequest, Path, UploadFile]]:
    """What a form asks for, the session that it names or that is the only one, and the clip, to be read in the block.

    Raises:
        UsageError: something is missing or cannot be used.
        SendReturnError: the disk is full.
    """
    try:
        async with request.form(max_files=1, max_fields=MOST_FIELDS) as form:
            # There is one file at most, whatever its part is called.
            audio = next((part for part in form.values() if not isinstance(part, str)), None)
            if audio is None:
                raise UsageError("The upload holds no audio.", "Send the file as the part named audio.")
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            asked = parse_request({**fields, "params": _params(fields)})
            session = await asyncio.to_thread(only_session) if asked.session is None else asked.session
            if not session:
                raise UsageError("An upload needs a session.", "Name the session folder in the part named session.")
            yield asked, _full_path(str(session)), audio
    except OSError as error:
        # Large uploads wait in the system's folder for temporary files until they are whole.
        what = f"The upload could not be kept: {error.strerror}."
        raise SendReturnError(what, "Make room, or name the clip by its path instead.", repr(error)) from error


def wish_of(asked: SendRequest, clip: Path | None = None, session: Path | None = None) -> Wish:
    """The wish that a request stands for; `clip` is the uploaded one, kept in `session`. Raises UsageError."""
    return Wish(
        operation=asked.operation,
        clip=clip or (_full_path(asked.path) if asked.path else None),
        session=session or (_full_path(asked.session) if asked.session else None),
        service=asked.service,
        params=asked.params,
        origin=Origin.HTTP,
        key=f"http:{asked.req}" if asked.req else None,
    )


def _full_path(text: str) -> Path:
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        path = Path(text)
    if not path.is_absolute():
        raise UsageError(f"{text} is not a full path.", "The daemon does not know your folder: give the full path.")
    return path


def _params(fields: dict[str, str]) -> dict[str, Any]:
    return _object(fields["params"].encode(), "The part named params") if "params" in fields else {}


def _object(text: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{what} is not JSON.", "Send a JSON object.", str(error)) from error
    if not isinstance(value, dict):
        raise UsageError(f"{what} is not a JSON object.", 'Send {"path": …, "operation": …}.')
    return value
