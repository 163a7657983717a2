"""Returns onto new, named, coloured tracks, each once.

From 2025.6 on a track is made, the file imported into the Clips list and its clips put onto the track at a sample. The
one step that must not be done twice is making the track: it gets a name that no other track has, written down before,
so that it is found again. Older versions import a file onto a track of its own at a sample, in one call, and the track
is then found by the file's name, which holds the send's id.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from sendreturn.errors import ClipError, Stalled

from sendreturn_bridges.daws.protools import colors, paths, returned, session
from sendreturn_bridges.daws.protools.host import LONG_S, Host, Refused
from sendreturn_bridges.daws.protools.wire import AUDIO, TRACK_FORMATS, at_samples, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sendreturn.daws.contract import PlacedFile, Placement

    from sendreturn_bridges.daws.protools.ledger import Entry, Ledger, Row
    from sendreturn_bridges.daws.protools.session import Session, Track

log = structlog.get_logger(__name__)

MOST_TRIES = 3
"""A file that Pro Tools has refused so often stays in the folder, and the others are not held up."""
MOST_LOOKS = 3
"""What Pro Tools has made is in its lists a moment after it has answered. For so long it is not made again."""
LEAST_LETTERS = 20
"""A track's name is kept at least so far."""
_NOT_IN_NAMES = re.compile(r'[\\/:;*?"<>|\x00-\x1f]+')
"""Tracks lend their names to files."""


class NotYet(Stalled):
    """It cannot be placed now, but will be."""


@dataclass(frozen=True)
class Placed:
    """What was placed.

    Attributes:
        tracks: Their names.
        undo_steps: How often Undo has to be pressed until they are gone.
        by_hand: What the user has to do for the rest, as sentences.
    """

    tracks: tuple[str, ...]
    undo_steps: int
    by_hand: tuple[str, ...]

    @property
    def sentence(self) -> str:
        count = len(self.tracks)
        new = f"{count} new {'track' if count == 1 else 'tracks'}"
        return " ".join((f"{new}, {self.undo_steps} undo steps.", *self.by_hand))


def place(host: Host, placement: Placement, ledger: Ledger, work: Path) -> Placed:
    """Place what is not placed yet.

    Args:
        work: A folder for files that are cut before Pro Tools copies them.

    Raises:
        NotYet: the session is not open, or Pro Tools records, or has refused something that may yet go.
        Unanswered, Gone: it was left off at some step.
    """
    found = _its_session(host, placement)
    entry = ledger.entry(placement.send_id)
    _forget_what_was_not_saved(host, entry, ledger)
    placer = _Placer(host, placement, found, entry, ledger, work / placement.send_id)
    audio = [file for file in placement.files if file.kind != "midi"]
    for number, file in enumerate(audio):
        placer.place(file, after=_track_before(placement, entry, audio[:number]))
    shutil.rmtree(work / placement.send_id, ignore_errors=True)
    done = [row.track for row in entry.rows.values() if row.step == "placed"]
    return Placed(tuple(done), entry.undo_steps, (*_left(entry), *_notes_by_hand(placement)))


def _its_session(host: Host, placement: Placement) -> Session:
    found = session.open_session(host)
    if found.folder != Path(placement.session):
        raise NotYet(f"The session {placement.session} is not open in Pro Tools.", "Open it: its returns wait.")
    if session.is_recording(host):
        raise NotYet("Pro Tools is recording.", "What is ready is placed when it has stopped.")
    return found


def _forget_what_was_not_saved(host: Host, entry: Entry, ledger: Ledger) -> None:
    """In another run of Pro Tools: tracks that are not there were lost with a session that was not saved."""
    if entry.run != host.run:
        there = {name for track in session.tracks(host) for name in (track.id, track.name)}
        placed = [(name, row) for name, row in entry.rows.items() if row.step == "placed"]
        for name, row in placed:
            if not {row.track_id, row.track} & there:
                del entry.rows[name]
        for row in entry.rows.values():
            row.looks = MOST_LOOKS
        entry.run = host.run
        ledger.write(entry)


def _track_before(placement: Placement, entry: Entry, earlier: Sequence[PlacedFile]) -> str:
    """The track that a new one comes behind: that of the file before it, else the clip's own."""
    names = [entry.row(file.path.name).track for file in earlier if entry.row(file.path.name).step == "placed"]
    return names[-1] if names else placement.track


def _left(entry: Entry) -> list[str]:
    left = [(name, row.why) for name, row in entry.rows.items() if row.step == "left"]
    return [f"{name} could not be placed and is in the Returns folder: {why}" for name, why in left]


