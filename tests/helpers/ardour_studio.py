"""A daemon and an Ardour with its bridge, as a user has them, on one machine without a network."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

import httpx
import soundfile
from clips import music
from daemon_process import PLAIN, DaemonProcess
from loopback_only import loopback_only
from real_ardour import Bench, RealArdour, free_udp_port
from sendreturn.daws.installs import installation, load_daws
from sendreturn.daws.mailbox import session_key
from sendreturn.places import Places
from sendreturn_bridges.daws.ardour.ui_scripts import UiScripts

RATE = 48_000
POSITION, START, LENGTH = 144_001, 4_803, 71_999

IMPORT = """
local files = C.StringVector () files:push_back ([==[{clip}]==])
local had = {{}}
for route in Session:get_tracks ():iter () do had[route:name ()] = true end
Editor:do_import (files, Editing.ImportDistinctFiles, Editing.ImportAsTrack, ARDOUR.SrcQuality.SrcBest,
  ARDOUR.MidiTrackNameSource.SMFTrackName, ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore,
  Temporal.timepos_t ({position}), ARDOUR.PluginInfo (), ARDOUR.Track (), false)
for route in Session:get_tracks ():iter () do
  if not had[route:name ()] then
    route:set_name ('{track}')
    for region in route:to_track ():playlist ():region_list ():iter () do
      if not region:to_audioregion ():isnil () then
        region:trim_to (Temporal.timepos_t ({position} + {start}), Temporal.timecnt_t ({length}))
        region:set_position (Temporal.timepos_t ({position}))
      end
    end
  end
end
Session:save_state ('', false, false, false, false, false)
"""
SELECT = """
local list, count = ArdourUI.SelectionList (), 0
Editor:get_selection ():clear_all ()
for route in Session:get_tracks ():iter () do
  if ({tracks})[route:name ()] then
    for region in route:to_track ():playlist ():region_list ():iter () do
      local view = Editor:regionview_from_region (region)
      if view then list:push_back (view) count = count + 1 end
    end
  end
end
Editor:set_selection (list, ArdourUI.SelectionOp.Set)
local seen = 0
for _ in Editor:get_selection ().regions:regionlist ():iter () do seen = seen + 1 end
return seen
"""


class Studio:
    """One user's daemon, session and Ardour. A second `open` is the same session after a restart."""

    def __init__(self, folder: Path, returns: Mapping[str, Any] = PLAIN) -> None:
        self._port = free_udp_port()
        (folder / "daemon").mkdir(parents=True)
        self.daemon = DaemonProcess(folder / "daemon", osc_port=self._port, returns=returns)
        self.clip = folder / "clip.wav"
        soundfile.write(self.clip, music(3.0), RATE, "PCM_24")
        self._move_in(folder / "user")

    def _move_in(self, folder: Path) -> None:
        self.bench = Bench(folder)
        values = {"VERSION": "1", "OSC_PORT": str(self._port), "WEB_PORT": "0"}
        self.installed = installation(load_daws()["ardour"], self.daemon.state, values, self.bench.env)
        self.installed.install()
        ours = UiScripts((self.bench.config / "ui_scripts").read_bytes()).ours
        self.slots = {found.operation: found.slot for found in ours if found.slot is not None}

    def beside(self, folder: Path) -> Studio:
        """A second Ardour with a session of its own, on the same daemon."""
        other = copy(self)
        other._move_in(folder)
        return other

    @property
    def mailbox(self) -> Path:
        return self.installed.folder

    @property
    def box(self) -> Path:
        return self.mailbox / "in" / session_key(str(self.bench.session))

    @contextmanager
    def open(self) -> Iterator[RealArdour]:
        """Ardour with the session, once the hook in it answers."""
        with RealArdour(self.bench) as ardour:
            ardour.until(self.answers)
            yield ardour

    def answers(self) -> bool:
        """Whether the hook in Ardour answers: to the daemon as the doctor asks, without one into the mailbox."""
        card = self.daemon.card()
        if card is not None:
            return self._ask(card["address"])
        (self.mailbox / "in" / "ping").write_text(f"ready {time.monotonic_ns()}", "utf-8")
        said = [path.read_text("utf-8") for path in (self.mailbox / "out").glob("*.json")]
        return any('"pong"' in text and str(self.bench.session) in text for text in said)

    def _ask(self, address: str) -> bool:
        secret = Places(self.daemon.state).read_token()
        headers = {"Authorization": f"Bearer {secret}"}
        answer = httpx.post(f"{address}/api/daws/ardour/ping", headers=headers, timeout=30, trust_env=False)
        return bool(answer.json()["answer"])

    def bring_in(self, ardour: RealArdour, track: str = "Gtr", position: int = POSITION) -> None:
        """A trimmed region on a track of its own; Ardour makes one mono file of each channel."""
        ardour.run(IMPORT.format(clip=self.clip, track=track, position=position, start=START, length=LENGTH))

    def select(self, ardour: RealArdour, *tracks: str) -> None:
        """Select all regions of the tracks; Ardour draws a region a moment after it is there."""
        names = "{" + ", ".join(f"['{track}'] = true" for track in tracks) + "}"
        ardour.until(lambda: ardour.run(SELECT.format(tracks=names)) == str(len(tracks)))

    def press(self, ardour: RealArdour, operation: str) -> None:
        ardour.press(self.slots[operation])

    def status(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.box / "status.json").read_text("utf-8"))
        except FileNotFoundError:
            return {"count": 0, "sends": [], "notes": []}
        return found

    def notes(self, kind: str) -> list[dict[str, Any]]:
        return [note for note in self.status()["notes"] if note["kind"] == kind]


@contextmanager
def studio(folder: Path, returns: Mapping[str, Any] = PLAIN) -> Iterator[Studio]:
    """The studio, with nothing but loopback for its network where that can be had."""
    with loopback_only():
        made = Studio(folder, returns)
        try:
            yield made
        finally:
            made.daemon.kill_all()
