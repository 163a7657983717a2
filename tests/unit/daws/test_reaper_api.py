"""The signatures that scripts are held against in the tests are REAPER's own.

REAPER writes them down itself: Help > ReaScript documentation makes the page that `SENDRETURN_REASCRIPT_HELP` names
here. The pages of 6.47 and 7.08 agree with the model (github.com/jamesWalker55/reascript-parse keeps some versions).
"""

from __future__ import annotations

import html
import os
import re
from pathlib import Path

import pytest
from reaper_api import SINCE, signatures
from reaper_studio import ReaperStudio

HELP = os.environ.get("SENDRETURN_REASCRIPT_HELP", "")
BUILT_IN = {"atexit", "defer", "get_action_context", "new_array", "set_action_options"}
"""What the page describes in words."""
SAME = {"reaper.array": "array", "identifier": "pointer"}


def documented(page: str) -> dict[str, tuple[list[str], list[str]]]:
    """By function: the types that it takes and those that it gives."""
    found = {}
    for line in re.findall(r"Lua: </span><code>(.*?)</code>", page, re.DOTALL):
        match = re.match(r"(.*?)\s*reaper\.(\w+)\s*\((.*)\)\s*$", html.unescape(re.sub(r"<[^>]+>", "", line)))
        if match:
            returns, name, takes = match.groups()
            found[name] = (types_in(takes), types_in(returns.rstrip("= ")))
    return found


def types_in(text: str) -> list[str]:
    parts = [part.replace("optional", "").split()[0] for part in text.split(",") if part.strip()]
    return [SAME.get(part, part) for part in parts]


def test_a_line_of_the_help_page_is_read() -> None:
    page = (
        "Lua: </span><code><i>boolean</i> retval, <i>number </i>bpm = "
        "reaper.GetIt(<i>ReaProject</i> proj, <i>optional integer</i> idx, <i>reaper.array</i> buf)</code>"
    )
    assert documented(page) == {"GetIt": (["ReaProject", "integer", "array"], ["boolean", "number"])}


@pytest.mark.skipif(not HELP, reason="SENDRETURN_REASCRIPT_HELP names no page of REAPER's ReaScript help")
def test_the_model_is_what_reaper_documents() -> None:
    page = documented(Path(HELP).read_text("utf-8", "replace"))
    ours = {
        name: ([value.kind for value in signature.takes], [value.kind for value in signature.returns])
        for name, signature in signatures().items()
        if name not in BUILT_IN and (name in page or name not in SINCE)
    }
    assert ours == {name: page.get(name) for name in ours}


def test_a_reaper_that_is_too_old_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = ReaperStudio(tmp_path, monkeypatch, "6.24/linux-x86_64")
    with pytest.raises(Exception, match=r"needs REAPER 6.47 or newer, and this is 6.24/linux-x86_64\. Update REAPER\."):
        studio.reaper.press("sendreturn_cover.lua")
