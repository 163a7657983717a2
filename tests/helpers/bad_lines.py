"""A daemon and its services on a line that is bad, in a network of their own: run under `unshare --net`.

`bad_lines.py FOLDER LINE SERVICE OPERATION…` makes the loopback of this network bad by the kernel's own means, sends a
clip for each service and operation, and says in lines of JSON what came of it, by all nine oracles.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from crash_sweeps import Sweep
from mortal_daemons import import_all
from simulated_services import SimulatedServices

LOSS = 5
"""Of a hundred packets; each of a connection's packets in both directions is one."""
CHAIN = "type filter hook input priority 0;"
LINES: Mapping[str, Sequence[Sequence[str]]] = {
    "lossy": (
        ("nft", "add", "table", "inet", "bad"),
        ("nft", "add", "chain", "inet", "bad", "line", f"{{ {CHAIN} }}"),
        (
            "nft",
            "add",
            "rule",
            "inet",
            "bad",
            "line",
            "numgen",
            "random",
            "mod",
            "100",
            "<",
            str(LOSS),
            "counter",
            "drop",
        ),
    ),
    "slow": (("tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", "64kbit", "burst", "3200", "limit", "64000"),),
}
APART = ("unshare", "--user", "--map-root-user", "--net")


def why_not() -> str:
    """Why lines cannot be made bad here; empty where they can."""
    missing = [program for program in ("unshare", "ip", "tc", "nft") if shutil.which(program) is None]
    if missing:
        return f"{' and '.join(missing)} are not on this machine"
    tried = subprocess.run([*APART, "nft", "add", "table", "inet", "bad"], capture_output=True, text=True, check=False)
    return tried.stderr.strip()


def make_bad(line: str) -> None:
    # Packets as long as those of a real line: the loopback's own are forty times longer, and few would be lost.
    for command in (("ip", "link", "set", "lo", "mtu", "1500", "up"), *LINES[line]):
        subprocess.run(command, check=True)


def packets_lost() -> int:
    """How many the line has swallowed by now."""
    told = subprocess.run(["nft", "-j", "list", "table", "inet", "bad"], capture_output=True, text=True, check=False)
    if told.returncode != 0:
        return 0
    rules = [entry["rule"] for entry in json.loads(told.stdout)["nftables"] if "rule" in entry]
    return sum(part["counter"]["packets"] for rule in rules for part in rule["expr"] if "counter" in part)


def main(folder: Path, line: str, *sends: str) -> None:
    make_bad(line)
    import_all()
    folder.mkdir(parents=True)
    with SimulatedServices() as services:
        sweep = Sweep(folder, services)
        for service, operation in zip(sends[::2], sends[1::2], strict=True):
            print(json.dumps(asdict(sweep.undisturbed(service, operation))), flush=True)
    print(json.dumps({"lost": packets_lost()}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
