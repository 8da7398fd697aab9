"""Alerts while Slack, the senders, the clock or a channel go wrong: each is told, once, where it is seen."""

import asyncio
import dataclasses
import itertools
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chatbot.sandbox.slack.model import Call, Message
from tests.conversation import OPS, Bot, Conversation, conversation
from tests.e2e.alerting import (
    ALERTS,
    HOOKS,
    LOOKING,
    NO_MONITOR,
    ONE_BY_ONE,
    ONLY_MONITOR,
    STILL,
    at,
    buttons,
    card,
    event,
    from_prometheus,
    headline,
    known,
    now,
    posted,
    reply,
    to_hook,
    until,
    watching,
)

pytestmark = pytest.mark.long  # each waits for clocks, leases or processes that die

ONLY_HOOKS = {**NO_MONITOR, **ONLY_MONITOR, **HOOKS}
"""Nothing is polled: what is told is what a test posted."""

QUICK_CALLS = {
    "CHATBOT_ALERTS__ESCALATE_MINUTES": "[0.05, 0.1]",
    "CHATBOT_ALERTS__ESCALATE_EVERY_MINUTES": "0.05",
}
"""People are called after 3 s, after 6 s and every 3 s from then on: all that the pace of edits allows."""

CALLS = {**QUICK_CALLS, "CHATBOT_ALERTS__ESCALATE_EVERY_MINUTES": "0.15"}
"""The same at first, and then every 9 s, which leaves room for other messages."""


def alert(
    name: str, *, severity: str = "warning", began: datetime | None = None, resolved: bool = False
) -> dict[str, Any]:
    """A message of Alertmanager's with one alert of that name, which is also what it says."""
    return from_prometheus(
        resolved=resolved,
        began=began or datetime.now(UTC),
        name=name,
        fingerprint=f"{name}-fingerprint",
        labels={"severity": severity},
        summary=name,
    )


async def hook(talk: Conversation, *messages: dict[str, Any]) -> None:
    """Alertmanager posts these, one after another, and each is accepted."""
    for each in messages:
        assert (await to_hook(talk, "alertmanager", each)).status_code == 202


def key_of(message: Message) -> str:
    """The outbox key of a message."""
    return str(((message.metadata or {}).get("event_payload") or {}).get("key", ""))


def keys(talk: Conversation, channel: str = ALERTS) -> list[str]:
    """The outbox keys of everything that stands in a channel, replies included, oldest first."""
    return [
        key_of(each)
        for each in talk.slack.workspace.all_messages
        if each.channel == channel and each.bot and each.only_for is None
    ]


async def same(talk: Conversation, shown: Message, where: str) -> Message:
    """The message of the same alert in another channel, once it is there."""
    return await until(
        talk,
        lambda: next((each for each in talk.slack.messages(where) if key_of(each) == key_of(shown)), None),
    )


def once(talk: Conversation, channel: str = ALERTS) -> list[str]:
    """The same, after making sure that nothing stands there twice."""
    found = keys(talk, channel)
    assert max(Counter(found).values(), default=1) == 1, found
    return found


def calls_out(talk: Conversation, shown: Message) -> list[Message]:
    """The calls for people about the alert of this card, in its channel, oldest first."""
    return [
        each
        for each in talk.slack.messages(shown.channel)
        if key_of(each).startswith(f"{key_of(shown)}/call-")
    ]


async def called(talk: Conversation, shown: Message, times: int) -> list[Message]:
    """The calls for people, once there are so many."""
    return await until(talk, lambda: found if len(found := calls_out(talk, shown)) >= times else None)


async def nothing_owed(talk: Conversation) -> None:
    """Wait until the outbox is empty; nothing in it was given up."""
    await until(
        talk,
        lambda: (
            talk.rows("select count(*) from outbox where version > sent_version and state != 'failed'")
            == [(0,)]
        ),
    )
    assert talk.rows("select key, last_error from outbox where state = 'failed'") == []


def attempts(talk: Conversation, method: str = "chat.postMessage", channel: str = ALERTS) -> list[Call]:
    """The calls of Slack's with this method and channel, oldest first."""
    return [
        call for call in talk.slack.calls if call.method == method and call.args.get("channel") == channel
    ]


# -- Slack -------------------------------------------------------------------------------------------------------


