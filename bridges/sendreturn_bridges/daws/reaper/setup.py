"""What REAPER needs besides its scripts: they are registered as actions, and the receiver starts with REAPER.

`reaper-kb.ini` holds REAPER's actions and keys, a line each: `SCR 4 0 ID "Custom: name" path` registers a script of the
main section under a fixed name, which is `_ID` everywhere in REAPER. REAPER writes the file anew while it runs, so that
it is only touched while it does not. `Scripts/__startup.lua` runs when REAPER starts. Both are the user's: our lines
are added and taken away again, and nothing else in them changes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sendreturn.daws.installs import MARK, Step
from sendreturn.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sendreturn.daws.installs import Installation

ACTIONS = {
    "sendreturn_panel": "sendreturn: panel",
    "sendreturn_again": "sendreturn: what the panel is set to",
    "sendreturn_extend": "sendreturn: extend",
    "sendreturn_cover": "sendreturn: cover",
    "sendreturn_inpaint": "sendreturn: inpaint",
    "sendreturn_stems": "sendreturn: stems",
    "sendreturn_midi": "sendreturn: midi",
    "sendreturn_receive": "sendreturn: receive",
}
"""Names of our scripts, each the name of its action too, and what the action list shows."""
BY_HAND = "In REAPER: Actions, Show action list, New action, Load ReaScript, then choose the files in {folder}"
BACKUP = ".before-sendreturn"
STARTUP = f"""-- {MARK} begin: the receiver starts with REAPER; `sendreturn bridge remove reaper` takes this away
do
  local command = reaper.NamedCommandLookup ('_sendreturn_receive')
  if command ~= 0 then reaper.Main_OnCommand (command, 0) end
end
-- {MARK} end
"""

_KB_LINE = re.compile(r"(KEY|SCR|ACT|#)(\s|$)|\s*$")
_OURS = re.compile(r"SCR\s+\d+\s+\d+\s+sendreturn_\w+\s")
_STARTUP_BLOCK = re.compile(rf"-- {MARK} begin.*?-- {MARK} end\r?\n?", re.DOTALL)


def install(found: Installation) -> list[Step]:
    """Register the scripts, and have the receiver started with REAPER."""
    for name in ("out", "in"):  # the scripts can write before the daemon was ever started
        (found.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = _resources(found)
    return [
        *_changed(folder / "reaper-kb.ini", with_actions, _by_hand(folder)),
        *_changed(folder / "Scripts" / "__startup.lua", with_startup, _by_hand(folder)),
    ]


def remove(found: Installation) -> list[Step]:
    """Take our lines away again."""
    folder = _resources(found)
    return [
        *_changed(folder / "reaper-kb.ini", without_actions, "take away the lines with sendreturn_ in it by hand"),
        *_changed(folder / "Scripts" / "__startup.lua", without_startup, "take away our lines in it by hand"),
    ]


def check(found: Installation) -> Iterator[Finding]:
    """Whether REAPER knows the scripts, and starts the receiver by itself."""
    folder = _resources(found)
    name, again = found.manifest.name, "Quit REAPER and run `sendreturn bridge install reaper`."
    known = _read(folder / "reaper-kb.ini") or ""
    missing = [title for action, title in ACTIONS.items() if f"{action}.lua" not in known]
    if missing:
        listed = ", ".join(missing)
        yield Finding(name, False, f"REAPER's actions lack {listed}.", f"{again} {_by_hand(folder)}.")
    else:
        yield Finding(name, True, "REAPER's action list has the scripts.")
    if MARK not in (_read(folder / "Scripts" / "__startup.lua") or ""):
        yield Finding(name, False, "The receiver does not start with REAPER.", again)


def with_actions(text: str) -> str | None:
    """The `reaper-kb.ini` with our scripts in it, or None where it is not as we know it."""
    if not all(_KB_LINE.match(line) for line in text.splitlines()):
        return None
    lines = [f'SCR 4 0 {name} "Custom: {title}" sendreturn/{name}.lua' for name, title in ACTIONS.items()]
    rest = without_actions(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    rest += newline if rest and not rest.endswith("\n") else ""
    return rest + "".join(line + newline for line in lines)


def without_actions(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not _OURS.match(line))


def with_startup(text: str) -> str:
    """Our lines stand first: behind a `return` of the user's they would be an error."""
    newline = "\r\n" if "\r\n" in text else "\n"
    return STARTUP.replace("\n", newline) + without_startup(text)


def without_startup(text: str) -> str:
    return _STARTUP_BLOCK.sub("", text)


def _changed(path: Path, change: Callable[[str], str | None], by_hand: str) -> list[Step]:
    """Change one of the user's files, which is kept beside it as it was before the first time."""
    text = _read(path)
    if text is None:
        return [Step(path, f"left alone, as it is no text that we know: {by_hand}")]
    new = change(text)
    if new is None:
        return [Step(path, f"left alone, as it holds lines that we do not know: {by_hand}")]
    if new == text:
        return [Step(path, "up to date")] if text else []
    if is_running():
        return [
            Step(path, f"left alone, as REAPER is running and would write it anew: quit it and try again. {by_hand}")
        ]
    backup = path.with_name(path.name + BACKUP)
    if path.exists() and not backup.exists() and MARK not in text and not _OURS.search(text):
        backup.write_bytes(path.read_bytes())
    return [_written(path, new)]


def _written(path: Path, text: str) -> Step:
    try:
        if not text:
            path.unlink()
            return Step(path, "removed")
        path.parent.mkdir(parents=True, exist_ok=True)
        temp = path.with_name(path.name + ".part")
        temp.write_text(text, "utf-8", newline="")
        temp.replace(path)
    except OSError as error:
        return Step(path, f"left alone, as it cannot be written: {error.strerror}")
    return Step(path, "updated")


def _read(path: Path) -> str | None:
    """The text, "" where there is no file; None where it is none."""
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        return None
    return None if "\0" in text else text


def _resources(found: Installation) -> Path:
    """REAPER's own folder: the scripts lie in Scripts/sendreturn in it."""
    return found.target(found.manifest.files[0]).parents[2]


def _by_hand(folder: Path) -> str:
    return BY_HAND.format(folder=folder / "Scripts" / "sendreturn")


def is_running() -> bool:
    """Whether a REAPER runs on this machine."""
    import psutil

    names = {process.info["name"] for process in psutil.process_iter(["name"])}
    return not names.isdisjoint({"reaper", "REAPER", "reaper.exe"})
