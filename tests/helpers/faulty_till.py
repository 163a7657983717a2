"""A service of the test that takes several paid requests for a send, and goes wrong in every way that services do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from faulty_lives import FaultyLives
from paid_ledger import Request, request_of
from sendreturn.contract import Accepted, Ask, Call, Made, MadeTake, Manifest, OperationSpec, Plan, Report, Way
from sendreturn.errors import Outcome, ServiceError
from sendreturn.words import Kind

MANIFEST = Manifest(
    "till",
    "Till",
    "A service of the test.",
    {name: OperationSpec(name, needs_clip=False, honours=("prompt",), credits=5.0) for name in ("generate", "lyrics")},
    poll_s=0.0,
)
BEFORE = {
    "refused": 0.05,
    "turned away": 0.05,
    "key": 0.02,
    "clip": 0.02,
    "reset": 0.03,
    "slow": 0.03,
    "bug": 0.02,
    "power": 0.03,
}
"""Troubles with a request that is not billed."""
AFTER = {"reset": 0.04, "slow": 0.04, "broke down": 0.03, "nonsense": 0.03, "bug": 0.02, "power": 0.04}
"""Troubles with a request that was billed."""
LOOKS = {"passing": 0.1, "failed": 0.05, "will not tell": 0.03, "power": 0.03}
FAILED = Report(done=True, failed="It could not be made.")
CERTAIN = {"refused": Outcome.RETRY, "turned away": Outcome.RETRY, "key": Outcome.ASK, "clip": Outcome.GIVE_UP}


def asked(random: Random) -> tuple[str, Mapping[str, object]]:
    """What the user asks for; the prompt decides which requests it takes."""
    return random.choice(tuple(MANIFEST.operations)), {"prompt": f"song {random.random()}"}


class FaultyTill:
    """One life's bridge to the service."""

    def __init__(self, world: FaultyLives) -> None:
        self.manifest = MANIFEST
        self._ledger, self._plight = world.ledger, world.plight

    def plan(self, ask: Ask) -> Plan:
        return Plan(_calls(ask, 0))

    def follow(self, ask: Ask, done: Mapping[str, Report]) -> tuple[Call, ...]:
        rounds = {int(name.partition("-")[0]) for name in done}
        return _calls(ask, max(rounds) + 1, [str(report.facts.get("task")) for report in done.values()])

    async def submit(self, call: Call, way: Way) -> Accepted:
        self._plight.at_any_time()
        request = request_of(way)
        self._ledger.is_asked(request, call)
        if trouble := self._plight.meet(BEFORE):
            self._fail(request, trouble)
        self._ledger.comes(request)
        self._ledger.bill(request)
        if trouble := self._plight.meet(AFTER):
            self._fail(request, trouble)
        task_id = f"{request.send_id}:{request.call}:{request.attempt}"
        if self._plight.random.random() < 0.2:
            failed = self._plight.meet({"failed": 0.2})
            return Accepted(task_id, FAILED if failed else _done(call, task_id))
        return Accepted(task_id)

    async def look(self, call: Call, task_id: str, folder: Path) -> Report:
        self._plight.at_any_time()
        trouble = self._plight.meet(LOOKS)
        if trouble == "power":
            self._plight.power_cut()
        if trouble == "failed":
            return FAILED
        if trouble:
            raise ServiceError(trouble, outcome=Outcome.RETRY if trouble == "passing" else Outcome.GIVE_UP)
        return _done(call, task_id) if self._plight.random.random() < 0.7 else Report(progress=0.5)

    async def fetch(self, made: Made, target: Path, folder: Path) -> None:
        """Nothing of it is fetched here."""

    async def cancel(self, call: Call, task_id: str, folder: Path) -> None:
        """Till cannot stop a task."""

    async def close(self) -> None:
        """Nothing is open."""

    def _fail(self, request: Request, trouble: str) -> None:
        """Raise what an honest bridge makes of it."""
        if not self._ledger.billed[request]:
            self._ledger.comes(request)
        if trouble not in CERTAIN:
            self._ledger.doubt(request)
        if trouble == "power":
            self._plight.power_cut()
        if trouble == "bug":
            raise KeyError(trouble)
        raise ServiceError(trouble, outcome=CERTAIN.get(trouble, Outcome.UNKNOWN))


def _calls(ask: Ask, number: int, of: Sequence[str] = ()) -> tuple[Call, ...]:
    """The requests of one round, about what the rounds before have made: always the same ones for the same prompt."""
    random = Random(f"{ask.params.prompt} {number}")
    if number > 2 or (number > 0 and random.random() < 0.5):
        return ()
    asked = {"prompt": ask.params.prompt, "of": of}
    count = random.choice((1, 1, 2, 3))
    return tuple(
        Call(f"{number}-{n}", ask.operation, {**asked, "n": n}, 5.0, essential=number == 0) for n in range(count)
    )


def _done(call: Call, task_id: str) -> Report:
    return Report(done=True, takes=(MadeTake((Made(Kind.MIX, f"till:{call.name}"),)),), facts={"task": task_id})