async def test_told_to_wait_it_waits_and_then_tells_everything_once(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_HOOKS) as talk:
        talk.slack.faults.set("rate_limited", retry_after=4, methods=["chat.postMessage"], times=1)
        await hook(talk, alert("feed"))
        refused = await until(
            talk, lambda: next((call for call in attempts(talk) if call.status == 429), None)
        )
        await hook(talk, alert("queue"), alert("margin", severity="critical"))
        for name in ("feed", "queue", "margin"):
            await card(talk, name)
        after = [call for call in attempts(talk) if call.at > refused.at]
        assert (
            after[0].at - refused.at
        ).total_seconds() >= 4  # the critical one as well: Slack would refuse it
        assert "margin" in json.dumps(after[0].args)  # and goes first when it is time
        assert [call.status for call in attempts(talk)].count(429) == 1
        await nothing_owed(talk)
        assert len(once(talk)) == 3


@pytest.mark.parametrize("fault", ["http_500", "reset_before", "reset_after_accept"])
async def test_a_post_that_failed_or_whose_answer_was_lost_stands_once(tmp_path: Path, fault: str) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_HOOKS) as talk:
        talk.slack.faults.set(fault, methods=["chat.postMessage"], times=2)
        began = datetime.now(UTC)
        await hook(talk, alert("feed", began=began), alert("orderbook", began=began))
        await until(talk, lambda: not talk.slack.faults.active(fault))
        await card(talk, "feed")
        await card(talk, "orderbook")
        talk.slack.faults.set(fault, methods=["chat.update", "chat.postMessage"], times=3)
        await hook(talk, alert("feed", began=began, resolved=True))
        over = await card(talk, "RESOLVED after", "feed")
        await reply(talk, over, "RESOLVED after")
        await nothing_owed(talk)
        assert len(once(talk)) == 3


async def test_a_slack_that_hangs_and_then_answers_gets_it_once(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_HOOKS) as talk:
        talk.slack.faults.set(
            "slow", seconds=8, methods=["chat.postMessage"], times=1
        )  # we give up after seven
        await hook(talk, alert("slowly"))
        await until(talk, lambda: len(attempts(talk)) + (not talk.slack.faults.active("slow")))
        await card(talk, "slowly")
        await nothing_owed(talk)
        assert len(once(talk)) == 1


async def test_what_waits_is_told_by_healthz_and_status(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_HOOKS) as talk:
        talk.slack.faults.set("rate_limited", retry_after=60, methods=["chat.postMessage"])
        await hook(talk, alert("first"), alert("second"))
        await until(talk, lambda: attempts(talk))
        health = (await talk.bot.get("/healthz")).json()
        assert health["outbox_waiting"] == 2
        assert 0 < health["outbox_oldest_seconds"] < 60
        said = await talk.admin.types("/status")
        assert said.ack is not None
        assert "*Messages that wait for Slack*: 2, the oldest for" in said.ack["text"]


# -- deliveries that come again ----------------------------------------------------------------------------------


async def test_the_same_delivery_again_at_once_and_after_a_restart_is_one_alert(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_HOOKS) as talk:
        crashed = json.dumps(event("bot_crashed", bot="ndax", reason="out of memory")).encode()
        book = alert("orderbook", severity="critical")
        answers = await asyncio.gather(
            *(to_hook(talk, "coordinator", crashed) for _ in range(3)),
            *(to_hook(talk, "alertmanager", book) for _ in range(3)),
        )
        assert [each.status_code for each in answers] == [202] * 6
        assert sum(each.json()["accepted"] for each in answers[:3]) == 1
        await talk.bot.dies()
        await talk.bot.start()
        again = await to_hook(talk, "coordinator", crashed)
        assert again.json() == {"accepted": 0, "duplicate": True}
        await hook(talk, book)
        shown = await card(talk, "orderbook")
        await card(talk, "out of memory")
        assert known(talk, "kind", "count") == [("event_bot_crashed", 1), ("orderbook", 1)]

        over = {**book, "alerts": [book["alerts"][0] | {"status": "resolved"}]}
        await asyncio.gather(*(to_hook(talk, "alertmanager", over) for _ in range(3)))
        await until(talk, lambda: "RESOLVED" in headline(now(talk, shown)))
        await hook(talk, over, book)  # the beginning once more, delivered after the end
        await nothing_owed(talk)
        assert known(talk, "kind", "firing") == [("event_bot_crashed", 1), ("orderbook", 0)]
        assert len(once(talk)) == 3  # two cards, and that one of them is over


# -- many, and to and fro ----------------------------------------------------------------------------------------


