"""Keys, signed addresses and names of people: rows 130 to 135. Canaries go in, and must come out nowhere."""

from __future__ import annotations

import io
import logging
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from clips import chunk, music, needs_ffmpeg, write_clip
from daemon_process import DaemonProcess
from living_daemon import LivingDaemon
from oracles import canaries_in, canaries_of_processes, harmed, manifest, unended
from sendreturn.audio.decode import read_audio
from sendreturn.engine.journal import Journal, NewSend
from sendreturn.errors import ClipError
from sendreturn.keys import child_environment, name_secrets
from sendreturn.logs import logs_in
from sendreturn.sends.arrivals import StoredArrivals
from sendreturn.sends.wish import Origin
from sendreturn.settings import ServiceSettings
from sendreturn.testing.catalogue import simulator_of
from sendreturn.testing.media import Media, MediaFile
from sendreturn.words import SendId, State

KEY = "canary-4711-of-the-secrets"
SIGN = "c4n4ry0f516n47ur3"
SIGNED = f"https://user:{SIGN}@cdn.example.com/song.wav?X-Amz-Signature={SIGN}#{SIGN}"
CANARIES = (KEY, SIGN)
ECHO = {
    "error": f"no such key {KEY}, see {SIGNED}",
    "detail": f"Authorization: Bearer {KEY} at {SIGNED}",
    "msg": SIGNED,
}
TROUBLES: dict[str, dict[str, Any]] = {
    "none": {},
    "403 that echoes": {"fail_next": {"status": 403, "body": ECHO}},
    "400 that echoes": {"fail_next": {"status": 400, "body": ECHO}},
    "500 that echoes": {"fail_next": {"status": 500, "body": ECHO}},
    "302 with a signature": {"fail_next": {"status": 302, "headers": {"location": SIGNED}}},
    "no JSON": {"fail_next": {"status": 200, "body": f"<html>{KEY} {SIGNED}</html>"}},
    "a task that fails": {"fail_task": f"broken at {SIGNED} for {KEY}"},
    "looks that fail": {"fail_next_look": {"status": 401, "body": ECHO}},
    "connection lost": {"die_before_answer": "after_billing"},
    "media gone": {"expire_media": 1},
    "media cut": {"truncate_media": 1},
    "media of a wrong type": {"wrong_type_media": 1},
    "media elsewhere": {"redirect_media": "elsewhere"},
}

OFTEN = ("none", "403 that echoes", "a task that fails")


def sign_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the simulators' files lie at signed addresses."""
    plain = Media.address

    def address(self: Media, file: MediaFile) -> str:
        return f"{plain(self, file)}?X-Amz-Signature={SIGN}"

    monkeypatch.setattr(Media, "address", address)


@pytest.mark.parametrize(
    "trouble", [name if name in OFTEN else pytest.param(name, marks=pytest.mark.slow) for name in TROUBLES]
)
async def test_no_secret_gets_out_whatever_the_service_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
):
    sign_addresses(monkeypatch)
    simulator = simulator_of("sonauto")({"looks": 1, "song_s": 2.0, "codec": "wav"}, key=KEY)
    terminal, told = io.StringIO(), list[str]()
    async with simulator.running():
        simulator.switches.update(TROUBLES[trouble])
        service = ServiceSettings(
            **{"poll_s": 0.05, "api_key_env": "STUDIO", "options": {"requests": 0}, **simulator.settings}
        )
        life = LivingDaemon(tmp_path, service="sonauto", services={"sonauto": service}, env={"STUDIO": KEY})
        with logs_in(tmp_path / "log", life.daemon.house.redact, terminal, logging.DEBUG):
            talkative = [logging.getLogger(name) for name in list(logging.root.manager.loggerDict)]
            levels = [(logger, logger.level) for logger in talkative]
            for logger in talkative:
                logger.setLevel(logging.DEBUG)
            try:
                async with life, life.osc() as phone, life.http() as http:
                    phone.say("/sendreturn/subscribe")
                    await phone.hear("/sendreturn/pong")
                    drop(life.sends / "generate", "riff.wav")
                    (send,) = await life.until(lambda sends: bool(sends) and is_at_rest(sends[0].state))
                    for path in ("/health", "/api/sends", f"/api/sends/{send.id}", "/api/services"):
                        told.append((await http.get(path)).text)
                    told += [repr(answer.params) for answer in phone.answers]
            finally:
                for logger, level in levels:
                    logger.setLevel(level)
    assert len(told) > 5
    assert not [text for text in (*told, terminal.getvalue()) for canary in CANARIES if canary in text]
    assert canaries_in([KEY], tmp_path) == []
    # What has not come yet lies where its address says, and the journal has to know that.
    journal = [path for path in life.daemon.places.state.glob("journal.db*") if send.state is not State.DONE]
    assert canaries_in([SIGN], tmp_path, but=journal) == []
    if trouble == "none":
        assert send.state is State.DONE
        assert unended(life.daemon.places.journal) == []


