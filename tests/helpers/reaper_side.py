"""A running REAPER, as far as scripts can tell: each has a Lua of its own, and what it defers runs once a tick."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from lupa import lua53, lua54
from reaper_api import SINCE, WrongCallError, checked, signatures
from reaper_calls import Api
from reaper_session import ReaProject

ARRAY = """
return function (size)
  local data, array = {}, {}
  function array.clear (value) for index = 1, size do data[index] = value or 0.0 end end
  function array.table (first, count)
    first = first or 1
    return table.move (data, first, first + (count or size) - 1, 1, {})
  end
  function array._fill (values) for index = 1, #values do data[index] = values[index] end end
  array.clear ()
  return array
end
"""
STRICT = """
return function (functions, absent, unknown)
  return setmetatable ({}, { __index = function (_, name)
    if absent[name] then return nil end
    return functions[name] or unknown (name)
  end })
end
"""
TICK_S = 0.1


class Reaper:
    """One run of REAPER.

    Attributes:
        dialogs, console, help: What a user was shown.
        answers: What the user answers to the dialogs that ask, in order; None is Cancel.
        menu: What the user takes from the next menu.
        unblocked: Changes of the session outside of an undo step.
        wrong: Calls that REAPER does not know.
        drawn: The texts of the panel's last picture, with their places.
    """

    def __init__(self, resources: Path, project: ReaProject, version: str = "7.25/linux-x86_64") -> None:
        self.resources, self.project, self.version = resources, project, version
        self.dialogs: list[str] = []
        self.console: list[str] = []
        self.help: list[str] = []
        self.answers: list[str | None] = []
        self.menu = 0
        self.menus: list[str] = []
        self.drawn: list[tuple[str, float, float]] = []
        self.running: dict[str, Script] = {}
        self.unblocked: list[str] = []
        self.wrong: list[Exception] = []
        self.now = 1000.0
        self.ext: dict[tuple[str, str], str] = {}
        self.commands = self._registered()
        self.refreshes = 0
        self.open_accessors = 0
        self.device_rate: int | None = 44_100
        self.system = "Other"
        self.play_state = 0
        self.block: Any = None
        self.unreadable: set[str] = set()

    def press(self, name: str) -> Script:
        """Run an action, as its key would."""
        running = self.running.get(name)
        if running is not None and running.options & 1:
            running.end()
            if not running.options & 2:
                return running
        script = Script(self, name)
        self.running[name] = script
        script.start()
        return script

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.now += TICK_S
            for script in list(self.running.values()):
                script.tick()

    def quit(self) -> None:
        for script in list(self.running.values()):
            script.end()

    def undo(self) -> str:
        """What the user does with Ctrl+Z."""
        title, shape = self.project.undo.pop()
        self.project.restore(shape)
        return title

    def click(self, text: str, *, dx: float = 4, button: int = 1) -> None:
        """Press and let go the mouse in the panel, on what is drawn under this text."""
        x, y = next((x, y) for drawn, x, y in self.drawn if drawn == text)
        gfx = self.running["sendreturn_panel.lua"].gfx
        gfx.mouse_x, gfx.mouse_y, gfx.mouse_cap = x + dx, y + 4, button
        self.tick()
        gfx.mouse_cap = 0
        self.tick()

    @property
    def texts(self) -> list[str]:
        return [text for text, _, _ in self.drawn]

    def _registered(self) -> dict[int, tuple[str, str]]:
        """Scripts that reaper-kb.ini knows: command, name and file."""
        kb = self.resources / "reaper-kb.ini"
        lines = kb.read_text("utf-8").splitlines() if kb.is_file() else []
        rows = [shlex.split(line) for line in lines if line.startswith("SCR ")]
        return {50_000 + number: (row[3], Path(row[5]).name) for number, row in enumerate(rows)}


class Script:
    """One script that runs."""

    def __init__(self, reaper: Reaper, name: str) -> None:
        self._reaper, self.name = reaper, name
        self.path = reaper.resources / "Scripts" / "sendreturn" / name
        self.options = 0
        self.deferred: list[Any] = []
        self.at_exit: list[Any] = []
        flavour = lua53 if reaper.version < "7" else lua54  # as REAPER 6 and 7 have it
        self._lua = flavour.LuaRuntime(unpack_returned_tuples=True, register_eval=False, attribute_filter=_opaque)
        self._new_array = self._lua.execute(ARRAY)
        self.gfx: Any = None

    def start(self) -> None:
        globals_ = self._lua.globals()
        api = Api(self._reaper, self)
        functions = {name: checked(name, getattr(api, name), self._reaper.wrong) for name in signatures()}
        version = tuple(int(part) for part in self._reaper.version.split("/")[0].split("."))
        absent = {name: version < since for name, since in SINCE.items()}
        strict = self._lua.execute(STRICT)
        globals_.reaper = strict(self._lua.table_from(functions), self._lua.table_from(absent), self._unknown)
        self.gfx = globals_.gfx = self._lua.table_from(Gfx(self._reaper, self).functions())
        globals_.require = None
        self._lua.execute(self.path.read_text("utf-8"))
        self._end_if_done()

    def tick(self) -> None:
        due, self.deferred = self.deferred, []
        for function in due:
            function()
        self._end_if_done()

    def end(self) -> None:
        if self._reaper.running.get(self.name) is self:
            del self._reaper.running[self.name]
        for function in self.at_exit:
            function()
        self.deferred, self.at_exit = [], []

    def new_array(self, size: int) -> Any:
        return self._new_array(size)

    def list_from(self, values: list[float]) -> Any:
        return self._lua.table_from(values)

    def _unknown(self, name: str) -> None:
        self._reaper.wrong.append(WrongCallError(f"REAPER has no function {name} that is known here"))
        raise self._reaper.wrong[-1]

    def _end_if_done(self) -> None:
        if not self.deferred:
            self.end()


def _opaque(holder: object, name: Any, is_setting: bool) -> Any:
    """Pointers of REAPER have no parts that a script could reach."""
    raise AttributeError(f"{type(holder).__name__} has no {name}")


class Gfx:
    """The window that REAPER draws for a script."""

    def __init__(self, reaper: Reaper, script: Script) -> None:
        self._reaper, self._script = reaper, script
        self._picture: list[tuple[str, float, float]] = []
        self._is_open = False

    def functions(self) -> dict[str, Any]:
        names = ("init", "setfont", "set", "rect", "drawstr", "showmenu", "update", "getchar", "quit")
        start = {"x": 0, "y": 0, "w": 0, "h": 0, "mouse_x": 0, "mouse_y": 0, "mouse_cap": 0}
        return {**start, **{name: getattr(self, name) for name in names}}

    def init(self, title: str, width: int, height: int) -> None:
        assert title
        self._is_open = True
        self._script.gfx.w, self._script.gfx.h = width, height

    def setfont(self, index: int, face: str, size: int) -> None:
        assert 1 <= index <= 16
        assert face
        assert size > 0

    def set(self, red: float, green: float, blue: float, alpha: float) -> None:
        assert all(0 <= part <= 1 for part in (red, green, blue, alpha))

    def rect(self, x: float, y: float, width: float, height: float, filled: int) -> None:
        assert width >= 0
        assert height >= 0

    def drawstr(self, text: str, flags: int, right: float, bottom: float) -> None:
        self._picture.append((text, self._script.gfx.x, self._script.gfx.y))

    def showmenu(self, text: str) -> int:
        self._reaper.menus.append(text)
        return self._reaper.menu

    def update(self) -> None:
        self._reaper.drawn, self._picture = self._picture, []

    def getchar(self) -> int:
        return 0 if self._is_open else -1

    def quit(self) -> None:
        self._is_open = False