def _notes_by_hand(placement: Placement) -> list[str]:
    """Pro Tools' interface imports no MIDI."""
    return [
        f"Drag {file.path.name} to the timeline at sample {file.position_samples}: Pro Tools imports MIDI by hand only."
        for file in placement.files
        if file.kind == "midi"
    ]


class _Placer:
    """Places the files of one send, one after the other."""

    def __init__(
        self, host: Host, placement: Placement, found: Session, entry: Entry, ledger: Ledger, work: Path
    ) -> None:
        self._host = host
        self._placement = placement
        self._session = found
        self._entry = entry
        self._ledger = ledger
        self._work = work

    def place(self, file: PlacedFile, after: str) -> None:
        row = self._entry.row(file.path.name)
        if row.is_over:
            return
        try:
            if self._host.speaks(2025, 6):
                self._onto_a_track(file, row, after)
            else:
                self._with_its_track(file, row)
        except Refused as refused:
            self._refused(row, refused)
        except (ClipError, FileNotFoundError) as error:
            self._leave(row, str(error))

    def _onto_a_track(self, file: PlacedFile, row: Row, after: str) -> None:
        """Make a track, import the file, put its clips onto the track."""
        _wait_until_whole(file)
        track = self._own_track(row)
        if track is None:
            self._look_again(row)
            track = self._new_track(file, row, returned.channels_of(file), after)
        if not track.has_clips:
            clips = self._imported(file)
            self._step(row, "clips")
            self._spot(clips, track, file.position_samples)
            self._entry.undo_steps += 1
        self._step(row, "placed")
        self._paint(track, file.color)

    def _own_track(self, row: Row) -> Track | None:
        """The track of an earlier try."""
        if row.step == "new":
            return None
        found = session.tracks(self._host)
        mine = [track for track in found if track.id == row.track_id] if row.track_id else []
        named = [track for track in found if track.id not in row.before and _is_cut_from(track.name, row.track)]
        return next(iter(mine or named), None)

    def _new_track(self, file: PlacedFile, row: Row, channels: int, after: str) -> Track:
        there = session.tracks(self._host)
        row.track, row.track_id = _free_name(file.name, there), ""
        row.before = [track.id for track in there]
        self._step(row, "track")
        body = {
            "number_of_tracks": 1,
            "track_name": row.track,
            "track_format": TRACK_FORMATS[channels],
            "track_type": "TT_Audio",
            "track_timebase": "TTB_Samples",
        }
        if any(track.name == after for track in there):
            body |= {"insertion_point_position": "TIPoint_After", "insertion_point_track_name": after}
        answer = self._make(row, "CreateNewTracks", body)
        row.track = next(map(str, answer.get("created_track_names") or ()), row.track)
        row.track_id = next(map(str, answer.get("created_track_ids") or ()), "")
        made = session.Track(row.track, row.track_id, AUDIO) if row.track_id else self._own_track(row)
        if made is None:
            raise self._unseen(row)
        row.track, row.track_id = made.name, made.id
        self._step(row, "track")
        return made

    def _imported(self, file: PlacedFile) -> list[str]:
        """The ids of the file's clips in the Clips list: one for each channel.

        A file of the session's own format is only taken for copying, any other only for converting; the wrong one is
        answered with "No audio files were imported".
        """
        path = returned.shown(file, self._work)
        ways = ["CopyAudio", "ConvertAudio"]
        if file.sample_rate_hz not in (None, self._session.rate_hz):
            ways.reverse()
        problem: Refused | None = None
        for way in ways:
            body = {"file_list": [paths.file(path, self._session.spelled)], "audio_operations": way}
            try:
                answer = self._host.call("ImportAudioToClipList", body, LONG_S)
            except Refused as refused:
                if refused.is_busy:
                    raise
                problem = refused
                continue
            clips = [
                str(clip)
                for entry in table(answer, "file_list")
                for copy in table(entry, "destination_file_list")
                for clip in copy.get("clip_id_list") or []
            ]
            if clips:
                return clips
        raise problem or NotYet(f"Pro Tools has not imported {file.path.name}.", "It is tried again.")

    def _spot(self, clips: Sequence[str], track: Track, position: int) -> None:
        body = {
            "src_clips": list(clips),
            "dst_track_id": track.id,
            "dst_location_data": {"location_type": "Start", "location": at_samples(position)},
        }
        self._host.call("SpotClipsByID", body)

    def _paint(self, track: Track, color: str) -> None:
        """Versions before 2025.10 keep the color that they give."""
        try:
            palette = self._host.call("GetColorPalette", {"color_palette_target": "CPTarget_Tracks"}).get("color_list")
            index = colors.nearest(color, palette if isinstance(palette, list) else [])
            if index is not None:
                self._host.call("SetTrackColor", {"track_ids": [track.id], "color_index": index})
                self._entry.undo_steps += 1
        except Refused as refused:
            log.info("a track keeps its color", track=track.name, text=refused.what)

    # What must not be made twice

    def _make(
        self, row: Row, command: str, body: Mapping[str, object], timeout_s: float | None = None
    ) -> dict[str, Any]:
        """Have a track made. What is refused was surely not; anything else is looked for before it is made again."""
        row.looks = 0
        try:
            answer = self._host.call(command, body, timeout_s)
        except Refused:
            self._step(row, "new")
            raise
        self._entry.undo_steps += 1
        return answer

    def _look_again(self, row: Row) -> None:
        if row.step != "new" and row.looks < MOST_LOOKS:
            row.looks += 1
            self._ledger.write(self._entry)
            raise self._unseen(row)

    @staticmethod
    def _unseen(row: Row) -> NotYet:
        return NotYet(f"Pro Tools does not show the track “{row.track}” yet.", "It is looked for again.")

    # Before 2025.6

    def _with_its_track(self, file: PlacedFile, row: Row) -> None:
        """Import the file at a sample; Pro Tools makes a track that is called like the file."""
        _wait_until_whole(file)
        made = self._made_for(file, row) if row.step == "import" else None
        if made is None:
            self._look_again(row)
            there = session.tracks(self._host)
            row.track, row.before = _free_name(file.name, there), [track.id for track in there]
            self._step(row, "import")
            self._make(row, "Import", self._import_body(file), LONG_S)
            made = self._made_for(file, row)
        if made is None:
            raise self._unseen(row)
        row.track, row.track_id = self._renamed(made, row.track), made.id
        self._step(row, "placed")

    def _renamed(self, track: Track, name: str) -> str:
        """The name that the track has in the end."""
        if track.name != name:
            try:
                self._host.call("RenameTargetTrack", {"current_name": track.name, "new_name": name})
            except Refused as refused:
                log.info("a track keeps the name of its file", track=track.name, text=refused.what)
                return track.name
            self._entry.undo_steps += 1
        return name

    def _made_for(self, file: PlacedFile, row: Row) -> Track | None:
        new = [track for track in session.tracks(self._host) if track.id not in row.before]
        return next((t for t in new if t.name == row.track or t.name.startswith(file.path.stem)), None)

    def _import_body(self, file: PlacedFile) -> dict[str, object]:
        is_same_rate = file.sample_rate_hz in (None, self._session.rate_hz)
        data = {
            "file_list": [paths.file(returned.shown(file, self._work), self._session.spelled)],
            "audio_operations": "CopyAudio" if is_same_rate else "ConvertAudio",
            "audio_destination": "MD_NewTrack",
            "audio_location": "ML_Spot",
            "location_data": {
                "location_type": "Start",
                "location_options": "Samples",
                "location_value": str(file.position_samples),
            },
        }
        return {"import_type": "Audio", "audio_data": data}

    # What is written down

    def _step(self, row: Row, step: str) -> None:
        row.step = step  # type: ignore[assignment]
        self._ledger.write(self._entry)

    def _refused(self, row: Row, refused: Refused) -> None:
        """Try it again later, but not for ever."""
        if refused.is_busy:
            raise NotYet(refused.what, refused.hint, refused.detail) from refused
        row.tries += 1
        if row.tries >= MOST_TRIES:
            self._leave(row, refused.what)
            return
        self._ledger.write(self._entry)
        raise NotYet(refused.what, "It is tried again.", refused.detail) from refused

    def _leave(self, row: Row, why: str) -> None:
        """Give a file up; the track that was made for it goes away again, unless something lies on it by now."""
        row.why = why
        self._step(row, "left")
        track = self._own_track(row)
        if track is not None and not track.has_clips:
            try:
                self._host.call("DeleteTracks", {"track_ids": [track.id]})
            except Refused as refused:
                log.info("an empty track stays", track=track.name, text=refused.what)


def _wait_until_whole(file: PlacedFile) -> None:
    if not returned.is_whole(file):
        raise NotYet(f"{file.path.name} is not whole yet.", "It is placed when it is.")


def _is_cut_from(name: str, wanted: str) -> bool:
    """Whether a track that was to be called so has this name: a long one may have been cut."""
    return name == wanted or (len(name) >= LEAST_LETTERS and wanted.startswith(name))


def _free_name(wanted: str, there: Sequence[Track]) -> str:
    """The name, with a number where a track is called so already."""
    taken = {track.name for track in there}
    name = _NOT_IN_NAMES.sub("-", wanted).strip() or "sendreturn"
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free
