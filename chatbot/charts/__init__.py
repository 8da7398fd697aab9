"""Pictures of windows and trends, drawn in a process of their own: drawing never holds up a stop in this one."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import structlog

SECONDS = 20.0
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = frozenset(
    {"HOME", "LANG", "MPLCONFIGDIR", "PATH", "PYTHONPATH", "SYSTEMROOT", "TEMP", "TMPDIR", "XDG_CACHE_HOME"}
)
"""What the drawing process is told of our environment: none of the tokens."""

log = structlog.get_logger(__name__)


class ChartError(Exception):
    """A chart was not drawn; says why in one sentence."""


def available() -> bool:
    """Whether charts can be drawn here: matplotlib comes with the ``charts`` extra."""
    return find_spec("matplotlib") is not None


async def render(chart: Mapping[str, Any], *, seconds: float = SECONDS) -> bytes:
    """The chart as a PNG, 1000 by 600 pixels; ChartError when it cannot be drawn in this time."""
    try:
        told = json.dumps(chart).encode()
    except (TypeError, ValueError) as error:
        raise ChartError(f"The chart was not drawn: it is no plain JSON ({type(error).__name__}).") from error
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "chatbot.charts",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if name in _KEPT},
        )
    except OSError as error:
        raise ChartError(
            f"The chart was not drawn: no process could be started ({type(error).__name__})."
        ) from error
    try:
        async with asyncio.timeout(seconds):
            picture, complaint = await process.communicate(told)
    except TimeoutError:
        raise ChartError(f"The chart was not drawn within {seconds:g} seconds.") from None
    finally:
        await _ended(process)
    if process.returncode != 0 or not picture.startswith(_SIGNATURE):
        words = complaint.decode(errors="replace").strip().rpartition("\n")[2][:200]
        log.warning("a chart was not drawn", code=process.returncode, said=words)
        raise ChartError(f"The chart was not drawn: the drawing process ended with {process.returncode}.")
    return picture


async def _ended(process: asyncio.subprocess.Process) -> None:
    """No drawing goes on after its caller gave up."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