def is_at_rest(state: State) -> bool:
    return state.ended or state is State.UNCERTAIN


def drop(folder: Path, name: str, params: Mapping[str, Any] | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if params or folder.name == "generate":
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(dict(params or {"prompt": "rain"})))
    hidden = write_clip(folder / f".sendreturn-{name}", music(3.0))
    hidden.rename(folder / name)


# Processes


def configure(daemon: DaemonProcess, **more: Any) -> None:
    path = daemon.folder / "sendreturn.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **more}))


def test_programs_that_are_started_see_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("STUDIO", "SONAUTO_API_KEY", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "HOOKS", "GITHUB_TOKEN"):
        monkeypatch.setenv(name, KEY)
    daemon = DaemonProcess(tmp_path / "studio")
    services = {"sonauto": {"api_key_env": "STUDIO", "options": {"webhook_key_env": "HOOKS"}}}
    configure(daemon, services={**services, "local": {"poll_s": 0.05}})
    daemon.start()
    try:
        drop(daemon.sends / "extend", "riff.wav", {"extend_s": 4})
        daemon.until_working()
        assert daemon._process is not None
        assert psutil.Process(daemon._process.pid).children(recursive=True)
        assert canaries_of_processes(CANARIES, daemon._process.pid) == []
        assert daemon.stop() == 0
    finally:
        daemon.kill_all()
    assert canaries_in(CANARIES, tmp_path) == []


def test_a_program_gets_everything_but_the_secrets():
    name_secrets(["STUDIO_OF_MINE"])
    env = {
        "PATH": "/bin",
        "HOME": "/h",
        "A_KEY": "1",
        "b_token": "2",
        "X": "sk-0123456789abcdef",
        "STUDIO_OF_MINE": "3",
    }
    assert child_environment(env) == {"PATH": "/bin", "HOME": "/h"}


@pytest.mark.parametrize(
    "backend", ["keyring.backends.fail.Keyring", pytest.param("not.there.Keyring", marks=pytest.mark.slow)]
)
def test_without_a_keyring_a_send_asks_for_its_key_and_none_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str
):
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)
    monkeypatch.delenv("SONAUTO_API_KEY", raising=False)
    daemon = DaemonProcess(tmp_path / "studio")
    configure(daemon, service="sonauto")
    daemon.start()
    try:
        drop(daemon.sends / "generate", "riff.wav")
        daemon._until(lambda: "There is no API key for Sonauto" in log_of(daemon))
        assert daemon.stop() == 0
    finally:
        daemon.kill_all()
    assert "done" not in daemon.states()
    assert not list(tmp_path.rglob("*keyring*"))


def test_what_is_kept_is_closed_to_other_users_whatever_the_umask(tmp_path: Path):
    daemon = DaemonProcess(tmp_path / "studio")
    before = os.umask(0)
    try:
        daemon.start()
        assert daemon.stop() == 0
    finally:
        os.umask(before)
        daemon.kill_all()
    assert daemon.state.stat().st_mode & 0o777 == 0o700
    assert (daemon.state / "token").stat().st_mode & 0o777 == 0o600


