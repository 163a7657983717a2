from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from sendreturn.audio.ahead import ahead


def test_the_blocks_come_in_order_and_are_made_in_another_thread() -> None:
    makers = set()

    def made() -> Iterator[int]:
        for number in range(20):
            makers.add(threading.get_ident())
            yield number

    assert list(ahead(made())) == list(range(20))
    assert threading.get_ident() not in makers


def test_what_goes_wrong_while_a_block_is_made_is_raised_behind_the_good_ones() -> None:
    def made() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    blocks = ahead(made())
    assert next(blocks) == 1
    with pytest.raises(OSError, match="gone"):
        next(blocks)


def test_who_stops_early_leaves_no_thread_behind() -> None:
    blocks = ahead(iter(range(1000)))
    next(blocks)
    blocks.close()
    assert not any(thread.name.startswith("ahead") for thread in threading.enumerate())
