"""`make bench`: ours and the minimal script, alternating on one machine in one run; ratios are what counts.

The kill of ours includes the durable commit, the audit and the card; the script keeps nothing. Ours starts on a
database that is at this version, as every start but the first does. Each figure is the median over the rounds, with
the spread between them; see README "Measured".
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil

from bench.alerts import measure_alerts
from bench.rig import SECRET, Rig
from storage.database import Database

WARM_UP = 50
PAUSE = 0.1  # seconds between two measured commands: one tired admin, not a flood
AT_ONCE = 32
WANTED = {
    "slash to coordinator p50": 1.25,
    "slash to coordinator p99": 1.5,
    "ack p50": 0.2,
    "acknowledged a second": 0.8,
    "ready": 2.0,
    "resident memory": 1.5,
}


@dataclass
class Round:
    """The figures of one program in one round: milliseconds, commands a second, seconds, MiB."""

    way: list[float] = field(default_factory=list)
    ack: list[float] = field(default_factory=list)
    rate: float = 0.0
    ready: float = 0.0
    memory: float = 0.0


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def environment(rig: Rig, mode: str, port: int, data: Path) -> dict[str, str]:
    """The same environment for both programs."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("CHATBOT_", "SLACK_"))}
    env |= {
        "SLACK_BOT_TOKEN": "xoxb-bench",
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": rig.slack_url,
        "CHATBOT_CONFIG": "",
        "CHATBOT_COORDINATOR__URL": rig.coordinator_url,
        "CHATBOT_COORDINATOR__POLL_SECONDS": "60",
        "CHATBOT_DATABASE__URL": f"sqlite:///{data / 'bench.db'}",
        "CHATBOT_JOURNAL__PATH": str(data / "journal.jsonl"),
        "CHATBOT_ROLES__ADMINS": '["U0ADMIN1"]',
        "CHATBOT_CHANNELS__OPS": "C0OPS",
        "CHATBOT_HTTP__PORT": str(port),
        "CHATBOT_KILL__WATCH_SECONDS": "0",  # so that each kill is a new one, not one that joins the last
        "CHATBOT_LOG__LEVEL": "warning",
    }
    if mode == "socket":
        env["SLACK_APP_TOKEN"] = "xapp-bench"
    return env


@contextlib.asynccontextmanager
async def program(
    arguments: list[str], env: dict[str, str], port: int
) -> AsyncIterator[tuple[psutil.Process, float]]:
    """A running program and the seconds from its start until it said that it is ready."""
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=env)
    try:
        async with aiohttp.ClientSession() as session:
            while True:
                if process.returncode is not None:
                    raise SystemExit(f"{arguments} ended with {process.returncode}")
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                        if answer.status == 200:
                            break
                await asyncio.sleep(0.005)
        yield psutil.Process(process.pid), time.perf_counter() - started
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def measure(arguments: list[str], mode: str, samples: int) -> Round:
    """One round of one program."""
    found = Round()
    with tempfile.TemporaryDirectory() as folder:
        async with Rig.running() as rig:
            port = _free_port()
            env = environment(rig, mode, port, Path(folder))
            await _prepare(env["CHATBOT_DATABASE__URL"])
            rig.events_url = f"http://127.0.0.1:{port}/slack/events" if mode == "http" else None
            async with program(arguments, env, port) as (process, found.ready):
                if mode == "socket":
                    await asyncio.wait_for(rig.connected.wait(), 10)
                for number in range(WARM_UP + samples):
                    way, ack = await _one(rig)
                    if number >= WARM_UP:
                        found.way.append(way * 1000)
                        found.ack.append(ack * 1000)
                    await asyncio.sleep(PAUSE)
                found.memory = process.memory_info().rss / 2**20
                found.rate = await _flood(rig, samples)
    return found


async def _prepare(url: str) -> None:
    """The database as an earlier start left it."""
    database = Database(url)
    await database.prepare()
    await database.close()


