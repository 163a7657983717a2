"""What `sendreturn services` says of prices and of options: what a service publishes, and what is estimated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Desktop, call


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


def test_the_options_that_only_one_service_understands_are_listed_with_it(desktop: Desktop):
    sonauto, sunoapi = call("services").out.split("\nsonauto (")[1].split("\nsunoapi (")
    assert "    align_lyrics — true: the times of the words" in sonauto
    assert "    upload_urls — mashup: the address of the other song" in sunoapi
    assert "upload_urls" not in sonauto
