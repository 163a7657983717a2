"""The signals by which a program is asked to stop."""

from __future__ import annotations

import asyncio
import signal
import sys


def stop_asked() -> asyncio.Event:
    """An event that is set when the system or the user asks this program to stop. Call it on the event loop."""
    asked, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in _stop_signals():
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(asked.set))
        else:
            loop.add_signal_handler(number, asked.set)
    return asked


def _stop_signals() -> list[signal.Signals]:
    """A closed terminal stops the daemon too, unless `nohup` says that it shall not."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    return numbers
