"""Ten thousand alerts within a minute: a dozen calls of Slack, nothing lost, and what is critical goes before them."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from chatbot.sandbox.slack.model import Call
from tests.conversation import Conversation, conversation
from tests.e2e.alerting import ALERTS, HOOKS, TOKEN, card, known, posted, until

MINUTE = 60.0
MOST_CALLS = 12  # of Slack in any minute
SOON = 2.0  # seconds from the answer to the post until a critical alert stands in Slack
A_POST = 500  # alerts
AT_ONCE = 4  # posts: below the eight bodies that the door takes at once, beyond which it says 503
MORE_MEMORY = 24 * 1024 * 1024  # bytes that a storm of ten thousand may add
AGAIN_MEMORY = 12 * 1024 * 1024  # bytes that the same storm may add when it comes again: it is kept on disk

STORM = {
    **HOOKS,
    "CHATBOT_KILL__WATCH_SECONDS": "0",
    "CHATBOT_ALERTS__POLL_SECONDS": "3600",  # what the monitor says is no part of it
}


BEGAN = """
    select count(distinct alert_id), count(*) from alert_events join alerts on alerts.id = alert_id
    where news = 'began' and source != 'summary'
"""


def storm(many: int, names: int) -> Iterator[list[dict[str, Any]]]:
    """So many alerts of so many alertnames, in posts."""
    began = datetime.now(UTC).isoformat()
    bots = ("ndax", "quantum", "shadowforge")
    for start in range(0, many, A_POST):
        yield [
            {
                "status": "firing",
                "labels": {
                    "alertname": f"SlowOrders{number % names}",
                    "severity": "warning",
                    "instance": f"exchange-{number}",
                    "bot": bots[number % 3],
                },
                "annotations": {"summary": f"Orders at exchange {number} are slow"},
                "startsAt": began,
                "fingerprint": f"{number:016x}",
            }
            for number in range(start, start + A_POST)
        ]


CRITICAL = {
    "status": "firing",
    "labels": {"alertname": "MarginCall", "severity": "critical"},
    "annotations": {"summary": "A margin call in the middle of it"},
    "fingerprint": "c" * 16,
}


def calls_for_alerts(talk: Conversation) -> list[Call]:
    """Every call of Slack's that posted or changed something in the alerts channel, oldest first."""
    return [call for call in talk.slack.calls if call.args.get("channel") == ALERTS]


def most_in_a_minute(calls: Sequence[Call]) -> int:
    """The greatest number of calls within any sixty seconds."""
    times = [call.at.timestamp() for call in calls]
    return max((sum(first <= each < first + MINUTE for each in times) for first in times), default=0)


class Door:
    """POST /hooks/alertmanager of one bot, over a few connections."""

    def __init__(self, talk: Conversation, client: httpx.AsyncClient) -> None:
        self._url = f"http://127.0.0.1:{talk.bot.port}/hooks/alertmanager"
        self._client = client
        self._turns = asyncio.Semaphore(AT_ONCE)
        self.begun = 0

    async def post(self, alerts: list[dict[str, Any]]) -> httpx.Response:
        self.begun += 1
        return await self._client.post(self._url, json={"version": "4", "alerts": alerts})

    async def storm(self, many: int, names: int) -> None:
        """Post them all; each post is accepted."""

        async def one(alerts: list[dict[str, Any]]) -> None:
            async with self._turns:
                answer = await self.post(alerts)
            assert (answer.status_code, answer.json()) == (202, {"accepted": A_POST})

        async with asyncio.TaskGroup() as group:
            for alerts in storm(many, names):
                group.create_task(one(alerts))


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False, timeout=60, headers={"Authorization": f"Bearer {TOKEN}"})


def memory(talk: Conversation) -> int:
    """What the bot's process holds now, in bytes."""
    assert talk.bot.process is not None
    return int(psutil.Process(talk.bot.process.pid).memory_info().rss)


