# sendreturn-bridge @VERSION@
"""Which keys of a MIDI controller send what; `keys.json` beside this file says it, and is the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

from . import live_api
from .mailbox import read_json

NOTE_ON, CONTROL = 0x90, 0xB0
PRESSED = 64
"""From this value on a controller is a key that is held down."""
CHANNEL = 16
NOTES = {60: "extend", 61: "cover", 62: "inpaint", 63: "stems", 64: "midi"}


class Keys:
    """The keys, as they were when this was made.

    Attributes:
        warp: "tempo" where returns are to be warped by the measured tempo; else they play as they are.
        wrong: A sentence, where the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        found = read_json(path)
        self.wrong = (
            "" if found is not None or not path.exists() else f"{path} is no JSON object; the usual keys are used."
        )
        table = found or {}
        self._channel = _within(table.get("channel", CHANNEL), 1, 16, CHANNEL) - 1
        self._words = {
            **{(NOTE_ON, number): word for number, word in _numbers(table.get("notes", NOTES)).items()},
            **{(CONTROL, number): word for number, word in _numbers(table.get("controls", {})).items()},
        }
        self.warp = str(table.get("warp", "off"))
        self._held: dict[int, int] = {}

    def forward(self, script: int, midi_map: int) -> None:
        """Ask Live for these keys, and no others."""
        ways = {NOTE_ON: live_api.forward_note, CONTROL: live_api.forward_control}
        for kind, number in self._words:
            ways[kind](script, midi_map, self._channel, number)

    def word_of(self, message: Sequence[int]) -> str | None:
        """The operation or preset that a MIDI message asks for; None where it asks for nothing."""
        if len(message) != 3 or message[0] & 0x0F != self._channel:
            return None
        kind, number, value = message[0] & 0xF0, message[1], message[2]
        if kind == CONTROL and not self._goes_down(number, value):
            return None
        return self._words.get((kind, number)) if value else None

    def _goes_down(self, number: int, value: int) -> bool:
        before, self._held[number] = self._held.get(number, 0), value
        return before < PRESSED <= value


def _numbers(table: Any) -> dict[int, str]:
    rows = table.items() if isinstance(table, dict) else ()
    pairs: tuple[tuple[int, str], ...] = tuple((_within(number, 0, 127, -1), str(word)) for number, word in rows)
    return {number: word for number, word in pairs if number >= 0}


def _within(value: Any, low: int, high: int, otherwise: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        return otherwise
    return number if low <= number <= high else otherwise
