"""Ways out of a simulator's handlers."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response


class Answer(Exception):  # noqa: N818 - a way out of a handler, whatever the answer says
    """Raised anywhere in a handler: this response is the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def json_error(status: int, **fields: Any) -> JSONResponse:
    """An answer that says no, with these fields."""
    return JSONResponse(fields, status)
