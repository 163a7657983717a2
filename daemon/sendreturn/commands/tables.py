"""Sends as text."""

from __future__ import annotations

import json
from typing import Any

from sendreturn.terminal import printable

Shape = dict[str, Any]


def table(sends: list[Shape]) -> str:
    """A line for each send."""
    if not sends:
        return "There are no sends. Drop a clip into a session's Sends folder, or use `sendreturn send`."
    rows = [
        f"{s['id']}  {s['state']:<16} {s['progress']:4.0%}  {s['operation']:<8} {s['service']:<9} "
        f"{_clip_name(s)}  {s['text']}"
        for s in sends
    ]
    return "\n".join(printable(row.rstrip()) for row in rows)


def details(send: Shape) -> str:
    """A send with everything that is known of it."""
    cost = "not known yet" if send["cost"] is None else f"{send['cost']:g}"
    lines = [f"{name}: {_value(send[name])}" for name in ("id", "operation", "service", "state", "text")]
    lines += [f"{name}: {_value(send[name])}" for name in ("clip", "session")]
    lines += [f"created: {send['created_at']}", f"cost: {cost}"]
    lines += [f"params: {json.dumps(send['params'], ensure_ascii=False)}", "history:"]
    lines += [f"  {entry['at']}  {entry['state']:<16} {entry['note']}".rstrip() for entry in send["history"]]
    if send["returns"]:
        lines += ["returns:", *(f"  {path}" for path in send["returns"])]
    return "\n".join(map(printable, lines))


def _clip_name(send: Shape) -> str:
    return str(send["clip"]).replace("\\", "/").rsplit("/", 1)[-1] if send["clip"] else "—"


def _value(value: object) -> str:
    return str(value) if value not in (None, "") else "—"
