"""What cannot be used, by every way in: one finished sentence where the user looks, and nothing is lost."""

from __future__ import annotations

import asyncio
import io
import os
import re
import unicodedata
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import odd_files
import pytest
from fake_service import write_tone
from living_daemon import LivingDaemon
from odd_files import Make, content, with_studio
from sendreturn.cli import main
from sendreturn.sends.wish import SendView
from sendreturn.words import State

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A good clip that lies in no session."""
    (tmp_path / "elsewhere").mkdir()
    return write_tone(tmp_path / "elsewhere" / "private.wav", seconds=0.5)


def assert_finished(sentence: str) -> None:
    """One line that begins and ends as a sentence does, and is no traceback."""
    assert re.fullmatch(r"[^\n]+[.!?`)]", sentence), sentence
    assert "Traceback" not in sentence
    assert not re.search(r"\wError\b|errno", sentence), sentence


async def reasons(life: LivingDaemon, count: int) -> dict[str, str]:
    """The reasons in `rejected`, by the rejected file's name, once there are so many."""
    rejected = life.sends / "rejected"
    async with asyncio.timeout(10):
        # No event tells of a clip that never became a send.
        while len(found := _reasons_in(rejected)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await life.daemon.folders.rescan()  # the reason is written before the file is moved
    return found


def _reasons_in(rejected: Path) -> dict[str, str]:
    texts = {path.name.removesuffix(".why.txt"): path.read_text("utf-8") for path in rejected.glob("*.why.txt")}
    return {name: text for name, text in texts.items() if text.endswith("\n")}


async def assert_goes_on(life: LivingDaemon) -> None:
    """A good clip that is dropped now is done, and the daemon has no complaint."""
    write_tone(life.sends / "cover" / "good.wav", seconds=0.4)
    sends = await life.until(lambda sends: any(_is_good(send) and send.state.ended for send in sends))
    (good,) = (send for send in sends if _is_good(send))
    assert good.state is State.DONE, good.text
    assert [path.suffix for path in good.returns] == [".wav"]


def _is_good(send: SendView) -> bool:
    return send.clip is not None and send.clip.name == "good.wav"


# Folders


def unusable(outside: Path) -> dict[str, tuple[Make, str]]:
    """What is dropped, by name: how it is made, and a word of the reason."""
    return {
        "empty.wav": (odd_files.write_nothing, "empty"),
        "blip.wav": (odd_files.write_short, "too short"),
        "silent.wav": (odd_files.write_silence, "silent"),
        "cut.wav": (odd_files.write_cut_off, "unfinished"),
        "lyrics.wav": (odd_files.write_text, "no audio"),
        "noise.mp3": (odd_files.write_noise, "no audio"),
        "notes.docx": (odd_files.write_text, "not audio"),
        "pipe.wav": (odd_files.make_pipe, "pipe"),
        "link.wav": (odd_files.link_to(outside), "leads out of the session"),
        "it's \"the\" one's.wav": (odd_files.write_text, "no audio"),
        "two\nlines.wav": (odd_files.write_text, "no audio"),
        "\u202eright to left.wav": (odd_files.write_text, "no audio"),
        "-rf.wav": (odd_files.write_text, "no audio"),
        "🎸 riff.wav": (odd_files.write_nothing, "empty"),
        unicodedata.normalize("NFC", "café.wav"): (odd_files.write_nothing, "empty"),
        unicodedata.normalize("NFD", "café.wav"): (odd_files.write_text, "no audio"),
    }


async def test_what_cannot_be_used_is_put_aside_with_one_sentence(
    tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sendreturn.sends.fitness.UNFINISHED_AFTER_S", 0.5)
    async with with_studio(tmp_path) as life:
        before, table = {}, unusable(outside)
        for name, (make, _) in table.items():
            make(tmp_path / "made")
            before[name] = content(tmp_path / "made")
            (tmp_path / "made").rename(life.sends / "cover" / name)
        found = await reasons(life, len(table))
        await life.ended()
        for name, (_, word) in table.items():
            sentence = found[name].removesuffix("\n")
            assert_finished(sentence)
            assert word in sentence, name
            assert content(life.sends / "rejected" / name) == before[name], name
        assert len(found) == len(table)
        assert [path.name for path in (life.sends / "cover").iterdir()] == ["defaults.yaml"]
        await assert_goes_on(life)
        assert [send.state for send in await life.ended() if not _is_good(send)] == [State.FAILED]  # the silent one
    assert outside.exists()


async def test_a_name_of_255_bytes_is_put_aside_whole(tmp_path: Path):
    name = "ü" * 125 + "x.wav"
    assert len(name.encode()) == 255
    async with with_studio(tmp_path) as life:
        odd_files.write_text(life.sends / "cover" / name)
        (sentence,) = (await reasons(life, 1)).values()
        assert_finished(sentence.removesuffix("\n"))
        kept = [path for path in (life.sends / "rejected").iterdir() if not path.name.endswith(".why.txt")]
        assert [path.name for path in kept] == [name]
        assert kept[0].read_text() == odd_files.LYRICS


ODD_NAMES = (
    'it\'s "a" `name`; $(touch x).wav',
    "two\nlines.wav",
    "ü" * 125 + "y.wav",
    "🎸 riff.WAV",
    unicodedata.normalize("NFC", "café.wav"),
    unicodedata.normalize("NFD", "café.wav"),
    "x.wav/inside.wav",
)


async def test_odd_names_of_good_clips_are_no_reason_to_refuse_them(tmp_path: Path):
    async with with_studio(tmp_path) as life:
        made = set()
        for number, name in enumerate(ODD_NAMES):
            (life.sends / "cover" / name).parent.mkdir(exist_ok=True)
            write_tone(tmp_path / "made", seconds=0.4, hz=200 + number)
            made.add((tmp_path / "made").read_bytes())
            (tmp_path / "made").rename(life.sends / "cover" / name)
        sends = await life.ended(len(ODD_NAMES))
    assert {(send.state, len(send.returns)) for send in sends} == {(State.DONE, 1)}
    assert all(path.is_file() for send in sends for path in send.returns)
    assert {path.read_bytes() for path in (life.sends / "sent").iterdir()} == made
    assert not list(tmp_path.rglob("x"))


async def test_an_empty_folder_named_like_a_clip_is_left_alone(tmp_path: Path):
    async with with_studio(tmp_path) as life:
        (life.sends / "cover" / "x.wav").mkdir()
        await assert_goes_on(life)
        assert (life.sends / "cover" / "x.wav").is_dir()
        assert not (life.sends / "rejected").exists()


PARAMS = {
    "bomb.wav": (BOMB, "aliases"),
    "list.wav": ("- one\n- two\n", "keys and values"),
    "types.wav": ("section_s: soon\ntakes: many\n", "section_s"),
    "unknown.wav": ("section_s: [0.1, 0.2]\nsekshun: 4\n", "sekshun"),
    "broken.wav": ("section_s: [0.1, 0.2\n", "broken.wav.yaml"),
    "binary.wav": ("prompt: \x07\n", "control character"),
    "key.wav": ("section_s: [0.1, 0.2]\nservice_options: {api_key: abcdef}\n", "key"),
    "huge.wav": ("prompt: " + "x" * 2_000_000, "KB"),
    "missing.wav": ("bpm: 120\n", "needs section_s"),
    "backwards.wav": ("section_s: [0.3, 0.1]\n", "section_s"),
    "nobody.wav": ("section_s: [0.1, 0.2]\nservice: nobody\n", "nobody"),
    "beyond.wav": ("section_s: [3, 4]\nservice: local\n", "0.400 s long"),
    "range.wav": ("section_s: [0.1, 0.2]\nrange_s: [5, 6]\n", "0.400 s long"),
}


async def test_parameters_that_cannot_be_used_are_told_and_kept_beside_the_clip(tmp_path: Path):
    async with with_studio(tmp_path) as life:
        for number, (name, (text, _)) in enumerate(PARAMS.items()):
            (life.sends / "inpaint" / f"{name}.yaml").write_text(text, "utf-8")
            write_tone(life.sends / "inpaint" / name, seconds=0.4, hz=200 + number)
        found = await reasons(life, len(PARAMS))
        for name, (text, word) in PARAMS.items():
            assert_finished(found[name].removesuffix("\n"))
            assert word in found[name], found[name]
            assert (life.sends / "rejected" / f"{name}.yaml").read_text("utf-8") == text
            assert (life.sends / "rejected" / name).is_file()
        assert life.daemon.house.conductor.list() == []
        await assert_goes_on(life)


async def test_a_clip_that_may_not_be_read_is_put_aside(tmp_path: Path):
    write_tone(tmp_path / "made", seconds=0.4).chmod(0)
    if os.access(tmp_path / "made", os.R_OK):
        pytest.skip("this user may read everything")
    async with with_studio(tmp_path) as life:
        (tmp_path / "made").rename(life.sends / "cover" / "secret.wav")
        (sentence,) = (await reasons(life, 1)).values()
        assert_finished(sentence.removesuffix("\n"))
        assert "could not be read: Permission denied" in sentence
        assert (life.sends / "rejected" / "secret.wav").exists()
        await assert_goes_on(life)


# OSC


def osc_table(life: LivingDaemon, outside: Path) -> dict[str, tuple[str, tuple[object, ...], str]]:
    """Messages that are refused, by their `req`: the word, the arguments, and a word of the answer."""
    clip = str(write_tone(life.session / "riff.wav", seconds=0.4))
    text = life.session / "lyrics.wav"
    odd_files.write_text(text)
    os.mkfifo(life.session / "pipe.wav")
    (life.session / "out.wav").symlink_to(outside)
    return {
        "no-arguments": ("cover", (), "needs a clip"),
        "number": ("cover", (7,), "path"),
        "blob": ("cover", (b"\0\1",), "path"),
        "odd": ("cover", (clip, "style"), "has no value"),
        "list": ("inpaint", (clip, "section_s", "soon"), "section_s"),
        "type": ("inpaint", (clip, "section_s", b"\0\1"), "section_s"),
        "unknown": ("cover", (clip, "stile", "jazz"), "stile"),
        "demand": ("inpaint", (clip,), "needs section_s"),
        "beyond": ("inpaint", (clip, "section_s", "3,4"), "0.400 s long"),
        "missing": ("cover", (f"{life.session}/nothing.wav",), "nothing.wav"),
        "outside": ("cover", (str(outside),), "does not lie in a session"),
        "link": ("cover", (f"{life.session}/out.wav",), "does not lie in a session"),
        "dots": ("cover", (f"{life.session}/../elsewhere/private.wav",), "does not lie in a session"),
        "relative": ("cover", ("../elsewhere/private.wav",), "leads out"),
        "url": ("cover", ("file://server/share/a.wav",), "another machine"),
        "unc": ("cover", ("\\\\server\\share\\a.wav",), "network path"),
        "folder": ("cover", (str(life.session),), "folder"),
        "pipe": ("cover", (f"{life.session}/pipe.wav",), "pipe"),
        "text": ("cover", (str(text),), "no audio"),
        "long": ("cover", ("x" * 5000,), "No session holds"),
        "word": ("covver", (clip,), "cover"),
        "id": ("cancel", ("ffffffff",), "ffffffff"),
        "no-id": ("retry", (), "needs the id"),
    }


async def test_osc_that_cannot_be_done_is_answered_once_with_a_sentence(tmp_path: Path, outside: Path):
    async with with_studio(tmp_path) as life, life.osc() as osc:
        table = osc_table(life, outside)
        for req, (word, arguments, _) in table.items():
            osc.say(f"/sendreturn/{word}", *arguments, "req", req)
        for junk in (
            b"",
            b"\0",
            b"garbage" * 9000,
            b"#bundle\0" + b"\0" * 8 + b"\xff\xff\xff\xfc",
            b"/sendreturn/cover",
        ):
            osc.say_raw(junk)
        osc.say("/sendreturn/cover", "x" * 60_000)
        osc.say("/sendreturn/ping", "req", "last")
        await osc.hear("/sendreturn/pong")
        told: dict[str, list[str]] = {}
        for answer in osc.answers:
            text, *echo = answer.params
            if answer.address == "/sendreturn/error":
                told.setdefault(echo[1] if echo else "", []).append(text)
        for req, (_, _, word) in table.items():
            (sentence,) = told[req]
            assert_finished(sentence)
            assert word in sentence, (req, sentence)
        assert set(told) <= {*table, ""}
        assert len(told.get("", ())) <= 1  # the path of 60 kB
        assert life.daemon.house.conductor.list() == []
        await assert_goes_on(life)
    assert outside.exists()


# HTTP


async def test_http_that_cannot_be_done_is_answered_with_a_sentence(tmp_path: Path, outside: Path):
    async with with_studio(tmp_path) as life, life.http() as http, life.http(token="wrong") as stranger:
        clip = str(write_tone(life.session / "riff.wav", seconds=0.4))
        good = {"path": clip, "operation": "cover", "service": "studio"}
        foreign = {"Host": "evil.example"}
        answers = {
            400: [
                await http.post("/api/sends", content=b"{"),
                await http.post("/api/sends", content=b"[" * 100_000),
                await http.post("/api/sends", content=b"\xff\xfe"),
                await http.post("/api/sends", json=[good]),
                await http.post("/api/sends", json={**good, "stile": "jazz"}),
                await http.post("/api/sends", json={**good, "operation": 7}),
                await http.post("/api/sends", json={**good, "operation": "covver"}),
                await http.post("/api/sends", json={**good, "params": {"stile": "jazz"}}),
                await http.post("/api/sends", json={**good, "params": {"style": {"a": 1}}}),
                await http.post("/api/sends", json={**good, "path": f"{clip}.missing"}),
                await http.post("/api/sends", json={**good, "path": "riff.wav"}),
                await http.post("/api/sends", json={**good, "path": "/nul\0.wav"}),
                await http.post("/api/sends", json={**good, "path": "x" * 300_000}),
                await http.post("/api/sends", json={**good, "path": f"/{'x' * 5000}"}),
                await http.post("/api/sends", json={**good, "session": f"{tmp_path}/nowhere"}),
                await http.post("/api/sends", json={**good, "operation": "inpaint"}),
                await http.post("/api/sends", files={"audio": ("a.wav", b"RIFF")}, data={"operation": "cover"}),
                await http.post("/api/sends", files={"other": ("a.wav", b"RIFF")}, data={"operation": "cover"}),
                await http.get("/api/sends", params={"state": "sleeping"}),
            ],
            401: [
                await stranger.post("/api/sends", json=good),
                await stranger.post("/api/sends/ffffffff/cancel"),
            ],
            403: [
                await http.post("/api/sends", json=good, headers=foreign),
                await http.get("/api/sends", headers=foreign),
                await http.post("/api/sends", json=good, headers={"Origin": "https://evil.example"}),
            ],
            404: [
                await http.get("/api/sends/ffffffff"),
                await http.post("/api/sends/ffffffff/retry"),
                await http.get("/api/nothing"),
            ],
            405: [await http.delete("/api/sends")],
        }
        for status, group in answers.items():
            for answer in group:
                assert answer.status_code == status, answer.text
                error = answer.json()["error"]
                assert_finished(error["what"])
                assert error["hint"] == "" or assert_finished(error["hint"]) is None
        assert life.daemon.house.conductor.list() == []
        await assert_goes_on(life)


async def test_an_upload_that_is_no_audio_is_refused_and_leaves_nothing(tmp_path: Path):
    async with with_studio(tmp_path) as life, life.http() as http:
        fields = {"operation": "cover", "service": "studio", "session": str(life.session)}
        for name in ("lyrics.wav", "../../escape.wav", "x" * 400 + ".wav"):
            answer = await http.post("/api/sends", files={"audio": (name, b"no audio at all")}, data=fields)
            assert answer.status_code == 400, answer.text
            assert_finished(answer.json()["error"]["what"])
        assert not list(tmp_path.glob("*escape*"))
        assert not list(life.session.rglob(".sendreturn-*"))
        await assert_goes_on(life)


# Command line


def call(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main(arguments)
    code = ended.value.code
    assert isinstance(code, int)
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("with_daemon", [True, False])
async def test_a_command_that_cannot_be_done_ends_with_2_and_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_daemon: bool
):
    life = with_studio(tmp_path)
    monkeypatch.setenv("SENDRETURN_HOME", str(life.daemon.places.state))
    monkeypatch.setenv("SENDRETURN_CONFIG", str(tmp_path / "none.yaml"))
    clip = str(write_tone(life.session / "riff.wav", seconds=0.4))
    text = str(life.session / "lyrics.wav")
    odd_files.write_text(Path(text))
    wrong = [
        ("send", clip),
        ("send", clip, "--operation"),
        ("send", clip, "-o", "covver"),
        ("send", clip, "-o", "cover", "--set", "style"),
        ("send", clip, "-o", "cover", "--set", "stile=jazz"),
        ("send", clip, "-o", "inpaint"),
        ("send", clip, "-o", "inpaint", "--set", "section_s=3,4"),
        ("send", clip, "-o", "cover", "--service", "nobody"),
        ("send", clip, "-o", "cover", "--session", str(tmp_path / "nowhere")),
        ("send", f"{clip}.missing", "-o", "cover"),
        ("send", str(life.session), "-o", "cover"),
        ("send", text, "-o", "cover"),
        ("send", "-o", "cover"),
        ("sned", clip),
        ("watch", str(tmp_path / "nowhere")),
        ("show",),
    ]

    def all_of_them() -> list[tuple[int, str, str]]:
        return [call(*arguments) for arguments in wrong]

    if with_daemon:
        async with life:
            results = await asyncio.to_thread(all_of_them)
            assert life.daemon.house.conductor.list() == []
            await assert_goes_on(life)
    else:
        await life.daemon.house.stop()  # it holds the state folder from its making on
        results = await asyncio.to_thread(all_of_them)
    for arguments, (code, out, err) in zip(wrong, results, strict=True):
        assert code == 2, (arguments, err)
        assert out == ""
        assert "Traceback" not in err
        assert_finished(err.rstrip("\n").rpartition("\n")[2])
