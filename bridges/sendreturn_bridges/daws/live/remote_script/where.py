# sendreturn-bridge @VERSION@
"""Where the daemon's mailbox is. `sendreturn bridge install live` writes it down."""

from __future__ import annotations

MAILBOX = "@MAILBOX@"
VERSION = "@VERSION@"
