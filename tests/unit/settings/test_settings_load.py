"""Loading the configuration: defaults, layers, and every problem of a file at once."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sendreturn.audio.quantize import Quantizing
from sendreturn.errors import SettingsError
from sendreturn.settings import ServiceSettings, Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    Loader = Callable[[str], Settings]
    Problems = Callable[[str], list[str]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sendreturn.yaml"


@pytest.fixture
def load(file: Path, tmp_path: Path) -> Loader:
    def write_and_load(text: str) -> Settings:
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return load_settings(file, {"HOME": str(tmp_path / "home")})

    return write_and_load


@pytest.fixture
def problems(load: Loader, file: Path) -> Problems:
    def write_and_refuse(text: str) -> list[str]:
        with pytest.raises(SettingsError) as caught:
            load(text)
        return [problem.removeprefix(f"{file}:") for problem in caught.value.problems]

    return write_and_refuse


def test_a_missing_file_means_all_defaults(file: Path) -> None:
    assert load_settings(file).model_dump() == load_settings(None).model_dump()


@pytest.mark.parametrize("text", ["", "osc:\nservices:\n  sonauto:\nsessions:\npresets:\nservice:\n"])
def test_an_empty_file_and_empty_sections_mean_all_defaults(load: Loader, text: str) -> None:
    assert load(text).model_dump() == load_settings(None).model_dump()


def test_the_whole_of_the_contract_is_taken(load: Loader, tmp_path: Path) -> None:
    got = load("""\
        sessions:
          - path: ~/Music/My Song
          - path: ~/Music/Sessions
            each: true
            rules:
              - match: "Bounces/*_cover.wav"
                preset: jazz-cover
              - match: "*_long.wav"
                operation: upload_extend
                params: { extend_s: 30 }
        service: sunoapi
        services:
          sonauto: { poll_s: 0.05, media_hosts: ["127.0.0.1:9000", cdn.example.com] }
          sunoapi: { base_url: "http://127.0.0.1:9100/", cb_url: "https://x.example", timeout_s: 600, max_parallel: 2 }
          mine: { prices: { extend: 10 }, options: { deep: { a: [1] } }, model: v1 }
        presets:
          jazz-cover: { operation: cover, service: sunoapi, style: "smooth jazz", stems: 2 }
        hosting: { kind: s3, endpoint: "https://s3.example.com", bucket: clips }
        public_url: https://studio.example.com/
        budget: { per_send_credits: 20, per_day_credits: 200, ask_above_credits: 12.5 }
        osc: { host: 0.0.0.0, port: 7400, reply: ["10.0.0.2:9000", "[::1]:9001"], allow: [10.0.0.2, 10.1.0.0/16] }
        web: { host: "::", port: 0, open_to_network: yes }
        returns: { folder: AI/Returns, sample_rate: 48000, bit_depth: 32, stems: none, midi: no, align: off }
        hot_folder: { folder: Out, settle_s: 0.5, after: leave }
        database: postgresql://studio@db/sendreturn
        """)
    first, second = got.sessions
    assert first.path == tmp_path / "home/Music/My Song"
    assert second.each
    assert [rule.preset for rule in second.rules] == ["jazz-cover", None]
    assert second.rules[1].operation == "extend"
    assert second.rules[1].params.extend_s == 30
    assert got.services["sonauto"].media_hosts == ("127.0.0.1:9000", "cdn.example.com")
    assert got.services["sonauto"].api_key_env == "SONAUTO_API_KEY"
    assert got.services["sunoapi"].url("base_url") == "http://127.0.0.1:9100"
    assert got.services["sunoapi"].urls.keys() == {"base_url", "upload_url", "cb_url"}
    assert got.services["mine"].prices == {"extend": 10.0}
    preset = got.preset("Jazz-Cover")
    assert preset is not None
    assert (preset.operation, preset.params.given()) == (
        "cover",
        {"service": "sunoapi", "style": ["smooth jazz"], "stems": 2},
    )
    assert got.budget.ask_above_credits == 12.5
    assert got.osc.reply == ("10.0.0.2:9000", "[::1]:9001")
    assert got.osc.allow == ("10.0.0.2/32", "10.1.0.0/16")
    assert (got.web.host, got.web.port, got.web.open_to_network) == ("::", 0, True)
    assert (got.returns.rate_hz, got.returns.bit_depth, got.returns.stems, got.returns.midi) == (48000, 32, 0, False)
    assert (got.hot_folder.folder, got.hot_folder.after) == ("Out", "leave")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("none", None),
        ("null", None),
        ("1/8t", Quantizing("1/8T")),
        ("{ strength: 0.8 }", Quantizing("1/16", 0.8)),
        ("{ grid: 1/8, strength: 0.5, swing: 60 }", Quantizing("1/8", 0.5, 60.0)),
    ],
)
def test_the_grid_for_notes_may_be_none_a_grid_or_a_table(load: Loader, text: str, expected: Quantizing | None) -> None:
    quantize = load(f"returns:\n  quantize: {text}\n").returns.quantize
    assert (quantize.quantizing if quantize else None) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("servce: local\n", "1: servce: expected a known key, found 'servce'. Did you mean 'service'?"),
        ("\nosc: { prot: 1 }\n", "2: osc.prot: expected a known key, found 'prot'. Did you mean 'port'?"),
        (
            "web:\n  host: localhost\n  q: 1\n",
            "3: web.q: expected a known key, found 'q'. Known here: host, open_to_network, port, public_port.",
        ),
        ("osc:\n  port: 70000\n", "2: osc.port: expected a whole number from 0 to 65535, found 70000."),
        ("osc:\n  host: 300.1.1.1\n", "2: osc.host: expected a host name or an IP address, found '300.1.1.1'."),
        ("osc:\n  reply:\n    - a:1\n    - b\n", "4: osc.reply[1]: expected \"host:port\", found 'b'."),
        (
            "osc:\n  allow: [phone.local]\n",
            (
                "2: osc.allow[0]: expected the IP address of a machine, or a network such as 192.168.1.0/24,"
                " found 'phone.local'."
            ),
        ),
        (
            "osc:\n  host: 0.0.0.0\n",
            (
                "2: osc.host: expected osc.allow to name the machines that may send, where others reach '0.0.0.0';"
                " found none."
            ),
        ),
        (
            "web:\n  host: 192.168.1.4\n",
            "2: web.host: expected web.open_to_network: yes, where others reach '192.168.1.4'; found no.",
        ),
        ("osc: { reply: x }\n", "1: osc.reply: expected a list, found 'x'."),
        ("osc: 5\n", "1: osc: expected keys and values, found 5."),
        ("services: [1]\n", "1: services: expected keys and values, found [1]."),
        (
            "service: sonatuo\n",
            "1: service: expected a service that stands under services, found 'sonatuo'. Did you mean 'sonauto'?",
        ),
        (
            "service: zzz\n",
            (
                "1: service: expected a service that stands under services, found 'zzz'."
                " Known here: acedata, local, musicapi, sonauto, sunoapi."
            ),
        ),
        (
            "services:\n  sonauto:\n    pol_s: 3\n",
            "3: services.sonauto.pol_s: expected a known key, found 'pol_s'. Did you mean 'poll_s'?",
        ),
        (
            "services:\n  sonauto:\n    poll_s: 0.01\n",
            "3: services.sonauto.poll_s: expected a number from 0.05 to 3600, found 0.01.",
        ),
        (
            "services:\n  sonauto:\n    stream_url: ftp://x\n",
            (
                "3: services.sonauto.stream_url: expected an address such as https://example.com, without a user name,"
                " a ? or a #, found 'ftp://x'."
            ),
        ),
        (
            "services:\n  sonauto:\n    base_url: https://user:hunter2@x.example/?key=abc\n",
            (
                "3: services.sonauto.base_url: expected an address such as https://example.com, without a user name,"
                " a ? or a #, found 'https://***@x.example/?***'."
            ),
        ),
        (
            "services:\n  a:\n    media_hosts: ['http://x']\n",
            '3: services.a.media_hosts[0]: expected "host" or "host:port", found \'http://x\'.',
        ),
        (
            "services:\n  a: { max_parallel: 0 }\n",
            "2: services.a.max_parallel: expected a whole number from 1 to 1000, found 0.",
        ),
        (
            "services:\n  a: { prices: { x: -1 } }\n",
            "2: services.a.prices.x: expected a number of at least 0, found -1.",
        ),
        (
            "presets:\n  x:\n    style: a\n",
            "2: presets.x.operation: expected a value, found nothing: this key is needed.",
        ),
        (
            "presets:\n  x:\n    operation: cover\n    weirdness: 2\n",
            "4: presets.x.weirdness: expected a number from 0 to 1, found 2.",
        ),
        (
            "presets:\n  x:\n    operation: cover\n    duration: 2\n",
            "4: presets.x.duration: expected a known key, found 'duration'. Did you mean 'extend_s'?",
        ),
        (
            "presets:\n  x: { operation: cover, service: sunoap }\n",
            (
                "2: presets.x.service: expected a service that stands under services, found 'sunoap'."
                " Did you mean 'sunoapi'?"
            ),
        ),
        (
            "presets:\n  extend: { operation: cover }\n",
            (
                "2: presets.extend: expected a preset name that is not an operation or a word of sendreturn's own,"
                " found 'extend'."
            ),
        ),
        (
            "presets:\n  a/b: { operation: cover }\n",
            (
                "2: presets.a/b: expected a preset name of letters, digits, - and _, since it names a folder and an OSC"
                " address, found 'a/b'."
            ),
        ),
        (
            "presets:\n  Split-4: { operation: cover }\n",
            "2: presets.Split-4: expected names that differ in more than case, found 'Split-4' and 'split-4'.",
        ),
        ("sessions:\n  - each: true\n", "2: sessions[0].path: expected a value, found nothing: this key is needed."),
        (
            "sessions:\n  - path: Music\n",
            "2: sessions[0].path: expected the full path of a folder (~ is your home folder), found 'Music'.",
        ),
        (
            "sessions:\n  - path: /a\n    rules:\n      - match: x\n        preset: lofi-cver\n",
            "5: sessions[0].rules[0].preset: expected a preset, found 'lofi-cver'. Did you mean 'lofi-cover'?",
        ),
        (
            "sessions:\n  - path: /a\n    rules:\n      - match: x\n",
            "4: sessions[0].rules[0]: expected a preset or an operation, found none of them.",
        ),
        (
            (
                "sessions:\n  - path: /a\n    rules:\n      - match: x\n        preset: split-2\n"
                "        operation: cover\n"
            ),
            "4: sessions[0].rules[0]: expected a preset or an operation, found both.",
        ),
        (
            "sessions:\n  - path: /a\n    rules:\n      - { match: ../x, operation: midi }\n",
            (
                "4: sessions[0].rules[0].match: expected a pattern relative to the session, with / between folders,"
                " such as \"Bounces/*_cover.wav\", found '../x'."
            ),
        ),
        (
            "sessions:\n  - path: /a\n    rules:\n      - { match: returns/*.wav, operation: midi }\n",
            (
                "4: sessions[0].rules[0].match: expected a pattern outside Returns, found 'returns/*.wav': that folder"
                " is sendreturn's own."
            ),
        ),
        (
            "sessions:\n  - path: /a\n  - path: /a/\n",
            "3: sessions[1].path: expected each folder once, found /a again (first as sessions[0]).",
        ),
        (
            "returns:\n  sample_rate: 44\n",
            "2: returns.sample_rate: expected session, or a rate in Hz from 8000 to 384000, found 44.",
        ),
        (
            "returns:\n  conform: strech\n",
            "2: returns.conform: expected one of none, offset, stretch, found 'strech'. Did you mean 'stretch'?",
        ),
        ("returns:\n  bit_depth: 20\n", "2: returns.bit_depth: expected 16, 24 or 32, found 20."),
        (
            "returns:\n  quantize: { grid: 1/12 }\n",
            (
                "2: returns.quantize.grid: expected one of 1/4, 1/8, 1/16, 1/32, 1/4T, 1/8T, 1/16T, 1/32T"
                " (T: triplets), found '1/12'. Did you mean '1/32'?"
            ),
        ),
        (
            "returns:\n  quantize: { strength: 80 }\n",
            "2: returns.quantize.strength: expected a number from 0 to 1, found 80.",
        ),
        (
            "returns:\n  quantize: { swing: 30 }\n",
            "2: returns.quantize.swing: expected a number from 50.0 to 75.0, found 30.",
        ),
        (
            "returns:\n  quantize: 16\n",
            "2: returns.quantize: expected none, a grid such as 1/16, or { grid: 1/16, strength: 0.8 }, found 16.",
        ),
        (
            "returns:\n  folder: /tmp\n",
            (
                "2: returns.folder: expected the name of a folder inside the session, such as Returns or AI/Returns,"
                " found '/tmp'."
            ),
        ),
        (
            "hot_folder: { after: mvoe }\n",
            "1: hot_folder.after: expected move or leave, found 'mvoe'. Did you mean 'move'?",
        ),
        (
            "hosting: { kind: serve }\n",
            "1: hosting.kind: expected public_url to be set with kind: serve, found nothing.",
        ),
        (
            "budget:\n  per_day_credits: .nan\n",
            "2: budget.per_day_credits: expected a number of at least 0, found NaN.",
        ),
        (
            "database: mysql://u:pw@h/x\n",
            "1: database: expected nothing (SQLite in the state folder), or an address postgresql://…, found 'mysql://***@h/x'.",
        ),
        ("web:\n  port: 1\n  port: 2\n", "3: web.port: expected each key once, found it again (first on line 2)."),
    ],
)
def test_a_problem_names_line_key_expectation_and_finding(problems: Problems, text: str, problem: str) -> None:
    assert problems(text) == [problem]


def test_every_problem_is_told_at_once_in_the_order_of_the_file(problems: Problems) -> None:
    found = problems("""\
        service: sunoap
        servces: {}
        presets:
          a: { operation: covr, service: nobody }
        osc: { port: x }
        returns: { folder: Sends, bit_depth: 7 }
        hosting: { kind: s3, bucket: b }
        osc: {}
        """)
    keys = ["service", "servces", "presets.a.operation", "presets.a.service", "osc.port"]
    keys += ["returns.bit_depth", "returns.folder", "hosting.endpoint", "osc"]
    assert [problem.split(": ")[1] for problem in found] == keys
    assert [int(problem.split(":")[0]) for problem in found] == [1, 2, 4, 4, 5, 6, 6, 7, 8]


def test_the_sentence_counts_the_problems_and_says_what_to_do(load: Loader, file: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load("a: 1\nb: 2\n")
    assert caught.value.what == f"The configuration {file} has 2 problems."
    assert "correct the file" in caught.value.hint


@pytest.mark.parametrize(
    "key", ["api_key", "apikey", "api-key", "apiKey", "token", "webhook_secret", "aws_secret_access_key"]
)
def test_a_key_in_the_file_is_refused_with_the_reason_and_the_way(problems: Problems, key: str) -> None:
    (problem,) = problems(f"services:\n  sonauto:\n    {key}: 123-my-key\n")
    assert problem == (
        f"3: services.sonauto.{key}: expected no API key here, found one: this file is easily shared, synced or"
        " committed, and the key with it. Set the environment variable SONAUTO_API_KEY,"
        " or run `sendreturn key set sonauto`."
    )


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  sonauto:\n    options: { x: sk-test-0123456789 }\n",
        "services:\n  sonauto:\n    model: sksonauto_0123456789abcdefABCDEF\n",
        "services:\n  sonauto:\n    api_key_env: 0a1b2c3d4e5f60718293a4b5c6d7e8f9\n",
        "services:\n  sonauto:\n    api_key_env: c0ffee3d4e5f60718293a4b5c6d7e8f9\n",
        "presets:\n  x:\n    { operation: cover, service_options: { authorization: Bearer abcdef123456 } }\n",
        "public_url:\n  -\n    - sk_live_0123456789abcd\n",
    ],
)
def test_values_that_look_like_keys_are_refused_and_not_repeated(problems: Problems, text: str) -> None:
    found = problems(text)
    assert any(problem.startswith("3: ") and "expected no API key here, found one" in problem for problem in found)
    assert not any(part in problem for problem in found for part in ("0123456789", "4e5f60718293", "abcdef123456"))


@pytest.mark.parametrize(
    "word", ["skateboarding_adventures_2024", "sketch", "sk8er", "Bearer of bad news", "skyline-reprise"]
)
def test_words_that_only_begin_like_keys_are_taken(load: Loader, word: str) -> None:
    preset = load(f"presets: {{ x: {{ operation: cover, title: '{word}' }} }}\n").preset("x")
    assert preset is not None
    assert preset.title == word


def test_a_preset_of_the_user_takes_the_place_of_a_shipped_one_as_a_whole(load: Loader) -> None:
    preset = load("presets:\n  split-4: { operation: cover }\n").preset("split-4")
    assert preset is not None
    assert (preset.operation, preset.params.given()) == ("cover", {})


def test_an_empty_preset_removes_a_shipped_one(load: Loader) -> None:
    got = load("presets:\n  split-4:\n")
    assert got.preset("split-4") is None
    assert got.preset("split-2") is not None


def test_a_service_that_is_only_named_is_known(load: Loader) -> None:
    assert load("service: mine\nservices:\n  mine:\n").service_settings("mine") == ServiceSettings()


def test_an_installed_service_need_not_stand_in_the_file(file: Path) -> None:
    file.write_text("service: theirs\n", encoding="utf-8")
    assert load_settings(file, {}, services=["theirs"]).service == "theirs"


@pytest.mark.parametrize(
    ("returns", "sends"),
    [
        ("Sends", "Sends"),
        ("sends", "Sends"),
        ("Sends/Returns", "Sends"),
        ("AI", "AI/Sends"),
        ("Caf\u00e9", "Cafe\u0301"),
    ],
)
def test_returns_and_hot_folder_must_lie_apart(problems: Problems, returns: str, sends: str) -> None:
    (problem,) = problems(f"returns: {{ folder: {returns} }}\nhot_folder: {{ folder: {sends} }}\n")
    assert problem == (
        f"1: returns.folder: expected a folder apart from hot_folder.folder ({sends}), found {returns!r}:"
        " returns would be sent again."
    )


@pytest.mark.parametrize("each", [False, True])
def test_folders_that_a_link_joins_are_found_by_their_real_paths(
    problems: Problems, tmp_path: Path, each: bool
) -> None:
    session = tmp_path / "sessions" / "song"
    (session / "Sends" / "inner").mkdir(parents=True)
    (session / "Returns").symlink_to(session / "Sends" / "inner", target_is_directory=True)
    path = session.parent if each else session
    (problem,) = problems(f"sessions:\n  - path: {path}\n    each: {str(each).lower()}\n")
    assert problem.endswith(f"in {session} (through a link): returns would be sent again.")


def test_a_path_belongs_to_the_innermost_session(load: Loader) -> None:
    got = load("""\
        sessions:
          - path: /music/sessions
            each: true
            rules: [{ match: "*.wav", operation: midi }]
          - path: /music/sessions/special
          - path: /music
        """)
    assert got.session_for(Path("/music/sessions/song/Sends/extend/a.wav")) == Path("/music/sessions/song")
    assert got.session_for(Path("/music/sessions/song")) == Path("/music/sessions/song")
    assert got.session_for(Path("/music/sessions")) == Path("/music")
    assert got.session_for(Path("/music/sessions/../a.wav")) == Path("/music")
    assert got.session_for(Path("/elsewhere/a.wav")) is None
    assert len(got.rules_for(Path("/music/sessions/song/a.wav"))) == 1
    assert got.rules_for(Path("/music/sessions/special/a.wav")) == ()


def test_a_file_beside_the_sessions_belongs_to_none(load: Loader, tmp_path: Path) -> None:
    (tmp_path / "loose.wav").write_bytes(b"")
    got = load(f"sessions:\n  - path: {tmp_path}\n    each: true\n")
    assert got.session_for(tmp_path / "loose.wav") is None
    assert got.session_for(tmp_path / ".hidden" / "a.wav") is None
    assert got.session_for(tmp_path) is None


def test_every_value_knows_where_it_comes_from(load: Loader, file: Path) -> None:
    got = load("osc:\n  port: 7400\nservices:\n  sonauto:\n    model: v3\n")
    assert got.source_of("osc.port") == f"{file}:2"
    assert got.source_of("osc.host") == "default"
    assert got.source_of("services.sonauto.model") == f"{file}:5"
    assert got.source_of("services.sonauto.base_url") == "default"


def test_a_huge_file_is_refused(problems: Problems) -> None:
    assert problems("# " + "x" * 1024 * 1024) == [" expected at most 1024 KB of YAML, found a larger file."]


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path)
    assert "expected a file that can be read" in caught.value.problems[0]


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().service = "x"  # type: ignore[misc]


keys = st.sampled_from(
    [
        "sessions",
        "service",
        "services",
        "presets",
        "hosting",
        "budget",
        "osc",
        "web",
        "returns",
        "hot_folder",
        "staging",
        "database",
        "path",
        "each",
        "rules",
        "match",
        "preset",
        "operation",
        "params",
        "sonauto",
        "x",
        "base_url",
        "up_url",
        "poll_s",
        "prices",
        "options",
        "media_hosts",
        "api_key",
        "host",
        "port",
        "reply",
        "folder",
        "after",
        "kind",
    ]
)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("~/x") | st.just("extend")
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys | st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(keys, trees, max_size=5))
def test_no_file_whatever_raises_anything_but_a_settings_error(tmp_path: Path, data: dict[str, object]) -> None:
    file = tmp_path / "random.yaml"
    file.write_text(yaml.safe_dump(data, allow_unicode=False), encoding="utf-8")
    try:
        load_settings(file, {"HOME": str(tmp_path)})
    except SettingsError as error:
        told = "".join(error.problems).encode()
    else:
        told = b"nothing"
    assert told
