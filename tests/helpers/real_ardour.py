"""A real Ardour 7 under Xvfb with its dummy engine: no sound card, no wizard, nothing of the user's.

It is told what to do over its own OSC surface, as a user's control surface would: an action of the test's own runs Lua
from a file and writes what that returns into another.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from pythonosc.osc_message_builder import OscMessageBuilder

LIBRARY = Path("/usr/lib/ardour7")
PROGRAM = next(iter(sorted(LIBRARY.glob("ardour-7*"))), LIBRARY / "ardour-7")
PROGRAMS = ("ardour7-lua", "ardour7-export", "Xvfb", "xdotool")
SUPERCLOCK_HZ = 282_240_000
"""Ardour's unit of time in a session file."""
RUN_SLOT = 30
PATIENCE_S = 60.0
WITH_US = ("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()
"""What is started ends with the tests, however they end."""

CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<Ardour>
  <Config>
    <Option name="try-autostart-engine" value="1"/>
    <Option name="hide-dummy-backend" value="0"/>
    <Option name="discover-plugins-on-start" value="0"/>
    <Option name="periodic-safety-backups" value="0"/>
    <Option name="osc-port" value="{port}"/>
  </Config>
  <Extra><AudioMIDISetup><EngineStates>
    <State backend="None (Dummy)" driver="Normal Speed" device="Silence" input-device="" output-device=""
      sample-rate="48000" buffer-size="1024" n-periods="0" input-latency="0" output-latency="0" lm-input="" lm-output=""
      active="1" use-buffered-io="0" midi-option="1 in, 1 out, Silence" lru="1700000000"><MIDIDevices/></State>
  </EngineStates></AudioMIDISetup></Extra>
  <ControlProtocols/>
</Ardour>
"""
SURFACE = (
    '<Protocol name="Open Sound Control (OSC)" active="1" debugmode="0" address-only="0" remote-port="8000" '
    'banksize="0" striptypes="31" feedback="0" gainmode="0" send-page-size="0" plugin-page-size="0"/>'
)
CREATE = """
local s = create_session (arg[1], arg[2], 48000) assert (s, 'no session')
local map = Temporal.TempoMap.fetch_writable ()
map:set_tempo (Temporal.Tempo (tonumber (arg[3]), tonumber (arg[3]), 4), Temporal.timepos_t (0))
Temporal.TempoMap.update (map) map = nil
s:save_state ('', false, false, false, false, false)
s:close ()
"""
RUN = """
return function ()
  local file = io.open ([==[{base}/run.lua]==]) if not file then return end
  local text = file:read ('a') file:close ()
  os.remove ([==[{base}/run.lua]==])
  local made, problem = load (text)
  local ok, result
  if made then ok, result = pcall (made) else ok, result = false, problem end
  local out = io.open ([==[{base}/result.part]==], 'w')
  out:write (ok and 'ok ' or 'no ', tostring (result)) out:close ()
  os.rename ([==[{base}/result.part]==], [==[{base}/result]==])
end
"""


def why_not() -> str | None:
    """Why no Ardour can be run here, or None."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if not PROGRAM.exists():
        missing.insert(0, "Ardour 7")
    return f"{', '.join(missing)} is not installed" if missing else None


@dataclass(frozen=True)
class Region:
    """A region of a saved session, in samples."""

    track: str
    kind: str
    position: int
    length: int
    start: int
    sources: tuple[str, ...]


class Bench:
    """A user's folders, and an Ardour session in them."""

    def __init__(self, folder: Path, bpm: float = 120.0) -> None:
        self.folder = folder
        self.session = folder / "Tune"
        self.config = folder / "xdg" / "ardour7"
        self.port = free_udp_port()
        for path in (self.config, folder / "home", folder / "cache"):
            path.mkdir(parents=True)
        (self.config / ".a7").touch()
        (self.config / "config").write_text(CONFIG.format(port=self.port))
        self.add_test_action()
        self.lua(CREATE, str(self.session), "Tune", str(bpm))
        self._switch_osc_on()

    @property
    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
        return {
            **kept,
            "HOME": str(self.folder / "home"),
            "XDG_CONFIG_HOME": str(self.config.parent),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "LD_LIBRARY_PATH": str(LIBRARY),
            "ARDOUR_DATA_PATH": "/usr/share/ardour7",
            "ARDOUR_CONFIG_PATH": "/etc/ardour7",
            "ARDOUR_DLL_PATH": str(LIBRARY),
            "GTK_PATH": f"/etc/ardour7:{LIBRARY}",
            "UBUNTU_MENUPROXY": "",
            # With AVX-512 Ardour 7.3 corrupts its memory while it exports; upstream's d023ea0d77 mends it in 8.
            "ARDOUR_FPU_FLAGS": "0",
        }

    def add_test_action(self) -> None:
        """The user's list of scripts, with one action that was there before ours."""
        body = RUN.format(base=self.folder)
        state = (
            f"scripts = {{}} scripts[{RUN_SLOT}] = {{}} scripts[{RUN_SLOT}]['n'] = \"run\" "
            f"scripts[{RUN_SLOT}]['s'] = \"-- run\" scripts[{RUN_SLOT}]['f'] = [===[{body}]===] "
            f"scripts[{RUN_SLOT}]['a'] = {{}} "
        )
        code = base64.b64encode(state.encode()).decode()
        (self.config / "ui_scripts").write_text(
            f'<?xml version="1.0" encoding="UTF-8"?>\n<UIScripts><ActionScript lua="Lua 5.3.5">{code}</ActionScript>'
            "<ActionHooks/></UIScripts>\n"
        )

    def lua(self, script: str, *args: str) -> str:
        """Run a script in Ardour's session tool, without X."""
        path = self.folder / "script.lua"
        path.write_text(script)
        done = subprocess.run(
            ["ardour7-lua", str(path), *args],
            env=self.env, capture_output=True, text=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def export(self, target: Path) -> None:
        """Render the whole session as it was saved."""
        subprocess.run(
            ["ardour7-export", "-b", "float", "-o", str(target), str(self.session), "Tune"],
            env=self.env, check=True, capture_output=True, timeout=PATIENCE_S,
        )  # fmt: skip

    def xml(self) -> ET.Element:
        return ET.parse(self.session / "Tune.ardour").getroot()

    def regions(self) -> list[Region]:
        """What lies on the playlists of the saved session."""
        root = self.xml()
        rate = int(root.get("sample-rate") or 0)
        names = {source.get("id"): source.get("name") or "" for source in root.iterfind("Sources/Source")}
        return [
            _region(region, playlist.get("name") or "", rate, names)
            for playlist in root.iterfind("Playlists/Playlist")
            for region in playlist.iterfind("Region")
        ]

    def routes(self) -> dict[str, ET.Element]:
        return {route.get("name") or "": route for route in self.xml().iterfind("Routes/Route")}

    def _switch_osc_on(self) -> None:
        path = self.session / "Tune.ardour"
        text, count = re.subn(r'<Protocol name="Open Sound Control \(OSC\)"[^>]*/>', SURFACE, path.read_text("utf-8"))
        assert count == 1
        path.write_text(text, "utf-8")


class RealArdour:
    """One run of the program. `start` it, wait until the bridge in it answers, then use it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.display = ""
        self._started: list[subprocess.Popen[bytes]] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def __enter__(self) -> RealArdour:
        try:
            self._start_both()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start_both(self) -> None:
        reader, writer = os.pipe()
        self._start(["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x800x24", "-nolisten", "tcp"], (writer,))
        os.close(writer)
        with os.fdopen(reader) as file:
            self.display = ":" + file.readline().strip()
        assert self.display != ":", "no X server"
        self._start([str(PROGRAM), "-a", "-n", str(self.bench.session / "Tune.ardour")])

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGTERM)
        self._socket.close()

    def end(self, how: signal.Signals) -> None:
        """SIGKILL the program as a crash would, or ask it to go; X goes with it."""
        for process in reversed(self._started):
            process.send_signal(how)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._started = []

    def press(self, slot: int) -> None:
        """Run a script's action as a control surface does."""
        self.act(f"LuaAction/script-{slot}")

    def act(self, action: str) -> None:
        """Run any of Ardour's actions, such as `Editor/undo`."""
        message = OscMessageBuilder("/access_action")
        message.add_arg(action)
        self._socket.sendto(message.build().dgram, ("127.0.0.1", self.bench.port))

    def quit(self) -> None:
        """Quit as the user does; the session has no changes that Ardour would ask about."""
        self.act("Common/Quit")
        self._started[-1].wait(PATIENCE_S)

    def run(self, lua: str) -> str:
        """Run Lua inside Ardour; what it returns, as text."""
        result = self.bench.folder / "result"
        result.unlink(missing_ok=True)
        part = self.bench.folder / "run.part"
        part.write_text(lua, "utf-8")
        part.rename(self.bench.folder / "run.lua")
        self.press(RUN_SLOT)
        text = self.until(lambda: result.is_file() and result.read_text("utf-8"))
        assert text.startswith("ok "), text
        return str(text[3:])

    def close_dialog(self) -> None:
        """Press Return in the bridge's own message; waits until it is there."""
        window = self.until(lambda: self._windows("^sendreturn$"))[0]
        while self._windows("^sendreturn$"):
            self._xdotool("key", "--window", window, "Return")
            time.sleep(0.1)

    def processor_s(self) -> float:
        """The processor time that the program has taken so far."""
        times = psutil.Process(self._started[-1].pid).cpu_times()
        return float(times.user + times.system)

    def log(self) -> str:
        return (self.bench.folder / "ardour.log").read_text("utf-8", "replace")

    def until(self, is_so: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
        end_s = time.monotonic() + patience_s
        while not (found := is_so()):
            assert self._started, "Ardour was ended"
            assert self._started[-1].poll() is None, f"Ardour has ended: {self.log()[-2000:]}"
            assert time.monotonic() < end_s, self.log()[-2000:]
            time.sleep(0.005)
        return found

    def _start(self, command: Sequence[str], descriptors: Sequence[int] = ()) -> None:
        with (self.bench.folder / "ardour.log").open("ab") as log:
            self._started.append(
                subprocess.Popen(
                    [*WITH_US, *command],
                    env={**self.bench.env, **({"DISPLAY": self.display} if self.display else {})},
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=descriptors,
                )
            )  # fmt: skip

    def _windows(self, name: str) -> list[str]:
        return self._xdotool("search", "--onlyvisible", "--name", name).split()

    def _xdotool(self, *args: str) -> str:
        env = {**os.environ, "DISPLAY": self.display}
        done = subprocess.run(["xdotool", *args], env=env, capture_output=True, text=True, timeout=20, check=False)
        return done.stdout


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _region(region: ET.Element, playlist: str, rate_hz: int, names: dict[str | None, str]) -> Region:
    length, _, position = (region.get("length") or "").partition("@")
    sources = [value for key, value in sorted(region.attrib.items()) if re.fullmatch(r"source-\d+", key)]
    return Region(
        track=playlist.rpartition(".")[0] or playlist,
        kind=region.get("type") or "",
        position=_samples(position, rate_hz),
        length=_samples(length, rate_hz),
        start=_samples(region.get("start") or "a0", rate_hz),
        sources=tuple(names.get(source, "") for source in sources),
    )


def _samples(text: str, rate_hz: int) -> int:
    """A time as Ardour writes it, in samples; one that is counted in beats ("b…") is -1."""
    return round(int(text[1:]) * rate_hz / SUPERCLOCK_HZ) if text.startswith("a") else -1
