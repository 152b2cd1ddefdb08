"""Asynchronous work from synchronous code, also where an event loop already runs."""

import asyncio

import pytest

from portal.kit.awaiting import finish


async def answer(number: int) -> int:
    await asyncio.sleep(0)
    if number < 0:
        raise ValueError("below nothing")
    return number


def test_work_is_finished_where_no_loop_runs() -> None:
    assert finish(answer(4)) == 4


def test_work_is_finished_inside_a_running_loop() -> None:
    async def within() -> int:
        return finish(answer(5))

    assert asyncio.run(within()) == 5


def test_what_the_work_raises_is_raised() -> None:
    async def within() -> int:
        return finish(answer(-1))

    with pytest.raises(ValueError, match="below"):
        finish(answer(-1))
    with pytest.raises(ValueError, match="below"):
        asyncio.run(within())
