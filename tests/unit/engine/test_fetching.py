"""What was made is fetched whole, asked for anew where that is free, and told where it is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from engine_rig import Rig
from fake_service import FakeService, write_tone
from sendreturn.contract import Accepted, Ask, Call, Made, MadeTake, Report, Way
from sendreturn.engine.journal import Fate
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.download import Gone
from sendreturn.sends.wish import SendView
from sendreturn.words import Kind, State


@pytest.fixture(autouse=True)
def quick_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendreturn.engine.make.PAUSES_S", (0.0, 0.0))


def gone() -> None:
    raise Gone("The result is not there any more.")


@dataclass
class Studio(FakeService):
    """Makes a song; with `sells_wav` a WAV of it too, answered at once, and the MP3 where that failed.

    `store` says what lies at an address; an address holds the number of looks at which it was told.
    """

    sells_wav: bool = False
    can_look_at_wav: bool = False
    song: tuple[Made, ...] = (Made(Kind.MIX, "song", duration_s=2.0, made_by="studio"),)
    store: Callable[[str, Path], None] = lambda ref, target: write_tone(target) and None
    fetched: list[str] = field(default_factory=list)
    looks: int = 0

    def follow(self, ask: Ask, done: object) -> tuple[Call, ...]:
        reports: dict[str, Report] = done  # type: ignore[assignment]
        if not self.sells_wav:
            return ()
        if "wav" not in reports:
            return (Call("wav", "wav", {}, 5.0, take=1, essential=False, needs_clip=False),)
        if reports["wav"].failed is not None and "mp3" not in reports:
            return (Call("mp3", "wav", {}, 0.0, take=1, essential=False, needs_clip=False),)
        return ()

    async def submit(self, call: Call, way: Way) -> Accepted:
        if call.name == "mp3":
            return Accepted("kept", Report(True, takes=(MadeTake((Made(Kind.MIX, "mp3"),)),)))
        accepted = await super().submit(call, way)
        if call.name != "wav":
            return accepted
        report = Report(True, takes=(MadeTake((Made(Kind.MIX, "wav-0", duration_s=2.0),)),))
        return Accepted("wav-task", report, can_look=self.can_look_at_wav)

    async def look(self, call: Call, task_id: str, folder: Path) -> Report:
        self.looks += 1
        if call.name == "wav":
            assert self.can_look_at_wav, "there is nothing to look at"
            return Report(True, takes=(MadeTake((Made(Kind.MIX, f"wav-{self.looks}", duration_s=2.0),)),))
        made = () if self.sells_wav else self.song
        return Report(True, takes=(MadeTake(made, clip_id="c1"),))

    async def fetch(self, made: Made, target: Path, folder: Path) -> None:
        self.fetched.append(made.ref)
        self.store(made.ref, target)


def checks(send: SendView) -> str:
    assert send.folder is not None
    told = [json.loads(path.read_text()) for path in send.folder.glob("*.json")]
    return " ".join(check for sidecar in told for file in sidecar["returns"] for check in file["checks"])


async def sent(tmp_path: Path, clip: Path, studio: Studio) -> SendView:
    async with Rig(tmp_path, studio) as rig:
        return await rig.ended(rig.send(clip).id)


async def test_a_result_that_came_at_once_and_expired_is_looked_at_anew(tmp_path: Path, clip: Path):
    def store(ref: str, target: Path) -> None:
        gone() if ref == "wav-0" else write_tone(target)

    studio = Studio(sells_wav=True, can_look_at_wav=True, store=store)
    send = await sent(tmp_path, clip, studio)
    assert send.state is State.DONE
    assert studio.fetched == ["wav-0", "wav-2"]
    assert studio.ledger == ["cover", "wav"]
    assert "lost" not in checks(send)


async def test_a_wav_that_is_lost_gives_way_to_the_mp3_and_is_told(tmp_path: Path, clip: Path):
    def store(ref: str, target: Path) -> None:
        gone() if ref.startswith("wav") else write_tone(target)

    studio = Studio(sells_wav=True, store=store)
    send = await sent(tmp_path, clip, studio)
    assert send.state is State.DONE
    assert [path.name for path in send.returns if path.suffix == ".wav"] == [f"riff_cover_{send.id}_t1.wav"]
    assert "The mix of take 1 is lost: Studio no longer has it." in checks(send)
    assert studio.ledger == ["cover", "wav"]


async def test_a_lost_song_fails_with_the_price_of_another_and_only_retry_pays_it(tmp_path: Path, clip: Path):
    studio = Studio(store=lambda ref, target: gone())
    async with Rig(tmp_path, studio) as rig:
        send = await rig.ended(rig.send(clip).id)
        assert send.state is State.FAILED
        assert "The mix of take 1 is lost" in send.text
        assert f"`sendreturn retry {send.id}` has it made anew, which costs about 10 credits more." in send.text
        assert [intent.fate for intent in rig.journal.standing_of(rig.journal.get(send.id).id)] == [Fate.LOST]
        assert studio.ledger == ["cover"]
        studio.store = lambda ref, target: write_tone(target) and None
        rig.desk.retry(send.id)
        assert (await rig.reach(send.id, State.DONE)).state is State.DONE
    assert studio.ledger == ["cover", "cover"]


async def test_one_lost_stem_leaves_the_others_and_the_mix(tmp_path: Path, clip: Path):
    def store(ref: str, target: Path) -> None:
        gone() if ref == "bass" else write_tone(target)

    stems = tuple(Made(Kind.STEM, stem, stem=stem) for stem in ("vocals", "bass", "drums"))
    studio = Studio(song=(Made(Kind.MIX, "song"), *stems), store=store)
    send = await sent(tmp_path, clip, studio)
    assert send.state is State.DONE
    assert {path.stem.rsplit("_", 1)[1] for path in send.returns if path.suffix == ".wav"} == {"t1", "vocals", "drums"}
    assert "The bass of take 1 is lost" in checks(send)
    assert any("The bass of take 1 is lost" in entry.note for entry in (await history(tmp_path, studio, send)))


async def history(tmp_path: Path, studio: Studio, send: SendView):
    async with Rig(tmp_path, studio) as rig:
        return rig.desk.get(send.id).history


async def test_half_a_file_is_fetched_once_more(tmp_path: Path, clip: Path):
    studio = Studio()

    def store(ref: str, target: Path) -> None:
        write_tone(target)
        if len(studio.fetched) == 1:
            target.write_bytes(target.read_bytes()[:20_000])

    studio.store = store
    send = await sent(tmp_path, clip, studio)
    assert (send.state, len(studio.fetched), studio.ledger) == (State.DONE, 2, ["cover"])
    assert "long" not in checks(send)


async def test_a_file_that_stays_damaged_fails_and_retry_fetches_it_without_paying(tmp_path: Path, clip: Path):
    studio = Studio(store=lambda ref, target: target.write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt ") and None)
    async with Rig(tmp_path, studio) as rig:
        send = await rig.ended(rig.send(clip).id)
        assert send.state is State.FAILED
        assert "cannot be read to its end" in send.text
        assert "at no cost" in send.text
        assert len(studio.fetched) == 3
        studio.store = lambda ref, target: write_tone(target) and None
        rig.desk.retry(send.id)
        await rig.reach(send.id, State.DONE)
    assert studio.ledger == ["cover"]


async def test_a_song_that_stays_shorter_than_stated_is_delivered_and_told(tmp_path: Path, clip: Path):
    studio = Studio(song=(Made(Kind.MIX, "song", duration_s=9.0),))
    send = await sent(tmp_path, clip, studio)
    assert (send.state, len(studio.fetched)) == (State.DONE, 3)
    assert "The mix of take 1: it is 2.00 s long, and the service says 9.00 s." in checks(send)


async def test_passing_trouble_of_the_host_is_waited_for(tmp_path: Path, clip: Path):
    troubles = iter([ServiceError("The connection broke.", outcome=Outcome.RETRY)] * 2)

    def store(ref: str, target: Path) -> None:
        error = next(troubles, None)
        if error is not None:
            raise error
        write_tone(target)

    send = await sent(tmp_path, clip, Studio(store=store))
    assert send.state is State.DONE


async def test_a_stand_in_that_cannot_be_fetched_now_is_fetched_by_retry_at_no_cost(tmp_path: Path, clip: Path):
    def store(ref: str, target: Path) -> None:
        if ref.startswith("wav"):
            gone()
        raise ServiceError("Not now.", outcome=Outcome.GIVE_UP)

    studio = Studio(sells_wav=True, store=store)
    send = await sent(tmp_path, clip, studio)
    studio.store = lambda ref, target: write_tone(target) and None
    async with Rig(tmp_path, studio) as rig:
        rig.desk.retry(send.id)
        done = await rig.reach(send.id, State.DONE)
    assert "lost" in checks(done)
    assert studio.ledger == ["cover", "wav"]
