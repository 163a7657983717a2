# sendreturn-bridge @VERSION@
"""What Live asks of a control surface: it calls these by their names, on its main thread."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Callable, Sequence

from .desk import Desk
from .keys import Keys
from .voice import Voice

EVERY_S = 0.08
"""Live calls `update_display` about every 100 ms; should it do so more often, that is passed over."""


class Surface:
    """One control surface, for as long as one set is open."""

    def __init__(self, c_instance: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._live, self._clock = c_instance, clock
        self._voice = Voice(c_instance, clock)
        self._keys = Keys(Path(__file__).with_name("keys.json"))
        self._desk = Desk(c_instance.song(), self._voice, self._keys, clock)
        self._stepped_at = -EVERY_S
        self._stumbled = ""
        if self._keys.wrong:
            self._voice.say(self._keys.wrong)

    def update_display(self) -> None:
        if self._clock() - self._stepped_at >= EVERY_S:
            self._stepped_at = self._clock()
            self._guarded(self._desk.step)
        self._voice.go_on()

    def receive_midi(self, midi_bytes: Sequence[int]) -> None:
        """A key that was asked for in `build_midi_map`; what is selected now is sent now."""
        word = self._keys.word_of(midi_bytes)
        if word is not None:
            self._guarded(lambda: self._desk.press(word))

    def build_midi_map(self, midi_map_handle: int) -> None:
        self._keys.forward(self._live.handle(), midi_map_handle)

    def disconnect(self) -> None:
        """The set is being closed, or Live ends."""
        self._guarded(self._desk.close)

    def _guarded(self, act: Callable[[], None]) -> None:
        """Nothing of ours may disturb Live; what is wrong is said once."""
        try:
            act()
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            if text != self._stumbled:
                self._stumbled = text
                self._voice.say(f"something is wrong with its script in Live: {text}")

    # What Live asks of every control surface, and has no answer here

    def connect_script_instances(self, instanciated_scripts: Any) -> None:
        pass

    def refresh_state(self) -> None:
        pass

    def port_settings_changed(self) -> None:
        pass

    def can_lock_to_devices(self) -> bool:
        return False

    def suggest_input_port(self) -> str:
        return ""

    def suggest_output_port(self) -> str:
        return ""

    def suggest_map_mode(self, cc_no: int, channel: int) -> int:
        return 0

    def suggest_needs_takeover(self, cc_no: int, channel: int) -> bool:
        return True
