"""sendreturn: the send/return loop between a DAW and AI music services."""

from importlib.metadata import version

__version__ = version("sendreturn")
