from __future__ import annotations

import re

from capability_table import README, capability_table, in_readme


def test_the_table_of_services_is_that_of_the_manifests():
    assert in_readme(README.read_text("utf-8")) == capability_table()


def test_the_readme_names_one_command_for_the_main_job_and_one_for_the_tests():
    text = README.read_text("utf-8")
    for name in ("demo", "test"):
        (block,) = re.findall(rf"<!-- {name} -->\n```sh\n(.*?)```", text, re.DOTALL)
        assert block.count("\n") == 1
        assert block.startswith("python3 -m venv .venv && ")
