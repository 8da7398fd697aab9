"""What an alert costs: from its arrival to the call of Slack, in peace and within a storm of 10,000 in a minute."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from bench.rig import Rig

TOKEN = "bench-alertmanager-token"
QUIET = 20  # alerts told one by one
QUIET_PAUSE = 1.2  # seconds between them: Slack takes about one message a second a channel
STORM, POSTS = 10_000, 20
STORM_SECONDS = 20.0
CRITICALS = 2  # as many as get messages of their own among the calls of a minute

Program = Callable[
    [list[str], dict[str, str], int], AbstractAsyncContextManager[tuple[psutil.Process, float]]
]
Environment = Callable[[Rig, str, int, Path], dict[str, str]]


@dataclass
class Round:
    """The figures of one program in one round: milliseconds, calls, MiB, seconds."""

    quiet: list[float] = field(default_factory=list)
    storm: list[float] = field(default_factory=list)
    calls: int = 0
    before: float = 0.0
    after: float = 0.0
    taken: float = 0.0  # from the first of the storm sent to the last acknowledged


async def measure_alerts(
    rounds: int, program: Program, environment: Environment, percentile: Callable[[list[float], float], float]
) -> list[dict[str, object]]:
    """Measure ours and the script, alternating; print the table and return it."""
    ours, script = [], []
    for _ in range(rounds):
        ours.append(await _round(["-m", "chatbot", "serve"], program, environment))
        script.append(await _round(["-m", "bench.minimal", "http"], program, environment))
    rows: list[tuple[str, str, Callable[[Round], float]]] = [
        ("alert to Slack, quiet p50", "ms", lambda r: percentile(r.quiet, 0.5)),
        ("alert to Slack, quiet p99", "ms", lambda r: percentile(r.quiet, 0.99)),
        ("critical to Slack in a storm p50", "ms", lambda r: percentile(r.storm, 0.5)),
        ("critical to Slack in a storm p99", "ms", lambda r: percentile(r.storm, 0.99)),
        (f"calls of Slack for {STORM:,}", "", lambda r: float(r.calls)),
        (f"memory gained by {STORM:,}", "MiB", lambda r: r.after - r.before),
        (f"{STORM:,} acknowledged in", "s", lambda r: r.taken),
    ]
    print(f"\nalerts, {rounds} rounds, {QUIET} quiet ones and a storm of {STORM:,} each")
    print(f"  {'':34}{'ours':>10}{'script':>10}{'ratio':>8}  spread of ours")
    table: list[dict[str, object]] = []
    for name, unit, value in rows:
        mine, theirs = [value(r) for r in ours], [value(r) for r in script]
        a, b = statistics.median(mine), statistics.median(theirs)
        ratio = a / b if b else float("nan")
        print(f"  {name:34}{a:>10.1f}{b:>10.1f}{ratio:>8.3f}  {min(mine):.1f} - {max(mine):.1f}   ({unit})")
        table.append({"figure": name, "unit": unit, "ours": mine, "script": theirs})
    return table


async def _round(arguments: list[str], program: Program, environment: Environment) -> Round:
    found = Round()
    async with _running(arguments, program, environment, per_minute="40") as (rig, url, _):
        for number in range(QUIET):
            found.quiet.append(await _told(rig, url, f"Quiet{number}", "critical"))
            await asyncio.sleep(QUIET_PAUSE)
    async with _running(arguments, program, environment, per_minute="10") as (rig, url, process):
        assert rig.said is not None
        await _send(url, [_alert("WarmUp", "warning", 0)])
        await asyncio.sleep(2)
        already = len(rig.said)
        found.before = process.memory_info().rss / 2**20
        began = time.perf_counter()
        storm = asyncio.create_task(_storm(url))
        for number in range(CRITICALS):
            await asyncio.sleep(STORM_SECONDS / (CRITICALS + 1))
            found.storm.append(await _told(rig, url, f"Critical{number}", "critical"))
        await storm
        found.taken = time.perf_counter() - began
        await asyncio.sleep(max(0.0, 58 - found.taken))  # until the minute in which calls are counted is over
        found.calls = len(rig.said) - already
        found.after = process.memory_info().rss / 2**20
    return found


@asynccontextmanager
async def _running(
    arguments: list[str], program: Program, environment: Environment, *, per_minute: str
) -> AsyncIterator[tuple[Rig, str, psutil.Process]]:
    with tempfile.TemporaryDirectory() as folder:
        async with Rig.running() as rig:
            rig.said = []
            port = _free_port()
            env = environment(rig, "http", port, Path(folder)) | {
                "CHATBOT_CHANNELS__ALERTS": "C0ALERTS",
                "CHATBOT_MONITOR__URL": "none",
                "CHATBOT_HOOKS__ALERTMANAGER_TOKEN": TOKEN,
                "CHATBOT_ALERTS__PER_MINUTE": per_minute,
                "CHATBOT_ALERTS__ESCALATE_MINUTES": "[60]",
            }
            async with program(arguments, env, port) as (process, _):
                await asyncio.sleep(2)  # the kill that the rig's coordinator shows is taken in and told
                rig.said.clear()
                yield rig, f"http://127.0.0.1:{port}/hooks/alertmanager", process


async def _told(rig: Rig, url: str, name: str, severity: str) -> float:
    """Milliseconds from sending one alert until Slack is called about it."""
    assert rig.said is not None
    sent = time.perf_counter()
    task = asyncio.create_task(_send(url, [_alert(name, severity, 0)]))
    deadline = sent + 60
    while time.perf_counter() < deadline:
        at = next((at for at, text in rig.said if f"{name} number" in text), None)
        if at is not None:
            await task
            return (at - sent) * 1000
        await asyncio.sleep(0.001)
    raise SystemExit(f"{name} was never told")


async def _storm(url: str) -> None:
    each = STORM // POSTS
    for post in range(POSTS):
        began = time.perf_counter()
        await _send(url, [_alert(f"Kind{n % 40}", "warning", post * each + n) for n in range(each)])
        await asyncio.sleep(max(0.0, STORM_SECONDS / POSTS - (time.perf_counter() - began)))


def _alert(name: str, severity: str, number: int) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {"alertname": name, "severity": severity, "bot": "ndax", "order": str(number)},
        "annotations": {"summary": f"{name} number {number} went wrong"},
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": f"{name}-{number}",
    }


async def _send(url: str, alerts: list[dict[str, Any]]) -> None:
    body = {
        "version": "4",
        "groupKey": "bench",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "fleet",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "",
        "alerts": alerts,
    }
    timeout = aiohttp.ClientTimeout(total=120)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(url, json=body, headers={"Authorization": f"Bearer {TOKEN}"}) as answer,
    ):
        assert answer.status in {200, 202}, (answer.status, await answer.text())


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
