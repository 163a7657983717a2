from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import stamina
from bad_server import BadServer


@pytest.fixture
async def server() -> AsyncIterator[BadServer]:
    async with BadServer() as server:
        yield server


@pytest.fixture
def few_tries() -> Iterator[None]:
    """Repeats without waiting; as many tries as in earnest."""
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
