"""What the bridges to Suno's models share."""

from __future__ import annotations

import pytest
from sendreturn.contract import MadeTake
from sendreturn.errors import Refusal
from sendreturn.params import parse_params
from sendreturn.words import Kind
from sendreturn_bridges.suno.models import check_model, is_at_least, version_of
from sendreturn_bridges.suno.places import check_side, point_s, section_s
from sendreturn_bridges.suno.requests import Request, kept_mp3, kept_report, song_facts
from sendreturn_bridges.suno.stems import TWELVE, fewer_note, stem_sets
from sendreturn_bridges.suno.words import check_length, check_texts, quoted, sung

LENGTHS = {"old": {"lyrics": 30, "title": 8}, "new": {"lyrics": 50, "title": 8}}
SONIC = ("sonic-v4", "sonic-v4-5-plus", "sonic-v5")


@pytest.mark.parametrize(
    ("model", "version"), [("chirp-v4-5-plus", 4.5), ("sonic-v5", 5.0), ("chirp-v3-0", 3.0), ("remi-v1", None)]
)
def test_a_models_name_tells_its_version(model, version):
    assert version_of(model) == version
    assert is_at_least(model, 4.5) == (version is None or version >= 4.5)


@pytest.mark.parametrize("model", ["sonic-v4", "sonic-v6-wild"])
def test_models_of_the_family_are_taken_also_when_they_are_newer(model):
    check_model("X", model, SONIC)


@pytest.mark.parametrize(
    ("model", "hint"), [("chirp-v5", "sonic-v5"), ("nonsense", "sonic-v4, sonic-v4-5-plus"), ("sonic-vx", "It has")]
)
def test_other_names_are_refused_with_one_that_would_do(model, hint):
    with pytest.raises(Refusal, match=hint):
        check_model("X", model, SONIC)


def test_a_long_text_is_refused_and_a_newer_model_named_only_where_it_would_help():
    fields = {"lyric": "lyrics"}
    check_texts("X", {"lyric": "x" * 40}, fields, LENGTHS, "chirp-v5")
    with pytest.raises(Refusal, match=r"The lyrics have 40 characters; X takes at most 30 .* from v4.5 on.* 50\."):
        check_texts("X", {"lyric": "x" * 40}, fields, LENGTHS, "chirp-v4")
    with pytest.raises(Refusal, match=r"Shorten them\.$") as raised:
        check_texts("X", {"lyric": "x" * 60}, fields, LENGTHS, "chirp-v4")
    assert "v4.5" not in raised.value.hint
    with pytest.raises(Refusal, match=r"The prompt has 9 characters"):
        check_length("X", "prompt", "x" * 9, 8)


def test_only_words_outside_of_tags_are_sung():
    assert sung("[Verse]\nHello\n[Chorus]") == "Hello"
    assert sung("[Instrumental]") == ""


def test_a_continuation_starts_where_the_shortest_of_what_is_known_ends():
    assert point_s("X", parse_params({}), 10.0004) == 10.0
    assert point_s("X", parse_params({}), 10.0, 9.98) == 9.98
    assert point_s("X", parse_params({"from_s": 4}), 10.0, 9.98) == 4.0
    for params, clip_s, says in (
        ({"from_s": 11}, 10.0, "inside"),
        ({"from_s": 0}, 10.0, "more than 0"),
        ({}, None, "X"),
    ):
        with pytest.raises(Refusal, match=says):
            point_s("X", parse_params(params), clip_s)


def test_sections_lie_in_the_clip_and_continuations_on_its_right():
    assert section_s(parse_params({"section_s": [2, 4]}), 4.0) == (2.0, 4.0)
    with pytest.raises(Refusal, match="2 to 5 s"):
        section_s(parse_params({"section_s": [2, 5]}), 4.0)
    check_side("X", parse_params({"side": "right"}))
    with pytest.raises(Refusal, match="sonauto"):
        check_side("X", parse_params({"side": "left"}))


def test_a_request_goes_through_the_journal_and_takes_the_clips_address():
    request = Request("/a", {"b": 1}, "songs", {"c": 2}, "url")
    assert Request.from_fields(request.to_fields()) == request
    assert request.with_clip("http://x") == {"b": 1, "url": "http://x"}
    assert Request("/a", {"b": 1}, "songs").with_clip("http://x") == {"b": 1}


def test_an_mp3_is_kept_where_its_wav_could_not_be_had():
    take = MadeTake(facts=song_facts(Kind.TAIL, "tail", 9.5, "https://x/a.mp3"))
    call = kept_mp3(2, take)
    report = kept_report(call.fields, "X")
    assert report is not None
    (made,) = report.takes[0].files
    assert (call.take, call.credits) == (2, 0.0)
    assert (made.kind, made.covers, made.duration_s, made.ref) == (Kind.TAIL, "tail", 9.5, "https://x/a.mp3")
    assert kept_report({"path": "/a"}, "X") is None


def named(*clips, is_there=lambda clip: True):
    return [[name for name, _ in one] for one in stem_sets(clips, is_there)]


def test_stems_are_named_by_type_by_title_or_by_their_order():
    assert named({"stem_type": "Backing Vocals"}, {"title": "Song (FX)"}, {"title": "Song - Drums"}) == [
        ["backing_vocals", "fx", "drums"]
    ]
    assert named(*[{} for _ in range(12)]) == [list(TWELVE)]
    assert named({"title": "A"}, {"title": "B"}) == [["vocals", "instrumental"]]


def test_twenty_four_stems_are_two_sets_also_when_one_is_lost():
    clips = [{"id": n} for n in range(24)]
    first, second = named(*clips, is_there=lambda clip: clip["id"] != 3)
    assert first == [name for name in TWELVE if name != "bass"]
    assert second == list(TWELVE)


def test_nothing_there_is_no_set():
    assert stem_sets([{"title": "a"}], lambda clip: False) == []


def test_fewer_stems_than_asked_for_are_told():
    sets = stem_sets([{}, {}], lambda clip: True)
    assert fewer_note("X", 2, sets) == ()
    assert "2 stems, not 4" in fewer_note("X", 4, sets)[0]


def test_a_service_is_quoted_in_one_line_and_not_without_end():
    assert quoted(" It is\n too long. ") == " Its own words: It is too long."
    assert quoted(" . ") == ""
    assert len(quoted("x" * 1000)) < 300
