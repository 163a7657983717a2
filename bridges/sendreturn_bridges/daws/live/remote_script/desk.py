# sendreturn-bridge @VERSION@
"""What the script does with the daemon: sends what is selected, places what comes back, tells how sends stand.

`step` is called about ten times a second on Live's main thread, and makes one small step of whatever is to be done.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Generator, NamedTuple

from . import live_api, project, selection
from .asked import Asked, unknown
from .keys import Keys
from .live_api import Refused
from .mailbox import Box, Mailbox, Message, Taken
from .placing import Placing
from .voice import Voice
from .where import MAILBOX, VERSION

PATIENCE_S = 10.0
LOOK_AGAIN_S = 5.0
"""How often the set's project is looked for, in a Live that does not tell the set's file."""
NO_DAEMON = "the daemon does not answer. Start it with `sendreturn run`; what was sent waits for it."
NOT_INSTALLED = "sendreturn is not installed for Live on this machine. Run `sendreturn bridge install live` there."
UNSAVED = "This Live Set is not saved yet. Save it first: what comes back is kept in its folder."


class _Job(NamedTuple):
    """A placement that is being placed."""

    taken: Taken
    placing: Placing
    steps: Generator[None, None, None]


class _Sent(NamedTuple):
    """A message that no daemon has taken yet."""

    path: Path
    at_s: float


class Desk:
    """All that the script knows of the daemon, for the one set that is open."""

    def __init__(self, song: Any, voice: Voice, keys: Keys, clock: Callable[[], float]) -> None:
        self._song, self._voice, self._keys, self._clock = song, voice, keys, clock
        self._mailbox = Mailbox(Path(MAILBOX))
        self._asked = Asked(Path(MAILBOX))
        self._session: str | None = None
        self._looked_at = -LOOK_AGAIN_S
        self._boxes: dict[str, Box] = {}
        self._seen: dict[str, int] = {}
        self._left: list[Taken] = []
        self._job: _Job | None = None
        self._sent: _Sent | None = None
        self._is_heard = True
        self._asked.forget_old()

    def press(self, word: str) -> None:
        """A key: send what is selected, and say at once what is in the way."""
        try:
            self._send(word, {}, self._mailbox.unique())
        except Refused as refused:
            self._voice.say(refused.sentence)
        else:
            self._voice.say(f"{word} is on its way")

    def step(self) -> None:
        self._answer_ping()
        self._follow_session()
        self._take_press()
        self._hear()
        self._look_after_sent()
        if self._job is not None:
            self._go_on(self._job)
        elif not project.is_recording(self._song):  # a take that is being recorded is not disturbed
            self._begin()

    def close(self) -> None:
        """The set is being closed; what lies in it half remains claimed, and goes on when the set is open again."""
        job, self._job = self._job, None
        if job is not None:
            job.steps.close()

    # Sending

    def _send(self, word: str, params: Message, request: str) -> None:
        operation = str(self._mailbox.words().get(word, word))
        session = project.session_of(self._song)
        if not session:
            raise Refused(UNSAVED)
        found = selection.read(self._song, live_api.application(), operation)
        document = {**found.document, "operation": word, "params": params, "request": request, "session": session}
        project.Memory(self._song).asks(request, session)
        self._write({**document, "kind": "send"}, lambda: self._asked.put(request, found.anchor))

    def _write(self, message: Message, before: Callable[[], None] = lambda: None) -> None:
        try:
            before()
            self._sent = _Sent(self._mailbox.write(message), self._clock())
        except OSError as error:
            raise Refused(self._unwritable(error)) from error

    def _unwritable(self, error: OSError) -> str:
        return f"The mailbox cannot be written: {error.strerror or error}." if self._mailbox.is_there else NOT_INSTALLED

    def _tell_daemon(self, **message: Any) -> bool:
        try:
            self._mailbox.write({"session": self._session or "", **message})
        except OSError as error:
            if self._is_heard:
                self._voice.say(self._unwritable(error))
            self._is_heard = False
            return False
        self._is_heard = True
        return True

    def _take_press(self) -> None:
        """Somebody outside of Live: the answer, a refusal too, goes by way of the daemon, which knows who it was."""
        press = self._mailbox.press()
        if press is None:
            return
        word, request = str(press.get("operation") or ""), str(press.get("request") or self._mailbox.unique())
        params = press.get("params")
        try:
            self._send(word, params if isinstance(params, dict) else {}, request)
        except Refused as refused:
            self._voice.say(refused.sentence)
            self._tell_daemon(kind="refused", request=request, text=refused.sentence)

    # Placing

    def _begin(self) -> None:
        taken = self._left.pop(0) if self._left else self._next_placement()
        if taken is None:
            return
        placement = taken.placement
        anchor = self._asked.get(str(placement.get("request"))) or unknown(placement["rate_hz"], self._song.tempo)
        notes = taken.box.notes(placement["send_id"])
        placing = Placing(self._song, placement, anchor, notes, self._keys.warp)
        self._job = _Job(taken, placing, placing.steps())

    def _next_placement(self) -> Taken | None:
        found = (box.take(self._accepts(session)) for session, box in self._boxes.items())
        return next((taken for taken in found if taken is not None), None)

    def _accepts(self, session: str) -> Callable[[Message], bool]:
        """Of what lies ready under a name that the set no longer has, only what this set has asked for."""
        if session == self._session:
            return lambda _placement: True
        asked = project.Memory(self._song).asked
        return lambda placement: placement.get("request") in asked

    def _go_on(self, job: _Job) -> None:
        try:
            next(job.steps)
        except StopIteration:
            self._job = None
            self._end(job)

    def _end(self, job: _Job) -> None:
        report, placement = job.placing.report, job.taken.placement
        for sentence in report.wrong:
            self._voice.say(sentence)
        if not report.rows:
            return  # it stays claimed, and is tried again when the set is opened the next time
        if not self._tell_daemon(kind="placed", send=placement["send_id"]):
            self._left.append(job.taken)  # what lies in the set already is not placed again
            return
        job.taken.box.finish(job.taken.number)
        job.taken.box.drop_notes(placement["send_id"])
        request = str(placement.get("request"))
        self._asked.forget(request)
        project.Memory(self._song).has_back(request)
        self._voice.say(f"{placement.get('title') or 'it'} is placed")

    # Listening

    def _answer_ping(self) -> None:
        nonce = self._mailbox.ping()
        if nonce is not None:
            self._tell_daemon(kind="pong", nonce=nonce, daw=f"Live {live_api.version()}", script=VERSION)

    def _follow_session(self) -> None:
        """The set that is open, by its present name; it may be saved under another one at any time."""
        if not hasattr(self._song, "file_path"):
            if self._clock() - self._looked_at < LOOK_AGAIN_S:
                return
            self._looked_at = self._clock()
        session = project.session_of(self._song)
        if session != self._session:
            self._enter(session)

    def _enter(self, session: str) -> None:
        self._session = session
        former = set(project.Memory(self._song).asked.values()) if session else set()
        for name in [session, *sorted(former - {session})]:
            if name in self._boxes:
                continue
            box = self._boxes[name] = self._mailbox.box(name)
            status = box.status()
            self._seen[name] = int(status.get("count", 0)) if status else 0  # what was told before is known
            self._left += box.left(self._accepts(name)) if name else []
        for name in self._boxes:
            if name:
                self._tell_daemon(kind="opened", session=name)

    def _hear(self) -> None:
        for name, box in self._boxes.items():
            status = box.status()
            if status is not None:
                self._hear_status(name, status)
                self._seen[name] = max(self._seen[name], int(status.get("count", 0)))

    def _hear_status(self, name: str, status: Message) -> None:
        for note in status.get("notes", []):
            if note.get("number", 0) > self._seen[name]:
                self._hear_note(note)
        for send in status.get("sends", []):
            percent = round(float(send.get("progress") or 0) * 100)
            self._voice.mutter(f"{send.get('text') or send.get('state') or ''} {percent} %")

    def _hear_note(self, note: Message) -> None:
        text = note.get("text") or note["kind"]
        if note["kind"] in ("error", "failed"):
            self._voice.say(text)
        else:
            self._voice.mutter(text)

    def _look_after_sent(self) -> None:
        """Whether the daemon takes what was sent; it is told once where it does not."""
        if self._sent is None:
            return
        if not self._sent.path.exists():
            self._sent = None
        elif self._clock() - self._sent.at_s >= PATIENCE_S:
            self._sent = None
            self._voice.say(NO_DAEMON)
