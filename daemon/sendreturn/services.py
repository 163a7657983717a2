"""The service bridges: found by walking the bridges package, read from their manifests, opened when wanted."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter

from sendreturn.contract import Manifest, ServiceBridge, Setup
from sendreturn.errors import UsageError
from sendreturn.models import Model

PACKAGE = "sendreturn_bridges.services"


def load_manifests() -> dict[str, Manifest]:
    """The manifests of all bridges, by name."""
    folders = (entry for entry in resources.files(PACKAGE).iterdir() if (entry / "bridge.toml").is_file())
    manifests = (read_manifest((folder / "bridge.toml").read_text("utf-8")) for folder in folders)
    return {manifest.name: manifest for manifest in sorted(manifests, key=lambda manifest: manifest.name)}


def read_manifest(text: str) -> Manifest:
    """A `bridge.toml` as a Manifest. Raises pydantic's ValidationError where a field is of the wrong kind."""
    table = tomllib.loads(text)
    table["operations"] = {name: {"name": name, **spec} for name, spec in table["operations"].items()}
    return _MANIFEST.validate_python(table)


_MANIFEST = TypeAdapter(Manifest)


def known_models(manifests: Mapping[str, Manifest]) -> dict[str, Model]:
    """The model weights that any bridge can use, by name."""
    modules = (importlib.import_module(f"{PACKAGE}.{m.name}.{m.weights}") for m in manifests.values() if m.weights)
    return {model.name: model for module in modules for model in module.MODELS}


class Services:
    """The bridges of one daemon, opened at first use.

    Args:
        options: Each service's own settings, by name.
        weights: Where model weights are kept.
        key: Finds a service's API key.
    """

    def __init__(
        self,
        manifests: Mapping[str, Manifest],
        options: Callable[[str], Mapping[str, Any]],
        weights: Path,
        key: Callable[[str], str | None],
    ) -> None:
        self.manifests = dict(manifests)
        self._options = options
        self._weights = weights
        self._key = key
        self._open: dict[str, ServiceBridge] = {}

    def manifest(self, name: str) -> Manifest:
        if name not in self.manifests:
            raise UsageError(f"There is no service {name!r}.", f"Known are {', '.join(self.manifests)}.")
        return self.manifests[name]

    def bridge(self, name: str) -> ServiceBridge:
        """The bridge of a service, opened if it was not yet."""
        manifest = self.manifest(name)
        if name not in self._open:
            module = importlib.import_module(f"{PACKAGE}.{name}.client")
            setup = Setup(manifest, self._options(name), self._weights, lambda: self._key(name))
            self._open[name] = cast("ServiceBridge", module.open_bridge(setup))
        return self._open[name]

    def key(self, name: str) -> str | None:
        """The service's API key, if there is one. May take a moment: the keyring may have to be unlocked."""
        return self._key(name)

    def gap_filler(self, operation: str) -> str | None:
        """The free service that does `operation` for what another service returned, if there is one."""
        fillers = (m.name for m in self.manifests.values() if m.free and operation in m.fills_gaps)
        return next(fillers, None)

    async def close(self) -> None:
        for bridge in self._open.values():
            await bridge.close()
        self._open.clear()
