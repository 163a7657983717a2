"""The surface as a session of Open Stage Control (version 1): widgets in panels, and functions that scripts share.

The names and meanings of the widgets' properties are those of its reference (openstagecontrol.ammd.net, and
src/client/widgets in its repository); its scripts run in the browser, and `send` goes out from its server.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from sendreturn_bridges.daws.surfaces import OPERATIONS, SLIDERS, TURNS, Surface

VERSION = "1.25.0"
"""Of the program: what came later has changed nothing that stands here."""
HEARD = ("pong", "accepted", "state", "done", "failed", "error")
BLUE, TEAL, GREEN, GREY = "#3373bf", "#268080", "#4dcc66", "#454a50"
COLUMNS = 3

Widget = dict[str, Any]


def session(surface: Surface) -> bytes:
    """The `.json` file."""
    root = {
        "type": "root",
        "id": "root",
        "comments": surface.mark,
        "colorBg": "#121417",
        "layout": "vertical",
        "padding": 8,
        "hideMenu": False,
        "onPreload": _preload(surface),
        "onCreate": "globals.renew()\nsetInterval('renew', globals.renew, 10000)",
        "widgets": [*_buttons(surface), *_wishes(), *_state(), *_ears()],
        "tabs": [],
    }
    document = {"createdWith": "Open Stage Control", "version": VERSION, "type": "session", "content": root}
    return json.dumps(document, indent=2, ensure_ascii=False).encode("utf-8")


def _buttons(surface: Surface) -> list[Widget]:
    operations = [_button(f"do_{word}", text, BLUE, f"globals.press('{word}')") for word, text in OPERATIONS.items()]
    heading = _panel("top", "horizontal", 40, [_link(), _text("heading", "sendreturn", align="left")])
    rows = [heading, _panel("operations", "horizontal", 90, operations)]
    presets = [_button(f"do_{name}", name, TEAL, f"globals.press({json.dumps(name)})") for name in surface.shown]
    starts = range(0, len(presets), COLUMNS)
    rows += [_panel(f"presets_{at}", "horizontal", 60, presets[at : at + COLUMNS]) for at in starts]
    return rows


def _wishes() -> list[Widget]:
    """What goes along with every press: words, and the sliders that were moved."""
    texts = [
        _panel(name, "horizontal", 44, [_text(f"{name}_name", shown, width=150, align="left"), _input(name)], "_row")
        for name, shown in (("prompt", "Prompt"), ("style", "Style"))
    ]
    return [*texts, *(_slider(name, text) for name, text in SLIDERS.items())]


def _slider(name: str, text: str) -> Widget:
    """A slider counts from the first touch on; a tap on its reset button leaves it to the preset again."""
    fader = {
        "type": "fader",
        "id": name,
        "horizontal": True,
        "design": "compact",
        "expand": True,
        "default": 0.5,
        "colorWidget": f"#{{VAR{{counts, false}} ? '{GREEN}' : '{GREY}'}}",
        "bypass": True,
        "onTouch": f"if (event.type === 'start') globals.slide('{name}', true)",
    }
    shown = f"#{{VAR{{counts, false}} ? Number(@{{{name}}}).toFixed(2) : 'as set'}}"
    number = {**_text(f"{name}_value", "", width=70), "value": shown}
    reset = _button(f"reset_{name}", "^times", GREY, f"globals.slide('{name}', false)\nset('{name}', 0.5)", width=50)
    inner = [_text(f"{name}_name", text, width=150, align="left"), fader, number, reset]
    return _panel(name, "horizontal", 50, inner, "_row")


def _state() -> list[Widget]:
    """How the latest send stands, and what can be done about it."""
    progress = {
        "type": "fader",
        "id": "progress",
        "horizontal": True,
        "design": "compact",
        "interaction": False,
        "bypass": True,
        "height": 24,
        "colorWidget": BLUE,
        "default": 0,
    }
    words = {
        **_text("text", "Select a clip in the DAW, then press a button.", align="left top"),
        "wrap": "soft",
        "expand": True,
        "colorText": "VAR{color, #ffffff}",
    }
    turns = [
        {
            **_button(word, shown, GREY, f"globals.turn('{word}')"),
            "colorWidget": f"#{{VAR{{lit, false}} ? '{GREEN}' : '{GREY}'}}",
        }
        for word, shown in TURNS.items()
    ]
    return [_text("title", "", align="left", height=30), progress, words, _panel("turns", "horizontal", 70, turns)]


def _ears() -> list[Widget]:
    """What hears the daemon's answers: the arguments of a message come as a list, one alone as itself."""
    return [
        {
            "type": "variable",
            "id": f"hear_{word}",
            "address": f"/sendreturn/{word}",
            "bypass": True,
            "onValue": f"globals.hear.{word}(...(Array.isArray(value) ? value : [value]))",
        }
        for word in HEARD
    ]


def _panel(name: str, layout: str, height: int, widgets: list[Widget], suffix: str = "") -> Widget:
    return {
        "type": "panel",
        "id": f"{name}{suffix}",
        "layout": layout,
        "height": height,
        "padding": 4,
        "innerPadding": False,
        "scroll": False,
        "alphaStroke": 0,
        "alphaFillOn": 0,
        "colorBg": "transparent",
        "widgets": widgets,
        "tabs": [],
    }


def _button(name: str, label: str, color: str, script: str, width: int | None = None) -> Widget:
    """Sends nothing by itself; its script does, and only where it was really pressed."""
    return {
        "type": "button",
        "id": name,
        "label": label,
        "mode": "momentary",
        "bypass": True,
        "wrap": "soft",
        "colorWidget": color,
        "alphaFillOff": 0.6,
        **({"expand": True} if width is None else {"width": width}),
        "onValue": f"if (!locals.external) {{ {script} }}",
    }


def _text(name: str, text: str, *, align: str = "center", **more: Any) -> Widget:
    width = {} if "width" in more or "height" in more else {"expand": True}
    return {"type": "text", "id": name, "default": text, "align": align, "bypass": True, **width, **more}


def _input(name: str) -> Widget:
    return {"type": "input", "id": name, "align": "left", "expand": True, "bypass": True, "asYouType": True}


def _link() -> Widget:
    return {"type": "led", "id": "link", "width": 32, "colorWidget": GREEN, "bypass": True}


def _preload(surface: Surface) -> str:
    text = resources.files(__package__ or "").joinpath("preload.js").read_text("utf-8")
    filled = {"MARK": surface.mark, "PORT": str(surface.port), "SLIDERS": json.dumps(list(SLIDERS))}
    for name, value in filled.items():
        text = text.replace(f"@{name}@", value)
    return text
