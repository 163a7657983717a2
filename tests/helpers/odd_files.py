"""Files that no way in can use, and the good clip that is sent after them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from fake_service import FakeService, manifest, write_tone
from living_daemon import LivingDaemon

Make = Callable[[Path], object]
LYRICS = "These are the lyrics, not the song.\n" * 50


def with_studio(folder: Path) -> LivingDaemon:
    """A daemon whose clips go to a free service of the test, which answers at once."""
    life = LivingDaemon(folder, settle_s=0.03)
    free = FakeService(manifest("studio", free=True, price=0.0), credits=0.0)
    services = life.daemon.house.services
    services.manifests["studio"] = free.manifest
    services._open["studio"] = free
    for operation in ("cover", "inpaint"):
        (life.sends / operation / "defaults.yaml").write_text("service: studio\nbpm: 120\n")
    return life


def write_silence(path: Path) -> None:
    soundfile.write(path, np.zeros((48_000, 2)), 48_000, subtype="PCM_24", format="WAV")


def write_short(path: Path) -> None:
    write_tone(path, seconds=0.05)


def write_cut_off(path: Path) -> None:
    """A WAV whose end is missing."""
    whole = write_tone(path.with_name(".whole"), seconds=1.0)
    path.write_bytes(whole.read_bytes()[:-30_000])
    whole.unlink()


def write_text(path: Path) -> None:
    path.write_text(LYRICS)


def write_noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(7).bytes(4000))


def write_nothing(path: Path) -> None:
    path.write_bytes(b"")


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def link_to(target: Path) -> Make:
    return lambda path: path.symlink_to(target)


def content(path: Path) -> object:
    """What a file holds, for comparing it before and after; never opens a pipe."""
    if path.is_symlink():
        return ("link", path.readlink())
    return path.read_bytes() if path.is_file() else ("kind", path.lstat().st_mode)
