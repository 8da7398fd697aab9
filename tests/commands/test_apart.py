"""Work that hangs holds up neither what asyncio shares out, nor the end of the program, nor the rest without bound."""

import asyncio
import subprocess
import sys
import threading
import time
from contextvars import ContextVar

import pytest

from commands.apart import MOST, apart
from commands.spec import UserError

WHO: ContextVar[str] = ContextVar("WHO", default="nobody")


async def test_its_result_its_error_and_its_context_come_back() -> None:
    WHO.set("the caller")
    assert await apart(lambda *given, **named: (given, named, WHO.get()), 1, two=2) == (
        (1,),
        {"two": 2},
        "the caller",
    )
    with pytest.raises(ZeroDivisionError):
        await apart(lambda: 1 / 0)


async def test_what_hangs_keeps_no_name_from_being_looked_up_and_is_bounded() -> None:
    go_on = threading.Event()
    try:
        hanging = [asyncio.ensure_future(apart(go_on.wait)) for _ in range(MOST)]
        await asyncio.sleep(0)
        with pytest.raises(UserError, match="have not come back"):
            await apart(int)
        # as httpx and aiohttp look up the name of whoever they connect to
        async with asyncio.timeout(5):
            await asyncio.get_running_loop().getaddrinfo("localhost", 80)
        for each in hanging:
            each.cancel()  # whoever waits for it gives up, the thread does not come back by that
        await asyncio.gather(*hanging, return_exceptions=True)
        with pytest.raises(UserError):
            await apart(int)
    finally:
        go_on.set()
    async with asyncio.timeout(5):
        while True:
            try:
                assert await apart(int) == 0
                break
            except UserError:
                await asyncio.sleep(0.01)


def test_a_program_ends_without_waiting_for_what_hangs() -> None:
    code = """
import asyncio, threading
from commands.apart import apart

async def main():
    try:
        async with asyncio.timeout(0.1):
            await apart(threading.Event().wait)
    except TimeoutError:
        print("given up")

asyncio.run(main())
"""
    begun = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "given up\n", "")
    assert time.monotonic() - begun < 20
