"""Fixtures for all tests."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Iterator

import psutil
import pytest
from hypothesis import settings
from sendreturn.sends import discovery

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.register_profile("searching", deadline=None, database=None)
settings.load_profile("searching" if os.environ.get("SENDRETURN_FUZZ") else "repeatable")
"""Every run tries the same; SENDRETURN_FUZZ=1 looks for more, as in `SENDRETURN_FUZZ=1 pytest -m slow -k spoiled`."""

discovery.WAIT_S = 3600.0
"""No daemon of a test is announced, unless the test is about that."""

PATIENCE_S = 5.0
"""Threads and processes that were told to end may take a moment."""
POOLS = ("asyncio_", "ThreadPoolExecutor", "AnyIO worker thread")
"""Threads that pools keep for their next task; they end with the process or the event loop."""

DAEMON_FOLDERS = ("whole", "crash", "engine", "ways_in")
"""Of these folders every test is looked at; others name the fixture where they want it."""


@pytest.fixture(autouse=True)
def _daemons_leave_nothing_behind(request: pytest.FixtureRequest) -> None:
    if request.path.parent.name in DAEMON_FOLDERS:
        request.getfixturevalue("no_leaks")


@pytest.fixture
def no_leaks() -> Iterator[None]:
    """Fails a test that leaves threads, child processes or open sockets behind."""
    before = _alive()
    yield
    until_s = time.monotonic() + PATIENCE_S
    while left := _alive() - before:
        gc.collect()  # what is only waiting to be collected is told by its ResourceWarning
        if time.monotonic() > until_s:
            pytest.fail(f"the test left behind: {', '.join(sorted(left))}")
        time.sleep(0.02)


def _alive() -> set[str]:
    return {*_threads(), *_children(), *_sockets()}


def _threads() -> Iterator[str]:
    for thread in threading.enumerate():
        if not thread.name.startswith(POOLS):
            yield f"thread {thread.name} ({thread.ident})"


def _children() -> Iterator[str]:
    for child in psutil.Process().children(recursive=True):
        try:
            yield f"process {child.pid} ({' '.join(child.cmdline()) or child.status()})"
        except psutil.NoSuchProcess:
            continue


def _sockets() -> Iterator[str]:
    for connection in psutil.Process().net_connections("all"):
        if connection.fd >= 0:
            kind = f"{connection.family.name} {connection.type.name}"
            yield f"socket {connection.fd} ({kind} {connection.laddr or 'without a name'})"
