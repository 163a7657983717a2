"""What is pinned can be declared, and names are those of the command line."""

from __future__ import annotations

import importlib
import re

import pytest
from sendreturn.models import Model
from sendreturn_bridges.services.local.model_list import MODELS


def test_the_built_in_service_knows_its_two_models() -> None:
    assert [model.name for model in MODELS] == ["basic-pitch", "spleeter-2"]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_is_pinned_and_keeps_its_licence(model: Model) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", model.sha256)
    assert model.licence_members
    assert model.instead.endswith(".")


@pytest.mark.parametrize("model", [model for model in MODELS if model.convert], ids=lambda model: model.name)
def test_every_conversion_can_be_found(model: Model) -> None:
    assert model.convert is not None
    module, function = model.convert.split(":")
    assert callable(getattr(importlib.import_module(module), function))
