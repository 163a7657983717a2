"""The simulators that are there: one in the folder of each service's bridge."""

from __future__ import annotations

import importlib
import importlib.util
from typing import cast

from sendreturn.errors import UsageError
from sendreturn.services import PACKAGE, load_manifests
from sendreturn.testing.simulator import Simulator


def simulator_of(service: str) -> type[Simulator]:
    """The simulator of a service.

    Raises:
        UsageError: there is no such service, or it has none.
    """
    manifests = load_manifests()
    if service not in manifests:
        raise UsageError(f"There is no service {service!r}.", f"Known are {', '.join(manifests)}.")
    module = f"{PACKAGE}.{service}.simulator"
    if importlib.util.find_spec(module) is None:
        others = [name for name in manifests if importlib.util.find_spec(f"{PACKAGE}.{name}.simulator")]
        free = " It costs nothing, so there is nothing to rehearse." if manifests[service].free else ""
        raise UsageError(f"{service} has no simulator.{free}", f"There are simulators of {', '.join(others)}.")
    return cast("type[Simulator]", importlib.import_module(module).SIMULATOR)