async def test_to_and_fro_is_one_message_that_says_so_until_it_settles(tmp_path: Path) -> None:
    flapping = {"CHATBOT_ALERTS__FLAP_CHANGES": "4", "CHATBOT_ALERTS__FLAP_MINUTES": "0.2"}
    async with watching(tmp_path, fleet=STILL, **ONLY_HOOKS, **flapping) as talk:

        async def to_and_fro() -> None:
            began = datetime.now(UTC)
            await hook(talk, alert("feed", began=began), alert("feed", began=began, resolved=True))

        for _ in range(2):
            await to_and_fro()
        shown = await card(talk, "FLAPPING", "feed", "4 changes")
        assert "just now it is quiet" in shown.words
        await nothing_owed(talk)
        before = len(attempts(talk)) + len(attempts(talk, "chat.update"))
        for _ in range(3):
            await to_and_fro()
        await asyncio.sleep(1.5)  # in which it would be told
        assert len(attempts(talk)) + len(attempts(talk, "chat.update")) == before
        settled = await reply(talk, shown, "no longer flaps", "it stayed quiet")
        assert "RESOLVED" in headline(now(talk, shown))
        await nothing_owed(talk)
        assert once(talk)[-1].startswith("alert/1/")
        assert float(settled.ts) - float(shown.ts) > 0.2 * 60
        assert len(posted(talk, "FLAPPING")) == 0


async def test_three_that_are_alike_are_one_message_and_who_takes_it_stops_its_calls(tmp_path: Path) -> None:
    grouping = {"CHATBOT_ALERTS__GROUP_FROM": "3"}
    async with watching(tmp_path, fleet=STILL, **ONLY_HOOKS, **QUICK_CALLS, **grouping) as talk:
        bodies = [alert("margin", severity="critical") for _ in range(5)]
        for number, body in enumerate(bodies):
            body["alerts"][0] |= {
                "fingerprint": f"margin-{number}",
                "annotations": {"summary": f"margin {number}"},
            }
        await hook(talk, *bodies)
        several = await card(talk, "3 similar alerts: margin")
        assert len(posted(talk)) == 3
        await called(talk, several, 1)
        said = await talk.person("operator").clicks("Acknowledge", several)
        assert said.error is None
        await until(talk, lambda: "owned by <@U0OPER01>" in now(talk, several).words)
        assert talk.rows(
            "select count(*) from alerts where summary_id is not null and owner = 'U0OPER01'"
        ) == [(3,)]
        first = posted(talk)[0]
        so_far, alone = len(calls_out(talk, several)), len(calls_out(talk, first))
        await called(talk, first, alone + 2)  # nobody took that one: six seconds in which others are called
        assert len(calls_out(talk, several)) == so_far


# -- another clock -----------------------------------------------------------------------------------------------


@dataclass
class OtherClockBot(Bot):
    """The bot's process by a clock that the test sets."""

    def set_clock(self, *, ahead: timedelta) -> None:
        """Let its clock be so much ahead of ours from now on; below zero: behind."""
        fresh = self._clock.with_suffix(".new")
        fresh.write_text(str(ahead.total_seconds()))
        fresh.replace(self._clock)  # whole or not at all: the program may be reading it

    @property
    def _clock(self) -> Path:
        return self.log.with_name("clock")

    async def start(self, *, ready: bool = True, **extra: str) -> None:
        """Start it; wait until it says that it is ready."""
        script = Path(__file__).with_name("other_clock.py")
        with self.log.open("ab") as sink:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, str(script), str(self._clock)),
                env={**self.env, **extra},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
            )
        if ready:
            await self.until("/readyz")


@asynccontextmanager
async def other_clock(data: Path, **settings: str) -> AsyncIterator[tuple[Conversation, OtherClockBot]]:
    """A conversation with a bot whose clock can be set; it looks at the fleet every second."""
    chosen = {**LOOKING, **ONE_BY_ONE, **NO_MONITOR, **HOOKS, **settings}
    async with conversation(data, fleet={"policy": STILL}, start=False, **chosen) as talk:
        bot = OtherClockBot(
            **{each.name: getattr(talk.bot, each.name) for each in dataclasses.fields(talk.bot)}
        )
        talk.bot = bot
        await bot.start()
        yield talk, bot


HOUR = timedelta(hours=1)


