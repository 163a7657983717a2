"""What may give a secret away: logs and exceptions, kept while a test runs."""

from __future__ import annotations

import functools
import inspect
import logging
import traceback
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from sendreturn.contract import Accepted, MadeTake, Report, ServiceBridge

WATCHED = ("plan", "follow", "submit", "look", "fetch", "cancel", "upload", "balance")


@dataclass
class Seen:
    """What a bridge has said while it was watched.

    Attributes:
        errors: Its exceptions with their tracebacks.
        takes: What it has reported, by the id of the task.
    """

    errors: list[str] = field(default_factory=list)
    takes: dict[str, tuple[MadeTake, ...]] = field(default_factory=dict)


def watch(bridge: ServiceBridge, seen: Seen) -> ServiceBridge:
    """The same bridge; from now on its methods tell `seen` what comes of them."""
    for name in WATCHED:
        method = getattr(bridge, name, None)
        if method is not None:
            setattr(bridge, name, _watched(method, seen))
    return bridge


@contextmanager
def all_logs() -> Iterator[list[str]]:
    """Every line that is logged meanwhile, whatever its level."""
    lines: list[str] = []
    handler, root = _Keeper(lines), logging.getLogger()
    level, handlers = root.level, root.handlers
    # In place of the others: a failing test would otherwise show every line of every library.
    root.handlers = [handler]
    root.setLevel(logging.DEBUG)
    try:
        with structlog.testing.capture_logs(processors=[_told_to(lines)]):
            yield lines
    finally:
        root.setLevel(level)
        root.handlers = handlers


class _Keeper(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


def _told_to(lines: list[str]) -> structlog.typing.Processor:
    def tell(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        broke = traceback.format_exc() if event.get("exc_info") else ""
        lines.append(f"{dict(event)!r}{broke}")
        return event

    return tell


def _watched(method: Callable[..., Any], seen: Seen) -> Callable[..., Any]:
    if not inspect.iscoroutinefunction(method):
        return _told(method, seen)

    @functools.wraps(method)
    async def watched(*args: Any, **named: Any) -> Any:
        try:
            result = await method(*args, **named)
        except Exception as error:
            seen.errors.append(_all_of(error))
            raise
        _note(seen, args, result)
        return result

    return watched


def _told(method: Callable[..., Any], seen: Seen) -> Callable[..., Any]:
    @functools.wraps(method)
    def watched(*args: Any, **named: Any) -> Any:
        try:
            return method(*args, **named)
        except Exception as error:
            seen.errors.append(_all_of(error))
            raise

    return watched


def _all_of(error: Exception) -> str:
    """With what its text does not show, such as the detail of an error of ours."""
    return f"{''.join(traceback.format_exception(error))}{vars(error)!r}"


def _note(seen: Seen, args: tuple[Any, ...], result: object) -> None:
    if isinstance(result, Accepted) and result.report is not None:
        seen.takes[result.task_id] = result.report.takes
    elif isinstance(result, Report) and result.done:
        seen.takes[args[1]] = result.takes
