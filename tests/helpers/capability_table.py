"""The README's table of what each service can do, made from the manifests.

`python tests/helpers/capability_table.py` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

from sendreturn.services import load_manifests
from sendreturn.words import OPERATIONS

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- services -->\n", "<!-- end of services -->\n"


def capability_table() -> str:
    """Markdown: a row per operation, a column per service, the local one first."""
    manifests = sorted(load_manifests().values(), key=lambda manifest: (not manifest.free, manifest.name))
    rows = [
        "| | " + " | ".join(manifest.name for manifest in manifests) + " |",
        "|---" * (len(manifests) + 1) + "|",
    ]
    for operation in OPERATIONS:
        can = ["yes" if operation in manifest.operations else "" for manifest in manifests]
        if any(can):
            rows.append(f"| {operation} | {' | '.join(can)} |")
    return "\n".join(rows) + "\n"


def in_readme(text: str) -> str:
    """The table as the README has it."""
    return text.partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    text = README.read_text("utf-8")
    README.write_text(text.replace(in_readme(text), capability_table()), "utf-8")


if __name__ == "__main__":
    main()