@pytest.mark.parametrize("ahead", [HOUR, -HOUR], ids=["ahead", "back"])
async def test_a_clock_that_is_set_neither_stops_the_calls_nor_invents_a_gap(
    tmp_path: Path, ahead: timedelta
) -> None:
    async with other_clock(tmp_path, **QUICK_CALLS) as (talk, bot):
        await hook(talk, alert("margin", severity="critical"), alert("orderbook"))
        shown = await card(talk, "margin")
        await called(talk, shown, 3)
        health = await until_watchful(talk)
        bot.set_clock(ahead=ahead)
        before = len(calls_out(talk, shown))
        after = await called(talk, shown, before + 3)
        gaps = [float(later.ts) - float(one.ts) for one, later in itertools.pairwise(after[before - 1 :])]
        assert max(gaps) < 15, gaps  # of three seconds, on a machine that does other things
        decided = [float(key_of(each).partition("/call-")[2]) for each in after[before:]]
        assert min(later - one for one, later in itertools.pairwise(decided)) > 2.9, decided  # and no burst

        began = datetime.now(UTC)
        await hook(talk, alert("feed", began=began), alert("queue", severity="critical"))
        await card(talk, "feed")
        await called(talk, await card(talk, "queue"), 1)
        await hook(talk, alert("feed", began=began, resolved=True))
        await card(talk, "RESOLVED after", "feed")
        await talk.admin.clicks("Acknowledge", shown)
        await until(talk, lambda: "owned by <@U0ADMIN1>" in now(talk, shown).words)
        health = await until_watchful(talk)
        assert health["flaws"] == []
        assert abs(health["fleet_seen_seconds"]) < 30
        assert posted(talk, "unwatched") == []
        assert talk.rows("select count(*) from gaps") == [(0,)]
        once(talk)
        # What a call said goes on in the next one; nothing begins by saying so.
        assert not [each for each in talk.slack.messages(ALERTS) if "newer message" in each.history[0].text]
        assert len([each for each in calls_out(talk, shown) if "NOBODY HAS IT" in headline(each)]) <= 1


async def test_the_calls_of_an_hour_that_comes_again_are_not_counted_twice(tmp_path: Path) -> None:
    async with other_clock(tmp_path, CHATBOT_ALERTS__PER_MINUTE="10") as (talk, bot):
        began = datetime.now(UTC)
        for number in range(12):
            await hook(talk, alert(f"early-{number}", severity="critical", began=began))
        await card(talk, "More alerts than can be told one by one")
        await nothing_owed(talk)
        bot.set_clock(ahead=-HOUR)
        await until(talk, lambda: talk.rows("select 1 from alert_events where at < ?", at(minutes=-55)))
        began = datetime.now(UTC)
        await hook(talk, alert("margin", severity="critical", began=began), alert("queue", began=began))
        shown = await talk.slack.wait_for(lambda: posted(talk, "CRITICAL: margin"), 10)
        await talk.slack.wait_for(lambda: posted(talk, "WARNING: queue"), 10)
        await hook(talk, alert("margin", severity="critical", began=began, resolved=True))
        await until(talk, lambda: "RESOLVED" in headline(now(talk, shown[0])))


async def until_watchful(talk: Conversation) -> dict[str, Any]:
    """What /healthz says, once it finds that the fleet is watched."""
    async with asyncio.timeout(60):
        while True:
            health: dict[str, Any] = (await talk.bot.get("/healthz")).json()
            if health["watchful"]:
                return health
            await asyncio.sleep(0.1)


# -- channels ----------------------------------------------------------------------------------------------------

BREAKS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "archived": ({"is_archived": True}, {"is_archived": False}, "is_archived"),
    "bot-removed": ({"bot_in": False}, {"bot_in": True}, "not_in_channel"),
    "deleted": ({"gone": True}, {"gone": False}, "channel_not_found"),
    "read-only": ({"read_only": True}, {"read_only": False}, "restricted_action"),
}


@pytest.mark.parametrize("how", list(BREAKS))
async def test_an_end_that_finds_its_channel_broken_is_told_elsewhere(tmp_path: Path, how: str) -> None:
    breaks, mends, _ = BREAKS[how]
    async with watching(tmp_path, fleet=STILL, **ONLY_HOOKS) as talk:
        began = datetime.now(UTC)
        await hook(talk, alert("feed", began=began), alert("margin", severity="critical", began=began))
        await hook(talk, alert("queue", began=began))
        feed, margin, queue = [await card(talk, name) for name in ("feed", "margin", "queue")]
        await nothing_owed(talk)
        await talk.slack.change_channel(ALERTS, **breaks)
        for name, shown in (("feed", feed), ("queue", queue)):
            await hook(talk, alert(name, began=began, resolved=True))
            over = await same(talk, shown, OPS)
            await until(talk, lambda over=over: "RESOLVED" in headline(now(talk, over)))  # type: ignore[misc]
            await reply(talk, over, "RESOLVED after", "no longer says so")
        await talk.slack.change_channel(ALERTS, **mends)
        await talk.admin.clicks("Acknowledge", margin)  # it stands where it stood
        await reply(talk, margin, "<@U0ADMIN1> took")
        again = datetime.now(UTC)
        await hook(talk, alert("feed", began=again), alert("feed", began=again, resolved=True))
        await card(talk, "RESOLVED after", "feed")
        await nothing_owed(talk)
        once(talk)
        once(talk, OPS)


