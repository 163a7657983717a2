"""The configuration: what can be set (`models`), reading it (`load`), showing what is in force (`show`)."""

from sendreturn.settings.load import load_settings, shipped_defaults
from sendreturn.settings.models import (
    Budget,
    Hosting,
    HotFolderSettings,
    OscSettings,
    Preset,
    ReturnsSettings,
    Rule,
    ServiceSettings,
    SessionSettings,
    Settings,
    StagingSettings,
    WebSettings,
)
from sendreturn.settings.show import InForce, describe

__all__ = [
    "Budget",
    "Hosting",
    "HotFolderSettings",
    "InForce",
    "OscSettings",
    "Preset",
    "ReturnsSettings",
    "Rule",
    "ServiceSettings",
    "SessionSettings",
    "Settings",
    "StagingSettings",
    "WebSettings",
    "describe",
    "load_settings",
    "shipped_defaults",
]
