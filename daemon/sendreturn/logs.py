"""Logs: one JSON object a line in the state folder, rotated; a short form on the terminal; never a secret in either."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, MutableMapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

import structlog

LOG_NAME = "sendreturn.log"
MOST_BYTES = 5 << 20
KEPT = 5
Redact = Callable[[str], str]


def set_up_logs(folder: Path, redact: Redact, terminal: TextIO | None = sys.stderr, level: int = logging.INFO) -> None:
    """Send all logs to `folder` and to `terminal`. Replaces what was set up before."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redactor(redact),
    ]
    handlers: list[logging.Handler] = [_file_handler(folder, shared)]
    if terminal is not None:
        handlers.append(_terminal_handler(terminal, shared))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    take_down_logs()
    root.handlers = handlers
    root.setLevel(level)
    # httpx tells whole URLs, signatures included, at INFO (encode/httpx issue 2760).
    for name in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)


def take_down_logs() -> None:
    """Close the log files."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()


def _file_handler(folder: Path, shared: list[structlog.types.Processor]) -> logging.Handler:
    handler = RotatingFileHandler(
        folder / LOG_NAME, maxBytes=MOST_BYTES, backupCount=KEPT, encoding="utf-8", delay=True
    )
    handler.setFormatter(_formatter(structlog.processors.JSONRenderer(ensure_ascii=False), shared))
    return handler


def _terminal_handler(terminal: TextIO, shared: list[structlog.types.Processor]) -> logging.Handler:
    handler = logging.StreamHandler(terminal)
    renderer = structlog.dev.ConsoleRenderer(colors=terminal.isatty(), pad_event_to=0)
    handler.setFormatter(_formatter(renderer, shared))
    return handler


def _formatter(renderer: Any, shared: list[structlog.types.Processor]) -> logging.Formatter:
    drop = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[drop, renderer])


def _redactor(redact: Redact) -> structlog.types.Processor:
    def clean(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for name, value in event.items():
            if isinstance(value, str):
                # A line break in foreign text would look like a line of ours on the terminal.
                text = redact(value)
                event[name] = text if name == "exception" else text.replace("\n", "\\n").replace("\r", "\\r")
        return event

    return clean
