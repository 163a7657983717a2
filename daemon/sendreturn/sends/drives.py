"""What is known of drives without touching them: the list of mounts, which never waits for a drive that hangs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

REMOTE = frozenset(
    {
        *(
            "nfs",
            "nfs4",
            "cifs",
            "smb3",
            "smbfs",
            "afpfs",
            "webdav",
            "davfs",
            "9p",
            "ceph",
            "lustre",
            "glusterfs",
            "afs",
        ),
        *("vboxsf", "prl_fs", "virtiofs", "drvfs", "ncpfs", "macfuse", "osxfuse"),
    }
)
"""File systems on which others write without our system hearing of it: inotify(7), "remote events on network file
systems are not reported". A probe file of our own would be heard of all the same."""


class Mount(NamedTuple):
    point: Path
    kind: str
    is_remote: bool


def mounts() -> Sequence[Mount]:
    """All mounts of this moment, those inside others first."""
    import psutil

    parts = psutil.disk_partitions(all=True)
    found = [Mount(Path(part.mountpoint), part.fstype, _is_remote(part.fstype, part.opts)) for part in parts]
    return sorted(found, key=lambda mount: len(str(mount.point)), reverse=True)


def mount_of(path: Path) -> Mount | None:
    """The mount that a path is on; None where the system does not tell."""
    return next((mount for mount in mounts() if path.is_relative_to(mount.point)), None)


def is_remote(path: Path) -> bool:
    """Whether other computers may write where the path leads, without our system hearing of it."""
    mount = mount_of(path)
    return mount is not None and mount.is_remote


def _is_remote(kind: str, options: str) -> bool:
    # FUSE is what SSHFS, rclone and clouds are; "fuseblk" are local disks (NTFS, exFAT).
    is_fuse = kind == "fuse" or kind.startswith("fuse.")
    return is_fuse or kind.casefold() in REMOTE or (sys.platform == "win32" and "remote" in options.split(","))
