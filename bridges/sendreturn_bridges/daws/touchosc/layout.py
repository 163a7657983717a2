"""The surface as a TouchOSC document: a phone held upright; TouchOSC scales it to whatever it runs on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib import resources

from sendreturn_bridges.daws.surfaces import OPERATIONS, SLIDERS, TURNS, Surface
from sendreturn_bridges.daws.touchosc.tosc import EAST, LEFT, MIDDLE, Color, Frame, Node, Property, document

WIDTH, MARGIN, GAP = 640, 20, 10
COLUMNS = 3
BLACK: Color = (0.07, 0.08, 0.09, 1.0)
DARK: Color = (0.25, 0.27, 0.3, 1.0)
BLUE: Color = (0.2, 0.45, 0.75, 1.0)
TEAL: Color = (0.15, 0.5, 0.5, 1.0)


def touchosc_document(surface: Surface) -> bytes:
    """The `.tosc` file."""
    children = tuple(_children(surface))
    height = max(node.frame[1] + node.frame[3] for node in children) + MARGIN
    about: dict[str, Property] = {"color": BLACK, "tag": surface.mark, "script": _root_script(surface)}
    return document(Node("GROUP", "sendreturn", (0, 0, WIDTH, height), about, children=children))


def _children(surface: Surface) -> Iterator[Node]:
    yield Node("BOX", "link", (MARGIN, 24, 22, 22), {"color": DARK, "cornerRadius": 10.0})
    yield _label("heading", (MARGIN + 34, 15, 300, 40), "sendreturn", 24, left=True)
    top = 70
    operations = list(OPERATIONS.items())
    for texts in (dict(operations[:COLUMNS]), dict(operations[COLUMNS:])):
        yield from _row(texts, len(texts), top, 84, BLUE)
        top += 84 + GAP
    for at in range(0, len(surface.shown), COLUMNS):
        yield from _row({name: name for name in surface.shown[at : at + COLUMNS]}, COLUMNS, top, 62, TEAL)
        top += 62 + GAP
    top += GAP
    for name, text in SLIDERS.items():
        yield from _slider(name, text, top)
        top += 68
    yield from _state(top + GAP)


def _row(texts: dict[str, str], columns: int, top: int, height: int, color: Color) -> Iterator[Node]:
    """Buttons side by side that each send what is selected: what each is to have done, and what stands on it."""
    width = (WIDTH - 2 * MARGIN - (columns - 1) * GAP) // columns
    for place, (word, text) in enumerate(texts.items()):
        frame = (MARGIN + place * (width + GAP), top, width, height)
        yield from _button(f"do_{word}", "selected", word, text, frame, color)


def _button(name: str, act: str, value: str, text: str, frame: Frame, color: Color) -> Iterator[Node]:
    """A button and its text, which lets touches through."""
    about: dict[str, Property] = {"color": color, "tag": f"{act} {value}", "script": _script("button.lua")}
    yield Node("BUTTON", name, frame, {**about, "outline": True, "cornerRadius": 4.0})
    size = min(24, frame[3] // 2, math.floor(1.7 * frame[2] / max(len(text), 1)))
    yield _label(f"{name}_text", frame, text, size)


def _slider(name: str, text: str, top: int) -> Iterator[Node]:
    width = WIDTH - 2 * MARGIN
    yield _label(f"{name}_name", (MARGIN, top, 240, 24), text, 18, left=True)
    yield from _button(f"{name}_value", "reset", name, "as set", (WIDTH - MARGIN - 110, top - 4, 110, 28), BLACK)
    about: dict[str, Property] = {"color": DARK, "orientation": EAST, "cornerRadius": 4.0, "outline": True}
    frame = (MARGIN, top + 26, width, 34)
    yield Node("FADER", name, frame, {**about, "script": _script("slider.lua")}, {"x": "0.5"})


def _state(top: int) -> Iterator[Node]:
    """What stands at the bottom: how the latest send stands, and what can be done about it."""
    width = WIDTH - 2 * MARGIN
    yield _label("title", (MARGIN, top, width - 100, 28), "", 20, left=True)
    yield _label("percent", (WIDTH - MARGIN - 90, top, 90, 28), "", 18)
    shown: dict[str, Property] = {"color": BLUE, "orientation": EAST, "interactive": False, "cursor": False}
    yield Node("FADER", "progress", (MARGIN, top + 32, width, 20), {**shown, "outline": True})
    words: dict[str, Property] = {"color": BLACK, "background": False, "textSize": 17, "textAlignH": LEFT}
    text = "Select a clip in the DAW, then press a button."
    yield Node("TEXT", "text", (MARGIN, top + 58, width, 76), words, {"text": text})
    place = (WIDTH - 2 * MARGIN - 2 * GAP) // 3
    for number, (word, shown_as) in enumerate(TURNS.items()):
        frame = (MARGIN + number * (place + GAP), top + 142, place, 72)
        yield from _button(word, "turn", word, shown_as, frame, DARK)


def _label(name: str, frame: Frame, text: str, size: int, *, left: bool = False) -> Node:
    about: dict[str, Property] = {"background": False, "color": BLACK, "textSize": size, "textAlignV": MIDDLE}
    return Node("LABEL", name, frame, {**about, **({"textAlignH": LEFT} if left else {})}, {"text": text})


def _root_script(surface: Surface) -> str:
    filled = {
        "MARK": surface.mark,
        "PORT": str(surface.port),
        "TOKEN": surface.token,
        "LISTENS_AT": str(surface.listens_at),
        "SLIDERS": ", ".join(f"'{name}'" for name in SLIDERS),
    }
    text = _script("surface.lua")
    for name, value in filled.items():
        text = text.replace(f"@{name}@", value)
    return text


def _script(name: str) -> str:
    return resources.files(__package__ or "").joinpath(name).read_text("utf-8")