async def critical_in_the_middle(talk: Conversation, door: Door) -> float:
    """Seconds from the answer to a critical alert until it stood in Slack."""
    answer = await door.post([CRITICAL | {"startsAt": datetime.now(UTC).isoformat()}])
    answered = time.time()
    assert answer.status_code == 202
    shown = await card(talk, "🔴 CRITICAL: A margin call in the middle of it")
    return float(shown.ts) - answered


async def kill_in_the_middle(talk: Conversation) -> None:
    """Typed, obeyed, and written down in the database and not in the journal."""
    said = await talk.admin.types("/kill in the middle of the storm")
    assert said.error is None
    assert said.ack is not None
    assert "not yet in the audit" not in said.ack["text"].lower()
    assert len(talk.rows("select 1 from actions where command = 'kill'")) == 1
    await talk.slack.wait_for(lambda: not talk.fleet.engine.trading, 10)
    journal = talk.data / "journal.jsonl"
    assert not journal.exists() or journal.read_bytes() == b""


@pytest.mark.parametrize("names", [1, 2500], ids=["one-name", "many-names"])
async def test_two_thousand_at_once_are_told_in_a_few_messages_and_a_kill_goes_before_them(
    tmp_path: Path, names: int
) -> None:
    async with conversation(tmp_path, **STORM) as talk, client() as http:
        door = Door(talk, http)
        async with asyncio.TaskGroup() as group:
            group.create_task(door.storm(2_000, names))
            await until(talk, lambda: door.begun >= 2)
            took = group.create_task(critical_in_the_middle(talk, door))
            await kill_in_the_middle(talk)
        assert took.result() < SOON
        await card(talk, "🔴 CRITICAL: The fleet is killed")
        assert known(talk, "count(*)", "sum(count)") == [(2_002, 2_002)]
        assert talk.rows(BEGAN) == [(2_002, 2_002)]
        listed = await talk.admin.types("/alerts")
        assert listed.ack is not None
        assert "2002 alerts are open" in listed.ack["text"]
        several = await card(talk, "/alerts", "still fire", "#")
        assert "FLAPPING" not in "".join(each.words for each in talk.slack.messages(ALERTS))
        assert several.words.count("Acknowledge") == 1
        assert len(calls_for_alerts(talk)) <= MOST_CALLS


@pytest.mark.long
@pytest.mark.parametrize("names", [1, 2500], ids=["one-name", "many-names"])
async def test_ten_thousand_within_a_minute(tmp_path: Path, names: int) -> None:
    async with conversation(tmp_path, **STORM) as talk, client() as http:
        door = Door(talk, http)
        began, before = time.monotonic(), memory(talk)
        async with asyncio.TaskGroup() as group:
            group.create_task(door.storm(10_000, names))
            await until(talk, lambda: door.begun >= 8)
            took = group.create_task(critical_in_the_middle(talk, door))
            await kill_in_the_middle(talk)
        stored = time.monotonic() - began
        assert stored < MINUTE
        assert took.result() < SOON
        await card(talk, "🔴 CRITICAL: The fleet is killed")
        assert known(talk, "count(*)", "sum(count)") == [(10_002, 10_002)]
        assert talk.rows(BEGAN) == [(10_002, 10_002)]
        after = memory(talk)
        assert after - before < MORE_MEMORY

        await door.storm(10_000, names)  # as Alertmanager says everything again
        assert known(talk, "count(*)", "max(count)") == [(10_002, 1)]
        assert memory(talk) - after < AGAIN_MEMORY
        await asyncio.sleep(
            max(0.0, began + MINUTE + 15 - time.monotonic())
        )  # the minute itself, and what it delayed
        listed = await talk.admin.types("/alerts")
        assert listed.ack is not None
        assert "10002 alerts are open" in listed.ack["text"]
        assert len(posted(talk, "A margin call in the middle of it")) == 1
        assert most_in_a_minute(calls_for_alerts(talk)) <= MOST_CALLS
        assert memory(talk) - after < AGAIN_MEMORY
        health = (await talk.bot.get("/healthz")).json()
        assert health["outbox_waiting"] == 0
        assert health["outbox_refused"] == 0
