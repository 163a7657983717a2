# sendreturn-bridge @VERSION@
"""Puts what comes back on new tracks, in one undo step, a small step in each tick. What is in the set is only read.

An undo step may stay open over several ticks, as Live's own Push script keeps one while a pad is held.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Generator, NamedTuple

from . import clips
from .asked import SAME_TEMPO, SESSION, Anchor
from .live_api import REFUSALS
from .mailbox import Message
from .project import Memory

Steps = Generator[None, None, None]


class Row(NamedTuple):
    """What shares a track: the takes of one kind and stem."""

    key: str
    files: list[Message]

    @property
    def is_notes(self) -> bool:
        return bool(self.files[0]["kind"] == "midi")

    @property
    def name(self) -> str:
        """The track's; takes that share it give it a name without their number."""
        first = self.files[0]
        name = str(first["name"])
        return name if len(self.files) == 1 else name.replace(f" t{first['take']} ", " ", 1)

    @property
    def unfinished(self) -> str:
        """The track's name for as long as not all lies on it: by it one is known that Live has left half done."""
        return f"sendreturn {self.key}"

    def apart(self) -> list[Row]:
        """Each take for itself."""
        return [Row(f"{self.key}/{file['take']}", [file]) for file in self.files]


class Report(NamedTuple):
    """What became of a placement: how many rows lie in the set, and a sentence for all that does not."""

    rows: list[str]
    wrong: list[str]


class Placing:
    """One placement on its way. `steps` does it; each step is short but for the one in which Live reads a file."""

    def __init__(self, song: Any, placement: Message, anchor: Anchor, notes: Message, warp: str) -> None:
        self._song, self._placement, self._anchor = song, placement, anchor
        self._notes = notes.get("files") or {}
        self._bpm = placement.get("bpm") if warp == "tempo" else None
        self._memory = Memory(song)
        self._index = -1
        self.report = Report([], [])

    def steps(self) -> Steps:
        """Ends when all that can be placed lies in the set."""
        rows = [row for row in self._rows() if not self._is_there(row)]
        if not rows:
            return
        self._tell_of_the_tempo()
        before = clips.Selected(self._song)
        self._index = self._behind_source()
        self._song.begin_undo_step()
        try:
            for row in rows:
                yield
                self._take_away_unfinished(row)
                yield from self._add(row)
        finally:
            before.restore()
            self._song.end_undo_step()

    def _is_there(self, row: Row) -> bool:
        """Whether the row was placed before, by a Live that then ended."""
        is_there = self._memory.holds(row.key)
        if is_there:
            self.report.rows.append(row.key)
        return is_there

    def _rows(self) -> list[Row]:
        rows: dict[str, Row] = {}
        for file in self._placement.get("files", []):
            if not Path(file["path"]).is_file():
                self.report.wrong.append(f"{file['path']} is not there any more.")
                continue
            key = "/".join((self._placement["send_id"], file["kind"], file.get("stem") or ""))
            rows.setdefault(key, Row(key, [])).files.append(file)
        return [part for row in rows.values() for part in self._parts(row)]

    def _parts(self, row: Row) -> list[Row]:
        """Where takes cannot share a track, each gets its own."""
        may_share = self._anchor.view == SESSION or (clips.has_lanes(self._song) and not self._bpm)
        if len(row.files) == 1 or (may_share and not any(self._is_cut(file) for file in row.files)):
            return [row]
        return row.apart()

    def _is_cut(self, file: Message) -> bool:
        begins_before = self._anchor.view != SESSION and self._beat_of(file) < 0
        return begins_before or clips.is_cut(file)

    def _beat_of(self, file: Message) -> float:
        return self._anchor.beat_at(file["position_samples"], self._song.tempo)

    def _tell_of_the_tempo(self) -> None:
        before, now = self._anchor.tempo, self._song.tempo
        if abs(before - now) > SAME_TEMPO:
            self.report.wrong.append(f"The set was at {before:g} BPM when this was sent, and is at {now:g} BPM now.")

    def _behind_source(self) -> int:
        """Behind the clip's own track, where there is one of its name that is no group; else behind all others."""
        for index, track in enumerate(self._song.tracks):
            if track.name == self._placement.get("track") and not track.is_foldable:
                return index + 1
        return -1

    def _add(self, row: Row) -> Steps:
        track = None
        try:
            track = self._new_track(row)
            for number, file in enumerate(row.files):
                yield from self._add_file(track, number, file)
        except (clips.Unplaced, *REFUSALS) as error:
            self._take_away(track)
            if len(row.files) == 1:
                self._tell(row, error)
            for part in row.apart() if len(row.files) > 1 else []:
                yield from self._add(part)
        else:
            track.name = row.name
            self._memory.places(row.key)
            self.report.rows.append(row.key)

    def _new_track(self, row: Row) -> Any:
        index = min(self._index, len(self._song.tracks))
        create = self._song.create_midi_track if row.is_notes else self._song.create_audio_track
        if not row.is_notes and not clips.can_import(self._song):
            raise clips.Unplaced("this Live cannot take audio files from a script; Live 12.0.5 can")
        track = create(index)
        track.name = row.unfinished
        track.color = int(str(row.files[0].get("color", "#808080"))[1:], 16)
        self._index = index + 1 if index >= 0 else -1
        return track

    def _add_file(self, track: Any, number: int, file: Message) -> Steps:
        spot = self._spot(track, number, file)
        if file["kind"] == "midi":
            found = self._notes.get(Path(file["path"]).name)
            if not isinstance(found, dict):
                raise clips.Unplaced("its notes cannot be read")
            yield from clips.add_notes(spot, file, found, self._anchor.tempo)
        else:
            yield from clips.add_audio(spot, file, self._anchor.gain, self._bpm, self.report.wrong)

    def _spot(self, track: Any, number: int, file: Message) -> clips.Spot:
        if self._anchor.view == SESSION:
            scene = self._anchor.scene + number
            while len(self._song.scenes) <= scene:
                self._song.create_scene(-1)
            return clips.Spot(track, track, track.clip_slots[scene], None, 0.0)
        beat = self._beat_of(file)
        hidden_s = max(-beat, 0.0) * 60 / self._song.tempo  # nothing lies before the first beat
        holder = track if number == 0 else clips.new_lane(track, file)
        return clips.Spot(track, holder, track.clip_slots[0], max(beat, 0.0), hidden_s)

    def _take_away_unfinished(self, row: Row) -> None:
        """What a Live that then ended had begun."""
        for track in tuple(self._song.tracks):
            if track.name == row.unfinished:
                self._take_away(track)

    def _take_away(self, track: Any) -> None:
        """A track of ours on which nothing could be laid."""
        tracks: tuple[Any, ...] = tuple(self._song.tracks)
        if track is None or track not in tracks:
            return
        index = tracks.index(track)
        try:
            self._song.delete_track(index)
        except REFUSALS:
            return  # the last track of a set stays
        if index < self._index:
            self._index -= 1

    def _tell(self, row: Row, error: Exception) -> None:
        path = Path(row.files[0]["path"])
        self.report.wrong.append(
            f"{path.name} cannot be placed: {error}. It lies in {path.parent}; drag it from there."
        )
