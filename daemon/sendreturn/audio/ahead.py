"""The next block made while the last one is used."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


def ahead(blocks: Iterator[T]) -> Iterator[T]:
    """The same blocks, each made in a thread while its forerunner is used; what goes wrong there is raised here.

    Decoders, resamplers and encoders let other threads run meanwhile, so that reading and writing take turns no more.
    """
    with ThreadPoolExecutor(1, "ahead") as pool:
        coming = pool.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = pool.submit(next, blocks, None)
            yield block
