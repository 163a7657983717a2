"""Requests of which nobody knows whether they were billed, at services that front Suno's models.

Each error has the outcome UNKNOWN: were it called a refusal, the engine would make the request again by itself.
`where` is what tells the user more, such as "your credits there".
"""

from __future__ import annotations

from typing import Any

from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.answers import Answer


def broke_down(title: str, where: str, answer: Answer) -> ServiceError:
    """The service broke down over a request, and does not explain it."""
    return ServiceError(
        f"{title} broke down over the request (HTTP {answer.status}).",
        f"It may have been accepted and billed: look at {where} before you `retry`.",
        f"HTTP {answer.status}: {answer.text[:500]}",
        Outcome.UNKNOWN,
    )


def gave_no_id(title: str, where: str, body: Any) -> ServiceError:
    """The service took a request, and tells neither a task nor a result."""
    what, hint = f"{title} took the request, but gave no id for it.", f"Look at {where} before you `retry`."
    return ServiceError(what, hint, str(body)[:300], Outcome.UNKNOWN)


def gave_too_little(missing: str, where: str, body: Any) -> ServiceError:
    """The service answered at once, and without what was asked for: `missing` says what, as a sentence."""
    hint = f"Look at {where}; `retry` asks for it once more, and may pay twice."
    return ServiceError(missing, hint, str(body)[:300], Outcome.UNKNOWN)
