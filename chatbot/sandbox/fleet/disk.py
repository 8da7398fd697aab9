"""The fleet's home as the coordinator and its bots read and write it."""

import json
import os
from pathlib import Path

from chatbot.sandbox.fleet.journal import LOG_FILE
from commands.configuring.checking import EXPECTED

CONFIG, LOGS, BACKUPS, DATA = "config", "logs", "backups", "data"
BREAKER_FILE = "circuit-breaker-state.json"
HUGE_LOG = "market-data.log"
HUGE_BYTES = 1 << 30
"""Bytes that the huge log seems to hold; all but its end is a hole that takes no room."""


class Disk:
    """What lies there; without a home nothing is written and nothing is broken."""

    def __init__(self, home: Path | None) -> None:
        self.home = home

    @property
    def log_file(self) -> Path | None:
        """Where the coordinator logs."""
        return None if self.home is None else self.home / LOGS / LOG_FILE

    def config_trouble(self) -> str | None:
        """Why the configuration cannot be read now, in the words of a program; ``None`` when it can."""
        if self.home is None:
            return None
        for name in EXPECTED:
            try:
                json.loads((self.home / CONFIG / name).read_bytes())
            except FileNotFoundError:
                return f"config file missing: {name}"
            except (OSError, ValueError) as error:
                return f"cannot parse {name}: {type(error).__name__}: {error}"
        return None

    def truncate_config(self, name: str, at: int) -> None:
        """Cut a file of the configuration off after so many bytes, at most half of it; one that is gone stays so."""
        path = None if self.home is None else self.home / CONFIG / name
        if path is not None and path.exists():
            os.truncate(path, min(at, path.stat().st_size // 2))

    def breaker_open(self) -> bool:
        """True while the file is there that keeps the circuit breaker open over restarts."""
        return self.home is not None and (self.home / DATA / BREAKER_FILE).exists()

    def open_breaker(self) -> None:
        """Write that file."""
        if self.home is not None:
            state = json.dumps({"state": "open", "reason": "too many kills"}) + "\n"
            (self.home / DATA / BREAKER_FILE).write_text(state, encoding="utf-8")

    def close_breaker(self) -> None:
        """Remove that file."""
        if self.home is not None:
            (self.home / DATA / BREAKER_FILE).unlink(missing_ok=True)

    def write_positions(self, bot: str) -> None:
        """Let the bot have its file of positions."""
        if self.home is not None:
            state = json.dumps({"bot": bot, "positions": []}) + "\n"
            (self.home / DATA / _positions(bot)).write_text(state, encoding="utf-8")

    def lose_positions(self, bot: str) -> None:
        """Remove it."""
        if self.home is not None:
            (self.home / DATA / _positions(bot)).unlink(missing_ok=True)

    def swell(self, line: str) -> None:
        """Write a huge log of which this line is the end."""
        if self.home is not None:
            with (self.home / LOGS / HUGE_LOG).open("wb") as log:
                log.truncate(HUGE_BYTES)
                log.seek(HUGE_BYTES)
                log.write(f"\n{line}\n".encode())

    def shrink(self) -> None:
        """Remove the huge log."""
        if self.home is not None:
            (self.home / LOGS / HUGE_LOG).unlink(missing_ok=True)


def _positions(bot: str) -> str:
    return f"positions-{bot}.json"
