"""What a retry makes anew is what was lost, at a price that was told before; everything else stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from engine_rig import PLAIN_RETURNS, Rig
from fake_service import FakeService, write_tone
from sendreturn.contract import Accepted, Ask, Call, Made, MadeTake, Report, Way
from sendreturn.engine.run import MOST_TRIES
from sendreturn.errors import Outcome, ServiceError
from sendreturn.net.download import Gone
from sendreturn.returns.sidecar import read_sidecar
from sendreturn.sends.wish import SendView
from sendreturn.settings import Budget, Settings
from sendreturn.words import Kind, State

EXTRAS = ("wav", "video")


@pytest.fixture(autouse=True)
def quick_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendreturn.engine.make.PAUSES_S", (0.0,))


@dataclass
class Songs(FakeService):
    """Makes a song for 10 credits, then the extras that it is told to, for 3 each and about this very song.

    `submits` and `looks` say by the call's name what happens to it; `fetches` by the kind of the file.
    """

    extras: tuple[str, ...] = EXTRAS
    essentials: tuple[str, ...] = ()
    submits: dict[str, Callable[[], Report | None]] = field(default_factory=dict)
    looks: dict[str, Callable[[], Report | None]] = field(default_factory=dict)
    fetches: dict[str, Callable[[], None]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def follow(self, ask: Ask, done: Mapping[str, Report]) -> tuple[Call, ...]:
        if len(done) > 1:
            return ()
        song = {"song": done["main"].facts["song"]}
        return tuple(Call(name, name, song, 3.0, take=1, essential=name in self.essentials) for name in self.extras)

    async def submit(self, call: Call, way: Way) -> Accepted:
        self.asked.append(call.name)
        report = self.submits.get(call.name, lambda: None)()
        return Accepted(f"{call.name}-{len(self.asked)}", report)

    async def look(self, call: Call, task_id: str, folder: Path) -> Report:
        told = self.looks.get(call.name, lambda: None)()
        if told is not None:
            return told
        made = Made(Kind.MIX if call.name == "main" else Kind.STEM, f"{task_id}.wav", stem=call.name)
        return Report(True, takes=(MadeTake((made,), clip_id="c1"),), facts={"song": task_id})

    async def fetch(self, made: Made, target: Path, folder: Path) -> None:
        self.fetches.get(made.ref.partition("-")[0], lambda: None)()
        self.fetched.append(made.ref)
        write_tone(target)


def raises(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def broken() -> Callable[[], Report]:
    return lambda: Report(True, failed="It could not be made.")


async def retried(rig: Rig, send: SendView) -> SendView:
    rig.desk.retry(send.id)
    return await rig.ended(send.id)


async def test_a_song_that_was_paid_for_stays_when_an_extra_is_uncertain(tmp_path: Path, clip: Path):
    songs = Songs(essentials=EXTRAS, submits={"wav": raises(ServiceError("No answer.", outcome=Outcome.UNKNOWN))})
    async with Rig(tmp_path, songs) as rig:
        send = await rig.ended(rig.send(clip).id)
        assert send.state is State.UNCERTAIN
        assert songs.asked == ["main", "wav"]
        songs.submits = {}
        assert (await retried(rig, send)).state is State.DONE
    assert songs.asked == ["main", "wav", "wav", "video"]


async def test_a_request_in_doubt_is_told_with_its_own_price(tmp_path: Path, clip: Path):
    songs = Songs(essentials=EXTRAS, submits={"wav": raises(KeyError("id"))})
    async with Rig(tmp_path, songs) as rig:
        send = await rig.ended(rig.send(clip).id)
    assert f"`sendreturn retry {send.id}` makes this request anew, for about 3 credits, and may pay twice." in send.text
    assert "What was made already is kept." in send.text


async def test_an_extra_that_the_service_could_not_make_is_all_that_is_made_anew(tmp_path: Path, clip: Path):
    songs = Songs(essentials=EXTRAS, looks={"video": broken()})
    async with Rig(tmp_path, songs) as rig:
        send = await rig.ended(rig.send(clip).id)
        assert send.state is State.FAILED
        assert f"`sendreturn retry {send.id}` asks for it once more, for about 3 credits." in send.text
        songs.looks = {}
        done = await retried(rig, send)
    assert done.state is State.DONE
    assert songs.asked == ["main", "wav", "video", "video"]
    assert "made anew: video" in [entry.note for entry in done.history]


async def test_what_hangs_on_a_lost_song_is_made_anew_with_it(tmp_path: Path, clip: Path):
    songs = Songs(extras=("wav",), fetches={"main": raises(Gone("It is gone.")), "wav": raises(Gone("It is gone."))})
    async with Rig(tmp_path, songs) as rig:
        send = await rig.ended(rig.send(clip).id)
        assert send.state is State.FAILED
        assert "costs about 13 credits more." in send.text
        songs.fetches = {}
        assert (await retried(rig, send)).state is State.DONE
    assert songs.asked == ["main", "wav", "main", "wav"]


async def test_an_extra_that_a_send_has_gone_on_without_is_not_bought_by_its_retry(tmp_path: Path, clip: Path):
    songs = Songs(essentials=("video",), looks={"wav": broken()}, fetches={"video": raises(ServiceError("Not now."))})
    async with Rig(tmp_path, songs) as rig:
        send = await rig.ended(rig.send(clip).id)
        assert send.state is State.FAILED
        assert send.text.endswith(f"`sendreturn retry {send.id}` fetches it once more, at no cost.")
        songs.looks, songs.fetches = {}, {}
        assert (await retried(rig, send)).state is State.DONE
    assert songs.asked == ["main", "wav", "video"]
    assert songs.fetched == ["main-1.wav", "video-3.wav"]


async def test_an_extra_in_doubt_is_not_bought_again_after_deaths_over_the_files(tmp_path: Path, clip: Path):
    songs = Songs(extras=("wav",), submits={"wav": raises(ServiceError("No answer.", outcome=Outcome.UNKNOWN))})
    songs.fetches = {"main": raises(ServiceError("Not now."))}
    async with Rig(tmp_path, songs) as rig:
        send = rig.journal.get((await rig.ended(rig.send(clip).id)).id)
        for _ in range(MOST_TRIES):
            rig.journal.begin_try(send.id, "fetch")
        rig.journal.move(send.id, State.FETCHING)
    async with Rig(tmp_path, songs) as rig:
        died = await rig.ended(send.id)
        assert f"has died {MOST_TRIES} times" in died.text
        songs.fetches = songs.submits = {}
        assert (await retried(rig, died)).state is State.DONE
    assert songs.asked == ["main", "wav"]


async def test_a_crash_after_a_failure_does_not_count_as_the_users_word(tmp_path: Path, clip: Path):
    songs = Songs(essentials=EXTRAS, looks={"wav": broken(), "video": broken()})
    async with Rig(tmp_path, songs) as rig:
        send = await rig.ended(rig.send(clip).id)
        again = await retried(rig, send)  # the WAV is made anew, and fails once more
        assert again.state is State.FAILED
        songs.looks = {"video": broken()}
        last = await retried(rig, again)
        assert "asks for it once more" in last.text
        # As a kill leaves it, after the failure is written down and before the send has ended.
        rig.journal.move(rig.journal.get(send.id).id, State.GENERATING)
    async with Rig(tmp_path, songs) as rig:
        assert (await rig.ended(send.id)).state is State.FAILED
    assert songs.asked == ["main", "wav", "video", "wav", "wav"]


async def test_a_failure_that_is_answered_at_once_is_raised_as_any_other(tmp_path: Path, clip: Path):
    refusal = Report(True, failed="Those words will not do.", cost_credits=0.0)
    songs = Songs(extras=(), submits={"main": lambda: refusal})
    async with Rig(tmp_path, songs) as rig:
        send = await rig.ended(rig.send(clip).id)
        assert send.state is State.FAILED
        assert send.text.startswith("Those words will not do. Studio charges nothing for it.")
        assert rig.desk.get(send.id).cost_credits == 0.0
        rig.journal.move(rig.journal.get(send.id).id, State.SUBMITTING)
    async with Rig(tmp_path, songs) as rig:
        assert (await rig.ended(send.id)).state is State.FAILED
        assert songs.asked == ["main"]
        songs.submits = {}
        await retried(rig, send)
    assert songs.asked == ["main", "main"]


async def test_an_extra_that_is_refused_is_asked_for_once(tmp_path: Path, clip: Path):
    songs = Songs(extras=("wav",), submits={"wav": raises(ServiceError("No WAV today.", outcome=Outcome.GIVE_UP))})
    songs.fetches = {"main": raises(ServiceError("Not now."))}
    async with Rig(tmp_path, songs) as rig:
        send = await rig.ended(rig.send(clip).id)
        rig.journal.forget(rig.journal.get(send.id).id, ["make"])
        rig.journal.move(rig.journal.get(send.id).id, State.SUBMITTING)
    async with Rig(tmp_path, songs) as rig:
        assert (await rig.ended(send.id)).state is State.FAILED
        assert songs.asked == ["main", "wav"]
        songs.fetches = songs.submits = {}
        assert (await retried(rig, send)).state is State.DONE
    assert songs.asked == ["main", "wav"]


async def test_a_task_is_named_once_in_the_sidecar(tmp_path: Path, clip: Path):
    class Same(Songs):
        async def submit(self, call: Call, way: Way) -> Accepted:
            accepted = await super().submit(call, way)
            return Accepted("task-1", (await self.look(call, accepted.task_id, way.folder)))

    async with Rig(tmp_path, Same()) as rig:
        send = await rig.ended(rig.send(clip).id)
    assert send.folder is not None
    (path,) = send.folder.glob("*.json")
    assert read_sidecar(path).service_refs.task_ids == ("task-1",)


async def test_a_cap_that_leaves_no_room_for_an_extra_does_not_lose_the_song(tmp_path: Path, clip: Path):
    songs = Songs(extras=("wav",))
    settings = Settings(service="studio", returns=PLAIN_RETURNS, budget=Budget(per_day_credits=12))
    async with Rig(tmp_path, songs, settings=settings) as rig:
        ended = await rig.ended(rig.send(clip).id)
    assert ended.state is State.DONE
    assert songs.asked == ["main"]
    assert ended.folder is not None
    sidecar = read_sidecar(next(ended.folder.glob("*.json")))
    assert any("per_day_credits" in check for file in sidecar.returns for check in file.checks)
