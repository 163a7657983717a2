"""`sendreturn bridge`: what a user sees of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import call
from sendreturn.daws.contract import DawManifest, InstallFile
from sendreturn.daws.installs import Installation, load_daws, read_manifest, recipe_of
from sendreturn.errors import UsageError

RECIPES = ("cubase", "fl", "logic", "studioone")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDRETURN_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / ".config"))


def test_every_daw_is_listed_with_what_it_can() -> None:
    said = call("bridge", "list")
    assert said.code == 0
    for name, manifest in load_daws().items():
        assert f"{name}: {manifest.title}; not installed" in said.out
    assert call("bridge", "list", "reaper").out.startswith("reaper: ")
    assert call("bridge", "list", "nothing").code == 2


@pytest.mark.parametrize("name", [*RECIPES, "bitwig", "drivenbymoss"])
def test_a_daw_that_tells_no_files_has_a_page_that_names_both_ways(name: str) -> None:
    page = recipe_of(load_daws()[name])
    assert "Sends/" in page
    assert "Returns/" in page
    assert len(page.splitlines()) <= 60
    assert call("bridge", "recipe", name).out.strip() == page.strip()


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_installed_and_removed_like_any_other(name: str) -> None:
    said = call("bridge", "install", name)
    assert said.code == 0
    assert "1. " in said.out
    assert f"{name}: {load_daws()[name].title}; installed" in call("bridge", "list").out
    assert "is removed" in call("bridge", "remove", name).out
    assert "was not installed" in call("bridge", "remove", name).out


def test_an_unknown_daw_is_told_in_a_sentence() -> None:
    said = call("bridge", "install", "protules")
    assert said.code == 2
    assert "no bridge for 'protules'" in said.err


def installation(tmp_path: Path, target: str) -> Installation:
    manifest = DawManifest("logic", "Logic", "", files=(InstallFile("recipe.md", {"all": target}),))
    return Installation(manifest, tmp_path / "state" / "daws" / "logic", {"VERSION": "1"}, {"HOME": str(tmp_path)})


def test_a_file_of_somebody_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "script.lua").write_text("mine")
    with pytest.raises(UsageError, match="not of sendreturn"):
        installation(tmp_path, "~/script.lua").install()
    assert (tmp_path / "script.lua").read_text() == "mine"


def test_places_are_named_by_the_environment(tmp_path: Path) -> None:
    found = installation(tmp_path, "${NOWHERE:-~/folder}/a.lua")
    assert found.target(found.manifest.files[0]) == tmp_path / "folder" / "a.lua"
    windows = installation(tmp_path, "%APPDATA%/a.lua")
    with pytest.raises(UsageError, match="APPDATA"):
        windows.target(windows.manifest.files[0])


def test_manifests_are_checked() -> None:
    with pytest.raises(ValueError, match="title"):
        read_manifest('name = "x"\nabout = ""\n')