@pytest.mark.parametrize("how", list(BREAKS))
async def test_a_channel_that_takes_nothing_loses_nothing_and_is_an_alarm(tmp_path: Path, how: str) -> None:
    breaks, mends, word = BREAKS[how]
    async with watching(tmp_path, fleet=STILL, **ONLY_HOOKS, **CALLS) as talk:
        began = datetime.now(UTC)
        await hook(talk, alert("margin", severity="critical", began=began))
        before = await card(talk, "margin")
        await talk.slack.change_channel(ALERTS, **breaks)
        moved = await same(talk, before, OPS)
        await called(talk, moved, 2)  # people go on being called, where it is seen
        await hook(talk, alert("orderbook", began=began))
        await card(talk, "orderbook", where=OPS)
        await hook(talk, alert("orderbook", began=began, resolved=True))
        over = await card(talk, "RESOLVED after", "orderbook", where=OPS)
        await reply(talk, over, "RESOLVED after")
        alarms = posted(talk, "A channel takes no messages of this bot", where=OPS)
        assert len(alarms) == 1, [each.words for each in alarms]
        assert f"<#{ALERTS}>" in alarms[0].words
        health = (await talk.bot.get("/healthz")).json()
        assert health["broken_channels"] == {ALERTS: word}
        if how != "read-only":  # of that a look at the channel shows nothing
            code, printed = await talk.bot.command_line("doctor")
            assert code == 1, printed
            assert any(line.startswith("failed") and "alerts" in line for line in printed.splitlines()), (
                printed
            )

        await talk.slack.change_channel(ALERTS, **mends)
        await hook(talk, alert("queue"))
        await card(talk, "queue")
        await called(talk, before, len(calls_out(talk, before)) + 1)  # and people are called there again
        await talk.admin.clicks("Acknowledge", now(talk, moved))
        await until(talk, lambda: "owned by <@U0ADMIN1>" in now(talk, moved).words)
        await hook(talk, alert("margin", began=began, severity="critical", resolved=True))
        await until(talk, lambda: "RESOLVED" in headline(now(talk, moved)))
        await reply(talk, moved, "RESOLVED after")
        await nothing_owed(talk)
        assert (await talk.bot.get("/healthz")).json()["broken_channels"] == {}
        once(talk)
        once(talk, OPS)
        assert len(posted(talk, "A channel takes no messages of this bot", where=OPS)) == 1
        assert buttons(now(talk, before)) != []  # nobody could edit it any more


async def test_a_reply_that_comes_alone_takes_its_message_along(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_HOOKS) as talk:
        await talk.admin.types("/silence margin 30m known", where=ALERTS)
        began = await card(talk, "Silenced", "margin")
        await nothing_owed(talk)
        await talk.slack.change_channel(ALERTS, is_archived=True)
        await talk.admin.types("/silences")
        await talk.admin.clicks("End", await talk.admin.reads("margin", "known"))
        moved = await same(talk, began, OPS)
        await reply(talk, moved, "Silence #1 has ended")
        await nothing_owed(talk)
        once(talk, OPS)


async def test_with_the_ops_channel_broken_as_well_the_admins_get_it_directly(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_HOOKS) as talk:
        for channel in (ALERTS, OPS):
            await talk.slack.change_channel(channel, is_archived=True)
        began = datetime.now(UTC)
        await hook(talk, alert("margin", severity="critical", began=began))
        for person in ("U0ADMIN1", "U0ADMIN2", "U0ADMIN3"):
            direct = talk.slack.workspace.dm(person).id
            await card(talk, "margin", where=direct)
            await card(talk, "A channel takes no messages of this bot", f"<#{OPS}>", where=direct)
        await hook(talk, alert("margin", severity="critical", began=began, resolved=True))
        await card(talk, "RESOLVED after", "margin", where=talk.slack.workspace.dm("U0ADMIN1").id)
        health = (await talk.bot.get("/healthz")).json()
        assert set(health["broken_channels"]) == {ALERTS, OPS}
        said = await talk.admin.types("/kill without a channel")
        assert said.error is None
        await talk.slack.wait_for(lambda: not talk.fleet.engine.trading, 10)
        await card(talk, "without a channel", "verified", where=talk.slack.workspace.dm("U0ADMIN1").id)
        await nothing_owed(talk)
