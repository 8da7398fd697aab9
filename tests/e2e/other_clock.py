"""Runs the unmodified program by another wall clock: the real time and the seconds that stand in a file at that moment.

``python other_clock.py FILE`` is ``chatbot serve`` otherwise. The file is read whenever the program asks for the time,
so that a test sets the clock ahead or back by writing a number; while there is no file, the clock is right.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chatbot.app import serve
from config.loading import load


def now_by(file: Path) -> datetime:
    """The time by the clock that this file sets."""
    try:
        ahead = float(file.read_text())
    except FileNotFoundError:
        ahead = 0.0
    return datetime.now(UTC) + timedelta(seconds=ahead)


def main() -> int:
    """Serve until told to stop; the exit code."""
    clock = Path(sys.argv[1])
    return asyncio.run(serve(load(os.environ, to_serve=True), now=lambda: now_by(clock)))


if __name__ == "__main__":
    sys.exit(main())
