"""What is in force, as `sendreturn doctor` shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendreturn.keys import FoundKey, Secret
from sendreturn.places import Places
from sendreturn.settings import describe, load_settings

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sksonauto_0123456789abcdef"


def test_every_value_is_shown_with_its_source_and_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "sendreturn.yaml"
    file.write_text(
        "osc: { port: 7400 }\ndatabase: postgresql://me:hunter2@db/x\nreturns: { stems: none }\n", encoding="utf-8"
    )
    keys = {"sonauto": FoundKey(Secret(KEY), "the keyring"), "sunoapi": FoundKey(trouble="The keyring is locked.")}
    lines = describe(load_settings(file), Places(tmp_path / "state"), keys)
    shown = {line.key: (line.value, line.source) for line in lines}
    assert shown["osc.port"] == ("7400", f"{file}:1")
    assert shown["osc.host"] == ("127.0.0.1", "default")
    assert shown["returns.stems"] == ("none", f"{file}:3")
    assert shown["database"] == ("postgresql://me:***@db/x", f"{file}:2")
    assert shown["services.sonauto.stream_url"] == ("https://api-stream.sonauto.ai", "default")
    assert shown["services.sonauto.key"] == ("sks***ef", "the keyring")
    assert shown["services.sunoapi.key"] == (
        "not set",
        "The keyring is locked. Set the environment variable SUNOAPI_API_KEY, or run `sendreturn key set sunoapi`.",
    )
    assert shown["presets.split-4"] == ('{"operation": "stems", "stems": 4}', "default")
    assert shown["state.journal"][0] == str(tmp_path / "state" / "journal.db")
    everything = repr(lines)
    assert KEY not in everything
    assert "hunter2" not in everything


def test_every_key_is_shown_once() -> None:
    lines = describe(load_settings(None), Places.of({"SENDRETURN_HOME": "/x"}), {})
    keys = [line.key for line in lines]
    assert len(keys) == len(set(keys))
    assert {"service", "sessions", "hot_folder.settle_s", "budget.per_day_credits", "public_url"} <= set(keys)