def sync_seconds(folder: Path, count: int = 100) -> list[float]:
    """How long the disk takes to keep 16 KiB: the part of a commit that no program can save."""
    found: list[float] = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(count):
            file.write(b"x" * 16384)
            began = time.perf_counter()
            os.fsync(file.fileno())
            found.append(time.perf_counter() - began)
            time.sleep(0.01)
    return found


async def _one(rig: Rig) -> tuple[float, float]:
    """One kill: (seconds until the coordinator had it, seconds until it was acknowledged)."""
    while not rig.arrived.empty():
        rig.arrived.get_nowait()
    sent, ack = await rig.kill()
    arrived = await asyncio.wait_for(rig.arrived.get(), 10)
    return arrived - sent, ack


async def _flood(rig: Rig, count: int) -> float:
    """Acknowledged commands a second with AT_ONCE of them under way."""
    left = iter(range(count))

    async def worker() -> None:
        for _ in left:
            await rig.kill()

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return count / (time.perf_counter() - started)


def report(mode: str, ours: list[Round], script: list[Round]) -> list[dict[str, object]]:
    """The table of one mode, printed and returned."""
    rows = [
        ("slash to coordinator p50", "ms", lambda r: percentile(r.way, 0.5)),
        ("slash to coordinator p99", "ms", lambda r: percentile(r.way, 0.99)),
        ("ack p50", "ms", lambda r: percentile(r.ack, 0.5)),
        ("ack p99", "ms", lambda r: percentile(r.ack, 0.99)),
        ("acknowledged a second", "/s", lambda r: r.rate),
        ("ready", "s", lambda r: r.ready),
        ("resident memory", "MiB", lambda r: r.memory),
    ]
    print(f"\n{mode} mode, {len(ours)} rounds, {len(ours[0].way)} kills each")
    print(f"  {'':26}{'ours':>10}{'script':>10}{'ratio':>8}  spread of ratio   wanted")
    table: list[dict[str, object]] = []
    for name, unit, value in rows:
        mine, theirs = [value(r) for r in ours], [value(r) for r in script]
        ratios = [a / b for a, b in zip(mine, theirs, strict=True)]
        a, b = statistics.median(mine), statistics.median(theirs)
        ratio = statistics.median(ratios)
        limit = WANTED.get(name)
        if limit is None:
            wanted = ""
        elif name == "acknowledged a second":
            wanted = f">= {limit:g}x  {'ok' if ratio >= limit else 'MISSED'}"
        elif name == "ready":
            wanted = f"<= {limit:g} s  {'ok' if a <= limit else 'MISSED'}"
        else:
            wanted = f"<= {limit:g}x  {'ok' if ratio <= limit else 'MISSED'}"
        spread = f"{min(ratios):.2f} - {max(ratios):.2f}"
        print(f"  {name:26}{a:>10.2f}{b:>10.2f}{ratio:>8.2f}  {spread:16}  {wanted}   ({unit})")
        table.append({"mode": mode, "figure": name, "unit": unit, "ours": a, "script": b, "ratios": ratios})
    return table


async def main() -> None:
    """Measure both modes and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=400)
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    options = parser.parse_args()
    print(f"Python {platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        syncs = [each * 1000 for each in sync_seconds(Path(folder))]
    print(
        f"one fsync of this disk: p50 {percentile(syncs, 0.5):.2f} ms, p99 {percentile(syncs, 0.99):.2f} ms"
    )
    table: list[dict[str, object]] = []
    for mode in ("socket", "http"):
        ours: list[Round] = []
        script: list[Round] = []
        for _ in range(options.rounds):  # alternating, so that a slow minute of the machine hits both
            ours.append(await measure(["-m", "chatbot", "serve"], mode, options.kills))
            port_argument = ["-m", "bench.minimal", mode]
            script.append(await measure(port_argument, mode, options.kills))
        table += report(mode, ours, script)
    table += await measure_alerts(options.rounds, program, environment, percentile)
    if options.json:
        options.json.write_text(json.dumps(table, indent=2))


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    asyncio.run(main())
