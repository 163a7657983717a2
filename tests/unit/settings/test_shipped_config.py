"""The files that ship with sendreturn: the defaults, the presets, and the units of the service managers."""

from __future__ import annotations

import configparser
import plistlib
import re
import xml.etree.ElementTree as ET
from importlib.resources import files
from typing import Any

import pytest
import yaml
from sendreturn.params import PARAMETERS
from sendreturn.settings import ServiceSettings, Settings, load_settings, shipped_defaults
from sendreturn.words import OPERATIONS

ROOT = files("sendreturn_config")
TEXT = (ROOT / "sendreturn.yaml").read_text(encoding="utf-8")
PRESETS = sorted(entry.name for entry in (ROOT / "presets").iterdir() if entry.name.endswith(".yaml"))
CONTRACT_URLS = {
    "sonauto": {"base_url": "https://api.sonauto.ai/v1", "stream_url": "https://api-stream.sonauto.ai"},
    "sunoapi": {"base_url": "https://api.sunoapi.org", "upload_url": "https://sunoapiorg.redpandaai.co"},
    "acedata": {"base_url": "https://api.acedata.cloud", "platform_url": "https://platform.acedata.cloud"},
    "musicapi": {"base_url": "https://api.musicapi.ai"},
}


def test_the_commented_file_holds_every_key_with_the_default_of_the_code() -> None:
    shipped: dict[str, Any] = yaml.safe_load(TEXT)
    coded = Settings().model_dump(mode="json")
    assert {**shipped, "services": None} == {**coded, "services": None}


def test_the_four_services_have_the_addresses_and_variables_of_the_contract() -> None:
    services = load_settings(None).services
    assert {name: service.urls for name, service in services.items()} == CONTRACT_URLS
    assert {name: s.api_key_env for name, s in services.items()} == {n: f"{n.upper()}_API_KEY" for n in CONTRACT_URLS}
    for name, service in services.items():
        assert service == ServiceSettings(api_key_env=f"{name.upper()}_API_KEY", **service.urls)


def test_the_comments_name_every_parameter_and_every_key_of_a_service() -> None:
    comments = "\n".join(line for line in TEXT.splitlines() if line.startswith("#"))
    words = set(re.findall(r"\w+", comments))
    assert set(PARAMETERS) <= words
    assert set(ServiceSettings.model_fields) <= words


def test_the_examples_in_the_comments_are_valid() -> None:
    examples = re.findall(r"(?m)^# ((?:sessions|presets):\n(?:#   .*\n)+)", TEXT)
    assert len(examples) == 2
    for example in examples:
        data = yaml.safe_load(re.sub(r"(?m)^# ", "", example))
        assert Settings.model_validate(data).model_dump(exclude_defaults=True)


@pytest.mark.parametrize("name", PRESETS)
def test_a_shipped_preset_loads_runs_anywhere_and_says_what_it_does(name: str) -> None:
    preset = load_settings(None).preset(name.removesuffix(".yaml"))
    assert preset is not None
    assert preset.operation in OPERATIONS
    assert preset.service is None
    assert preset.params.given()
    assert (ROOT / "presets" / name).read_text(encoding="utf-8").startswith("# ")


def test_every_shipped_preset_is_a_default() -> None:
    assert {f"{name}.yaml" for name in shipped_defaults()["presets"]} == set(PRESETS)
    assert len(PRESETS) >= 5


def unit(name: str) -> str:
    return (ROOT / "units" / name).read_text(encoding="utf-8")


def test_the_launchd_unit_starts_the_daemon() -> None:
    plist = plistlib.loads(unit("sendreturn.plist").replace("{executable}", "/opt/a b/sendreturn").encode())
    assert plist["ProgramArguments"] == ["/opt/a b/sendreturn", "run"]
    assert plist["RunAtLoad"] is True
    assert plist["KeepAlive"] == {"SuccessfulExit": False}


def test_the_systemd_unit_starts_the_daemon_for_the_user() -> None:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit("sendreturn.service").replace("{executable}", "/opt/a b/sendreturn"))
    assert parser["Service"]["ExecStart"] == '"/opt/a b/sendreturn" run'
    assert parser["Service"]["RestartPreventExitStatus"] == "2"
    assert parser["Install"]["WantedBy"] == "default.target"


def test_the_task_scheduler_unit_starts_the_daemon_at_logon_and_never_ends_it() -> None:
    root = ET.fromstring(unit("sendreturn-task.xml").replace("{executable}", r"C:\Tools\sendreturn.exe"))
    space = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    assert root.findtext("t:Actions/t:Exec/t:Command", namespaces=space) == r"C:\Tools\sendreturn.exe"
    assert root.findtext("t:Actions/t:Exec/t:Arguments", namespaces=space) == "run"
    assert root.find("t:Triggers/t:LogonTrigger", space) is not None
    assert root.findtext("t:Settings/t:ExecutionTimeLimit", namespaces=space) == "PT0S"


@pytest.mark.parametrize("name", ["sendreturn.plist", "sendreturn.service", "sendreturn-task.xml"])
def test_a_unit_says_how_it_is_installed_and_has_one_place_to_fill_in(name: str) -> None:
    text = unit(name)
    assert set(re.findall(r"\{\w+\}", text)) == {"{executable}"}
    assert re.search(r"systemctl|launchctl|schtasks", text)