def test_in_a_folder_that_is_open_to_others_the_journals_are_not(tmp_path: Path):
    (tmp_path / "state").mkdir(mode=0o755)
    before = os.umask(0)
    try:
        old = tmp_path / "state" / "arrivals.sqlite3"
        old.touch(mode=0o644)  # of an earlier version
        journal, arrivals = Journal.open(tmp_path / "state" / "journal.db"), StoredArrivals(old)
        journal.add(NewSend(SendId("0badcafe"), tmp_path, None, None, "cover", "studio", {}, Origin.CLI, None))
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir()}
        journal.close()
        arrivals.close()
    finally:
        os.umask(before)
    assert {"journal.db", "journal.db-wal", "arrivals.sqlite3", "arrivals.sqlite3-wal"} <= set(modes)
    modes.pop("journal.db-reserve")  # nothing but zeros
    assert set(modes.values()) == {0o600}


def log_of(daemon: DaemonProcess) -> str:
    return "".join(path.read_text("utf-8") for path in daemon.state.glob("log/*"))


# What leaves the house beside the sound

NAMES = (b"anna", b"/home/anna", b"Secret Song")


async def test_a_service_is_told_no_name_of_person_project_or_folder(tmp_path: Path):
    """The clip's file name, and everything that the DAW has written into the file."""
    simulator = simulator_of("acedata")({"looks": 1, "song_s": 2.0}, key=KEY)
    came: list[bytes] = []
    plain = simulator._app

    def watched() -> Any:
        app = plain()

        async def watching(scope: Any, receive: Any, send: Any) -> None:
            async def heard() -> Any:
                message = await receive()
                came.append(message.get("body", b""))
                return message

            came.append(scope.get("raw_path", b"") + repr(scope.get("headers")).encode())
            await app(scope, heard, send)

        return watching

    simulator._app = watched  # type: ignore[method-assign]
    async with simulator.running():
        service = ServiceSettings(
            **{"poll_s": 0.05, "api_key_env": "STUDIO", "options": {"requests": 0}, **simulator.settings}
        )
        env = {"STUDIO": KEY, "ACEDATA_PLATFORM_KEY": KEY}
        life = LivingDaemon(tmp_path, service="acedata", services={"acedata": service}, env=env)
        clip = telling_clip(life.session / "Audio" / "anna - Secret Song.wav")
        before = manifest(clip.parent)
        async with life, life.http() as http:
            answer = await http.post(
                "/api/sends", json={"path": str(clip), "operation": "cover", "params": {"style": "jazz"}}
            )
            assert answer.status_code == 202, answer.text
            await life.until(lambda _: bool(simulator.ledger))  # the clip is there, and the song is asked for
    assert sum(map(len, came)) > 1_000_000
    assert not [name for name in NAMES if name in b"".join(came)]
    assert harmed(before) == []


def telling_clip(path: Path) -> Path:
    """A WAV as a DAW writes it, with its user's name in it."""
    path.parent.mkdir(parents=True)
    content = write_clip(path, music(8.0)).read_bytes()
    bext = chunk(b"bext", b"Secret Song by anna, /home/anna".ljust(602, b"\0"))
    xml = chunk(b"iXML", b"<BWFXML><PROJECT>Secret Song</PROJECT></BWFXML>\n")
    body = content[12:36] + bext + content[36:] + xml
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body)
    return path


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{target}\n#EXT-X-ENDLIST\n"


@needs_ffmpeg
@pytest.mark.parametrize("name", ["song.mp3", "song.m4a", "song.wav", "song.flac", "song.ogg"])
def test_a_playlist_that_is_named_like_a_clip_opens_nothing(tmp_path: Path, name: str):
    write_clip(tmp_path / "private.wav", music(1.0))
    private, web = tmp_path / "private.wav", "http://127.0.0.1:9/a.wav"
    for target in (private.as_uri(), str(private), web, "file:///etc/passwd", f"concat:{private}|{private}"):
        for content in (PLAYLIST.format(target=target), f"ffconcat version 1.0\nfile '{target}'\n"):
            (tmp_path / name).write_text(content)
            with pytest.raises(ClipError):
                read_audio(tmp_path / name)
