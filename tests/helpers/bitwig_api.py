"""The part of Bitwig's controller interface that our script uses, by its documented signatures.

They are those of Bitwig's own control surface reference (Help > Documentation > Developer Resources), API version 13
and older; a call with other arguments fails. `Value` is its values: read only where the script has marked them as of
interest in init(), and told some time after they have changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SIGNATURES = {
    "ControllerHost": """
        loadAPI(int) defineController(String,String,String,String,String)
        defineMidiPorts(int,int) createApplication() getProject() createTransport() createSceneBank(int)
        createTrackBank(int,int,int,boolean) createCursorTrack(String,String,int,int,boolean) getDocumentState()
        getOscModule() scheduleTask(Runnable,long) showPopupNotification(String) println(String) getHostVersion()
    """,
    "Application": "projectName() createAudioTrack(int) createInstrumentTrack(int)",
    "Project": "createScene()",
    "Transport": "tempo() timeSignature() isPlaying() isArrangerRecordEnabled()",
    "Parameter": "value()",
    "TimeSignatureValue": "numerator() denominator()",
    "Bank": "itemCount() getItemAt(int)",
    "CursorTrack": """
        clipLauncherSlotBank() exists() name() position() trackType() isPinned() color()
    """,
    "ClipLauncherSlot": "hasContent() replaceInsertionPoint()",
    "InsertionPoint": "insertFile(String)",
    "DocumentState": """
        getSignalSetting(String,String,String) getEnumSetting(String,String,String[],String)
        getStringSetting(String,String,int,String)
    """,
    "Signal": "addSignalObserver(Runnable)",
    "Value": "markInterested() addValueObserver(Runnable) get() set(any) getRaw() hide()",
    "ColorValue": "set(float,float,float)",
    "OscModule": "createAddressSpace() createUdpServer(OscAddressSpace) connectToUdpServer(String,int,OscAddressSpace)",
    "OscAddressSpace": "setName(String) registerDefaultMethod(Runnable)",
    "OscServer": "start(int)",
    "OscConnection": "sendMessage(String,...)",
    "OscMessage": "getAddressPattern() getString(int) getInt(int)",
}
"""`any` is what the value holds, `...` any number of what OSC can carry."""
IN_INIT_ONLY = frozenset({
    "createApplication", "createTransport", "createSceneBank", "createTrackBank", "createCursorTrack",
    "createUdpServer", "connectToUdpServer", "markInterested", "addValueObserver",
    "getSignalSetting", "getEnumSetting", "getStringSetting",
})  # fmt: skip
"""What Bitwig refuses after init()."""


class WrongCallError(Exception):
    """The script has called something that Bitwig does not know, or in a way that it refuses."""


def parameters_of(kind: str, method: str) -> list[str]:
    """The types of a method's parameters.

    Raises:
        WrongCallError: there is no such method.
    """
    for entry in SIGNATURES[kind].split(")"):
        name, _, types = entry.strip().partition("(")
        if name == method:
            return types.split(",") if types else []
    raise WrongCallError(f"{kind} has no method {method} that is known here")


def check_call(kind: str, method: str, args: list[Any]) -> None:
    """Raises WrongCallError where Bitwig would."""
    types = parameters_of(kind, method)
    if types[-1:] == ["..."]:
        types = types[:-1] + ["osc"] * (len(args) - len(types) + 1)
    if len(types) != len(args) or not all(_fits(arg, wanted) for arg, wanted in zip(args, types, strict=True)):
        raise WrongCallError(
            f"{kind}.{method}({', '.join(map(repr, args))}) is not {kind}.{method}({', '.join(types)})"
        )


def _fits(arg: Any, wanted: str) -> bool:
    is_number = isinstance(arg, int | float) and not isinstance(arg, bool)
    checks: dict[str, Callable[[], bool]] = {
        "String": lambda: isinstance(arg, str),
        "int": lambda: is_number and float(arg).is_integer(),
        "long": lambda: is_number and float(arg).is_integer(),
        "float": lambda: is_number,
        "boolean": lambda: isinstance(arg, bool),
        "String[]": lambda: isinstance(arg, list) and all(isinstance(item, str) for item in arg),
        "Runnable": lambda: callable(arg),
        "any": lambda: arg is not None,
        "osc": lambda: isinstance(arg, str | int | float | bool),
    }
    return checks[wanted]() if wanted in checks else type(arg).__name__ == wanted


class Value:
    """A value of Bitwig's, as a script sees it: some time behind what is so.

    Args:
        read: What is so.
        write: Makes it so; None for values that cannot be set.
    """

    def __init__(self, read: Callable[[], Any], write: Callable[[Any], None] | None = None) -> None:
        self._read, self._write = read, write
        self._seen: Any = None
        self._is_of_interest = False
        self._observers: list[Callable[..., Any]] = []

    def markInterested(self) -> None:  # noqa: N802 - Bitwig's name
        self._is_of_interest = True

    def addValueObserver(self, observer: Callable[..., Any]) -> None:  # noqa: N802
        self._is_of_interest = True
        self._observers.append(observer)

    def get(self) -> Any:
        if not self._is_of_interest:
            raise WrongCallError("a value was read that is not marked as of interest")
        return self._seen

    def getRaw(self) -> float:  # noqa: N802
        return float(self.get())

    def set(self, value: Any) -> None:
        if self._write is None or not isinstance(value, type(self._read())):
            raise WrongCallError(f"a value cannot be set to {value!r}")
        self._write(value)

    def hide(self) -> None:
        """Settings may be hidden from the user."""

    def deliver(self, *, first: bool = False) -> None:
        """What is so becomes what the script sees."""
        now = self._read()
        if not self._is_of_interest or (now == self._seen and not first):
            return
        self._seen = now
        for observer in self._observers:
            observer(now)
