"""Our items in Pro Tools' File > Export: one for each operation and preset, and one that tells how things stand.

Pro Tools has no way to show a message, so the last item's name is the message. Items of a daemon that was killed are
taken away by the next one, which finds their names in a file.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from sendreturn_bridges.daws.protools.host import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sendreturn_bridges.daws.protools.host import Host

log = structlog.get_logger(__name__)

MOST_LETTERS = 150
STATUS = ""
"""What the item that tells how things stand does."""


class Menu:
    """The items of one connection.

    Args:
        words: What each item does, by its name: an operation or a preset.
        memory: The file that remembers the items.
    """

    def __init__(self, host: Host, words: Mapping[str, str], memory: Path) -> None:
        self._host = host
        self._words = words
        self._memory = memory
        self._does: dict[str, str] = {}
        self._shown = ""

    @property
    def is_there(self) -> bool:
        return bool(self._does)

    @property
    def count(self) -> int:
        return len(self._does)

    def install(self) -> bool:
        """Put the items in; False where this version of Pro Tools takes none."""
        self._take_away(_remembered(self._memory))
        try:
            for label, word in self._words.items():
                self._add(f"sendreturn: {label}", word)
        except Refused as refused:
            log.info("Pro Tools takes no menu items", text=refused.what)
            return False
        return True

    def word_of(self, item: str) -> str | None:
        """What a click on an item asks for: an operation or a preset; None for one that asks for nothing."""
        return self._does.get(item) or None

    def tell(self, sentence: str) -> None:
        """Show a sentence as the name of the last item."""
        if not self._does or sentence == self._shown:
            return
        old = [item for item, word in self._does.items() if word == STATUS]
        self._take_away(old)
        with suppress(Refused):
            self._add(f"sendreturn: {_short(sentence)}", STATUS)
            self._shown = sentence

    def remove(self) -> None:
        """Take them all away."""
        self._take_away(list(self._does))

    def _add(self, label: str, word: str) -> None:
        info = {"menu_area": "MArea_Export", "menu_label": [{"locale": "en", "ui_string": label}]}
        item = str(self._host.call("InstallMenuHandler", {"menu_info": info}).get("menu_item_id") or "")
        if item:
            self._does[item] = word
            self._remember()

    def _take_away(self, items: Sequence[str]) -> None:
        for item in items:
            with suppress(Refused):  # those of an earlier run of Pro Tools are gone with it
                self._host.call("UninstallMenuHandler", {"menu_item_id": item})
            self._does.pop(item, None)
        self._remember()

    def _remember(self) -> None:
        with suppress(OSError):
            self._memory.write_text(json.dumps(list(self._does)), "utf-8")


def words_of(operations: Sequence[str], presets: Mapping[str, str]) -> dict[str, str]:
    """What the items are called, and what they do."""
    return {**{word: word for word in operations}, **{f"{name} ({kind})": name for name, kind in presets.items()}}


def _remembered(memory: Path) -> list[str]:
    try:
        found = json.loads(memory.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [str(item) for item in found] if isinstance(found, list) else []


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= MOST_LETTERS else f"{sentence[: MOST_LETTERS - 1]}…"
