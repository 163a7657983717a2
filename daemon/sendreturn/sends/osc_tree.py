"""What can be said to us over OSC and what we say, as OSCQuery describes an address space.

Attributes and their meaning: github.com/Vidvox/OSCQueryProposal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sendreturn.words import OPERATIONS, Kind, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sendreturn.sends.wish import SendView

Node = dict[str, Any]
NOTHING, READ, WRITE = 0, 1, 2
ATTRIBUTES = frozenset({"FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "VALUE", "RANGE", "DESCRIPTION"})
EXTENSIONS = {"ACCESS": True, "VALUE": True, "RANGE": True, "DESCRIPTION": True, "LISTEN": False}


@dataclass(frozen=True)
class Method:
    """One address: what it takes or tells, a letter of `types` and an entry of `ranges` for each argument."""

    about: str
    types: str = ""
    ranges: tuple[Mapping[str, Any] | None, ...] = ()

    def node(self, path: str, access: int, value: Sequence[Any] | None = None) -> Node:
        ranges = {"RANGE": list(self.ranges)} if self.ranges else {}
        values = {} if value is None else {"VALUE": list(value)}
        about = {"FULL_PATH": path, "DESCRIPTION": self.about, "TYPE": self.types, "ACCESS": access}
        return {**about, **ranges, **values}


def _one_of(*values: object) -> dict[str, Any]:
    return {"VALS": list(values)}


_FRACTION = {"MIN": 0.0, "MAX": 1.0}
_OF_ONE_SEND = "the send with this id"

HEARD = {
    "ping": Method("Is answered with /sendreturn/pong."),
    "clear": Method("Forget what this sender has set."),
    "subscribe": Method("Hear of every send from now on, at this port of the sender's machine.", "i"),
    "unsubscribe": Method("End that.", "i"),
    "reply": Method("Have this sender's answers go to this port of its machine.", "i"),
    "cancel": Method(f"Cancel {_OF_ONE_SEND}.", "s"),
    "retry": Method(f"Try once more {_OF_ONE_SEND}.", "s"),
    "approve": Method(f"Let {_OF_ONE_SEND} go out, which waits for that.", "s"),
    "list": Method("Tell the state of all sends in this state.", "s", (_one_of(*State),)),
}
SET = {
    "prompt": Method("What is wanted, in words.", "s"),
    "style": Method("Kinds of music, separated by commas.", "s"),
    "negative_style": Method("What it should not be.", "s"),
    "lyrics": Method("What is sung.", "s"),
    "title": Method("The title.", "s"),
    "weirdness": Method("From safe to strange.", "f", (_FRACTION,)),
    "style_strength": Method("How much the style counts.", "f", (_FRACTION,)),
    "audio_strength": Method("How much the clip counts.", "f", (_FRACTION,)),
    "extend_s": Method("extend: how many seconds of new audio.", "f", ({"MIN": 0.0},)),
    "side": Method("extend: after the clip or before it.", "s", (_one_of("right", "left"),)),
    "bpm": Method("The session's tempo.", "f", ({"MIN": 20.0, "MAX": 400.0},)),
    "seed": Method("The same seed may give the same music.", "i", ({"MIN": 0},)),
    "takes": Method("How many variations.", "i", ({"MIN": 1, "MAX": 16},)),
    "stems": Method("How many stems of what comes back.", "i", (_one_of(0, 2, 4, 12),)),
    "model": Method("The service's model.", "s"),
    "service": Method("The service.", "s"),
    "daw": Method("selected: the DAW that is meant.", "s"),
}
"""What `/sendreturn/set/<name>` takes: one value, kept for this sender's next sends."""
TOLD = {
    "pong": Method("The daemon's version.", "s"),
    "accepted": Method("A send was made: its id, its operation, its clip.", "sss"),
    "state": Method(
        "How a send stands: its id, its state, how far it is, a text.",
        "ssfs",
        (None, _one_of(*State), _FRACTION, None),
    ),
    "return": Method(
        "A file came back: the send's id, the take, its kind, name and path, where it goes in samples, and their rate.",
        "sisssii",
        (None, {"MIN": 1}, _one_of(*Kind), None, None, None, None),
    ),
    "done": Method("All came back: the send's id, the folder, how many files.", "ssi"),
    "failed": Method("It came to nothing: the send's id, and why.", "ss"),
    "error": Method("Something cannot be done, and why.", "s"),
}


def address_space(presets: Mapping[str, str], version: str, latest: SendView | None) -> Node:
    """The whole tree. Paths and texts of sends are not in it, since it may be read by others than the user."""
    words = [*OPERATIONS, *presets]
    about_clip = "of the audio file with this path; keys and values may follow."
    selected = Method("Send what is selected in the DAW; keys and values may follow.", "s", (_one_of(*words),))
    heard = {**HEARD, "selected": selected} | {
        word: Method(f"{_title(word, presets)} {about_clip}", "s") for word in words
    }
    contents = {word: method.node(f"/sendreturn/{word}", WRITE) for word, method in heard.items()}
    contents["set"] = _settings()
    values = {"pong": [version], "state": _state_of(latest)}
    contents |= {word: method.node(f"/sendreturn/{word}", READ, values.get(word)) for word, method in TOLD.items()}
    daemon = _container("/sendreturn", "The send/return loop between a DAW and AI music services.", contents)
    return _container("/", "sendreturn", {"sendreturn": daemon})


def find(tree: Node, path: str) -> Node | None:
    """The node at an OSC address; a slash at its end does no harm."""
    node: Node | None = tree
    for part in filter(None, path.split("/")):
        node = (node or {}).get("CONTENTS", {}).get(part)
    return node


def _settings() -> Node:
    both = Method("A parameter and its value, kept for this sender's next sends.", "ss")
    contents = {name: method.node(f"/sendreturn/set/{name}", WRITE) for name, method in SET.items()}
    return {**both.node("/sendreturn/set", WRITE), "CONTENTS": contents}


def _container(path: str, about: str, contents: Mapping[str, Node]) -> Node:
    return {"FULL_PATH": path, "DESCRIPTION": about, "ACCESS": NOTHING, "CONTENTS": dict(contents)}


def _title(word: str, presets: Mapping[str, str]) -> str:
    return f"{word} ({presets[word]})" if word in presets else word


def _state_of(send: SendView | None) -> list[Any] | None:
    return None if send is None else [send.id, send.state.value, round(send.progress, 4), ""]
