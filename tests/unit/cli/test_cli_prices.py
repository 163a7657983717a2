"""What `sendreturn services` says of prices and of options: what a service publishes, and what is estimated."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest
from command_line import Desktop, call
from sendreturn.house import services_of
from sendreturn.places import Places
from sendreturn.services import load_manifests
from sendreturn.settings import ServiceSettings, Settings
from sendreturn_bridges.services.acedata import wire as acedata
from sendreturn_bridges.services.musicapi import wire as musicapi
from sendreturn_bridges.services.sunoapi.asked import OURS


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    for name in ("SONAUTO", "SUNOAPI", "ACEDATA", "MUSICAPI"):
        monkeypatch.delenv(f"{name}_API_KEY", raising=False)
    return Desktop(tmp_path, monkeypatch)


def line_of(operation: str, service: str) -> str:
    """The line of an operation in the text."""
    told = call("services").out.split(f"\n{service} (")[1].splitlines()
    return next(line for line in told if line.startswith(f"  {operation}: "))


def test_a_price_that_the_service_does_not_publish_is_called_an_estimate(desktop: Desktop):
    assert "12 credits (estimate)" in line_of("cover", "sunoapi")
    assert line_of("sample", "sunoapi").endswith(", 2.5 credits")
    assert "price not published" in line_of("persona", "sunoapi")
    assert "estimate" not in line_of("extend", "sonauto")


def test_a_price_of_the_configuration_takes_the_place_of_an_estimate(desktop: Desktop):
    desktop.configure(services={"sunoapi": {"prices": {"cover": 15}}})
    assert ", 15 credits, " in line_of("cover", "sunoapi")
    services = json.loads(call("services", "--json").out)["services"]
    (cover,) = [table["operations"]["cover"] for table in services if table["name"] == "sunoapi"]
    assert (cover["credits"], cover["credits_estimated"]) == (15, False)


def test_all_who_ask_the_services_are_told_the_users_price(tmp_path: Path):
    mine = {"cover": 15.0, "made_up_by_the_bridge": 1.0}
    settings = Settings(services={"sunoapi": ServiceSettings(prices=mine)})
    operations = services_of(settings, Places(tmp_path), {}).manifest("sunoapi").operations
    assert (operations["cover"].credits, operations["cover"].estimated) == (15.0, False)
    assert operations["extend"].estimated
    assert "made_up_by_the_bridge" not in operations


def test_the_options_that_only_one_service_understands_are_listed_with_it(desktop: Desktop):
    sonauto, sunoapi = call("services").out.split("\nsonauto (")[1].split("\nsunoapi (")
    assert "    align_lyrics — true: the times of the words" in sonauto
    assert "    upload_urls — mashup: the address of the other song" in sunoapi
    assert "upload_urls" not in sonauto


def test_terms_and_limits_of_a_service_are_told(desktop: Desktop):
    told = call("services").out.split("\nsunoapi (")[1]
    assert "  takes WAV, MP3; at most 20 requests in 10 s; keeps results for 14 days\n" in told
    assert "    inpaint: a section of 10 to 60 s, and at most half of the clip\n" in told
    assert ", 2 takes, " in line_of("cover", "sunoapi")
    assert "makes text" in line_of("persona", "musicapi")


@pytest.mark.parametrize("service", ["acedata", "musicapi", "sonauto", "sunoapi"])
def test_the_numbers_of_told_limits_are_those_that_are_kept(service: str):
    manifest = resources.files("sendreturn_bridges.services") / service / "bridge.toml"
    kept = manifest.read_text("utf-8").replace("_", "")
    stated = tomllib.loads(manifest.read_text("utf-8"))["stated"]
    for line in stated:
        kept = kept.replace(line.replace("_", ""), "")
    numbers = {float(found) for found in re.findall(r"(?<![\w.-])\d+(?:\.\d+)?", kept)}
    told = {float(found) for line in stated for found in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", line)}
    assert {number for number in told if not {number, number * 2**20, number * 1e6} & numbers} <= {4.5}


def test_every_option_that_a_bridge_itself_reads_is_told(desktop: Desktop):
    manifests = load_manifests()
    assert set(manifests["acedata"].service_options) >= acedata.OWN_OPTIONS
    assert set(manifests["musicapi"].service_options) >= musicapi.OWN_OPTIONS
    assert OURS - {"type"} <= set(manifests["sunoapi"].service_options)
