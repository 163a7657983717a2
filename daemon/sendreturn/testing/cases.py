"""What a bridge's test gives the contract suite: sends that succeed, limits, and troubles with their sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sendreturn.testing.simulator import Simulator
from sendreturn.words import Kind, State


@dataclass(frozen=True)
class Sample:
    """A send that has to succeed.

    Attributes:
        takes: How many takes come back; None where the manifest's number holds.
        kinds: What every take has, beside others; empty: any one of the kinds that the manifest says are made.
        clip_s: Length of the clip; None: the contract's own. No clip is sent where the operation needs none.
        after: An operation that is done first; a file that it returns is the clip.
        part: Which kind of file that is; None: there is to be no clip.
        fill: Gives further parameters just before it is sent, such as ids of what the simulator has made by then.
        switches: Of the simulator, for this send.
        every_song: Whether every song that the simulator makes for it has to be fetched.
        name: For the test's id; the operation where it is empty.
    """

    operation: str
    params: Mapping[str, object] = field(default_factory=dict)
    takes: int | None = None
    kinds: frozenset[Kind] = frozenset()
    clip_s: float | None = None
    after: str = ""
    part: Kind | None = Kind.MIX
    fill: Callable[[Simulator], Mapping[str, object]] | None = None
    switches: Mapping[str, object] = field(default_factory=dict)
    every_song: bool = True
    name: str = ""


@dataclass(frozen=True)
class Limit:
    """A send that has to be refused before anything goes out.

    Attributes:
        words: Each stands in the sentence, in whatever case.
    """

    name: str
    operation: str
    params: Mapping[str, object] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    clip_s: float | None = None


@dataclass(frozen=True)
class Trouble:
    """Something that goes wrong at the service, and what the user has to hear of it.

    Attributes:
        switches: That make the simulator go wrong.
        words: Each stands in the sentence, in whatever case.
        operation: Which operation's first sample is sent; the contract's main one where it is empty.
        params: In place of the sample's.
        balance: Credits on the account; None: plenty.
        billed: Credits that are gone in the end; None where that is not looked at.
        said: The service's own words, which are kept in an error's detail or are told.
    """

    name: str
    switches: Mapping[str, object] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    state: State = State.FAILED
    operation: str = ""
    params: Mapping[str, object] | None = None
    balance: float | None = None
    billed: float | None = 0.0
    said: str = ""
