"""A running Live, as far as a Remote Script can tell: it imports the installed script and calls it again and again."""

from __future__ import annotations

import importlib.util
import itertools
import sys
import types
from importlib.machinery import FileFinder, SourceFileLoader
from pathlib import Path
from typing import Any, ClassVar

from live_boost import ArgumentError, LimitationError, LiveObject, Version, takes
from live_clips import MidiNoteSpecification, WarpMarker, begin_to_warp
from live_set import Song, View

TICK_S = 0.1
_COUNT = itertools.count()


class Loader(SourceFileLoader):
    """Reads Python files, and compiles what it has seen before only once."""

    _seen: ClassVar[dict[bytes, Any]] = {}

    def get_code(self, fullname: str) -> Any:
        source = self.get_data(self.path)
        if source not in self._seen:
            self._seen[source] = self.source_to_code(source, self.path)
        return self._seen[source]


class CInstance(LiveObject):
    """What Live hands to the script."""

    def __init__(self, live: Live) -> None:
        self._live = live

    @takes()
    def song(self) -> Song:
        return self._live.song

    @takes()
    def handle(self) -> int:
        return 7

    @takes(str)
    def show_message(self, text: str) -> None:
        self._live.messages.append(text)

    @takes(str)
    def log_message(self, text: str) -> None:
        self._live.log.append(text)


class Application(LiveObject):
    def __init__(self, version: Version, view: View) -> None:
        self._numbers, self._view = version, view

    @property
    def view(self) -> View:
        return self._view

    @takes()
    def get_major_version(self) -> int:
        return self._numbers[0]

    @takes()
    def get_minor_version(self) -> int:
        return self._numbers[1]

    @takes()
    def get_bugfix_version(self) -> int:
        return self._numbers[2]


class Live:
    """One run of Live, with one set open at a time.

    Attributes:
        messages: What the status bar has shown, in order.
        log: Lines of Live's Log.txt.
    """

    def __init__(self, script: Path, song: Song, version: Version = (12, 4, 5)) -> None:
        self.script, self.version = script, version
        self.view = View()
        self.messages: list[str] = []
        self.log: list[str] = []
        self.now = 1000.0
        self._forwarded: set[tuple[str, int, int]] = set()
        self.open(song)

    def open(self, song: Song) -> None:
        """Open a set: Live makes every control surface anew."""
        self.song = song
        LiveObject._version = self.version
        self._import()
        self.surface = self.package.surface.Surface(CInstance(self), lambda: self.now)
        self._forwarded.clear()
        self.surface.build_midi_map(3)

    def close(self) -> None:
        """Close the set, as Live does before it ends or opens another one."""
        self.surface.disconnect()
        self.song._undo.clear()
        assert self.song._open is None

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.now += TICK_S
            self._warp_in_the_background()
            self.surface.update_display()

    def note(self, number: int, velocity: int = 100, channel: int = 16) -> None:
        """A key of the controller that is the script's input."""
        if ("note", channel - 1, number) in self._forwarded:
            self.surface.receive_midi((0x90 | channel - 1, number, velocity))

    def control(self, number: int, value: int, channel: int = 16) -> None:
        if ("cc", channel - 1, number) in self._forwarded:
            self.surface.receive_midi((0xB0 | channel - 1, number, value))

    def _warp_in_the_background(self) -> None:
        clips = [clip for track in self.song._tracks for clip in track._clips]
        clips += [slot.clip for track in self.song._tracks for slot in track._slots if slot.clip]
        for clip in clips:
            if clip._warps_again > 0 and not clip._warping:
                clip._warps_again -= 1
                begin_to_warp(clip)

    def _import(self) -> None:
        """Import the script anew, under a name of its own: each run of Live has a Python of its own."""
        name = f"live_script_{next(_COUNT)}"
        init = self.script / "__init__.py"
        spec = importlib.util.spec_from_file_location(
            name, init, loader=Loader(name, str(init)), submodule_search_locations=[str(self.script)]
        )
        assert spec is not None
        assert spec.loader is not None
        package = importlib.util.module_from_spec(spec)
        before = set(sys.modules)
        sys.path_importer_cache[str(self.script)] = FileFinder(str(self.script), (Loader, [".py"]))
        sys.modules["Live"], sys.modules[name] = self._module(), package
        try:
            spec.loader.exec_module(package)
        finally:
            del sys.path_importer_cache[str(self.script)]
            for added in set(sys.modules) - before:
                if added.startswith(("Live", name)):
                    del sys.modules[added]
        self.package: Any = package

    def _module(self) -> types.ModuleType:
        application = Application(self.version, self.view)
        module = types.ModuleType("Live")
        parts = {
            "Application": types.SimpleNamespace(get_application=lambda: application),
            "Clip": types.SimpleNamespace(MidiNoteSpecification=MidiNoteSpecification, WarpMarker=WarpMarker),
            "Base": types.SimpleNamespace(LimitationError=LimitationError),
            "MidiMap": types.SimpleNamespace(
                forward_midi_note=lambda *arguments: self._forward("note", *arguments),
                forward_midi_cc=lambda *arguments: self._forward("cc", *arguments),
            ),
        }
        vars(module).update(parts)
        return module

    def _forward(self, kind: str, *arguments: int) -> bool:
        if len(arguments) != 4 or not all(isinstance(argument, int) for argument in arguments):
            raise ArgumentError(f"forward_midi_{kind} does not take {arguments}")
        script, midi_map, channel, number = arguments
        assert (script, midi_map) == (7, 3)
        assert 0 <= channel <= 15
        assert 0 <= number <= 127
        self._forwarded.add((kind, channel, number))
        return True
