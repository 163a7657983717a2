"""Logs: one JSON object a line in the state folder, rotated; a short form on the terminal; never a secret in either.

A log that cannot be written is told once and costs nothing else: the work goes on without it.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

import structlog

from sendreturn.errors import SendReturnError
from sendreturn.terminal import printable
from sendreturn.unsigned import unsigned

LOG_NAME = "sendreturn.log"
MOST_BYTES = 5 << 20
KEPT = 5
Redact = Callable[[str], str]
Event = MutableMapping[str, Any]

NOISY = (
    *("httpx", "httpcore", "h11", "uvicorn.access", "uvicorn.error", "asyncio", "watchdog", "keyring"),
    *("boto3", "botocore", "s3transfer", "urllib3", "multipart", "sse_starlette"),
)
"""Libraries that tell more than a user wants. httpx tells whole URLs at INFO, signatures included (its issue 2760), and
botocore at DEBUG what it signs and with which headers."""

log = structlog.get_logger(__name__)


@contextmanager
def logs_in(folder: Path, redact: Redact, terminal: TextIO | None, level: int = logging.INFO) -> Iterator[None]:
    """Send all logs to a file in `folder`, and to `terminal` where there is one, while the block runs.

    Whatever breaks the block without being meant for the user is written down, with its traceback.

    Args:
        redact: Takes the secrets out of a text.

    Raises:
        SendReturnError: the block broke; the log says where.
    """
    handlers: list[logging.Handler] = [_file_handler(folder, redact)]
    if terminal is not None:
        handlers.append(_terminal_handler(terminal, redact))
    with _root_logger(handlers, level):
        _tell_trouble(folder)
        try:
            yield
        except SendReturnError:
            raise
        except Exception as error:
            log.critical("something is wrong inside sendreturn", exc_info=True)
            where = folder / LOG_NAME
            raise SendReturnError("Something is wrong inside sendreturn.", f"The log says where: {where}.") from error


@contextmanager
def _root_logger(handlers: list[logging.Handler], level: int) -> Iterator[None]:
    """The root logger with these handlers alone, and as it was before when the block has ended."""
    root = logging.getLogger()
    before, level_before = list(root.handlers), root.level
    hooks_before = threading.excepthook, sys.unraisablehook
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    root.handlers = handlers
    root.setLevel(level)
    threading.excepthook, sys.unraisablehook = _log_broken_thread, _log_unraisable(sys.unraisablehook)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = hooks_before
        root.handlers = before
        root.setLevel(level_before)
        structlog.reset_defaults()
        for handler in handlers:
            handler.close()


def _shared() -> list[structlog.types.Processor]:
    """What every event goes through, ours and the libraries'."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.format_exc_info,
    ]


class _Steady(logging.Handler):
    """A full disk or a closed terminal stops the log, and nothing else."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        pass


class _SteadyFile(_Steady, RotatingFileHandler):
    pass


class _SteadyTerminal(_Steady, logging.StreamHandler[TextIO]):
    pass


class _Redacting(structlog.stdlib.ProcessorFormatter):
    """Takes the secrets out of the finished line, so that none gets by inside a list, an exception or a traceback."""

    def __init__(self, redact: Redact, *processors: structlog.types.Processor) -> None:
        drop = structlog.stdlib.ProcessorFormatter.remove_processors_meta
        super().__init__(foreign_pre_chain=_shared(), processors=[drop, *processors])
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return unsigned(self._redact(super().format(record)))


def _file_handler(folder: Path, redact: Redact) -> logging.Handler:
    # Names of files may hold bytes that are no text; as escapes they are still valid JSON.
    handler = _SteadyFile(
        folder / LOG_NAME,
        maxBytes=MOST_BYTES,
        backupCount=KEPT,
        encoding="utf-8",
        delay=True,
        errors="backslashreplace",
    )
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    handler.setFormatter(_Redacting(redact, stamp, structlog.processors.JSONRenderer(ensure_ascii=False, default=str)))
    return handler


def _terminal_handler(terminal: TextIO, redact: Redact) -> logging.Handler:
    handler = _SteadyTerminal(terminal)
    stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
    renderer = structlog.dev.ConsoleRenderer(
        colors=terminal.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
    )
    handler.setFormatter(_Redacting(redact, stamp, _make_printable, renderer))
    return handler


def _make_printable(_logger: Any, _method: str, event: Event) -> Event:
    """A line break or a control code in foreign text would look like words of ours on a terminal."""
    event.pop("logger", None)
    for name, value in event.items():
        if isinstance(value, str):
            lines = value.split("\n") if name == "exception" else [value]
            event[name] = "\n".join(map(printable, lines))
    return event


def _tell_trouble(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOG_NAME).open("a", encoding="utf-8"):
            pass
    except OSError as error:
        log.warning(f"The log in {folder} cannot be written: {error.strerror}. The work goes on without it.")


def _log_broken_thread(broken: threading.ExceptHookArgs) -> None:
    if broken.exc_value is not None and not isinstance(broken.exc_value, SystemExit):
        log.error("a thread broke", exc_info=broken.exc_value, thread=getattr(broken.thread, "name", None))


def _log_unraisable(before: Callable[[sys.UnraisableHookArgs], object]) -> Callable[[sys.UnraisableHookArgs], None]:
    """What breaks where nobody can catch it, as in the end of an object, is otherwise printed as it is."""

    def tell(broken: sys.UnraisableHookArgs) -> None:
        if broken.exc_value is not None:
            log.error("something broke while it ended", exc_info=broken.exc_value, what=type(broken.object).__name__)
        if before is not sys.__unraisablehook__:  # somebody else, such as a test, wants to hear of it too
            before(broken)

    return tell
