"""The contract suite's assertions tell their details only where pytest rewrites them."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("sendreturn.testing")
