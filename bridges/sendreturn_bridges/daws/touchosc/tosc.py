"""TouchOSC's `.tosc` documents: zlib over XML, in which a control is a node with properties, values and children.

Hexler publishes no description of the format. What is written here follows documents of TouchOSC's own editor and
what others have found in them (github.com/AlbertoV5/tosclib: docs/guide and docs/demos/files): which properties a kind
of control has and of which type each is, the order of the parts, CDATA around every text. Names and meanings of the
properties are in hexler.net/touchosc/manual/script-properties-and-values.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Color = tuple[float, float, float, float]
Frame = tuple[int, int, int, int]
"""Left, top, width and height, in the units of the document."""
Property = bool | int | float | str | Color | Frame

VERSION = 3
"""Of the format: that of TouchOSC 1.0, which every later one reads."""
NORTH, EAST = 0, 1
LEFT, CENTER = 1, 2
TOP, MIDDLE = 1, 2
RECTANGLE = 1
MOMENTARY = 0

_COMMON: dict[str, Property] = {
    "background": True,
    "color": (0.0, 0.0, 0.0, 1.0),
    "cornerRadius": 1.0,
    "frame": (0, 0, 50, 50),
    "grabFocus": True,
    "interactive": True,
    "locked": False,
    "name": "",
    "orientation": NORTH,
    "outline": False,
    "outlineStyle": 1,
    "pointerPriority": 0,
    "shape": RECTANGLE,
    "visible": True,
}
_TEXT: dict[str, Property] = {
    "font": 0,
    "interactive": False,
    "textAlignH": CENTER,
    "textColor": (1.0, 1.0, 1.0, 1.0),
    "textSize": 14,
}
_OF_KIND: dict[str, dict[str, Property]] = {
    "GROUP": {"grabFocus": False, "interactive": False, "outlineStyle": 0},
    "BOX": {"interactive": False},
    "BUTTON": {"buttonType": MOMENTARY, "press": True, "release": True, "valuePosition": False},
    "LABEL": {**_TEXT, "textAlignV": MIDDLE, "textClip": True, "textLength": 0},
    "TEXT": {**_TEXT, "textWrap": True},
    "FADER": {
        "bar": True,
        "barDisplay": 0,
        "cursor": True,
        "cursorDisplay": 0,
        "grid": False,
        "gridSteps": 11,
        "response": 0,
        "responseFactor": 100,
    },
}
_VALUES: dict[str, dict[str, str]] = {
    "GROUP": {"touch": "false"},
    "BOX": {"touch": "false"},
    "BUTTON": {"touch": "false", "x": "0"},
    "LABEL": {"text": "", "touch": "false"},
    "TEXT": {"text": "", "touch": "false"},
    "FADER": {"touch": "false", "x": "0"},
}


@dataclass(frozen=True)
class Node:
    """One control. `properties` and `values` go before what its kind has by itself."""

    kind: str
    name: str
    frame: Frame
    properties: Mapping[str, Property] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Node, ...] = ()


def document(root: Node) -> bytes:
    """The node as a `.tosc` file. The same node gives the same bytes."""
    xml = f"<?xml version='1.0' encoding='UTF-8'?><lexml version='{VERSION}'>{_node(root, '')}</lexml>"
    return zlib.compress(xml.encode("utf-8"), 9)


def _node(node: Node, above: str) -> str:
    path = f"{above}/{node.name}"
    about = {**_COMMON, **_OF_KIND[node.kind], **node.properties, "name": node.name, "frame": node.frame}
    properties = "".join(_property(key, about[key]) for key in sorted(about))
    values = "".join(_value(key, text) for key, text in {**_VALUES[node.kind], **node.values}.items())
    children = "".join(_node(child, path) for child in node.children)
    inner = f"<children>{children}</children>" if children else ""
    return (
        f"<node ID='{uuid.uuid5(uuid.NAMESPACE_URL, f'sendreturn:{path}')}' type='{node.kind}'>"
        f"<properties>{properties}</properties><values>{values}</values>{inner}</node>"
    )


def _property(key: str, value: Property) -> str:
    kind, text = _typed(value)
    return f"<property type='{kind}'><key>{_text(key)}</key><value>{text}</value></property>"


def _typed(value: Property) -> tuple[str, str]:
    if isinstance(value, bool):
        return "b", str(int(value))
    if isinstance(value, int):
        return "i", str(value)
    if isinstance(value, float):
        return "f", f"{value:g}"
    if isinstance(value, str):
        return "s", _text(value)
    letter, names = ("r", "xywh") if isinstance(value[0], int) else ("c", "rgba")
    return letter, "".join(_parts(names, value))


def _parts(names: str, numbers: Color | Frame) -> Iterator[str]:
    for name, number in zip(names, numbers, strict=True):
        yield f"<{name}>{number:g}</{name}>"


def _value(key: str, default: str) -> str:
    return (
        f"<value><key>{_text(key)}</key><locked>0</locked><lockedDefaultCurrent>0</lockedDefaultCurrent>"
        f"<default>{_text(default)}</default><defaultPull>0</defaultPull></value>"
    )


def _text(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"
