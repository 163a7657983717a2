"""HTTP to the outside: to the daemon of this machine, to the music services, and to the hosts of their results."""

from sendreturn.net.local_daemon import LocalDaemon, UnreachableError

__all__ = ["LocalDaemon", "UnreachableError"]
