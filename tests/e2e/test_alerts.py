"""What other programs post to the hooks, what becomes of many alerts at once, hostile texts, and the daily digest."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chatbot.sandbox.fleet.policy import Policy
from chatbot.sandbox.slack.model import Message
from tests.conversation import OPS
from tests.e2e.alerting import (
    HOOKS,
    NO_MONITOR,
    ONLY_MONITOR,
    STILL,
    TOKEN,
    at,
    buttons,
    card,
    change,
    event,
    everything,
    from_prometheus,
    headline,
    known,
    now,
    on_call,
    posted,
    reply,
    said,
    signature,
    stored,
    to_hook,
    until,
    watching,
)
from tests.e2e.two_people import kill, text_of

NOTHING_POLLED = {**NO_MONITOR, **ONLY_MONITOR, **HOOKS}
XOXB = "xoxb-123456789012-AbCdEfGhIjKlMnOp"


# -- the coordinator's hook --------------------------------------------------------------------------------------


async def test_an_event_of_the_coordinator_is_an_alert_until_another_event_ends_it(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, http_mode=True, **NOTHING_POLLED) as talk:
        first = json.dumps(event("bot_crashed", bot="ndax", reason="out of memory", ago=9)).encode()
        answer = await to_hook(talk, "coordinator", first)
        assert (answer.status_code, answer.json()) == (202, {"accepted": 1})
        shown = await card(talk, "🟠 HIGH: ndax: out of memory", "says the coordinator", "once, last at")
        assert "Scenario 7: System Resource Exhaustion" in shown.words

        again = await to_hook(talk, "coordinator", first)
        assert (again.status_code, again.json()) == (202, {"accepted": 0, "duplicate": True})
        assert known(talk, "kind", "bot", "count") == [("event_bot_crashed", "ndax", 1)]
        await to_hook(talk, "coordinator", event("bot_crashed", bot="ndax", reason="out of memory", ago=5))
        assert known(talk, "kind", "bot", "count") == [("event_bot_crashed", "ndax", 2)]

        await to_hook(talk, "coordinator", event("bot_recovered", bot="quantum", ago=3))  # another bot's end
        await to_hook(talk, "coordinator", event("bot_recovered", bot="ndax", ago=7))  # of the first crash
        await talk.admin.clicks("Acknowledge", shown)
        await card(talk, "*Acknowledged*", "owned by <@U0ADMIN1>")
        await to_hook(talk, "coordinator", event("bot_recovered", bot="ndax", reason="it is up again", ago=1))
        over = await card(talk, "✅ RESOLVED after", "out of memory", "seen 2 times")
        assert over.ts == shown.ts
        assert buttons(now(talk, over)) == []
        await reply(talk, shown, "RESOLVED after", "no longer says so", "<@U0ADMIN1>")
        assert len(posted(talk)) == 1


async def test_an_event_that_nobody_repeats_is_closed_and_not_called_resolved(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **NOTHING_POLLED) as talk:
        await to_hook(talk, "coordinator", event("limit_reached", bot="ndax", reason="Position limit"))
        await to_hook(talk, "coordinator", event("emergency_stop", reason="Margin call"))
        shown = await card(talk, "🟡 WARNING: ndax: Position limit")
        critical = await card(talk, "🔴 CRITICAL: Margin call")
        change(talk, "update alerts set last_at = ?", at(minutes=-61))
        closed = await card(talk, "NO LONGER REPORTED, not seen to end", "Position limit")
        assert closed.ts == shown.ts
        assert "RESOLVED" not in closed.words
        assert "Look at /status before you believe it" in closed.words
        # A critical one that nobody has taken is nobody's to close.
        assert headline(now(talk, critical)).startswith("🔴 CRITICAL")
        assert known(talk, "firing") == [(0,), (1,)]


# -- Alertmanager's hook -----------------------------------------------------------------------------------------


async def test_an_alert_of_alertmanager_fires_repeats_ends_and_begins_anew(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **NOTHING_POLLED) as talk:
        began = datetime.now(UTC) - timedelta(minutes=7)
        words = {"summary": "Memory of the trading host is nearly full", "value": "93.5"}
        firing = from_prometheus(began=began, **words)
        assert (await to_hook(talk, "alertmanager", firing)).json() == {"accepted": 1}
        shown = await card(talk, "🔴 CRITICAL: Memory of the trading host", "*Value*: 93.5", "Alertmanager")
        assert "http://prometheus.test/graph?g0.expr=up" in shown.words
        for _ in range(3):
            assert (await to_hook(talk, "alertmanager", firing)).status_code == 202
        assert known(talk, "count", "firing") == [(1, 1)]  # it says the same again by design
        change(talk, "update alerts set began_at = ?", at(minutes=-47))

        over = await to_hook(talk, "alertmanager", from_prometheus(began=began, resolved=True, **words))
        assert over.json() == {"accepted": 1}
        resolved = await card(talk, "✅ RESOLVED after 47 min: Memory of the trading host")
        assert resolved.ts == shown.ts
        assert "It was 🔴 CRITICAL" in (await reply(talk, shown, "RESOLVED after 47 min")).words

        late = await to_hook(talk, "alertmanager", firing)  # delivered after its own end
        assert late.json() == {"accepted": 1}
        assert known(talk, "firing") == [(0,)]
        await to_hook(talk, "alertmanager", from_prometheus(began=datetime.now(UTC), **words))
        anew = await card(talk, "🔴 CRITICAL: Memory of the trading host")
        assert anew.ts != shown.ts
        assert headline(now(talk, shown)).startswith("✅ RESOLVED")
        assert len(posted(talk)) == 2


# -- doors -------------------------------------------------------------------------------------------------------


async def test_without_its_secret_a_door_is_shut(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **NO_MONITOR, **ONLY_MONITOR) as talk:
        for hook, variable in (
            ("coordinator", "CHATBOT_HOOKS__COORDINATOR_SECRET"),
            ("alertmanager", "CHATBOT_HOOKS__ALERTMANAGER_TOKEN"),
        ):
            body = event("marker") if hook == "coordinator" else from_prometheus(began=datetime.now(UTC))
            for headers in ({}, {"X-Signature": signature(b"", "")}, {"Authorization": f"Bearer {TOKEN}"}):
                answer = await to_hook(talk, hook, body, headers)
                assert answer.status_code == 404
                assert variable in answer.json()["error"]
        assert known(talk, "id") == []
        assert "marker" not in stored(talk)


async def test_what_is_refused_at_a_door_leaves_nothing_behind(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **NOTHING_POLLED) as talk:
        marked = event("marker_crashed", bot="ndax", reason="marker")
        raw = json.dumps(marked).encode()
        prometheus = from_prometheus(began=datetime.now(UTC), summary="marker")
        forged = {"X-Signature": signature(raw, "another secret")}
        other = {"Authorization": f"Bearer {TOKEN}x"}
        prometheus_late = from_prometheus(began=datetime.now(UTC), summary="marker")
        prometheus_late["alerts"].append({"status": "marker"})
        refused: tuple[tuple[str, object, dict[str, str], int], ...] = (
            ("coordinator", raw, forged, 401),
            ("coordinator", raw, {"X-Signature": signature(raw)[7:]}, 401),
            ("coordinator", raw, {"X-Signature": signature(raw + b" ")}, 401),
            ("coordinator", raw, {"X-Signature": ""}, 401),
            ("coordinator", raw, {"Content-Type": "text/plain"}, 415),
            ("coordinator", b"marker", {}, 400),
            ("coordinator", {**marked, "timestamp": "marker"}, {}, 422),
            ("coordinator", event("marker", ago=90_000), {}, 422),
            ("coordinator", {"event": ["marker"]}, {}, 422),
            ("coordinator", b" " * (1024 * 1024 + 1), {}, 413),
            ("alertmanager", prometheus, other, 401),
            ("alertmanager", prometheus, {"Authorization": f"Basic {TOKEN}"}, 401),
            ("alertmanager", {**prometheus, "version": "3"}, {}, 422),
            ("alertmanager", prometheus_late, {}, 422),  # one alert of it is broken: none is taken
        )
        for hook, body, headers, status in refused:
            answer = await to_hook(talk, hook, body, headers)
            assert answer.status_code == status, (hook, body, answer.text)
            assert "marker" not in answer.text
        assert known(talk, "id") == []
        assert "marker" not in stored(talk)
        assert "marker" not in talk.bot.words()
        counted = (await talk.bot.get("/metrics")).text
        assert "hook: not authenticated" in counted
        assert (await to_hook(talk, "coordinator", raw)).json() == {"accepted": 1}  # refused before, not seen
        await card(talk, "🟠 HIGH: ndax: marker")


# -- many at once ------------------------------------------------------------------------------------------------


async def test_similar_alerts_become_one_message_and_a_critical_one_stays_alone(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_MONITOR, CHATBOT_ALERTS__GROUP_FROM="3") as talk:
        for book in ("ndax", "quantum"):
            talk.fleet.alert("high", f"The order book of {book} is stale")
            await card(talk, f"The order book of {book} is stale")
        for book in ("shadowforge", "arbitrage"):
            talk.fleet.alert("high", f"The order book of {book} is stale")
        both = await card(talk, "2 similar alerts", "*By bot*", "2 still fire")
        assert len(posted(talk)) == 3
        await talk.admin.clicks("Acknowledge", both)
        await card(talk, "2 similar alerts", "owned by <@U0ADMIN1>")
        assert known(talk, "owner") == [(None,), (None,), ("U0ADMIN1",), ("U0ADMIN1",)]
        talk.fleet.alert("critical", "Margin call")
        await card(talk, "🔴 CRITICAL: Margin call")
        listed = text_of(await talk.admin.types("/alerts"))
        assert listed.index("Margin call") < listed.index("arbitrage")
        assert "5 alerts are open" in listed


async def test_an_alert_that_comes_and_goes_flaps_in_one_message_until_it_stays(tmp_path: Path) -> None:
    flapping = {"CHATBOT_ALERTS__FLAP_CHANGES": "4", "CHATBOT_ALERTS__FLAP_MINUTES": "0.15"}
    async with watching(tmp_path, fleet=STILL, **NOTHING_POLLED, **flapping) as talk:
        began = datetime.now(UTC) - timedelta(minutes=1)
        for turn in range(7):
            episode = began + timedelta(seconds=turn // 2)
            body = from_prometheus(began=episode, resolved=turn % 2 == 1, summary="The feed is away")
            await to_hook(talk, "alertmanager", body)
        shown = await card(talk, "🔁 FLAPPING: The feed is away", "changes in 0.15 min")
        await card(talk, "🔴 CRITICAL: The feed is away")  # it stays: it fires
        await reply(talk, shown, "It no longer flaps", "it goes on firing")
        assert len(posted(talk, "The feed is away")) <= 3


# -- hostile texts -----------------------------------------------------------------------------------------------

HOSTILE = (
    "<!channel> <!here> <!everyone> <!subteam^S123> wake up",
    "@here @channel @everyone look",
    "<@U0ADMIN1> said so <https://evil.test|Acknowledge>",
    "x" * 10_000,
    "&" * 10_000,
    "\x00\x01\x1b[31mred\x1b[0m\x7f \u202eevil\u202c \ud800",
    "*bold* _under_ ~strike~ `code` ```block```\n> quote",
    f"Slack answered 403 for token={XOXB} at the feed",
)
NEVER = re.compile(
    r"<!(?:channel|here|everyone|subteam)|<@U0ADMIN1>|<https?://evil|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]"
)


def markup(part: object) -> Iterator[str]:
    """Every text in blocks in which Slack reads markup."""
    if isinstance(part, list | tuple):
        for item in part:
            yield from markup(item)
    elif isinstance(part, dict):
        if part.get("type") == "mrkdwn":
            yield str(part["text"])
        else:
            yield from markup(list(part.values()))


def assert_harmless(messages: list[Message]) -> None:
    """Nobody is paged, nothing is disguised, no secret is shown, and Slack took all of it."""
    for each in messages:
        for text in (each.text, *markup(list(each.blocks))):
            found = NEVER.search(re.sub(r"<!date\^[^>]*>", "", text))
            assert found is None, (found, text)
            assert len(text) <= 4_000
        assert XOXB not in json.dumps(each.blocks) + each.text


async def test_hostile_rows_of_the_monitor_are_shown_and_obeyed_by_nobody(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **ONLY_MONITOR) as talk:
        for text in HOSTILE:
            talk.fleet.alert("high", text.replace("\ud800", ""))
        await until(talk, lambda: len(posted(talk)) == len(HOSTILE))
        await card(talk, "wake up")
        await card(talk, "xxxxxxxxxx…")
        masked = await card(talk, "Slack answered 403 for token")
        assert "***" in masked.words
        assert "***" in json.dumps([block for block in masked.blocks if block["type"] == "rich_text"])
        await talk.admin.types("/alerts")
        await talk.admin.types("/alerts 1")
        assert_harmless(everything(talk))
        # Slack refused none of them.
        assert [call.answer for call in talk.slack.calls if call.answer and not call.ok] == []
        for secret_free in (stored(talk), talk.bot.words()):
            assert XOXB not in secret_free
        assert "Traceback" not in talk.bot.words()


async def test_hostile_hooks_are_shown_and_obeyed_by_nobody(tmp_path: Path) -> None:
    async with watching(tmp_path, fleet=STILL, **NOTHING_POLLED) as talk:
        began = datetime.now(UTC)
        for count, text in enumerate(HOSTILE):
            sent = event(f"error_{'abcdefgh'[count]}", bot=text[:70], reason=text)
            assert (await to_hook(talk, "coordinator", sent)).status_code == 202
            body = from_prometheus(
                began=began,
                name=text,
                summary=text,
                labels={"bot": text, "severity": "warning"},
                fingerprint=text,
                generatorURL=f"javascript:{text}",
            )
            assert (await to_hook(talk, "alertmanager", body)).status_code == 202
        await until(talk, lambda: len(posted(talk)) == 2 * len(HOSTILE))
        await talk.admin.types("/alerts all")
        assert_harmless(everything(talk))
        assert not any("javascript:" in each.words for each in everything(talk))
        assert [call.answer for call in talk.slack.calls if call.answer and not call.ok] == []
        for secret_free in (stored(talk), talk.bot.words()):
            assert XOXB not in secret_free
        assert "Traceback" not in talk.bot.words()


# -- the day -----------------------------------------------------------------------------------------------------


async def test_the_digest_tells_the_day_once_and_its_audit_head_is_a_witness(tmp_path: Path) -> None:
    settings = {**ONLY_MONITOR, "CHATBOT_ALERTS__DIGEST_HOUR": "0"}  # so it is due
    async with watching(tmp_path, fleet=Policy(), **settings) as talk:
        await kill(talk, "bad fills")
        await card(talk, "The fleet is killed")
        assert "<@U0OPER01> is on call now" in await on_call(talk, "U0OPER01")
        await talk.admin.types('/silence "slippage" 1h known feed problem')
        change(
            talk,
            "insert into marks (name, at, data) values ('digest', ?, ?) "
            "on conflict (name) do update set data = excluded.data",
            at(minutes=0),
            '{"day": "2020-01-01"}',
        )
        digest = await card(talk, "The last 24 hours", where=OPS)
        for words in (
            "*Kills*: 1",
            "bad fills",
            "by <@U0ADMIN1>",
            "*Open alerts*",
            "slippage",
            "*On call*: <@U0OPER01>",
            "Keep this message: it is a witness",
        ):
            assert words in said(digest), words
        head = re.search(r"\b(\d+):([0-9a-f]{64})\b", said(digest))
        assert head is not None
        code, printed = await talk.bot.command_line("audit", "verify", "--expect", head[0])
        assert code == 0, printed
        code, printed = await talk.bot.command_line("audit", "verify", "--expect", f"{head[1]}:{'0' * 64}")
        assert code == 1, printed
        assert len(posted(talk, "The last 24 hours", where=OPS)) == 1
        ((noted,),) = talk.rows("select data from marks where name = 'digest'")
        assert json.loads(noted) == {"day": f"{datetime.now(UTC):%Y-%m-%d}"}  # and so not again today
