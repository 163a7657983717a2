"""A TouchOSC that shows a document: its scripts run in a real Lua 5.1, each in a context of its own.

What scripts find there is as hexler.net/touchosc/manual/script-* describes it; anything else fails.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable
from typing import Any

from lupa import lua51

NUMBERS = {"b": lambda text: text == "1", "i": int, "f": float, "s": str}
BY_SCRIPTS = {"color", "textColor", "visible", "tag"}
"""The properties that our scripts may change."""

Message = tuple[str, list[Any]]


class Values:
    """A control's values. Whoever changes one, its script hears of it."""

    def __init__(self, control: Control, defaults: dict[str, Any]) -> None:
        object.__setattr__(self, "_control", control)
        object.__setattr__(self, "_now", defaults)

    def __getattr__(self, key: str) -> Any:
        if key not in self._now:
            raise AttributeError(f"{self._control.name} has no value {key}")
        return self._now[key]

    def __setattr__(self, key: str, value: Any) -> None:
        assert key in self._now, f"{self._control.name} has no value {key}"
        if isinstance(self._now[key], str):
            assert isinstance(value, str), f"{self._control.name}.{key} is a text"
        if self._now[key] != value:
            self._now[key] = value
            self._control.call("onValueChanged", key)


class Children:
    def __init__(self, controls: dict[str, Control]) -> None:
        self.by_name = controls

    def __getattr__(self, name: str) -> Control:
        if name not in self.by_name:
            raise AttributeError(f"there is no control {name}")
        return self.by_name[name]


class Control:
    """One node of the document."""

    def __init__(self, node: Any, screen: Screen) -> None:
        self._screen = screen
        self.kind = node.get("type")
        self.properties = {prop.findtext("key"): _property(prop) for prop in node.find("properties")}
        values = {value.findtext("key"): _default(value) for value in node.find("values")}
        self.values = Values(self, values)
        inner = [Control(child, screen) for child in node.findall("children/node")]
        self.children = Children({child.name: child for child in inner})
        assert len(self.children.by_name) == len(inner), "two controls have one name"
        self._lua: Any = None

    def __getattr__(self, key: str) -> Any:
        properties = self.__dict__.get("properties", {})
        if key in properties:
            return properties[key]
        raise AttributeError(f"a {self.kind} has no property {key}")

    def set(self, key: str, value: Any) -> None:
        assert key in BY_SCRIPTS
        assert key in self.properties, f"a {self.kind} has no property {key}"
        self.properties[key] = value

    def start(self) -> None:
        """Load the script, and those of all children."""
        for child in self.children.by_name.values():
            child.start()
        if self.properties.get("script"):
            self._lua = self._screen.context(self)
            self._lua.execute(self.properties["script"])
        self.call("init")

    def call(self, name: str, *arguments: Any) -> Any:
        function = self._lua.globals()[name] if self._lua is not None else None
        return function(*arguments) if function is not None else None

    def table(self, value: Any) -> Any:
        return self._lua.table_from(value)


class Screen:
    """The document in control surface mode. `sent` holds what went out."""

    def __init__(self, document: bytes, out: Callable[[Message], None] = lambda _: None) -> None:
        self.now_ms = 0.0
        self.sent: list[Message] = []
        self._out = out
        self.root = Control(ET.fromstring(zlib.decompress(document))[0], self)
        self.root.start()

    def control(self, name: str) -> Control:
        return self.root.children.by_name[name]

    def text(self, name: str) -> str:
        found: str = self.control(name).values.text
        return found

    def press(self, name: str) -> None:
        """Press a button, and let it go."""
        control = self.control(name)
        assert control.kind == "BUTTON"
        assert control.interactive
        for touch, x in ((True, 1.0), (False, 0.0)):
            control.values.touch = touch
            control.values.x = x

    def slide(self, name: str, x: float) -> None:
        control = self.control(name)
        assert control.kind == "FADER"
        control.values.touch = True
        control.values.x = x
        control.values.touch = False

    def pass_ms(self, duration_ms: float) -> None:
        self.now_ms += duration_ms
        self.root.call("update")

    def receive(self, address: str, *values: Any) -> bool:
        """An OSC message arrives; whether the document has taken it."""
        arguments = [self.root.table({"tag": "s" if isinstance(v, str) else "f", "value": v}) for v in values]
        message = self.root.table([address, self.root.table(arguments)])
        return bool(self.root.call("onReceiveOSC", message, self.root.table([True])))

    def context(self, control: Control) -> Any:
        lua = lua51.LuaRuntime(unpack_returned_tuples=True)
        for name in ("require", "dofile", "loadfile", "io", "os", "debug", "package", "python"):
            lua.globals()[name] = None
        lua.globals().Color = lambda *parts: parts
        lua.globals().getMillis = lambda: self.now_ms
        lua.globals().sendOSC = self._send
        lua.globals().root = _Handle(self.root if hasattr(self, "root") else None, self)
        lua.globals().self = _Handle(control, self)
        return lua

    def _send(self, message: Any) -> None:
        """TouchOSC's own form: {path, {{tag, value}, …}}."""
        path, arguments = message[1], message[2]
        values = [_typed(argument["tag"], argument["value"]) for argument in arguments.values()]
        self.sent.append((path, values))
        self._out((path, values))


class _Handle:
    """A control as scripts see it: setting a property goes through the rules."""

    def __init__(self, control: Control | None, screen: Screen) -> None:
        object.__setattr__(self, "_control", control)
        object.__setattr__(self, "_screen", screen)

    def __getattr__(self, key: str) -> Any:
        control = self._control or self._screen.root
        if key == "children":
            return _Handles(control, self._screen)
        return getattr(control, key)

    def notify(self, key: str, value: Any) -> None:
        (self._control or self._screen.root).call("onReceiveNotify", key, value)

    def __setattr__(self, key: str, value: Any) -> None:
        (self._control or self._screen.root).set(key, value)


class _Handles:
    def __init__(self, control: Control, screen: Screen) -> None:
        self._control, self._screen = control, screen

    def __getattr__(self, name: str) -> _Handle:
        return _Handle(getattr(self._control.children, name), self._screen)


def _property(prop: Any) -> Any:
    value = prop.find("value")
    if len(value):
        return {part.tag: float(part.text) for part in value}
    return NUMBERS[prop.get("type")](value.text or "")


def _default(value: Any) -> Any:
    text = value.findtext("default") or ""
    key = value.findtext("key")
    return {"touch": lambda: text == "true", "x": lambda: float(text)}.get(key, lambda: text)()


def _typed(tag: str, value: Any) -> Any:
    assert tag in "sfi"
    assert isinstance(value, str) if tag == "s" else isinstance(value, int | float)
    return float(value) if tag == "f" else value
