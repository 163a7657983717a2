"""The contract suite lies in the package: its assertions tell their details only where pytest rewrites them."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("sendreturn.testing")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/contract/" in item.path.as_posix():
            item.add_marker(pytest.mark.contract)
