"""The contract suite: what every bridge owes, tried on the real engine against the service's simulator.

A bridge's test is a subclass of `ServiceContract`:

    import pytest

    pytest.register_assert_rewrite("sendreturn.testing")   # in conftest.py, before anything of it is imported

    class TestStudio(ServiceContract):
        service = "studio"
        simulator = StudioSimulator
        samples = (Sample("extend", {"extend_s": 2}), Sample("cover", {"style": "jazz"}))

Cases that ask for what the manifest does not declare are skipped; what it declares has to be there. What is tried many
times over, in other profiles and with other names, is marked `slow`.
"""

from __future__ import annotations

import pytest
from _pytest.mark.structures import ParameterSet

from sendreturn.contract import OperationSpec
from sendreturn.testing.cases import Limit, Sample, Trouble
from sendreturn.testing.contract_base import PLAIN, demanded
from sendreturn.testing.contract_files import FilesContract
from sendreturn.testing.contract_money import STATES, MoneyContract
from sendreturn.testing.contract_sends import AWKWARD_NAMES, SendsContract
from sendreturn.testing.contract_wire import REQUEST_KINDS, WireContract

__all__ = ["Limit", "Sample", "ServiceContract", "Trouble"]

TOO_LONG_S = 0.5
QUICK_NAMES = 2


class ServiceContract(SendsContract, MoneyContract, FilesContract, WireContract):
    """Everything that a bridge owes; see the attributes of `ContractBase`."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Turns samples, limits and troubles into cases."""
        wanted = metafunc.fixturenames
        if "sample" in wanted:
            cases = [_case(sample, profile) for profile in (PLAIN, *self.profiles) for sample in self.all_samples()]
            metafunc.parametrize(("sample", "profile"), [*cases, *(_case(quirk, PLAIN) for quirk in self.quirks)])
        elif "profile" in wanted:
            metafunc.parametrize("profile", (PLAIN, *self.profiles))
        if "limit" in wanted:
            limits = [*self.limits, *self._stated_limits()]
            metafunc.parametrize("limit", limits, ids=[limit.name for limit in limits])
        if "trouble" in wanted:
            metafunc.parametrize("trouble", self.troubles, ids=[trouble.name for trouble in self.troubles])
        if "state" in wanted:
            metafunc.parametrize("state", STATES, ids=str)
        if "request_kind" in wanted:
            metafunc.parametrize("request_kind", REQUEST_KINDS)
        if "clip_name" in wanted:
            metafunc.parametrize("clip_name", [_name(number, name) for number, name in enumerate(AWKWARD_NAMES)])

    def _stated_limits(self) -> list[Limit]:
        """The limits that the manifest states."""
        return [limit for spec in self.manifest().operations.values() for limit in _limits_of(spec)]


def _case(sample: Sample, profile: str) -> ParameterSet:
    name = f"{sample.name or sample.operation}-{profile}"
    return pytest.param(sample, profile, id=name, marks=_slow(profile != PLAIN))


def _name(number: int, name: str) -> ParameterSet:
    return pytest.param(name, id=ascii(name)[1:25], marks=_slow(number >= QUICK_NAMES))


def _slow(is_so: bool) -> tuple[pytest.MarkDecorator, ...]:
    return (pytest.mark.slow,) if is_so else ()


def _limits_of(spec: OperationSpec) -> list[Limit]:
    given = demanded(spec)
    limits = [
        Limit(f"{spec.name} without {name}", spec.name, {n: v for n, v in given.items() if n != name}, (name,))
        for name in spec.demands
    ]
    if spec.needs_clip and spec.longest_clip_s is not None:
        too_long_s = spec.longest_clip_s + TOO_LONG_S
        limits.append(Limit(f"{spec.name} of a long clip", spec.name, given, ("at most",), too_long_s))
    if spec.needs_clip and spec.shortest_clip_s is not None:
        limits.append(Limit(f"{spec.name} of a short clip", spec.name, given, ("at least",), spec.shortest_clip_s / 2))
    return limits
